// sumParts — y[i] = Σ_part x[part,i]: adds the partial results of a reduction that was split over workgroups, in a fixed order.
// In blocks, so that rounding grows with the number of blocks and not of parts.
const BLOCK = 16u;
struct Params { count: u32, parts: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= p.count) { return; }
  var sum = 0.0;
  for (var part = 0u; part < p.parts;) {
    var block = 0.0;
    for (let stop = min(part + BLOCK, p.parts); part < stop; part++) {
      block += x[part * p.count + i];
    }
    sum += block;
  }
  store_result(i, sum);
}
