// scatterAdd, sorted — y[outer, j, inner] = Σ_{i: indices[i] = j} x[outer, i, inner]; with ALONG indices[outer, i] = j, and inner is 1.
// `order` lists the positions i by their index, equal ones in their own order: those of one j are neighbours, which an invocation
// finds by bisection and adds up one after the other, the same way every time.
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
@group(0) @binding(2) var<storage, read> order: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.count) {
    return;
  }
  let row = i / p.inner;
  let outer = row / p.side;
  let j = i32(row - outer * p.side);
  let own = select(0u, outer * p.picks, ALONG);
  var k = 0u;
  for (var stop = p.picks; k < stop;) {
    let middle = (k + stop) / 2u;
    if (indices[own + order[own + middle]] < j) { k = middle + 1u; } else { stop = middle; }
  }
  let start = outer * p.picks * p.inner + (i - row * p.inner);
  // In blocks of blocks, so that rounding grows with the number of these and not of terms.
  var sum = 0.0;
  var more = k < p.picks;
  while (more) {
    var several = 0.0;
    for (var b = 0u; b < BLOCK && more; b++) {
      var block = 0.0;
      for (var e = 0u; e < BLOCK && more; e++) {
        let pick = order[own + k];
        more = indices[own + pick] == j;
        if (more) {
          block += x[start + pick * p.inner];
          k++;
          more = k < p.picks;
        }
      }
      several += block;
    }
    sum += several;
  }
  y[i] = sum;
}
