// winograd.evaluate — spectra[point, …] = (E d Eᵀ)[point], or (S E d Eᵀ S)[point] if SCALED, for every SIDE × SIDE patch d of every
// plane of x [n,c,h,w], `step` apart, zeros beyond the plane, each read backwards if p.flipped (lib/winograd8.wgsl): windows, and
// patches of gradients. One patch per invocation.
const SIDE = 5u;  //@spec  2 to 7
override SCALED: bool = false;
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> spectra: array<f32>;

//@include "lib/winograd8.wgsl"

// The polynomial with these coefficients at the points.
fn evaluate(d: array<f32, SIDE>) -> Line {
  var even = vec3f(0.0);
  var odd = vec3f(0.0);
  var power = vec3f(1.0);
  for (var k = 0u; k < SIDE; k++) {
    if (k % 2u == 0u) {
      even += power * d[k];
    } else {
      odd += power * d[k];
    }
    power *= vec3f(1.0, 2.0, 0.5);
  }
  let scale = select(vec4f(1.0), scales, SCALED);
  return at_points(scale.x * d[0], even * scale.yzw, odd * scale.yzw, d[SIDE - 1u]);
}

fn direction(k: u32) -> u32 {
  return select(k, SIDE - 1u - k, p.flipped == 1u);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= p.count) { return; }
  let tile = tile_of(i);
  var rows: array<Line, SIDE>;
  for (var k = 0u; k < p.side + SIDE - 8u; k++) {
    let row = u32(tile.corner.x) + direction(k);
    let first = tile.plane_at + row * p.width;
    var d: array<f32, SIDE>;
    for (var j = 0u; j < SIDE; j++) {
      let column = u32(tile.corner.y) + direction(j);
      d[j] = select(0.0, x[first + column], tile.exists & (row < p.height) & (column < p.width));
    }
    for (var j = 1u; j < SIDE; j++) {
      rows[j - 1u] = rows[j];
    }
    rows[SIDE - 1u] = evaluate(d);
  }
  for (var column = 0u; column < p.side; column++) {
    var d: array<f32, SIDE>;
    for (var j = 0u; j < SIDE; j++) {
      d[j] = rows[j].near.x;
      rows[j] = rotated(rows[j]);
    }
    store_line(tile.spectrum_at + column * p.point_step, evaluate(d));
  }
}

// A column of the spectrum.
fn store_line(at: u32, line: Line) {
  for (var k = 0u; k < 4u; k++) {
    spectra[at + k * 8u * p.point_step] = line.near[k];
    spectra[at + (k + 4u) * 8u * p.point_step] = line.far[k];
  }
}
