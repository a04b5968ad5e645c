// place — y is `value` but for y[start + j · step] = x[j], axis by axis. One thread per element of y, whose elements are words
// of any type.
override STEPPED: bool = true; // whether some step is not 1
struct Params {
  count: u32, // elements of y
  rank: u32,
  value: u32,
  axes: array<vec4<i32>, 8>, // side of y, side of x, start, step
}
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.count) {
    return;
  }
  var rest = i;
  var source = 0u;
  var stride = 1u;
  var inside = true;
  for (var a = p.rank; a > 0u; a--) {
    let axis = p.axes[a - 1u];
    let side = u32(axis.x);
    let above = rest / side;
    var j = i32(rest - above * side) - axis.z;
    if (STEPPED) {
      // How far past the start, in the direction of the step.
      let distance = j * sign(axis.w);
      j = select(-1, distance / abs(axis.w), (distance >= 0) & (distance % axis.w == 0));
    }
    inside = inside & (j >= 0) & (j < axis.y);
    source += u32(j) * stride;
    stride *= u32(axis.y);
    rest = above;
  }
  if (inside) {
    y[i] = x[source];
  } else {
    y[i] = p.value;
  }
}
