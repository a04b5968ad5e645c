// fourier.forward — spectra[point, …] = 2 F(x), or its conjugate, for every plane of x [n,c,h,w] (lib/fourier.wgsl). One plane per invocation: rows by
// pairs, then columns.
//@if QUADS
enable subgroups;
//@end
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
//@if QUADS
@group(0) @binding(2) var<storage, read_write> spectra: array<vec4f>;
//@else
@group(0) @binding(2) var<storage, read_write> spectra: array<f32>;
//@end

//@include "lib/fourier.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
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
      let above = pixels(plane, row, column);
      let below = pixels(plane, row + 1u, column);
      next[0] = vec2f(above.x, below.x);
      next[1] = vec2f(above.y, below.y);
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
      store_points(plane, points_of(u, v), points, sign);
      column = advanced(column);
    }
  }
}

// This pixel and the next.
fn pixels(plane: Plane, row: u32, column: u32) -> vec2f {
  let at = plane.at + row * p.width + column;
  let exists = plane.exists & (row < p.height);
  return vec2f(select(0.0, x[at], exists), select(0.0, x[at + 1u], exists & (column + 1u < p.width)));
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

// The three numbers of a complex one.
fn numbers(z: vec2f, sign: f32) -> vec3f {
  let imaginary = z.y * sign;
  return vec3f(z.x, imaginary, z.x + imaginary);
}

fn store_points(plane: Plane, at: vec2u, points: Two, sign: f32) {
  let first = numbers(points.first, sign);
  let second = numbers(points.second, sign);
//@if QUADS
  let part = plane.spectrum_at % 4u;
  let one = across(vec4f(first, second.x), part);
  let rest = across(vec4f(second.yz, 0.0, 0.0), part);
  let quads = quads_of(plane, at);
  if (plane.spectrum_at < p.count) {
    spectra[quads.x] = one;
    if (part < 2u) { spectra[quads.y] = rest; }
  }
//@else
  if (plane.spectrum_at < p.count) {
    for (var j = 0u; j < 3u; j++) {
      spectra[plane.spectrum_at + (at.x + j) * p.point_step] = first[j];
      spectra[plane.spectrum_at + (at.y + j) * p.point_step] = second[j];
    }
  }
//@end
}
