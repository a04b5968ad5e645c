// pool.gather — y[plane, oy, ox] = x[plane, indices[plane, oy, ox]] with positions counted inside the plane. One thread per
// window.
struct Params {
  count: u32,
  image: vec2u,
  pooled: vec2u,
  window: vec2u,
  stride: vec2u,
  padding: vec2u,
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
  y[i] = x[i / (p.pooled.x * p.pooled.y) * p.image.x * p.image.y + u32(indices[i])];
}
