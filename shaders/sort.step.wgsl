// sort.step — one compare-and-exchange step of a bitonic merge over runs of `span` elements, in place, for spans larger than
// a workgroup's memory. One thread per pair of elements.
struct Params {
  count: u32,
  span: u32,
  mirrored: u32,
}
@group(0) @binding(0) var<storage, read_write> pairs: array<vec2<u32>>;
@group(0) @binding(1) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.count) {
    return;
  }
  let inHalf = i & (p.span / 2u - 1u);
  let low = ((i - inHalf) << 1u) + inHalf;
  let high = select(low + p.span / 2u, low ^ (p.span - 1u), p.mirrored == 1u);
  let a = pairs[low];
  let b = pairs[high];
  if (a.x > b.x || (a.x == b.x && a.y > b.y)) {
    pairs[low] = b;
    pairs[high] = a;
  }
}
