// winograd.collect — y[n,c,…] = Eᵀ t E, or Eᵀ S t S E if SCALED, where t is the spectrum of a tile: SIDE × SIDE pixels of every tile of
// every plane, `step` apart, without those beyond the plane (lib/winograd8.wgsl): patches of a result, and gradients of
// windows. One tile per invocation. With COLUMNS_ROLLED and ROWS_ROLLED compilers do not see that there are at most SIDE columns and rows, and leave
// the loops loops: each takes half the time to compile on a software adapter. Columns are as fast then, rows 6 % slower.
const SIDE = 4u;  //@spec  2 to 7
override SCALED: bool = false;
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> spectra: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store
fn begin_channel(channel: u32) {} //@hook store

//@include "lib/winograd8.wgsl"

// Eᵀ t.
fn collect(t: Line) -> array<f32, SIDE> {
  let scale = select(vec4f(1.0), scales, SCALED);
  let first = vec3f(t.near.y, t.near.w, t.far.y) * scale.yzw;
  let second = vec3f(t.near.z, t.far.x, t.far.z) * scale.yzw;
  var d: array<f32, SIDE>;
  var power = vec3f(1.0);
  for (var k = 0u; k < SIDE; k++) {
    d[k] = dot(power, select(first + second, first - second, k % 2u == 1u));
    power *= vec3f(1.0, 2.0, 0.5);
  }
  d[0] += scale.x * t.near.x;
  d[SIDE - 1u] += t.far.w;
  return d;
}

fn turned(d: array<f32, SIDE>) -> array<f32, SIDE> {
  var out: array<f32, SIDE>;
  for (var k = 0u; k < SIDE; k++) {
    out[k] = d[(k + 1u) % SIDE];
  }
  return out;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= p.count) { return; }
  let tile = tile_of(i);
  if (!tile.exists) { return; }
  begin_channel(tile.channel);
  var rows: array<array<f32, SIDE>, 8>;
  for (var k = 0u; k < p.side; k++) {
    let t = load_line(tile.spectrum_at + 8u * k * p.point_step);
    rows = array<array<f32, SIDE>, 8>(rows[1], rows[2], rows[3], rows[4], rows[5], rows[6], rows[7], collect(t));
  }
  let corner = vec2u(tile.corner);
  var size = min(vec2u(SIDE), vec2u(p.height, p.width) - corner);
//@if ROWS_ROLLED
  size.x += p.side >> 31u;
//@end
//@if COLUMNS_ROLLED
  size.y += p.side >> 31u;
//@end
  for (var column = 0u; column < size.y; column++) {
    var pixels = collect(Line(
      vec4f(rows[0][0], rows[1][0], rows[2][0], rows[3][0]),
      vec4f(rows[4][0], rows[5][0], rows[6][0], rows[7][0]),
    ));
    for (var row = 0u; row < size.x; row++) {
      store_result(tile.plane_at + (corner.x + row) * p.width + corner.y + column, pixels[0]);
      pixels = turned(pixels);
    }
    rows = array<array<f32, SIDE>, 8>(
      turned(rows[0]), turned(rows[1]), turned(rows[2]), turned(rows[3]),
      turned(rows[4]), turned(rows[5]), turned(rows[6]), turned(rows[7]),
    );
  }
}

// A row of a spectrum.
fn load_line(at: u32) -> Line {
  let s = p.point_step;
  return Line(
    vec4f(spectra[at], spectra[at + s], spectra[at + 2u * s], spectra[at + 3u * s]),
    vec4f(spectra[at + 4u * s], spectra[at + 5u * s], spectra[at + 6u * s], spectra[at + 7u * s]),
  );
}
