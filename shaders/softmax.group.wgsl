// softmax.group — y = exp(x - m) / Σ exp(x - m) with m = max x over rows of n elements, `inner` apart; with LOG
// y = x - m - log Σ exp(x - m). One workgroup per row, for long rows.
override LOG: bool = false;
override THREADS: u32 = 64u;
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
var<workgroup> partial: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= p.rows) {
    return;
  }
  let first = row / p.inner * p.n * p.inner + row % p.inner;
  let end = first + p.n * p.inner;
  let start = first + local * p.inner;
  let step = THREADS * p.inner;

  var largest = x[first];
  for (var i = start; i < end; i += step) {
    largest = maximum(largest, x[i]);
  }
  partial[local] = largest;
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      partial[local] = maximum(partial[local], partial[local + half]);
    }
  }
  workgroupBarrier();
  largest = partial[0];
  workgroupBarrier();

  // In blocks, so that rounding grows with the number of blocks and not of elements.
  var total = 0.0;
  for (var i = start; i < end;) {
    var block = 0.0;
    for (var k = 0u; k < BLOCK && i < end; k++) {
      block += expDown(x[i] - largest);
      i += step;
    }
    total += block;
  }
  partial[local] = total;
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      partial[local] += partial[local + half];
    }
  }
  workgroupBarrier();
  // Where the largest is no number, or infinite, nothing of the row is one.
  total = select(nan_f32(), partial[0], isFinite(largest));

  let logTotal = logSafe(total);
  for (var i = start; i < end; i += step) {
    let v = x[i] - largest;
    y[i] = select(expDown(v) / total, v - logTotal, LOG);
  }
}
