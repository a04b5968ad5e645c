// concat — y[outer, start + i] = x[outer, i]: writes one input of a concatenation into its place. x[outer, size], y[outer, row];
// one thread per element of x, whose elements are words
// of any type, or with QUADS four of them.
struct Params {
  count: u32, // elements of x
  size: u32,
  row: u32,
  start: u32,
}
//@if QUADS
@group(0) @binding(0) var<storage, read> x: array<vec4u>;
//@else
@group(0) @binding(0) var<storage, read> x: array<u32>;
//@end
//@if QUADS
@group(0) @binding(1) var<storage, read_write> y: array<vec4u>;
//@else
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
//@end
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.count) {
    return;
  }
  let outer = i / p.size;
  y[outer * p.row + p.start + (i - outer * p.size)] = x[i];
}
