// winograd.collect4 — y[n,c,…] = Eᵀ t E, where t is the spectrum of a tile: 2 × 2 pixels of every tile of every plane, without those
// beyond the plane (lib/winograd.wgsl). One tile per invocation.
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> spectra: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store
fn begin_channel(channel: u32) {} //@hook store

//@include "lib/winograd.wgsl"

// Eᵀ t.
fn collect(t: vec4f) -> vec2f {
  return vec2f(t.x + (t.y + t.z), (t.y - t.z) + t.w);
}

fn row_of(tile: Tile, k: u32) -> vec2f {
  let s = p.point_step;
  let at = tile.spectrum_at + 4u * k * s;
  return collect(vec4f(spectra[at], spectra[at + s], spectra[at + 2u * s], spectra[at + 3u * s]));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= p.count) { return; }
  let tile = tile_of(i);
  if (!tile.exists) { return; }
  begin_channel(tile.channel);
  let columns = transpose(mat4x2f(row_of(tile, 0u), row_of(tile, 1u), row_of(tile, 2u), row_of(tile, 3u)));
  let corner = vec2u(tile.corner);
  for (var column = 0u; column < min(2u, p.width - corner.y); column++) {
    let pixels = collect(columns[column]);
    for (var row = 0u; row < min(2u, p.height - corner.x); row++) {
      store_result(tile.plane_at + (corner.x + row) * p.width + corner.y + column, pixels[row]);
    }
  }
}
