// reduce — y[outer, part, inner] = combination of a part of x[outer, reduced, inner] over its middle axis: one stage of a
// reduction. Parts lie in runs of neighbours that take turns in one stretch of the axis, so that neighbouring
// invocations read neighbouring elements whatever `inner` is, and all of them together few places of memory. With QUADS an
// element is four numbers that lie together; with MERGE these are combined into one in the end.
//@variant QUADS MERGE
//@variant QUADS MERGE OP=1
//@variant QUADS OP=3
//@include "lib/combine.wgsl"
struct Params {
  count: u32,   // elements of y
  row: u32,     // reduced · inner
  stride: u32,  // parts · inner
  step: u32,    // parts of a run · inner
  stretch: u32, // elements of a run
}
//@if QUADS
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
fn load_quad(index: u32) -> vec4f { return x[index]; } //@hook load
//@else
@group(0) @binding(0) var<storage, read> x: array<f32>;
fn load_element(index: u32) -> f32 { return x[index]; } //@hook load
//@end
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store

// Combined in blocks of blocks, so that rounding grows with the number of these and not of elements.
const BLOCK = 32u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.count) {
    return;
  }
  let row = i / p.stride * p.row;
  let start = row + i % p.stride / p.step * p.stretch;
  let end = min(start + p.stretch, row + p.row);
  var at = start + i % p.step;
  var total = identity();
  while (at < end) {
    var several = identity();
    for (var b = 0u; b < BLOCK && at < end; b++) {
      var block = identity();
      for (var k = 0u; k < BLOCK && at < end; k++) {
//@if QUADS
        block = combine(block, load_quad(at));
//@else
        block = combine(block, load_element(at));
//@end
        at += p.step;
      }
      several = combine(several, block);
    }
    total = combine(total, several);
  }
//@if MERGE
  store_result(i, merge(total));
//@else
//@if QUADS
  for (var k = 0u; k < 4u; k++) {
    store_result(i * 4u + k, total[k]);
  }
//@else
  store_result(i, total);
//@end
//@end
}
