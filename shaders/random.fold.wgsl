// random.fold — y = the first two words of Philox(counter [data, 0, 0, domain], key): a new key. One thread.
//@include "lib/philox.wgsl"
struct Params {
  domain: u32,
  data_at: u32,
  key_at: vec2u,
}
@group(0) @binding(0) var<storage, read> key: array<u32>;
@group(0) @binding(1) var<storage, read> data: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(1)
fn main() {
  let words = philox(vec4u(data[p.data_at], 0u, 0u, p.domain), vec2u(key[p.key_at.x], key[p.key_at.y]));
  y[0] = words.x;
  y[1] = words.y;
}
