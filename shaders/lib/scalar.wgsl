// Functions of one element, for kernels and for generated pointwise code. A generated kernel gets only those it calls, so a
// function may call others but use no module constant. All are within a few units of the last place of the exact result
// unless the comment says otherwise, give NaN for NaN, and do not rely on what the driver does with infinities. The
// differences that compilers like to simplify ((1 + x) - 1 and the like) are avoided. So are && and ||, which branch: after
// a few inlined calls one software driver (SwiftShader) compiles such code for minutes.

// A float from its bits, for NaN, infinities and -0, which WGSL refuses or folds away as constants.
fn fromBits(bits: u32) -> f32 {
  return bitcast<f32>(bits);
}

// The same number, about which a compiler can prove nothing: `zero` is a 0 that it does not know. Compilers may otherwise take
// (x + c) - c for x and x - x for 0, whatever rounding, NaN and infinity make of them. A pair of bitcasts alone is no obstacle.
fn opaque(x: f32, zero: u32) -> f32 {
  return bitcast<f32>(bitcast<u32>(x) ^ zero);
}

fn nan_f32() -> f32 {
  return fromBits(0x7fc00000u);
}

fn inf_f32() -> f32 {
  return fromBits(0x7f800000u);
}

// Comparisons with NaN cannot be trusted (x != x may be folded to false): look at the bits.
fn isNan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn isFinite(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

fn isNegative(x: f32) -> bool {
  return (bitcast<u32>(x) >> 31u) != 0u;
}

// max and min of WGSL may drop a NaN; these hand it on.
fn maximum(a: f32, b: f32) -> f32 {
  return select(select(max(a, b), b, isNan(b)), a, isNan(a));
}

fn minimum(a: f32, b: f32) -> f32 {
  return select(select(min(a, b), b, isNan(b)), a, isNan(a));
}

fn clampTo(x: f32, low: f32, high: f32) -> f32 {
  return select(min(max(x, low), high), x, isNan(x));
}

fn relu(x: f32) -> f32 {
  return select(max(x, 0.0), x, isNan(x));
}

fn leakyRelu(x: f32, slope: f32) -> f32 {
  return select(x * slope, x, x > 0.0);
}

fn signOf(x: f32) -> f32 {
  return select(select(x, -1.0, x < 0.0), 1.0, x > 0.0);
}

fn square(x: f32) -> f32 {
  return x * x;
}

// a b, and 0 where b is 0, whatever a is. By the bits: a compiler may take a comparison with 0 and a product for the product.
fn multiplyNoNan(a: f32, b: f32) -> f32 {
  return select(a * b, 0.0, (bitcast<u32>(b) << 1u) == 0u);
}

// exp with its limits made explicit: 0 below -104, infinity above 88.73, where drivers differ.
fn expSafe(x: f32) -> f32 {
  let y = exp(clamp(x, -104.0, 88.722839));
  let limited = select(select(y, 0.0, x < -103.98), inf_f32(), x > 88.72284);
  return select(limited, x, isNan(x));
}

// e^x for x <= 0; a NaN may get lost.
fn expDown(x: f32) -> f32 {
  return select(exp(max(x, -104.0)), 0.0, x < -103.98);
}

// Natural logarithm: x = m 2^k with m in [√½, √2], ln m = 2 artanh((m - 1) / (m + 1)). The driver's own may be off by 5e-7
// near 1, and is finite at 0 on some.
fn logSafe(x: f32) -> f32 {
  // A subnormal number is its bits times 2^-149; drivers may take it for 0 in arithmetic.
  let pattern = bitcast<u32>(x);
  let tiny = pattern < 0x00800000u;
  let bits = bitcast<i32>(select(x, f32(pattern), tiny));
  // 0x3f3504f3 is √½: the exponent is taken as if the mantissa began there.
  let k = (bits - 0x3f3504f3) >> 23u;
  let m = bitcast<f32>(bits - (k << 23u));
  let y = f32(select(k, k - 149, tiny)) * 0.69314718 + artanhTwice((m - 1.0) / (m + 1.0));
  let atEdge = select(nan_f32(), -inf_f32(), (pattern << 1u) == 0u);
  // From infinity up to the largest NaN, x is its own logarithm.
  return select(select(y, atEdge, (pattern == 0u) | isNegative(x)), x, pattern - 0x7f800000u < 0x00800000u);
}

// 2 artanh(s) for |s| <= 1/3, its tail a polynomial fitted on Chebyshev points to 2e-8.
fn artanhTwice(s: f32) -> f32 {
  let z = s * s;
  let tail = z * (0.3333332 + z * (0.2000378 + z * (0.1411831 + z * 0.1342575)));
  return 2.0 * (s + s * tail);
}

// ln(1 + x), exact to the last places near 0.
fn log1p(x: f32) -> f32 {
  let near = abs(x) < 0.4;
  let s = select(0.0, x, near);
  return select(logSafe(1.0 + x), artanhTwice(s / (2.0 + s)), near);
}

// e^x - 1, by its series where the difference would cancel.
fn expm1(x: f32) -> f32 {
  let near = abs(x) < 0.35;
  let tail = 0.16666667 + x * (0.041666667 + x * (0.0083333333 + x * (0.0013888889 + x * 0.0001984127)));
  return select(expSafe(x) - 1.0, x + x * x * (0.5 + x * tail), near);
}

// Drivers form the quotient of two exponentials: wrong near 0, NaN beyond 89.
fn tanhSafe(x: f32) -> f32 {
  let t = expm1(-2.0 * min(abs(x), 10.0));
  let y = -t / (2.0 + t);
  return select(select(y, -y, x < 0.0), x, isNan(x));
}

fn sigmoid(x: f32) -> f32 {
  let t = expDown(-abs(x));
  return select(select(t, 1.0, x >= 0.0) / (1.0 + t), x, isNan(x));
}

fn silu(x: f32) -> f32 {
  // 0 at -∞, where the product would be NaN.
  return max(x, -1e30) * sigmoid(x);
}

fn softplus(x: f32, beta: f32) -> f32 {
  // ln(1 + t) = 2 artanh(t / (2 + t)), and t is at most 1.
  let t = expDown(-abs(beta * x));
  return relu(x) + artanhTwice(t / (2.0 + t)) / beta;
}

fn elu(x: f32, alpha: f32) -> f32 {
  return select(alpha * expm1(min(x, 0.0)), x, (x > 0.0) | isNan(x));
}

// e^(x²) erfc(x) e^(-x²) for x >= 1: a polynomial in 1 / (1 + x / 2), fitted on Chebyshev points to 2e-8.
fn erfcTail(x: f32) -> f32 {
  let t = 1.0 / (1.0 + 0.5 * x);
  var p = 0.09430970078;
  p = p * t - 0.2286956096;
  p = p * t + 0.08547563853;
  p = p * t + 0.05898886471;
  p = p * t + 0.1795616954;
  p = p * t + 0.246788448;
  p = p * t + 0.2820606177;
  p = p * t + 0.2820973704;
  return p * t * expSafe(-x * x);
}

// erf(x) for |x| <= 1: x times a polynomial in x², fitted on Chebyshev points to 2e-9.
fn erfNear(x: f32) -> f32 {
  let z = x * x;
  var p = 7.875875063e-5;
  p = p * z - 0.0008016864287;
  p = p * z + 0.005189087423;
  p = p * z - 0.02685421201;
  p = p * z + 0.1128359472;
  p = p * z - 0.3761262667;
  p = p * z + 1.128379166;
  return p * x;
}

fn erf(x: f32) -> f32 {
  let far = 1.0 - erfcTail(max(abs(x), 1.0));
  return select(select(far, -far, x < 0.0), erfNear(x), (abs(x) < 1.0) | isNan(x));
}

// x Φ(x), with Φ from erfc, so that the negative tail does not cancel.
fn gelu(x: f32) -> f32 {
  let h = x * 0.70710678;
  let tail = 0.5 * erfcTail(max(abs(h), 1.0));
  let far = select(1.0 - tail, tail, x < 0.0);
  return max(x, -1e30) * select(far, 0.5 + 0.5 * erfNear(h), (abs(h) < 1.0) | isNan(x));
}

// The inverse of erf, to 4e-7 relative. Source: M. Giles, Approximating the erfinv function, GPU Computing Gems Jade, 2012,
// single precision.
fn erfinv(x: f32) -> f32 {
  let w = -logSafe((1.0 - x) * (1.0 + x));
  let c = w - 2.5;
  var p = 2.81022636e-08;
  p = p * c + 3.43273939e-07;
  p = p * c - 3.5233877e-06;
  p = p * c - 4.39150654e-06;
  p = p * c + 0.00021858087;
  p = p * c - 0.00125372503;
  p = p * c - 0.00417768164;
  p = p * c + 0.246640727;
  p = p * c + 1.50140941;
  let t = sqrt(max(w, 0.0)) - 3.0;
  var q = -0.000200214257;
  q = q * t + 0.000100950558;
  q = q * t + 0.00134934322;
  q = q * t - 0.00367342844;
  q = q * t + 0.00573950773;
  q = q * t - 0.0076224613;
  q = q * t + 0.00943887047;
  q = q * t + 1.00167406;
  q = q * t + 2.83297682;
  let y = x * select(q, p, w < 5.0);
  let atOne = select(inf_f32(), -inf_f32(), x < 0.0);
  return select(select(y, atOne, abs(x) == 1.0), nan_f32(), (abs(x) > 1.0) | isNan(x));
}

fn quarterTurns(x: f32) -> f32 {
  return round(x * 0.63661977);
}

// x - k π/2, with π/2 in three parts (Cody and Waite) whose products with k are exact for |x| < 1e4.
fn withoutTurns(x: f32, k: f32) -> f32 {
  return ((x - k * 1.5703125) - k * 0.000483751297) - k * 7.54978995e-8;
}

fn sineNear(r: f32) -> f32 {
  let z = r * r;
  return r + r * z * (-0.16666667 + z * (0.0083333333 + z * (-0.0001984127 + z * 2.7557319e-06)));
}

fn cosineNear(r: f32) -> f32 {
  let z = r * r;
  return 1.0 + z * (-0.5 + z * (0.041666667 + z * (-0.0013888889 + z * (2.4801587e-05 - z * 2.7557319e-07))));
}

// sin(r + k π/2).
fn sineOf(r: f32, k: i32) -> f32 {
  let y = select(sineNear(r), cosineNear(r), (k & 1) == 1);
  return select(y, -y, (k & 2) == 2);
}

// To 2e-7 absolute for |x| < 1e4; beyond, what the driver gives. NaN at infinity.
fn sine(x: f32) -> f32 {
  let k = quarterTurns(x);
  let y = select(sin(x), sineOf(withoutTurns(x, k), i32(k)), abs(x) < 1e4);
  return select(nan_f32(), y, isFinite(x));
}

fn cosine(x: f32) -> f32 {
  let k = quarterTurns(x);
  let y = select(cos(x), sineOf(withoutTurns(x, k), i32(k) + 1), abs(x) < 1e4);
  return select(nan_f32(), y, isFinite(x));
}

// To 2e-7; WGSL allows drivers 4096 ULP. Source of the polynomial: Moshier, Cephes library, atanf.
fn arctangent(x: f32) -> f32 {
  let a = abs(x);
  let steep = a > 2.4142135;
  let middle = a > 0.41421356;
  let r = select(select(a, (a - 1.0) / (a + 1.0), middle), -1.0 / a, steep);
  let z = r * r;
  let near = r + r * z * (-0.333329491539 + z * (0.199777106478 + z * (-0.138776856032 + z * 0.0805374449538)));
  let y = near + select(select(0.0, 0.78539816, middle), 1.5707963, steep);
  return select(select(y, -y, x < 0.0), x, isNan(x));
}

fn sqrtSafe(x: f32) -> f32 {
  return select(sqrt(x), nan_f32(), x < 0.0);
}

fn rsqrt(x: f32) -> f32 {
  return 1.0 / sqrtSafe(x);
}

// x^n by repeated squaring, for whole n.
fn powWhole(x: f32, n: i32) -> f32 {
  var y = 1.0;
  var p = x;
  for (var e = u32(abs(n)); e != 0u; e >>= 1u) {
    if ((e & 1u) == 1u) {
      y *= p;
    }
    p *= p;
  }
  return select(y, 1.0 / y, n < 0);
}

// x^y as in IEEE 754: negative bases take whole exponents only, x^0 is 1.
fn power(x: f32, y: f32) -> f32 {
  let whole = floor(y) == y;
  // Above 2^24 every float is even.
  let odd = whole & (abs(y) < 16777216.0) & ((i32(clamp(y, -16777216.0, 16777216.0)) & 1) != 0);
  let a = abs(x);
  var p = expSafe(y * logSafe(a));
  p = select(p, 1.0, a == 1.0);
  p = select(p, -p, odd & isNegative(x));
  p = select(p, nan_f32(), (x < 0.0) & isFinite(x) & !whole);
  p = select(p, nan_f32(), isNan(x) | isNan(y));
  // The largest numbers would be rounded to infinity.
  p = select(p, x, y == 1.0);
  return select(p, 1.0, (y == 0.0) | (x == 1.0));
}

fn toI32(x: f32) -> i32 {
  return select(i32(clamp(x, -2147483648.0, 2147483520.0)), 0, isNan(x));
}

fn toU32(x: f32) -> u32 {
  return select(u32(clamp(x, 0.0, 4294967040.0)), 0u, isNan(x));
}

// The upper 32 bits of the 64-bit product, from products of halves.
fn mulHigh(a: u32, b: u32) -> u32 {
  let middle = (a >> 16u) * (b & 0xffffu) + (((a & 0xffffu) * (b & 0xffffu)) >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
}
