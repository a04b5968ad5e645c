// Philox 4x32-10: four random words from a counter and a key. Source: Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011, section 4.3.
//@include "lib/scalar.wgsl"

fn philox(first: vec4u, seed: vec2u) -> vec4u {
  var c = first;
  var key = seed;
  for (var round = 0; round < 10; round++) {
    c = vec4u(
      mulHigh(0xcd9e8d57u, c.z) ^ c.y ^ key.x,
      0xcd9e8d57u * c.z,
      mulHigh(0xd2511f53u, c.x) ^ c.w ^ key.y,
      0xd2511f53u * c.x,
    );
    key += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}
