// pool.gather — y[plane, oy, ox] = x[plane, indices[plane, oy, ox]] with positions counted inside the plane. One thread per
// window.
//@include "lib/pool.wgsl"
struct Params {
  count: u32,
}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> indices: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.count) {
    return;
  }
  y[i] = x[i / (ROWS * COLUMNS) * (HEIGHT * WIDTH) + u32(indices[i])];
}
