// arange — y[i] = start + i · step; integers wrap around.
struct Params {
  count: u32,
  float: vec2f,    // start, step
  integer: vec2i,  // start, step
}
//@if SIGNED
@group(0) @binding(0) var<storage, read_write> y: array<i32>;
//@else
//@if UNSIGNED
@group(0) @binding(0) var<storage, read_write> y: array<u32>;
//@else
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
//@end
//@end
@group(0) @binding(1) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  // Four in a row each: a workgroup costs a software driver more than what it stores.
  let first = ((group.y * groups.x + group.x) * 64u + local) * 4u;
  for (var i = first; i < min(first + 4u, p.count); i++) {
//@if SIGNED
    y[i] = p.integer.x + i32(i) * p.integer.y;
//@else
//@if UNSIGNED
    y[i] = u32(p.integer.x + i32(i) * p.integer.y);
//@else
    y[i] = p.float.x + f32(i) * p.float.y;
//@end
//@end
  }
}
