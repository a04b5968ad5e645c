// fourier.inverse — y[n,c,…] = F⁻¹(t) for the product t of two spectra, or of its conjugate, without what lies beyond the plane
// (lib/fourier.wgsl). One plane per invocation: columns, then rows by pairs.
//@if QUADS
enable subgroups;
//@end
@group(0) @binding(0) var<uniform> p: Params;
//@if QUADS
@group(0) @binding(1) var<storage, read> spectra: array<vec4f>;
//@else
@group(0) @binding(1) var<storage, read> spectra: array<f32>;
//@end
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store
fn begin_channel(channel: u32) {} //@hook store

//@include "lib/fourier.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  let plane = plane_of(i);
  begin_channel(plane.channel);
  var pairs: array<Folded, HALF>;
  for (var v = 0u; v < p.half; v++) {
    var column: Folded;
    for (var u = 0u; u < p.half; u++) {
      let real = (u == 0u) & (v == 0u);
      let points = load_points(plane, points_of(u, v));
      var first = complex(points[0], real);
      var second = complex(points[1], real);
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
  }
}

// Both factors have been doubled.
const scale = 1.0 / f32(4u * SIDE * SIDE);

fn store_pixel(plane: Plane, row: u32, column: u32, value: f32) {
  let place = vec2u(row, column) % SIDE;
  if (plane.exists & all(place < vec2u(p.height, p.width))) {
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

// The three numbers of each.
fn load_points(plane: Plane, at: vec2u) -> array<vec3f, 2> {
//@if QUADS
  let part = plane.spectrum_at % 4u;
  let quads = quads_of(plane, at);
  let one = across(spectra[quads.x], part);
  var rest: vec4f;
  if (part < 2u) { rest = spectra[quads.y]; }
  return array<vec3f, 2>(one.xyz, vec3f(one.w, across(rest, part).xy));
//@else
  let start = plane.spectrum_at + at * p.point_step;
  let next = start + p.point_step;
  let last = next + p.point_step;
  return array<vec3f, 2>(
    vec3f(spectra[start.x], spectra[next.x], spectra[last.x]),
    vec3f(spectra[start.y], spectra[next.y], spectra[last.y]),
  );
//@end
}

fn complex(numbers: vec3f, real: bool) -> vec2f {
  return select(vec2f(numbers.x - numbers.y, p.sign * (numbers.z - numbers.x - numbers.y)), numbers.xy, real);
}
