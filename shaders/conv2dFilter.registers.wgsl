// conv2dFilter, register tiles — y[k,c,r,s] = Σ_{n,oy,ox} g[n,k,oy,ox] · x[n,c,oy·stride + r·dilation − pad, …]. Rows of the tile
// are window taps in flat (c,r,s) order, columns are output channels k (lib/registers.wgsl). The long sum over n, oy, ox is
// split over `parts` tiles, each of which takes `part_places` of the images · out_height · out_width places and writes a whole y;
// sumParts adds them. Needs groups = 1 and every tensor below 2^31 elements.
//@if SUBGROUPS
enable subgroups;
//@end
struct Params {
  taps: u32, out_channels: u32, in_channels: u32, tiles: u32, row_tiles: u32, column_tiles: u32,
  rows: u32, part_rows: u32, in_height: u32, in_width: u32, out_height: u32, out_width: u32, window_height: u32, window_width: u32,
  stride_y: u32, stride_x: u32, dilation_y: u32, dilation_x: u32, pad_top: i32, pad_left: i32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store

const STEPS = 1u;
//@include "lib/registers.wgsl"

var<private> column_at: array<vec4u, SLOTS>;  // where the gradients of each slot begin
var<private> g_step: u32;

fn columns_at(slot: u32) -> array<vec4f, STEPS> {
  let at = column_at[slot] + g_step;
  var columns: vec4f;
  for (var c = 0u; c < 4u; c++) {
    if (slot * 4u + c < OWN) {
      columns[c] = g[at[c]];
    }
  }
  return array<vec4f, STEPS>(columns);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let id = group.y * groups.x + group.x;
  if (id >= p.tiles) { return; }
  let column_start = (id % p.column_tiles) * COLUMNS;
  let part = id / p.column_tiles / p.row_tiles;
  let out_area = p.out_height * p.out_width;
  for (var slot = 0u; slot < SLOTS; slot++) {
    let column = column_start + first_column(slot, lane);
    column_at[slot] = min(vec4u(column, column + 1u, column + 2u, column + 3u), vec4u(p.out_channels - 1u)) * out_area;
  }
  let tap_start = (id / p.column_tiles % p.row_tiles * LANES + lane) * 4u;
  let own = vec4u(tap_start, tap_start + 1u, tap_start + 2u, tap_start + 3u);
  let tap = min(own, vec4u(p.taps - 1u));
  let window = p.window_height * p.window_width;
  let in_area = p.in_height * p.in_width;
  let channel_at = tap / window * in_area;
  let top = vec4i(tap % window / p.window_width * p.dilation_y) - p.pad_top;
  let left = vec4i(tap % p.window_width * p.dilation_x) - p.pad_left;

  for (var row = part * p.part_rows; row < min((part + 1u) * p.part_rows, p.rows); row++) {
    let image = row / p.out_height;
    let oy = row % p.out_height;
    let iy = vec4u(top + i32(oy * p.stride_y));
    let row_valid = iy < vec4u(p.in_height);
    let row_at = image * p.in_channels * in_area + channel_at + iy * p.in_width;
    g_step = image * p.out_channels * out_area + oy * p.out_width;
    var ix = vec4u(left);
    for (var ox = 0u; ox < p.out_width; ox++) {
      let valid = row_valid & (ix < vec4u(p.in_width));
      let at = select(vec4u(0u), row_at + ix, valid);
      accumulate(array<vec4f, STEPS>(select(vec4f(0.0), vec4f(x[at.x], x[at.y], x[at.z], x[at.w]), valid)));
      ix += p.stride_x;
      g_step++;
    }
  }
  finish();

  let y_at = part * p.taps * p.out_channels + own;
  let inside = own < vec4u(p.taps);
  for (var i = 0u; i < min(COLUMNS, p.out_channels - column_start); i++) {
    let at = y_at + (column_start + i) * p.taps;
    if (inside.x) { store_result(at.x, tile[i * 4u]); }
    if (inside.y) { store_result(at.y, tile[i * 4u + 1u]); }
    if (inside.z) { store_result(at.z, tile[i * 4u + 2u]); }
    if (inside.w) { store_result(at.w, tile[i * 4u + 3u]); }
  }
}
