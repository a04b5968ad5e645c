// fourier.inverse — y[n,c,…] = F⁻¹(t) for the product t of two spectra, or of its conjugate, without what lies beyond the plane
// (lib/fourier.wgsl). One plane per invocation: columns, then rows by pairs.
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> spectra: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store
fn begin_channel(channel: u32) {} //@hook store

//@include "lib/fourier.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= p.count) { return; }
  let plane = plane_of(i);
  if (!plane.exists) { return; }
  begin_channel(plane.channel);
  var pairs: array<Pair, HALF>;
  for (var v = 0u; v < p.half; v++) {
    let at = plane.spectrum_at + v * SIDE * 3u * p.point_step;
    var z: array<vec2f, SIDE>;
    z[0] = load_point(at, v == 0u);
    z[HALF] = load_point(at + HALF * 3u * p.point_step, v == 0u);
    for (var u = 1u; u < HALF; u++) {
      let first = load_point(at + u * 3u * p.point_step, false);
      let second = load_point(at + (SIDE - u) * 3u * p.point_step, false);
      z[u] = select(first, together(first, second), v == 0u);
      z[SIDE - u] = select(second, together(conjugate(first), conjugate(second)), v == 0u);
    }
    z = inverse(z);
    for (var j = 0u; j < HALF; j++) {
      let first = z[2u * j];
      let second = z[2u * j + 1u];
      pairs[j].low = shifted(pairs[j].low);
      pairs[j].high = shifted(pairs[j].high);
      pairs[j].low[HALF - 1u] = select(together(first, second), vec2f(first.x, second.x), v == 0u);
      pairs[j].high[HALF - 1u] = select(together(conjugate(first), conjugate(second)), vec2f(first.y, second.y), v == 0u);
    }
  }
  for (var k = 0u; k < p.half; k++) {
    var z: array<vec2f, SIDE>;
    z[0] = pairs[0].low[0];
    z[HALF] = pairs[0].high[0];
    for (var v = 1u; v < HALF; v++) {
      z[v] = pairs[0].low[v];
      z[SIDE - v] = pairs[0].high[v];
    }
    z = inverse(z);
    for (var j = 1u; j < HALF; j++) {
      pairs[j - 1u] = pairs[j];
    }
    let row = (2u * k + u32(p.top)) % SIDE;
    let next = (2u * k + 1u + u32(p.top)) % SIDE;
    for (var position = 0u; position < SIDE; position++) {
      let column = (position + u32(p.left)) % SIDE;
      if ((row < p.height) & (column < p.width)) { store_result(plane.at + row * p.width + column, scale * z[position].x); }
      if ((next < p.height) & (column < p.width)) { store_result(plane.at + next * p.width + column, scale * z[position].y); }
    }
  }
}

// Both factors have been doubled.
const scale = 1.0 / f32(4u * SIDE * SIDE);

fn together(a: vec2f, b: vec2f) -> vec2f {
  return vec2f(a.x - b.y, a.y + b.x);
}

// SIDE times the inverse transform.
fn inverse(z: array<vec2f, SIDE>) -> array<vec2f, SIDE> {
  var d = z;
  for (var k = 0u; k < SIDE; k++) {
    d[k] = z[k].yx;
  }
  d = fourier(d);
  for (var k = 0u; k < SIDE; k++) {
    d[k] = d[k].yx;
  }
  return d;
}

fn load_point(at: u32, real: bool) -> vec2f {
  let a = spectra[at];
  let b = spectra[at + p.point_step];
  return select(vec2f(a - b, p.sign * (spectra[at + 2u * p.point_step] - a - b)), vec2f(a, b), real);
}
