// winograd.image4 — spectra[point, …] = (B d Bᵀ)[point] for every 4 × 4 tile d of every plane of x [n,c,h,w], zeros around it; tiles
// lie `step` apart and overlap (lib/winograd.wgsl). One tile per invocation.
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> spectra: array<f32>;

//@include "lib/winograd.wgsl"

// B d.
fn interpolate(d: vec4f) -> vec4f {
  return vec4f(d.x - d.z, d.y + d.z, d.z - d.y, d.w - d.y);
}

fn row_of(tile: Tile, k: u32) -> vec4f {
  let row = u32(tile.corner.x) + k;
  let first = u32(tile.corner.y);
  let columns = vec4u(first, first + 1u, first + 2u, first + 3u);
  let at = tile.plane_at + row * p.width + columns;
  let valid = (columns < vec4u(p.width)) & vec4<bool>(tile.exists & (row < p.height));
  return interpolate(select(vec4f(0.0), vec4f(x[at.x], x[at.y], x[at.z], x[at.w]), valid));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= p.count) { return; }
  let tile = tile_of(i);
  let rows = mat4x4f(row_of(tile, 0u), row_of(tile, 1u), row_of(tile, 2u), row_of(tile, 3u));
  let columns = transpose(rows);
  for (var column = 0u; column < 4u; column++) {
    let line = interpolate(columns[column]);
    for (var k = 0u; k < 4u; k++) {
      spectra[tile.spectrum_at + (4u * k + column) * p.point_step] = line[k];
    }
  }
}
