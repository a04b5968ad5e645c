// random.bits — y[4·i + j] = word j of Philox(counter [i, 0, 0, domain], key). One thread per counter.
//@include "lib/philox.wgsl"
struct Params {
  count: u32,
  domain: u32,
  // Where the two words of the key lie: keys are often rows of a larger tensor.
  key_at: vec2u,
}
@group(0) @binding(0) var<storage, read> key: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i * 4u >= p.count) {
    return;
  }
  let words = philox(vec4u(i, 0u, 0u, p.domain), vec2u(key[p.key_at.x], key[p.key_at.y]));
  for (var j = 0u; j < min(4u, p.count - i * 4u); j++) {
    y[i * 4u + j] = words[j];
  }
}
