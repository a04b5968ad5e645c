// rank — average ranks inside each row: y[r, i] = #{j : x[r,j] < x[r,i]} + (#{j : x[r,j] = x[r,i]} + 1) / 2. One thread per
// element walks its row, so nothing is sorted and nothing is stored; rows of maps are short (784 pixels).
struct Params {
  count: u32,
  side: u32,
}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.count) {
    return;
  }
  let row = i - i % p.side;
  let mine = x[i];
  var less = 0u;
  var equal = 0u;
  for (var j = row; j < row + p.side; j++) {
    less += u32(x[j] < mine);
    equal += u32(x[j] == mine);
  }
  let isNan = (bitcast<u32>(mine) & 0x7fffffffu) > 0x7f800000u;
  y[i] = select(f32(less) + (f32(equal) + 1.0) / 2.0, mine, isNan);
}
