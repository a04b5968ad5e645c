// half.unpack — f16 (IEEE 754 binary16), two in a word, as f32, which holds each of them. On bits alone: a driver may take small
// ones for 0. One thread per word.
struct Params {
  count: u32, // elements of y
}
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store

fn whole(half: u32) -> f32 {
  let sign = (half & 0x8000u) << 16u;
  let size = half & 0x7fffu;
  var bits = (size << 13u) + 0x38000000u;
  if (size >= 0x7c00u) {
    bits = (size << 13u) | 0x7f800000u;
  } else if (size == 0u) {
    bits = 0u;
  } else if (size < 0x400u) {
    // A multiple of 2^-24: its first 1 is shifted to where the leading 1 is not written, bit 10.
    let shift = countLeadingZeros(size) - 21u;
    bits = ((113u - shift) << 23u) | (((size << shift) & 0x3ffu) << 13u);
  }
  return bitcast<f32>(sign | bits);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let first = 2u * ((group.y * groups.x + group.x) * 64u + local);
  if (first >= p.count) {
    return;
  }
  let word = x[first / 2u];
  store_result(first, whole(word & 0xffffu));
  if (first + 1u < p.count) { store_result(first + 1u, whole(word >> 16u)); }
}
