// pool.scatter — x[plane, pixel] = Σ g[plane, o] over the windows o with indices[plane, o] = pixel: the adjoint of pool.gather.
// One thread for four pixels side by side, which share windows, looks at those that cover any of them, so nothing is added
// concurrently and the result is the same each time.
//@include "lib/pool.wgsl"
override QUADS: u32 = (WIDTH + 3u) / 4u;
override REACH_QUAD: u32 = (WINDOW_WIDTH + 2u) / STRIDE_RIGHT + 1u;
struct Params {
  count: u32,  // quads of all planes
}
@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read> indices: array<i32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.count) {
    return;
  }
  let plane = i / (HEIGHT * QUADS);
  let y = i / QUADS % HEIGHT;
  let first = i % QUADS * 4u;
  let at = vec4i(i32(y * WIDTH + first)) + vec4i(0, 1, 2, 3);
  // The lowest and the rightmost window that can cover one of them; whether one does, what it chose says.
  let lowest = (y + TOP) / STRIDE_DOWN;
  let rightmost = (first + 3u + LEFT) / STRIDE_RIGHT;
  var total = vec4f();
  for (var up = 0u; up < REACH_DOWN; up++) {
    // Row by row, so that rounding does not grow with the area.
    var across = vec4f();
    for (var left = 0u; left < REACH_QUAD; left++) {
      let row = lowest - up;
      let column = rightmost - left;
      if (row < ROWS && column < COLUMNS) {
        let o = (plane * ROWS + row) * COLUMNS + column;
        across += select(vec4f(), vec4f(g[o]), at == vec4i(indices[o]));
      }
    }
    total += across;
  }
  let to = (plane * HEIGHT + y) * WIDTH + first;
  for (var k = 0u; k < min(4u, WIDTH - first); k++) {
    x[to + k] = total[k];
  }
}
