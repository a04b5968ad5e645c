// sort.merge — the steps of a bitonic merge over spans of at most BLOCK elements of pairs[rows, padded], in workgroup memory.
// LAST writes the order to y[rows, n] instead of the pairs. One workgroup per block.
override BLOCK: u32 = 1024;
override THREADS: u32 = 256;
//@include "lib/bitonic.wgsl"
struct Params {
  n: u32,
  padded: u32,
  rows: u32,
}
@group(0) @binding(0) var<storage, read_write> pairs: array<vec2<u32>>;
//@if LAST
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
//@end
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let start = (group.y * groups.x + group.x) * BLOCK;
  // A block is part of one row.
  let row = start / p.padded;
  if (row >= p.rows) {
    return;
  }
  for (var i = local; i < BLOCK; i += THREADS) {
    tile[i] = pairs[start + i];
  }
  for (var span = BLOCK; span > 1u; span /= 2u) {
    stepInTile(span, false, local);
  }
  workgroupBarrier();
  for (var i = local; i < BLOCK; i += THREADS) {
//@if LAST
    let at = start + i - row * p.padded;
    if (at < p.n) {
      y[row * p.n + at] = i32(tile[i].y);
    }
//@else
    pairs[start + i] = tile[i];
//@end
  }
}
