// reduce.arg — y[outer, part, inner] = position of the best of x[outer, m · parts + part, inner] over m, the first of equals: one
// stage of an argmax or argmin along the middle of x[outer, reduced, inner]. NaN is best. With CANDIDATES the
// positions come from the stage before.
//@include "lib/scalar.wgsl"
override LARGEST: bool = true;
struct Params {
  count: u32,      // elements of y
  reduced: u32,
  inner: u32,
  parts: u32,
  candidates: u32, // positions per result, from the stage before
}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
//@if CANDIDATES
@group(0) @binding(2) var<storage, read> positions: array<i32>;
//@end
@group(0) @binding(3) var<uniform> p: Params;

// How good an element is: the order of floats as an order of integers, NaN above all and zeros of both signs equal.
fn worth(v: f32) -> i32 {
  let bits = bitcast<i32>(v);
  let order = select(bits, -(bits & 0x7fffffff), bits < 0);
  return select(select(-order, order, LARGEST), 0x7fffffff, isNan(v));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.count) {
    return;
  }
  let column = i % p.inner;
  let part = i / p.inner % p.parts;
  let outer = i / (p.inner * p.parts);
  let start = outer * p.reduced * p.inner + column;
//@if CANDIDATES
  let end = p.candidates;
  let first = u32(positions[(outer * end + part) * p.inner + column]);
//@else
  let end = p.reduced;
  let first = part;
//@end
  var best = i32(first);
  var best_worth = worth(x[start + first * p.inner]);
  for (var k = part + p.parts; k < end; k += p.parts) {
//@if CANDIDATES
    let at = positions[(outer * end + k) * p.inner + column];
//@else
    let at = i32(k);
//@end
    let candidate = worth(x[start + u32(at) * p.inner]);
    if (candidate > best_worth || (candidate == best_worth && at < best)) {
      best = at;
      best_worth = candidate;
    }
  }
  y[i] = best;
}
