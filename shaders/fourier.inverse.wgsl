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
  var pairs: array<Folded, HALF>;
  for (var v = 0u; v < p.half; v++) {
    var column: Folded;
    for (var u = 0u; u < p.half; u++) {
      let real = (u == 0u) & (v == 0u);
      var first = load_point(plane, u, v, real);
      var second = load_point(plane, select(SIDE - u, HALF, u == 0u), v, real);
      if ((v == 0u) & (u > 0u)) {
        let both = together(first, second);
        second = together(conjugate(first), conjugate(second));
        first = both;
      }
      column = advanced(column);
      column.low[HALF - 1u] = first;
      column.high[HALF - 1u] = second;
    }
    let z = inverse(unfolded(column));
    for (var j = 0u; j < HALF; j++) {
      let first = z[2u * j];
      let second = z[2u * j + 1u];
      pairs[j] = advanced(pairs[j]);
      pairs[j].low[HALF - 1u] = select(together(first, second), vec2f(first.x, second.x), v == 0u);
      pairs[j].high[HALF - 1u] = select(together(conjugate(first), conjugate(second)), vec2f(first.y, second.y), v == 0u);
    }
  }
  for (var k = 0u; k < p.half; k++) {
    var z = inverse(unfolded(pairs[0]));
    for (var j = 1u; j < HALF; j++) {
      pairs[j - 1u] = pairs[j];
    }
    let row = 2u * k + u32(p.top);
//@if ROLLED
    for (var q = 0u; q < 2u * p.half; q++) {
      var pixels = z[0];
      for (var next = 0u; next < p.half / (HALF / 2u); next++) {
        store_pixel(plane, row + next, q + u32(p.left), pixels.x);
        pixels = pixels.yx;
      }
      for (var j = 1u; j < SIDE; j++) {
        z[j - 1u] = z[j];
      }
    }
//@else
    for (var q = 0u; q < p.half; q++) {
      let column = 2u * q + u32(p.left);
      store_pixel(plane, row, column, z[0].x);
      store_pixel(plane, row, column + 1u, z[1].x);
      store_pixel(plane, row + 1u, column, z[0].y);
      store_pixel(plane, row + 1u, column + 1u, z[1].y);
      for (var j = 2u; j < SIDE; j++) {
        z[j - 2u] = z[j];
      }
    }
//@end
  }
}

// Both factors have been doubled.
const scale = 1.0 / f32(4u * SIDE * SIDE);

fn store_pixel(plane: Plane, row: u32, column: u32, value: f32) {
  let place = vec2u(row, column) % SIDE;
  if (all(place < vec2u(p.height, p.width))) {
    store_result(plane.at + place.x * p.width + place.y, scale * value);
  }
}

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

fn load_point(plane: Plane, u: u32, v: u32, real: bool) -> vec2f {
  let at = plane.spectrum_at + point_of(u, v) * p.point_step;
  let a = spectra[at];
  let b = spectra[at + p.point_step];
  return select(vec2f(a - b, p.sign * (spectra[at + 2u * p.point_step] - a - b)), vec2f(a, b), real);
}
