// winograd.evaluate4 — spectra[point, …] = (S E d Eᵀ S)[point] for every 3 × 3 window d of x [k,c,3,3], read backwards if p.flipped
// (lib/winograd.wgsl). One window per invocation.
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> spectra: array<f32>;

//@include "lib/winograd.wgsl"

// S E d.
fn evaluate(d: vec3f) -> vec4f {
  let even = 0.5 * (d.x + d.z);
  let odd = 0.5 * d.y;
  return vec4f(d.x, even + odd, even - odd, d.z);
}

fn row_of(tile: Tile, k: u32) -> vec4f {
  let row = tile.plane_at + 3u * select(k, 2u - k, p.flipped == 1u);
  let d = vec3f(x[row], x[row + 1u], x[row + 2u]);
  return evaluate(select(d, d.zyx, p.flipped == 1u));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= p.count) { return; }
  let tile = tile_of(i);
  let columns = transpose(mat3x4f(row_of(tile, 0u), row_of(tile, 1u), row_of(tile, 2u)));
  for (var column = 0u; column < 4u; column++) {
    let line = evaluate(columns[column]);
    for (var k = 0u; k < 4u; k++) {
      spectra[tile.spectrum_at + (4u * k + column) * p.point_step] = line[k];
    }
  }
}
