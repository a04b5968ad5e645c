// scatterAdd — y[outer, j, inner] = Σ_{i: indices[i] = j} x[outer, i, inner]; with ALONG indices[outer, i, inner] = j. One
// thread per element of y looks through all positions in order, so the sum is the same every time, without atomics.
override ALONG: bool = false;
const BLOCK = 64u;
struct Params {
  count: u32,  // elements of y
  side: u32,   // positions in y
  picks: u32,  // positions in x
  inner: u32,
}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> indices: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.count) {
    return;
  }
  let row = i / p.inner;
  let outer = row / p.side;
  let j = i32(row - outer * p.side);
  let start = outer * p.picks * p.inner + (i - row * p.inner);
  // In blocks of blocks, so that rounding grows with the number of these and not of terms.
  var sum = 0.0;
  var k = 0u;
  while (k < p.picks) {
    var several = 0.0;
    for (var b = 0u; b < BLOCK && k < p.picks; b++) {
      var block = 0.0;
      for (let stop = min(k + BLOCK, p.picks); k < stop; k++) {
        let at = start + k * p.inner;
        if (indices[select(k, at, ALONG)] == j) {
          block += x[at];
        }
      }
      several += block;
    }
    sum += several;
  }
  y[i] = sum;
}
