// softmax.thread — y = exp(x - m) / Σ exp(x - m) with m = max x over rows of n elements, `inner` apart; with LOG
// y = x - m - log Σ exp(x - m). One thread per row, for short rows.
override LOG: bool = false;
//@include "lib/scalar.wgsl"
const BLOCK = 128u;
struct Params {
  rows: u32,
  n: u32,
  inner: u32,
}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = (group.y * groups.x + group.x) * 64u + local;
  if (row >= p.rows) {
    return;
  }
  let first = row / p.inner * p.n * p.inner + row % p.inner;
  let end = first + p.n * p.inner;
  var largest = x[first];
  for (var i = first + p.inner; i < end; i += p.inner) {
    largest = maximum(largest, x[i]);
  }
  // In blocks, so that rounding grows with the number of blocks and not of elements.
  var total = 0.0;
  for (var i = first; i < end;) {
    var block = 0.0;
    for (var k = 0u; k < BLOCK && i < end; k++) {
      block += expDown(x[i] - largest);
      i += p.inner;
    }
    total += block;
  }
  // Where the largest is no number, or infinite, nothing of the row is one.
  total = select(nan_f32(), total, isFinite(largest));
  let logTotal = logSafe(total);
  for (var i = first; i < end; i += p.inner) {
    let v = x[i] - largest;
    y[i] = select(expDown(v) / total, v - logTotal, LOG);
  }
}
