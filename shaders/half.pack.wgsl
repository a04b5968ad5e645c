// half.pack — f32 as f16 (IEEE 754 binary16), two in a word, the first in its low half: the nearest, ties to even; infinite from
// 65520 on; NaN stays NaN. On bits alone: WGSL's pack2x16float leaves rounding and what is out of range to the driver. One
// thread per four elements; y is padded to 8 bytes.
struct Params {
  count: u32, // elements of x
}
@group(0) @binding(0) var<storage, read> x: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> y: array<vec2u>;
@group(0) @binding(2) var<uniform> p: Params;

fn halves(bits: vec4u) -> vec4u {
  let sign = (bits >> vec4u(16u)) & vec4u(0x8000u);
  let size = bits & vec4u(0x7fffffffu);
  // From 2^-14 on: the exponent is counted from 15 instead of 127, and 13 bits are rounded away, perhaps into it.
  let odd = (size >> vec4u(13u)) & vec4u(1u);
  let normal = (size - vec4u(0x38000000u) + vec4u(0xfffu) + odd) >> vec4u(13u);
  // Below that a multiple of 2^-24: the leading 1 is written out. A shift by 25 leaves nothing.
  let digits = (size & vec4u(0x7fffffu)) | vec4u(0x800000u);
  let shift = vec4u(126u) - clamp(size >> vec4u(23u), vec4u(101u), vec4u(112u));
  let small = (digits + (vec4u(1u) << (shift - vec4u(1u))) - vec4u(1u) + ((digits >> shift) & vec4u(1u))) >> shift;
  var half = select(normal, small, size < vec4u(0x38800000u));
  half = select(half, vec4u(0x7c00u), size >= vec4u(0x477ff000u));
  return sign | select(half, vec4u(0x7e00u), size > vec4u(0x7f800000u));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  let first = 4u * i;
  if (first >= p.count) {
    return;
  }
  // Zeros beside a last one alone.
  let inside = vec4u(first) + vec4u(0u, 1u, 2u, 3u) < vec4u(p.count);
  let half = select(vec4u(0u), halves(x[i]), inside);
  y[i] = half.xz | (half.yw << vec2u(16u));
}
