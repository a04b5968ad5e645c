// matmul, the definition — y[batch,i,j] = Σ_k a[batch,i,k] · b[batch,k,j], one output per invocation. Strides of a and b say
// how they are stored (a batch stride of 0 shares one matrix). Needs y below 2^32 elements.
// Terms are added in blocks, so that rounding grows with the number of blocks.
const BLOCK = 256u;
struct Params {
  count: u32, m: u32, n: u32, depth: u32,
  a_first: u32, a_row: u32, a_step: u32, a_batch: u32,
  b_first: u32, b_column: u32, b_step: u32, b_batch: u32,
  y_first: u32, y_batch: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= p.count) { return; }
  let batch = i / (p.m * p.n);
  var a_at = p.a_first + batch * p.a_batch + i / p.n % p.m * p.a_row;
  var b_at = p.b_first + batch * p.b_batch + i % p.n * p.b_column;
  var sum = 0.0;
  for (var k = 0u; k < p.depth;) {
    var block = 0.0;
    for (let stop = min(k + BLOCK, p.depth); k < stop; k++) {
      block += a[a_at] * b[b_at];
      a_at += p.a_step;
      b_at += p.b_step;
    }
    sum += block;
  }
  store_result(p.y_first + batch * p.y_batch + i % (p.m * p.n), sum);
}
