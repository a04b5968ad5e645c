// half.unpack — f16 (IEEE 754 binary16), two in a word, the first in its low half, as f32, which holds each of them. Not by WGSL's
// unpack2x16float: a driver may take small ones for 0. One thread per four elements; y is padded to 16 bytes.
struct Params {
  count: u32, // elements of y
}
@group(0) @binding(0) var<storage, read> x: array<vec2u>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<uniform> p: Params;

fn floats(half: vec4u) -> vec4f {
  let sign = (half & vec4u(0x8000u)) << vec4u(16u);
  let size = half & vec4u(0x7fffu);
  // The exponent is counted from 127 instead of 15; infinity and NaN have the largest.
  let normal = (size << vec4u(13u)) + vec4u(0x38000000u);
  let special = (size << vec4u(13u)) | vec4u(0x7f800000u);
  // Below 2^-14 a multiple of 2^-24, which is exact and, unless it is 0, a normal f32.
  let small = bitcast<vec4u>(vec4f(size) * 5.9604644775390625e-8);
  let bits = select(select(normal, small, size < vec4u(0x400u)), special, size >= vec4u(0x7c00u));
  return bitcast<vec4f>(sign | bits);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (4u * i >= p.count) {
    return;
  }
  let words = x[i].xxyy;
  y[i] = floats((words >> vec4u(0u, 16u, 0u, 16u)) & vec4u(0xffffu));
}
