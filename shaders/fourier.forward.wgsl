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
  var pairs: array<Pair, HALF>;
  for (var k = p.pairs; k > 0u; k--) {
    let row = 2u * k - 2u;
    var z: array<vec2f, SIDE>;
    for (var column = 0u; column < SIDE; column++) {
      z[column] = vec2f(pixel(plane, row, column), pixel(plane, row + 1u, column));
    }
    z = fourier(z);
    var next: array<Pair, HALF>;
    for (var j = 1u; j < HALF; j++) {
      next[j] = pairs[j - 1u];
    }
    next[0].low[0] = z[0];
    next[0].high[0] = z[HALF];
    for (var v = 1u; v < HALF; v++) {
      next[0].low[v] = z[v];
      next[0].high[v] = z[SIDE - v];
    }
    pairs = next;
  }
  for (var v = 0u; v < p.half; v++) {
    var z: array<vec2f, SIDE>;
    for (var j = 0u; j < HALF; j++) {
      let halves = apart(pairs[j].low[0], pairs[j].high[0], v == 0u);
      z[2u * j] = halves.first;
      z[2u * j + 1u] = halves.second;
      pairs[j] = Pair(shifted(pairs[j].low), shifted(pairs[j].high));
    }
    z = fourier(z);
    let at = plane.spectrum_at + v * SIDE * 3u * p.point_step;
    // Of two real columns each is apart from the other.
    let sign = select(p.sign, 1.0, v == 0u);
    store_point(at, z[0], sign);
    store_point(at + HALF * 3u * p.point_step, z[HALF], sign);
    for (var u = 1u; u < HALF; u++) {
      let halves = apart(z[u], z[SIDE - u], false);
      store_point(at + u * 3u * p.point_step, select(z[u], 0.5 * halves.first, v == 0u), p.sign);
      store_point(at + (SIDE - u) * 3u * p.point_step, select(z[SIDE - u], 0.5 * halves.second, v == 0u), p.sign);
    }
  }
}

fn pixel(plane: Plane, row: u32, column: u32) -> f32 {
  return select(0.0, x[plane.at + row * p.width + column], plane.exists & (row < p.height) & (column < p.width));
}

struct Halves {
  first: vec2f,
  second: vec2f,
}

// Twice the transforms at k of two real rows that were transformed as one, from Z(k) and Z(-k); for those at 0 and HALF, from Z(0) and Z(HALF),
// which are real.
fn apart(a: vec2f, b: vec2f, real: bool) -> Halves {
  return Halves(
    select(vec2f(a.x + b.x, a.y - b.y), 2.0 * vec2f(a.x, b.x), real),
    select(vec2f(a.y + b.y, b.x - a.x), 2.0 * vec2f(a.y, b.y), real),
  );
}

fn store_point(at: u32, z: vec2f, sign: f32) {
  let imaginary = z.y * sign;
  spectra[at] = z.x;
  spectra[at + p.point_step] = imaginary;
  spectra[at + 2u * p.point_step] = z.x + imaginary;
}
