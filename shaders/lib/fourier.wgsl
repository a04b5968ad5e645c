// Convolutions by the discrete Fourier transform, shared by its kernels. A whole plane of at most SIDE × SIDE pixels becomes the numbers of its
// transform; those of images times those of windows, summed over the channels point by point, are those of the result. Positions are counted
// modulo SIDE, so planes have to leave as much room as a window reaches out.
// A plane is real: of its transform F half is enough, the columns v = 0 … HALF. Those at 0 and HALF, transforms of real columns themselves, make
// up one that is complex, F(u,0) in its first half and F(u,HALF) in its second. So there are HALF · SIDE complex numbers a + bi, kept as a, b and
// a + b, because (a + bi)(c + di) = ac - bd + ((a + b)(c + d) - ac - bd)i takes three products (Gauss). In column 0 the rows 0 and HALF hold two
// real numbers each, of which the products alone count.
// With QUADS, where planes and steps from point to point are multiples of 4, four neighbours hand each other what they have of four numbers, so
// that each loads or stores one of these for all of them; that needs subgroups that are whole fours of neighbours, in order.
// Source: Mathieu, Henaff & LeCun 2013, "Fast Training of Convolutional Networks through FFTs"; Cooley & Tukey 1965.
struct Params {
  count: u32,               // invocations: lines · channels
  lines: u32, channels: u32,
  first_image: u32, images: u32,
  height: u32, width: u32,  // of a plane
  top: i32, left: i32,      // pixel = position + this, modulo SIDE
  pairs: u32,               // of rows that hold pixels, from position 0 on
  half: u32,                // HALF; loops of constant length would be unrolled, which a software adapter compiles for seconds
  sign: f32,                // -1: of conjugates, which are the transforms of planes that are read backwards
  lines_last: u32,          // 1: spectra are [points, channels, lines]; 0: [points, lines, channels]
  point_step: u32,          // from one point to the next
}

//@if EIGHT
const SIDE = 8u;
//@else
const SIDE = 16u;
//@end
const HALF = SIDE / 2u;

// A transform in the order in which its numbers meet: Z(0) … Z(HALF - 1), and Z(HALF), Z(SIDE - 1) … Z(HALF + 1).
struct Folded {
  low: array<vec2f, HALF>,
  high: array<vec2f, HALF>,
}

fn folded(z: array<vec2f, SIDE>) -> Folded {
  var out: Folded;
  out.low[0] = z[0];
  out.high[0] = z[HALF];
  for (var k = 1u; k < HALF; k++) {
    out.low[k] = z[k];
    out.high[k] = z[SIDE - k];
  }
  return out;
}

fn unfolded(z: Folded) -> array<vec2f, SIDE> {
  var out: array<vec2f, SIDE>;
  out[0] = z.low[0];
  out[HALF] = z.high[0];
  for (var k = 1u; k < HALF; k++) {
    out[k] = z.low[k];
    out[SIDE - k] = z.high[k];
  }
  return out;
}

// The next ones first; what comes last does not matter.
fn advanced(z: Folded) -> Folded {
  var out = z;
  for (var k = 1u; k < HALF; k++) {
    out.low[k - 1u] = z.low[k];
    out.high[k - 1u] = z.high[k];
  }
  return out;
}

struct Plane {
  channel: u32,
  at: u32,           // where its first pixel lies
  spectrum_at: u32,  // and its first point
  exists: bool,      // false for lines that only fill up a vector of them, and for what is no plane
}

// Neighbouring invocations have what lies together in the spectra.
fn plane_of(i: u32) -> Plane {
  let by_line = p.lines_last == 1u;
  let line = select(i / p.channels, i % p.lines, by_line);
  let channel = select(i % p.channels, i / p.lines, by_line);
  let at = ((p.first_image + line) * p.channels + channel) * p.height * p.width;
  return Plane(channel, at, i, (line < p.images) & (i < p.count));
}

