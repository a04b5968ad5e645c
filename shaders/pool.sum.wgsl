// pool.sum — y[plane, oy, ox] = Σ of the window in x[plane, h, w], padding being zeros. One thread per window.
struct Params {
  count: u32,
  image: vec2u,
  pooled: vec2u,
  window: vec2u,
  stride: vec2u,
  padding: vec2u,
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
  let base = i / (p.pooled.x * p.pooled.y) * p.image.x * p.image.y;
  let start = vec2i(vec2u(i / p.pooled.y % p.pooled.x, i % p.pooled.y) * p.stride) - vec2i(p.padding);
  let first = vec2u(max(start, vec2i(0)));
  let end = vec2u(min(start + vec2i(p.window), vec2i(p.image)));
  var total = 0.0;
  for (var row = first.x; row < end.x; row++) {
    for (var column = first.y; column < end.y; column++) {
      total += x[base + row * p.image.y + column];
    }
  }
  y[i] = total;
}
