// Winograd's minimal filtering, shared by its kernels: an 8 × 8 piece of an image gives a patch of a correlation as
// y = Eᵀ[(S E w) ⊙ (B d)], each matrix applied along both axes. E evaluates a polynomial, whose coefficients are the rows of a
// window or of a patch, at 0, 1, -1, 2, -2, ½, -½ and ∞. S and B make the rest of Lagrange's interpolation. A window of r
// leaves patches of 9 - r; the adjoints in image and window transpose the formula.
// Rounding is about seven times that of the plain sum, 2e-6 of the result's root mean square for windows of 3 to 6.
// Source: Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks", section 4; Winograd 1980.
// A spectrum is what a patch is turned into: spectra[point, …] with 64 points, where tiles and channels lie as the matrix
// product of that point wants them.
struct Params {
  count: u32,          // tiles · channels
  tiles: u32, channels: u32,
  tiles_down: u32, tiles_across: u32,
  first_image: u32, images: u32,
  step: u32,           // from one tile to the next in its plane, in pixels
  height: u32, width: u32,
  top: i32, left: i32,  // padding
  point_step: u32, tile_step: u32, channel_step: u32,  // in the spectra
  flipped: u32,        // 1: patches are read backwards
  side: u32,           // 8: loops of constant length would be unrolled, which a software adapter compiles for seconds
}

// The diagonal of S: at 0, ±1, ±2 and ±½; 1 at ∞.
const scales = vec4f(-1.0, -2.0 / 9.0, 1.0 / 90.0, 32.0 / 45.0);

struct Tile {
  plane_at: u32,     // where the plane of image and channel begins
  corner: vec2i,     // row and column of the tile's first pixel
  spectrum_at: u32,  // where the spectrum's first point lies
  exists: bool,      // false for tiles that only fill up a vector of them
}

// Neighbouring invocations have what lies together in the spectra.
fn tile_of(i: u32) -> Tile {
  let by_tile = p.tile_step == 1u;
  let tile = select(i / p.channels, i % p.tiles, by_tile);
  let channel = select(i % p.channels, i / p.tiles, by_tile);
  let across = tile % p.tiles_across;
  let down = tile / p.tiles_across % p.tiles_down;
  let image = tile / p.tiles_across / p.tiles_down;
  return Tile(
    ((p.first_image + image) * p.channels + channel) * p.height * p.width,
    vec2i(vec2u(down, across) * p.step) - vec2i(p.top, p.left),
    tile * p.tile_step + channel * p.channel_step,
    image < p.images,
  );
}

// Eight numbers, handed through by rotation: an index that varies would cost more than the moves.
struct Line {
  near: vec4f,
  far: vec4f,
}

fn rotated(line: Line) -> Line {
  return Line(vec4f(line.near.yzw, line.far.x), vec4f(line.far.yzw, line.near.x));
}

// Values of a polynomial at the points, from its even and odd part at 1, 2 and ½ and what stands at 0 and ∞.
fn at_points(zero: f32, even: vec3f, odd: vec3f, infinity: f32) -> Line {
  let sum = even + odd;
  let difference = even - odd;
  return Line(vec4f(zero, sum.x, difference.x, sum.y), vec4f(difference.y, sum.z, difference.z, infinity));
}
