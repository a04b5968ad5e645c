// Winograd's minimal filtering, shared by its kernels: a piece of an image gives a patch of a correlation as
// y = Eᵀ[(S E w) ⊙ (B d)], each matrix applied along both axes. E evaluates a polynomial, whose coefficients are the rows of a
// window or of a patch, at some points. S and B make the rest of Lagrange's interpolation. Adjoints in image and window transpose the formula.
// Pieces of 8 × 8 (lib/winograd8.wgsl) do the fewest multiplications and are for windows of 3 to 6; pieces of 4 × 4 (winograd.image4,
// winograd.evaluate4, winograd.collect4) leave patches of 2 × 2 with windows of 3, at the points 0, 1, -1 and ∞: for small images, which
// larger pieces would hardly fill, and for many channels, whose spectra would be large.
// Source: Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks", section 4; Winograd 1980.
// A spectrum is what a patch is turned into: spectra[point, …] with as many points as a piece has pixels, where tiles and channels lie as the
// matrix product of that point wants them.
struct Params {
  count: u32,          // invocations: starts · channels; winograd.fold: strips · images · channels
  starts: u32, channels: u32,
  turns: u32,          // tiles of an invocation, one below the other; a divisor of tiles_down
  tiles_down: u32, tiles_across: u32,
  first_image: u32, images: u32,
  step: u32,           // from one tile to the next in its plane, in pixels
  height: u32, width: u32,
  top: i32, left: i32,  // padding
  point_step: u32, tile_step: u32, channel_step: u32,  // in the spectra
  flipped: u32,        // 1: patches are read backwards
  side: u32,           // of a piece; loops of eight turns, were their length constant, would be unrolled, which a software adapter compiles for seconds
}

struct Tile {
  channel: u32,
  plane_at: u32,     // where the plane of image and channel begins
  corner: vec2i,     // row and column of the tile's first pixel
  spectrum_at: u32,  // where the spectrum's first point lies
  exists: bool,      // false for tiles that only fill up a vector of them
}

// Neighbouring invocations have what lies together in the spectra.
fn tile_of(i: u32) -> Tile {
  let by_tile = p.tile_step == 1u;
  let start = select(i / p.channels, i % p.starts, by_tile);
  let channel = select(i % p.channels, i / p.starts, by_tile);
  let across = start % p.tiles_across;
  let row = start / p.tiles_across * p.turns;
  let down = row % p.tiles_down;
  let image = row / p.tiles_down;
  let tile = row * p.tiles_across + across;
  return Tile(
    channel,
    ((p.first_image + image) * p.channels + channel) * p.height * p.width,
    vec2i(vec2u(down, across) * p.step) - vec2i(p.top, p.left),
    tile * p.tile_step + channel * p.channel_step,
    image < p.images,
  );
}
