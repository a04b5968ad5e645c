// Functions of one element, for kernels and for generated pointwise code. A generated kernel gets only those it calls.

// A float from its bits, for NaN, infinities and -0, which WGSL refuses or folds away as constants.
fn fromBits(bits: u32) -> f32 {
  return bitcast<f32>(bits);
}

// Comparisons with NaN cannot be trusted (x != x may be folded to false): look at the bits.
fn isNan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn relu(x: f32) -> f32 {
  return select(max(x, 0.0), x, isNan(x));
}

// The upper 32 bits of the 64-bit product, from products of halves.
fn mulHigh(a: u32, b: u32) -> u32 {
  let middle = (a >> 16u) * (b & 0xffffu) + (((a & 0xffffu) * (b & 0xffffu)) >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
}
