// pool.indices — y[plane, oy, ox] = position row·w + column of the largest element of the window in x[plane, h, w]. The first
// one (row by row) on ties, and a NaN beats every number. Padding is never chosen. One thread per window.
//@include "lib/pool.wgsl"
//@include "lib/scalar.wgsl"
struct Params {
  count: u32,
}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.count) {
    return;
  }
  let base = i / (ROWS * COLUMNS) * (HEIGHT * WIDTH);
  let start = vec2u(i / COLUMNS % ROWS * STRIDE_DOWN - TOP, i % COLUMNS * STRIDE_RIGHT - LEFT);
  var best = 0.0;
  var at = -1;
  for (var down = 0u; down < WINDOW_HEIGHT; down++) {
    for (var right = 0u; right < WINDOW_WIDTH; right++) {
      let pixel = start + vec2u(down, right);
      if (pixel.x < HEIGHT && pixel.y < WIDTH) {
        let candidate = pixel.x * WIDTH + pixel.y;
        let v = x[base + candidate];
        if (at < 0 || (!isNan(best) && (v > best || isNan(v)))) {
          best = v;
          at = i32(candidate);
        }
      }
    }
  }
  y[i] = at;
}
