// conv2d, register tiles — y[n,k,oy,ox] = Σ_{c,r,s} x[n,c,iy,ix] · w[k,c,r,s], iy·UP_Y = oy·stride + r·dilation − pad (terms
// without such an iy are zero): with UP = 1 the convolution, with UP = its stride the input gradient, for which x is the
// gradient and w is packed flipped with channels exchanged (conv2d.pack). Rows of the tile are output pixels in flat (n,oy,ox) order,
// columns are output channels (lib/registers.wgsl). The sum runs over r, s and inside over c, where the window's
// bounds no longer change. Needs groups = 1 and every tensor below 2^31 elements; with VECTORS planes of y that are whole vectors.
// With SLIDE rows of y are whole vectors too and nothing is spread out or left out: the four pixels of a lane at one tap are
// three of those at the tap before and one more. With TWO, for an even number of channels and no SLIDE, c goes by twos.
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
//@if VECTORS
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
fn store_quad(index: u32, value: vec4f) { y[index / 4u] = value; } //@hook store
//@else
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store
//@end
fn begin_channel(channel: u32) {} //@hook store

//@if TWO
const STEPS = 2u;
//@else
const STEPS = 1u;
//@end
//@include "lib/registers.wgsl"

var<private> quad_at: array<u32, SLOTS>;  // the weights of each slot
var<private> w_step: u32;

fn columns_at(slot: u32) -> array<vec4f, STEPS> {
  var columns: array<vec4f, STEPS>;
  for (var step = 0u; step < STEPS; step++) {
    columns[step] = w[w_step + step * p.quads + quad_at[slot]];
  }
  return columns;
}
//@if SLIDE

struct Row {
  at: u32,
  exists: bool,
}

fn pixel_in(row: Row, column: i32) -> f32 {
  return select(0.0, x[row.at + u32(column)], row.exists & (u32(column) < p.in_width));
}
//@end

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let id = group.y * groups.x + group.x;
  if (id >= p.tiles) { return; }
  let column_start = (id % p.column_tiles) * COLUMNS;
  for (var slot = 0u; slot < SLOTS; slot++) {
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

//@if SLIDE
  for (var r = 0u; r < p.window_height; r++) {
    let iy = u32(top.x + i32(r * p.dilation_y));
    var row_at = image_at.x + iy * p.in_width;
    for (var c = 0u; c < p.in_channels; c++) {
      let row = Row(row_at, iy < p.in_height);
      var values = vec4f(0.0, pixel_in(row, left.x), pixel_in(row, left.x + 1), pixel_in(row, left.x + 2));
      w_step = (r * p.window_width * p.in_channels + c) * p.quads;
      for (var s = 0u; s < p.window_width; s++) {
        values = vec4f(values.yzw, pixel_in(row, left.x + i32(s) + 3));
        accumulate(array<vec4f, STEPS>(values));
        w_step += p.in_channels * p.quads;
      }
      row_at += in_area;
    }
  }
//@else
  for (var r = 0u; r < p.window_height; r++) {
    let iy = vec4u(top + i32(r * p.dilation_y));
    let row_at = image_at + iy / UP_Y * p.in_width;
    let row_valid = (iy < vec4u(p.in_height * UP_Y)) & (iy % UP_Y == vec4u(0u));
    for (var s = 0u; s < p.window_width; s++) {
      let ix = vec4u(left + i32(s * p.dilation_x));
      let valid = row_valid & (ix < vec4u(p.in_width * UP_X)) & (ix % UP_X == vec4u(0u));
      var at = select(vec4u(0u), row_at + ix / UP_X, valid);
      for (var c = 0u; c < p.in_channels; c += STEPS) {
        var pixels: array<vec4f, STEPS>;
        for (var step = 0u; step < STEPS; step++) {
          pixels[step] = select(vec4f(0.0), vec4f(x[at.x], x[at.y], x[at.z], x[at.w]), valid);
          at += in_area;
        }
        accumulate(pixels);
        w_step += STEPS * p.quads;
      }
    }
  }
//@end
  finish();

  let y_at = image * p.out_channels * out_area + place;
//@if VECTORS
  for (var i = 0u; i < min(COLUMNS, p.out_channels - column_start) && pixel_start < p.pixels; i++) {
    begin_channel(column_start + i);
    store_quad(
      y_at.x + (column_start + i) * out_area,
      vec4f(tile[i * 4u], tile[i * 4u + 1u], tile[i * 4u + 2u], tile[i * 4u + 3u]),
    );
  }
//@else
  let inside = vec4u(pixel_start, pixel_start + 1u, pixel_start + 2u, pixel_start + 3u) < vec4u(p.pixels);
  for (var i = 0u; i < min(COLUMNS, p.out_channels - column_start); i++) {
    begin_channel(column_start + i);
    let at = y_at + (column_start + i) * out_area;
    if (inside.x) { store_result(at.x, tile[i * 4u]); }
    if (inside.y) { store_result(at.y, tile[i * 4u + 1u]); }
    if (inside.z) { store_result(at.z, tile[i * 4u + 2u]); }
    if (inside.w) { store_result(at.w, tile[i * 4u + 3u]); }
  }
//@end
}
