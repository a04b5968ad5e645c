// sort.block — sorts blocks of BLOCK elements of the rows x[rows, n], padded to x[rows, padded]. With WHOLE a block is a row
// and y[rows, n] gets the order; else pairs[rows, padded] gets (key, position), sorted by blocks. One workgroup per block.
override BLOCK: u32 = 1024;
override THREADS: u32 = 256;
override DESCENDING: bool = false;
//@include "lib/bitonic.wgsl"
struct Params {
  n: u32,
  padded: u32,
  blocks: u32,
}
//@if FLOAT
@group(0) @binding(0) var<storage, read> x: array<f32>;
//@else
//@if SIGNED
@group(0) @binding(0) var<storage, read> x: array<i32>;
//@else
@group(0) @binding(0) var<storage, read> x: array<u32>;
//@end
//@end
//@if WHOLE
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
//@else
@group(0) @binding(1) var<storage, read_write> pairs: array<vec2<u32>>;
//@end
@group(0) @binding(2) var<uniform> p: Params;

// An unsigned number with the order asked for. All NaNs are the largest, -0 is 0.
fn keyOf(i: u32) -> u32 {
  let bits = bitcast<u32>(x[i]);
//@if FLOAT
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return 0xffffffffu;
  }
  let key = select(bits | 0x80000000u, ~bits, bits > 0x80000000u);
//@else
//@if SIGNED
  let key = bits ^ 0x80000000u;
//@else
  let key = bits;
//@end
//@end
  return select(key, ~key, DESCENDING);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let block = group.y * groups.x + group.x;
  if (block >= p.blocks) {
    return;
  }
  let start = block * BLOCK;
  let row = start / p.padded;
  for (var i = local; i < BLOCK; i += THREADS) {
    let position = start + i - row * p.padded;
    // Padding sorts last: its key is the largest, and its position is larger than all real ones.
    var key = 0xffffffffu;
    if (position < p.n) {
      key = keyOf(row * p.n + position);
    }
    tile[i] = vec2u(key, position);
  }
  for (var run = 2u; run <= BLOCK; run *= 2u) {
    for (var span = run; span > 1u; span /= 2u) {
      stepInTile(span, span == run, local);
    }
  }
  workgroupBarrier();
  for (var i = local; i < BLOCK; i += THREADS) {
//@if WHOLE
    if (i < p.n) {
      y[row * p.n + i] = i32(tile[i].y);
    }
//@else
    pairs[start + i] = tile[i];
//@end
  }
}
