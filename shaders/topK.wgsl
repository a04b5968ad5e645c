// topK — what a stable sort of each row of x[rows, n] would put first: with MASK y[rows, n] is 1 at the `taken` elements and 0 elsewhere,
// else y[rows, taken] gets their positions in order. One workgroup per row finds the last one taken two bits at a time, first of
// its key, then, among equal keys, of its position.
override BLOCK: u32 = 64; // pairs to sort: `taken`, rounded up to a power of two
override THREADS: u32 = 64;
//@include "lib/sortKey.wgsl"
//@include "lib/bitonic.wgsl"
struct Params {
  rows: u32,
  n: u32,
  taken: u32,
  position_shift: u32, // of the highest two bits of a position
}
@group(0) @binding(0) var<storage, read> x: array<u32>;
//@if MASK
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
//@else
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
//@end
@group(0) @binding(2) var<uniform> p: Params;

// The elements still in question: those whose key and position begin with these bits. `wanted` of the `inside` are taken.
struct Bucket {
  key: u32,
  key_bits: u32,
  position: u32,
  position_bits: u32,
  shift: u32,
  wanted: u32,
  inside: u32,
}
var<workgroup> bucket: Bucket;
// By pass and digit 0, 1, 2: at most 16 passes for keys and 16 for positions.
var<workgroup> counts: array<atomic<u32>, 96>;
var<workgroup> found: atomic<u32>;

const whole = 0xffffffffu;

// The part of the bucket in which the last one taken lies.
fn narrowed(before: Bucket, pass_: u32) -> Bucket {
  var b = before;
  var digit = 0u;
  var rest = b.inside;
  loop {
    let count = select(rest, atomicLoad(&counts[3u * pass_ + min(digit, 2u)]), digit < 3u);
    if (b.wanted <= count) {
      b.inside = count;
      break;
    }
    b.wanted -= count;
    rest -= count;
    digit += 1u;
  }
  if (b.key_bits != whole) {
    b.key |= digit << b.shift;
    b.key_bits |= 3u << b.shift;
  } else {
    b.position |= digit << b.shift;
    b.position_bits |= 3u << b.shift;
  }
  b.shift = select(b.shift - 2u, p.position_shift, b.shift == 0u);
  return b;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= p.rows) {
    return;
  }
  let start = row * p.n;
  if (local == 0u) {
    bucket = Bucket(0u, 0u, 0u, 0u, 30u, p.taken, p.n);
  }
  var b = workgroupUniformLoad(&bucket);
  for (var pass_ = 0u; b.wanted != b.inside; pass_++) {
    let byKey = b.key_bits != whole;
    var seen = vec3u(0u);
    for (var i = local; i < p.n; i += THREADS) {
      let key = keyOf(x[start + i]);
      let digit = (select(i, key, byKey) >> b.shift) & 3u;
      let inside = (key & b.key_bits) == b.key && (i & b.position_bits) == b.position;
      seen += select(vec3u(0u), vec3u(1u), vec3<bool>(inside) & (vec3u(digit) == vec3u(0u, 1u, 2u)));
    }
    for (var digit = 0u; digit < 3u; digit++) {
      atomicAdd(&counts[3u * pass_ + digit], seen[digit]);
    }
    workgroupBarrier();
    if (local == 0u) {
      bucket = narrowed(b, pass_);
    }
    b = workgroupUniformLoad(&bucket);
  }
//@if MASK
  for (var i = local; i < p.n; i += THREADS) {
    y[start + i] = select(0.0, 1.0, isTaken(b, keyOf(x[start + i]), i));
  }
//@else
  for (var i = local; i < BLOCK; i += THREADS) {
    tile[i] = vec2u(whole);
  }
  workgroupBarrier();
  for (var i = local; i < p.n; i += THREADS) {
    let key = keyOf(x[start + i]);
    if (isTaken(b, key, i)) {
      tile[atomicAdd(&found, 1u)] = vec2u(key, i);
    }
  }
  for (var run = 2u; run <= BLOCK; run *= 2u) {
    for (var span = run; span > 1u; span /= 2u) {
      stepInTile(span, span == run, local);
    }
  }
  workgroupBarrier();
  for (var i = local; i < p.taken; i += THREADS) {
    y[row * p.taken + i] = i32(tile[i].y);
  }
//@end
}

// All of the last bucket is taken, and all before it.
fn isTaken(b: Bucket, key: u32, position: u32) -> bool {
  let begins = key & b.key_bits;
  return select(begins < b.key, (position & b.position_bits) <= b.position, begins == b.key);
}
