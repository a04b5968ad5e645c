// pool.scatter — x[plane, pixel] = Σ g[plane, o] over the windows o with indices[plane, o] = pixel: the adjoint of pool.gather.
// One thread per pixel looks at the windows that cover it, so nothing is added concurrently and the result is the same each
// time.
struct Params {
  count: u32,
  image: vec2u,
  pooled: vec2u,
  window: vec2u,
  stride: vec2u,
  padding: vec2u,
}
@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read> indices: array<i32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.count) {
    return;
  }
  let plane = i / (p.image.x * p.image.y);
  let at = i % (p.image.x * p.image.y);
  let pixel = vec2u(at / p.image.y, at % p.image.y) + p.padding;
  // Windows o with o·stride <= pixel < o·stride + window.
  let first = (max(pixel + 1u, p.window) - p.window + p.stride - 1u) / p.stride;
  let end = min(pixel / p.stride + 1u, p.pooled);
  var total = 0.0;
  for (var row = first.x; row < end.x; row++) {
    for (var column = first.y; column < end.y; column++) {
      let o = (plane * p.pooled.x + row) * p.pooled.y + column;
      if (u32(indices[o]) == at) {
        total += g[o];
      }
    }
  }
  x[i] = total;
}
