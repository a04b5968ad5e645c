// place — y is `value` but for y[start + j · step] = x[j], axis by axis. One thread per four neighbours in a row of y, for which
// it finds its place once: divisions cost more than all the rest. Elements are words of any type; with VECTORS rows of y
// are whole vectors.
override STEPPED: bool = true; // whether some step is not 1
const RANK = 2u; //@spec
struct Params {
  count: u32, // fours in all
  quads: u32, // fours of a row
  value: u32,
  axes: array<vec4<i32>, 8>, // side of y, side of x, start, step
}
@group(0) @binding(0) var<storage, read> x: array<u32>;
//@if VECTORS
@group(0) @binding(1) var<storage, read_write> y: array<vec4u>;
//@else
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
//@end
@group(0) @binding(2) var<uniform> p: Params;

// Where an element of y lies in x, along one axis; outside where it is none of x's.
fn position(at: i32, axis: vec4<i32>) -> i32 {
  let distance = at - axis.z;
  if (!STEPPED) { return distance; }
  // How far past the start, in the direction of the step.
  let forward = distance * sign(axis.w);
  return select(-1, forward / abs(axis.w), (forward >= 0) & (distance % axis.w == 0));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.count) {
    return;
  }
  let row = i / p.quads;
  let first = (i - row * p.quads) * 4u;
  let across = p.axes[RANK - 1u];
  var rest = row;
  var source = 0;
  var stride = across.y;
  var inside = true;
  for (var axes = 1u; axes < RANK; axes++) {
    let a = RANK - axes;
    let axis = p.axes[a - 1u];
    // What is left is a position of the first axis.
    var at = rest;
    if (a > 1u) {
      rest = at / u32(axis.x);
      at -= rest * u32(axis.x);
    }
    let j = position(i32(at), axis);
    inside = inside & (j >= 0) & (j < axis.y);
    source += j * stride;
    stride *= axis.y;
  }
  var four = vec4u(p.value);
  if (inside) {
    for (var lane = 0u; lane < 4u; lane++) {
      let j = position(i32(first + lane), across);
      if ((j >= 0) & (j < across.y)) { four[lane] = x[source + j]; }
    }
  }
//@if VECTORS
  y[i] = four;
//@else
  let target_at = row * u32(across.x) + first;
  for (var lane = 0u; lane < 4u; lane++) {
    if (first + lane < u32(across.x)) { y[target_at + lane] = four[lane]; }
  }
//@end
}