// Where the three numbers of the complex ones at u and at -u begin; at HALF for -0.
fn points_of(u: u32, v: u32) -> vec2u {
  return 3u * (v * SIDE + vec2u(u, select(SIDE - u, HALF, u == 0u)));
}

fn conjugate(z: vec2f) -> vec2f {
  return vec2f(z.x, -z.y);
}

// z·w*, for w on the unit circle.
fn turned(z: vec2f, w: vec2f) -> vec2f {
  return vec2f(z.x * w.x + z.y * w.y, z.y * w.x - z.x * w.y);
}

fn fourier4(a: vec2f, b: vec2f, c: vec2f, d: vec2f) -> array<vec2f, 4> {
  let even = a + c;
  let odd = a - c;
  let sum = b + d;
  let difference = (b - d).yx * vec2f(1.0, -1.0);
  return array<vec2f, 4>(even + sum, odd + difference, even - sum, odd - difference);
}

// Σ z(n) e^(-2πi nk / SIDE) for every k.
//@if EIGHT
fn fourier(z: array<vec2f, 8>) -> array<vec2f, 8> {
  const w = sqrt(0.5);
  let a = fourier4(z[0], z[2], z[4], z[6]);
  let odd = fourier4(z[1], z[3], z[5], z[7]);
  let b = array<vec2f, 4>(odd[0], turned(odd[1], vec2f(w, w)), odd[2].yx * vec2f(1.0, -1.0), turned(odd[3], vec2f(-w, w)));
  return array<vec2f, 8>(a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3]);
}
//@else
fn fourier(z: array<vec2f, 16>) -> array<vec2f, 16> {
  const w1 = vec2f(0.92387953251128674, 0.38268343236508977);
  const w2 = vec2f(0.70710678118654752, 0.70710678118654752);
  const w3 = w1.yx;
  let a = fourier4(z[0], z[4], z[8], z[12]);
  let b = fourier4(z[1], z[5], z[9], z[13]);
  let c = fourier4(z[2], z[6], z[10], z[14]);
  let d = fourier4(z[3], z[7], z[11], z[15]);
  let x = fourier4(a[0], b[0], c[0], d[0]);
  let y = fourier4(a[1], turned(b[1], w1), turned(c[1], w2), turned(d[1], w3));
  let u = fourier4(a[2], turned(b[2], w2), c[2].yx * vec2f(1.0, -1.0), turned(d[2], vec2f(-w2.x, w2.y)));
  let v = fourier4(a[3], turned(b[3], w3), turned(c[3], vec2f(-w2.x, w2.y)), turned(d[3], -w1));
  return array<vec2f, 16>(x[0], y[0], u[0], v[0], x[1], y[1], u[1], v[1], x[2], y[2], u[2], v[2], x[3], y[3], u[3], v[3]);
}
//@end
//@if QUADS

// Two vectors that the invocation loads or stores for four neighbours, of the six numbers at two points: one of the first four, and one of the
// last two, which its two first neighbours have.
fn quads_of(plane: Plane, at: vec2u) -> vec2u {
  let part = plane.spectrum_at % 4u;
  return plane.spectrum_at / 4u + vec2u(select(at.x + part, at.y, part == 3u), at.y + 1u + part) * p.point_step / 4u;
}

// Of four neighbours with four numbers each, to the first all first ones, to the second all second ones.
fn across(own: vec4f, part: u32) -> vec4f {
  let odd = part % 2u == 1u;
  let near = select(own.yw, own.xz, odd);
  let got = vec2f(subgroupShuffleXor(near.x, 1u), subgroupShuffleXor(near.y, 1u));
  let a = select(vec4f(own.x, got.x, own.z, got.y), vec4f(got.x, own.y, got.y, own.w), odd);
  let later = part >= 2u;
  let far = select(a.zw, a.xy, later);
  let given = vec2f(subgroupShuffleXor(far.x, 2u), subgroupShuffleXor(far.y, 2u));
  return select(vec4f(a.xy, given), vec4f(given, a.zw), later);
}
//@end
