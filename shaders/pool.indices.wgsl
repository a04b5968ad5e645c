// pool.indices — y[plane, oy, ox] = position row·w + column of the largest element of the window in x[plane, h, w]. The first
// one (row by row) on ties, and a NaN beats every number. Padding is never chosen. One thread per window.
struct Params {
  count: u32,
  image: vec2u,
  pooled: vec2u,
  window: vec2u,
  stride: vec2u,
  padding: vec2u,
}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
@group(0) @binding(2) var<uniform> p: Params;

// Comparing a NaN with itself is undefined in WGSL; its bits are not.
fn isNotANumber(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.count) {
    return;
  }
  let base = i / (p.pooled.x * p.pooled.y) * p.image.x * p.image.y;
  let start = vec2i(vec2u(i / p.pooled.y % p.pooled.x, i % p.pooled.y) * p.stride) - vec2i(p.padding);
  let first = vec2u(max(start, vec2i(0)));
  let end = vec2u(min(start + vec2i(p.window), vec2i(p.image)));
  var at = first.x * p.image.y + first.y;
  var best = x[base + at];
  for (var row = first.x; row < end.x; row++) {
    for (var column = first.y; column < end.y; column++) {
      let candidate = row * p.image.y + column;
      let v = x[base + candidate];
      if (!isNotANumber(best) && (v > best || isNotANumber(v))) {
        best = v;
        at = candidate;
      }
    }
  }
  y[i] = i32(at);
}
