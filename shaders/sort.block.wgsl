// sort.block — sorts runs of `run` elements of the rows x[rows, n], padded to x[rows, padded], in blocks of BLOCK elements,
// which hold part of a row (run = BLOCK) or several rows (run = padded). With WHOLE y[rows, n] gets the order; else
// pairs[rows, padded] gets (key, position), sorted by runs. One workgroup per block.
override BLOCK: u32 = 1024;
override THREADS: u32 = 256;
//@include "lib/sortKey.wgsl"
//@include "lib/bitonic.wgsl"
struct Params {
  n: u32,
  padded: u32,
  rows: u32,
  run: u32,
}
@group(0) @binding(0) var<storage, read> x: array<u32>;
//@if WHOLE
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
//@else
@group(0) @binding(1) var<storage, read_write> pairs: array<vec2<u32>>;
//@end
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let start = (group.y * groups.x + group.x) * BLOCK;
  for (var i = local; i < BLOCK; i += THREADS) {
    let row = (start + i) / p.padded;
    let position = (start + i) % p.padded;
    // Padding sorts last: its key is the largest, and its position is larger than all real ones.
    var key = 0xffffffffu;
    if (row < p.rows && position < p.n) {
      key = keyOf(x[row * p.n + position]);
    }
    tile[i] = vec2u(key, position);
  }
  for (var run = 2u; run <= p.run; run *= 2u) {
    for (var span = run; span > 1u; span /= 2u) {
      stepInTile(span, span == run, local);
    }
  }
  workgroupBarrier();
  for (var i = local; i < BLOCK; i += THREADS) {
    let row = (start + i) / p.padded;
    let position = (start + i) % p.padded;
//@if WHOLE
    if (row < p.rows && position < p.n) {
      y[row * p.n + position] = i32(tile[i].y);
    }
//@else
    if (row < p.rows) {
      pairs[start + i] = tile[i];
    }
//@end
  }
}
