// What a reduction combines: a number, or with QUADS four at once.
//@include "lib/scalar.wgsl"
const OP = 0u; //@spec  0 sum, 1 largest, 2 smallest, 3 product

//@if QUADS
alias Value = vec4f;
alias Bits = vec4u;
alias Truth = vec4<bool>;
//@else
alias Value = f32;
alias Bits = u32;
alias Truth = bool;
//@end

fn identity() -> Value {
  if (OP == 1u) {
    return Value(fromBits(0xff800000u));
  }
  if (OP == 2u) {
    return Value(fromBits(0x7f800000u));
  }
  return Value(select(0.0, 1.0, OP == 3u));
}

fn areNan(x: Value) -> Truth {
  return (bitcast<Bits>(x) & Bits(0x7fffffffu)) > Bits(0x7f800000u);
}

// A NaN on either side is the result; max and min alone may drop it.
fn combine(a: Value, b: Value) -> Value {
  if (OP == 0u) {
    return a + b;
  }
  if (OP == 3u) {
    return a * b;
  }
  var best = max(a, b);
  if (OP == 2u) {
    best = min(a, b);
  }
  return select(select(best, b, areNan(b)), a, areNan(a));
}

//@if QUADS
fn merge(v: vec4f) -> f32 {
  let pairs = combine(v, v.zwxy);
  return combine(pairs, pairs.yxwz).x;
}
//@else
fn merge(v: f32) -> f32 {
  return v;
}
//@end
