// gather — y[outer, i, inner] = x[outer, indices[i], inner], 0 where the index is outside. With ALONG there is an index for
// each element: indices[outer, i, inner]. One thread per element of y; elements are words of any type, or
// with QUADS (not ALONG) four of them.
override ALONG: bool = false;
struct Params {
  count: u32,  // elements of y
  side: u32,   // positions in x
  picks: u32,  // positions in y
  inner: u32,
}
//@if QUADS
@group(0) @binding(0) var<storage, read> x: array<vec4u>;
//@else
@group(0) @binding(0) var<storage, read> x: array<u32>;
//@end
@group(0) @binding(1) var<storage, read> indices: array<i32>;
//@if QUADS
@group(0) @binding(2) var<storage, read_write> y: array<vec4u>;
//@else
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
//@end
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.count) {
    return;
  }
  let row = i / p.inner;
  let outer = row / p.picks;
  // A negative index is large as u32.
  let at = u32(indices[select(row - outer * p.picks, i, ALONG)]);
  if (at < p.side) {
    y[i] = x[(outer * p.side + at) * p.inner + (i - row * p.inner)];
  } else {
//@if QUADS
    y[i] = vec4u(0u);
//@else
    y[i] = 0u;
//@end
  }
}
