// pool.sum — y[plane, oy, ox] = Σ of the window in x[plane, h, w], padding being zeros. One thread per window.
//@include "lib/pool.wgsl"
struct Params {
  count: u32,
}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.count) {
    return;
  }
  let base = i / (ROWS * COLUMNS) * (HEIGHT * WIDTH);
  let start = vec2u(i / COLUMNS % ROWS * STRIDE_DOWN - TOP, i % COLUMNS * STRIDE_RIGHT - LEFT);
  var total = 0.0;
  for (var down = 0u; down < WINDOW_HEIGHT; down++) {
    // Row by row, so that rounding does not grow with the area.
    var row = 0.0;
    for (var right = 0u; right < WINDOW_WIDTH; right++) {
      let pixel = start + vec2u(down, right);
      if (pixel.x < HEIGHT && pixel.y < WIDTH) {
        row += x[base + pixel.x * WIDTH + pixel.y];
      }
    }
    total += row;
  }
  y[i] = total;
}
