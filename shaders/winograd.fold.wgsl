// winograd.fold — y[n,c,…] = Σ Bᵀ t B over the spectra t of a plane, each of which becomes a tile of 8 × 8 pixels; tiles lie STEP apart and
// overlap with their neighbours alone: the adjoint of winograd.image (lib/winograd8.wgsl).
// One strip of STEP columns per invocation, by patches of STEP rows from the top: of the tile that begins in a patch and of the tile left of
// it, it makes the columns that lie in the strip, and hands on the rows that reach below the patch. The last tiles reach into one more strip and
// one more row of patches, if the plane does. Loops of p.step turns are STEP turns that compilers leave loops, with one store.
const STEP = 4u;  //@spec  4 to 6
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> spectra: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store

//@include "lib/winograd8.wgsl"

// Bᵀ t.
fn spread(t: Line) -> Line {
  let first = vec3f(t.near.y, t.near.w, t.far.y);
  let second = vec3f(t.near.z, t.far.x, t.far.z);
  let even = first + second;
  let odd = first - second;
  let zero = t.near.x;
  let infinity = t.far.w;
  return Line(
    vec4f(
      -zero,
      dot(odd, vec3f(1.0, 0.5, 2.0)) - infinity,
      dot(even, vec3f(1.0, 0.25, 4.0)) + 5.25 * zero,
      5.25 * infinity - dot(odd, vec3f(4.25, 2.5, 2.5)),
    ),
    vec4f(
      -dot(even, vec3f(4.25, 1.25, 5.0)) - 5.25 * zero,
      dot(odd, vec3f(1.0, 2.0, 0.5)) - 5.25 * infinity,
      even.x + even.y + even.z + zero,
      infinity,
    ),
  );
}

// The first STEP numbers.
fn within(line: Line) -> array<f32, STEP> {
  let all = array<f32, 8>(line.near.x, line.near.y, line.near.z, line.near.w, line.far.x, line.far.y, line.far.z, line.far.w);
  var out: array<f32, STEP>;
  for (var k = 0u; k < STEP; k++) {
    out[k] = all[k];
  }
  return out;
}

// Those behind them, at most four.
fn beyond(line: Line) -> vec4f {
  var rest = line;
  for (var k = 0u; k < STEP; k++) {
    rest = Line(vec4f(rest.near.yzw, rest.far.x), vec4f(rest.far.yzw, 0.0));
  }
  return rest.near;
}

// The next ones first; what comes last does not matter.
fn shifted(d: array<f32, STEP>) -> array<f32, STEP> {
  var out = d;
  for (var k = 1u; k < STEP; k++) {
    out[k - 1u] = d[k];
  }
  return out;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= p.count) { return; }
  let strips = p.count / (p.images * p.channels);
  let strip = i % strips;
  let plane = i / strips;
  let image = plane % p.images;
  let channel = plane / p.images;
  let plane_at = ((p.first_image + image) * p.channels + channel) * p.height * p.width;
  let patches_down = min(p.tiles_down + 1u, (p.height + u32(p.top) + STEP - 1u) / STEP);
  var below: array<vec4f, STEP>;
  for (var down = 0u; down < patches_down; down++) {
    let tile = (image * p.tiles_down + down) * p.tiles_across + strip;
    let at = tile * p.tile_step + channel * p.channel_step;
    let exists = down < p.tiles_down;
    var rows: array<array<f32, STEP>, 8>;
    for (var k = 0u; k < p.side; k++) {
      var row = spread(load_line(at + 8u * k * p.point_step, exists & (strip < p.tiles_across)));
      row.near += beyond(spread(load_line(at - p.tile_step + 8u * k * p.point_step, exists & (strip > 0u))));
      rows = array<array<f32, STEP>, 8>(rows[1], rows[2], rows[3], rows[4], rows[5], rows[6], rows[7], within(row));
    }
    let corner = vec2u(down, strip) * STEP - vec2u(u32(p.top), u32(p.left));
    for (var j = 0u; j < p.step; j++) {
      let column = corner.y + j;
      var line = spread(Line(
        vec4f(rows[0][0], rows[1][0], rows[2][0], rows[3][0]),
        vec4f(rows[4][0], rows[5][0], rows[6][0], rows[7][0]),
      ));
      line.near += below[0];
      var pixels = within(line);
      for (var k = 0u; k < p.step; k++) {
        let row = corner.x + k;
        if ((row < p.height) & (column < p.width)) {
          store_result(plane_at + row * p.width + column, pixels[0]);
        }
        pixels = shifted(pixels);
      }
      for (var k = 1u; k < STEP; k++) {
        below[k - 1u] = below[k];
      }
      below[STEP - 1u] = beyond(line);
      rows = array<array<f32, STEP>, 8>(
        shifted(rows[0]), shifted(rows[1]), shifted(rows[2]), shifted(rows[3]),
        shifted(rows[4]), shifted(rows[5]), shifted(rows[6]), shifted(rows[7]),
      );
    }
  }
}

// A row of a spectrum.
fn load_line(at: u32, exists: bool) -> Line {
  let s = p.point_step;
  let near = vec4f(spectra[at], spectra[at + s], spectra[at + 2u * s], spectra[at + 3u * s]);
  let far = vec4f(spectra[at + 4u * s], spectra[at + 5u * s], spectra[at + 6u * s], spectra[at + 7u * s]);
  return Line(select(vec4f(0.0), near, exists), select(vec4f(0.0), far, exists));
}
