// fourier.forward — spectra[point, …] = 2 F(x), or its conjugate, for every plane of x [n,c,h,w] (lib/fourier.wgsl). One plane per invocation: rows by
// pairs, then columns.
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> spectra: array<f32>;

//@include "lib/fourier.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= p.count) { return; }
  let plane = plane_of(i);
  // Two rows each, transformed as one of complex numbers.
  var pairs: array<Folded, HALF>;
  for (var k = p.pairs; k > 0u; k--) {
    let row = 2u * k - 2u;
    var z = array<vec2f, SIDE>();
    for (var q = (p.width + 1u) / 2u; q > 0u; q--) {
      let column = 2u * q - 2u;
      var next: array<vec2f, SIDE>;
      for (var j = 2u; j < SIDE; j++) {
        next[j] = z[j - 2u];
      }
      next[0] = vec2f(pixel(plane, row, column), pixel(plane, row + 1u, column));
      next[1] = vec2f(pixel(plane, row, column + 1u), pixel(plane, row + 1u, column + 1u));
      z = next;
    }
    // Compilers unroll loops that count up.
    var later: array<Folded, HALF>;
    later[0] = folded(fourier(z));
    for (var j = 1u; j < HALF; j++) {
      later[j] = pairs[j - 1u];
    }
    pairs = later;
  }
  for (var v = 0u; v < p.half; v++) {
    var z: array<vec2f, SIDE>;
    for (var j = 0u; j < HALF; j++) {
      let rows = apart(pairs[j].low[0], pairs[j].high[0], v == 0u);
      z[2u * j] = rows.first;
      z[2u * j + 1u] = rows.second;
      pairs[j] = advanced(pairs[j]);
    }
    var column = folded(fourier(z));
    for (var u = 0u; u < p.half; u++) {
      var points = Two(column.low[0], column.high[0]);
      var sign = p.sign;
      if (v == 0u) {
        let columns = apart(points.first, points.second, false);
        if (u == 0u) { sign = 1.0; } else { points = Two(0.5 * columns.first, 0.5 * columns.second); }
      }
      store_point(plane, u, v, points.first, sign);
      store_point(plane, select(SIDE - u, HALF, u == 0u), v, points.second, sign);
      column = advanced(column);
    }
  }
}

fn pixel(plane: Plane, row: u32, column: u32) -> f32 {
  return select(0.0, x[plane.at + row * p.width + column], plane.exists & (row < p.height) & (column < p.width));
}

struct Two {
  first: vec2f,
  second: vec2f,
}

// Twice the transforms at k of two real rows that were transformed as one, from Z(k) and Z(-k); for those at 0 and HALF, from Z(0) and Z(HALF),
// which are real.
fn apart(a: vec2f, b: vec2f, real: bool) -> Two {
  return Two(
    select(vec2f(a.x + b.x, a.y - b.y), 2.0 * vec2f(a.x, b.x), real),
    select(vec2f(a.y + b.y, b.x - a.x), 2.0 * vec2f(a.y, b.y), real),
  );
}

fn store_point(plane: Plane, u: u32, v: u32, z: vec2f, sign: f32) {
  let at = plane.spectrum_at + point_of(u, v) * p.point_step;
  let imaginary = z.y * sign;
  spectra[at] = z.x;
  spectra[at + p.point_step] = imaginary;
  spectra[at + 2u * p.point_step] = z.x + imaginary;
}
