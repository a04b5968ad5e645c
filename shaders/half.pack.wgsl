// half.pack — f32 as f16 (IEEE 754 binary16), two in a word, the first in its low half: the nearest, ties to even; infinite from
// 65520 on; NaN stays NaN. On bits alone: WGSL's pack2x16float leaves rounding and what is out of range to the driver. One
// thread per word.
struct Params {
  count: u32, // elements of x
}
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: Params;

fn half(bits: u32) -> u32 {
  let sign = (bits >> 16u) & 0x8000u;
  let size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) { return sign | 0x7e00u; }
  if (size >= 0x477ff000u) { return sign | 0x7c00u; }
  // From 2^-14 on: the exponent is counted from 15 instead of 127, and 13 bits are rounded away, perhaps into it.
  if (size >= 0x38800000u) { return sign | ((size - 0x38000000u + 0xfffu + ((size >> 13u) & 1u)) >> 13u); }
  // At most 2^-25, half of the smallest: the tie goes to 0.
  if (size <= 0x33000000u) { return sign; }
  // A multiple of 2^-24: the leading 1 is written out.
  let digits = (size & 0x7fffffu) | 0x800000u;
  let shift = 126u - (size >> 23u);
  let even = (digits >> shift) & 1u;
  return sign | ((digits + (1u << (shift - 1u)) - 1u + even) >> shift);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let first = 2u * ((group.y * groups.x + group.x) * 64u + local);
  if (first >= p.count) {
    return;
  }
  var word = half(x[first]);
  if (first + 1u < p.count) { word |= half(x[first + 1u]) << 16u; }
  y[first / 2u] = word;
}
