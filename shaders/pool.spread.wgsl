// pool.spread — x[plane, pixel] = Σ g[plane, o] over the windows o that cover the pixel: the adjoint of pool.sum. One thread
// per pixel.
//@include "lib/pool.wgsl"
struct Params {
  count: u32,
}
@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.count) {
    return;
  }
  let plane = i / (HEIGHT * WIDTH);
  let pixel = vec2u(i / WIDTH % HEIGHT + TOP, i % WIDTH + LEFT);
  var total = 0.0;
  for (var up = 0u; up < REACH_DOWN; up++) {
    // Row by row, so that rounding does not grow with the area.
    var across = 0.0;
    for (var left = 0u; left < REACH_RIGHT; left++) {
      let row = pixel.x / STRIDE_DOWN - up;
      let column = pixel.y / STRIDE_RIGHT - left;
      if (covers(row, pixel.x, STRIDE_DOWN, WINDOW_HEIGHT, ROWS) && covers(column, pixel.y, STRIDE_RIGHT, WINDOW_WIDTH, COLUMNS)) {
        across += g[(plane * ROWS + row) * COLUMNS + column];
      }
    }
    total += across;
  }
  x[i] = total;
}
