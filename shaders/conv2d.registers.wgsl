// conv2d, register tiles — y[n,k,oy,ox] = Σ_{c,r,s} x[n,c,iy,ix] · w[k,c,r,s], iy·UP_Y = oy·stride + r·dilation − pad (terms
// without such an iy are zero): with UP = 1 the convolution, with UP = its stride the input gradient, for which x is the
// gradient and w is packed flipped with channels exchanged (conv2d.pack). Rows of the tile are output pixels in flat (n,oy,ox) order,
// columns are output channels (lib/registers.wgsl). The sum runs over r, s and inside over c, where the window's
// bounds no longer change. Needs groups = 1 and every tensor below 2^31 elements.
//@if SUBGROUPS
enable subgroups;
//@end
override UP_Y: u32 = 1u;
override UP_X: u32 = 1u;
struct Params {
  pixels: u32, out_channels: u32, in_channels: u32, tiles: u32, column_tiles: u32,
  in_height: u32, in_width: u32, out_height: u32, out_width: u32, window_height: u32, window_width: u32,
  stride_y: u32, stride_x: u32, dilation_y: u32, dilation_x: u32, pad_top: i32, pad_left: i32,
  quads: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<vec4f>;  // packed [r,s,c,quads]
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store

//@include "lib/registers.wgsl"

var<private> quad_at: array<u32, QUADS>;  // the weights of each slot
var<private> w_step: u32;

fn column_values(slot: u32) -> vec4f { return w[w_step + quad_at[slot]]; }

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let id = group.y * groups.x + group.x;
  if (id >= p.tiles) { return; }
  let column_start = (id % p.column_tiles) * COLUMNS;
  for (var slot = 0u; slot < QUADS; slot++) {
    quad_at[slot] = min((column_start + first_column(slot, lane)) / 4u, p.quads - 1u);
  }
  let out_area = p.out_height * p.out_width;
  let in_area = p.in_height * p.in_width;
  let pixel_start = ((id / p.column_tiles) * LANES + lane) * 4u;
  let pixel = min(vec4u(pixel_start, pixel_start + 1u, pixel_start + 2u, pixel_start + 3u), vec4u(p.pixels - 1u));
  let image = pixel / out_area;
  let place = pixel % out_area;
  let top = vec4i(place / p.out_width * p.stride_y) - p.pad_top;
  let image_at = image * p.in_channels * in_area;
  let left = vec4i(place % p.out_width * p.stride_x) - p.pad_left;

  for (var r = 0u; r < p.window_height; r++) {
    let iy = vec4u(top + i32(r * p.dilation_y));
    let row_at = image_at + iy / UP_Y * p.in_width;
    let row_valid = (iy < vec4u(p.in_height * UP_Y)) & (iy % UP_Y == vec4u(0u));
    for (var s = 0u; s < p.window_width; s++) {
      let ix = vec4u(left + i32(s * p.dilation_x));
      let valid = row_valid & (ix < vec4u(p.in_width * UP_X)) & (ix % UP_X == vec4u(0u));
      var at = select(vec4u(0u), row_at + ix / UP_X, valid);
      for (var c = 0u; c < p.in_channels; c++) {
        accumulate(select(vec4f(0.0), vec4f(x[at.x], x[at.y], x[at.z], x[at.w]), valid));
        at += in_area;
        w_step += p.quads;
      }
    }
  }

  let y_at = image * p.out_channels * out_area + place;
  let inside = vec4u(pixel_start, pixel_start + 1u, pixel_start + 2u, pixel_start + 3u) < vec4u(p.pixels);
  for (var i = 0u; i < min(COLUMNS, p.out_channels - column_start); i++) {
    let at = y_at + (column_start + i) * out_area;
    if (inside.x) { store_result(at.x, tile[i * 4u]); }
    if (inside.y) { store_result(at.y, tile[i * 4u + 1u]); }
    if (inside.z) { store_result(at.z, tile[i * 4u + 2u]); }
    if (inside.w) { store_result(at.w, tile[i * 4u + 3u]); }
  }
}
