// cumsum — running sums along the middle of x[outer, n, inner], which is cut in parts of `length`. One thread per part. First
// pass (TOTALS): y[outer, parts, inner] = sums of the parts. Second: y[outer, n, inner], each part from start[outer, part,
// inner], the running sum before it, if there is more than one (STARTS). REVERSE runs from the last element to the first.
override REVERSE: bool = false;
// Added in blocks of blocks, so that rounding grows with the number of these and not of elements.
const BLOCK = 32u;
struct Params {
  count: u32,  // threads: outer · parts · inner
  n: u32,
  parts: u32,
  length: u32,
  inner: u32,
}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
//@if STARTS
@group(0) @binding(2) var<storage, read> start: array<f32>;
//@end
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.count) {
    return;
  }
  let column = i % p.inner;
  let part = i / p.inner % p.parts;
  let outer = i / (p.inner * p.parts);
  let first = part * p.length;
  let end = min(first + p.length, p.n);
  var total = 0.0;
//@if STARTS
  // The running sum of the part's neighbour includes the neighbour.
  let before = select(part - 1u, part + 1u, REVERSE);
  if (before < p.parts) {
    total = start[(outer * p.parts + before) * p.inner + column];
  }
//@end
  var k = first;
  while (k < end) {
    var several = 0.0;
    for (var b = 0u; b < BLOCK && k < end; b++) {
      var block = 0.0;
      for (let stop = min(k + BLOCK, end); k < stop; k++) {
        let at = (outer * p.n + select(k, first + end - 1u - k, REVERSE)) * p.inner + column;
        block += x[at];
//@if TOTALS
//@else
        y[at] = total + (several + block);
//@end
      }
      several += block;
    }
    total += several;
  }
//@if TOTALS
  y[i] = total;
//@end
}
