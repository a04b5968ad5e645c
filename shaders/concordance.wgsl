// concordance — inside each row, how the order of every element against the others agrees in a and b:
// y[r, i] = Σ_j sign(a[r,i] − a[r,j]) · sign(b[r,i] − b[r,j]). One thread per element walks its row: nothing is stored, and a
// row's sums are whole numbers that f32 holds exactly.
struct Params {
  count: u32,
  side: u32,
}
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

// By comparisons: a difference of subnormal numbers may be flushed to zero.
fn order(x: f32, y: f32) -> i32 {
  return i32(x > y) - i32(x < y);
}

fn isNan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.count) {
    return;
  }
  let row = i - i % p.side;
  let mineA = a[i];
  let mineB = b[i];
  var total = 0;
  for (var j = row; j < row + p.side; j++) {
    total += order(mineA, a[j]) * order(mineB, b[j]);
  }
  y[i] = select(select(f32(total), mineB, isNan(mineB)), mineA, isNan(mineA));
}
