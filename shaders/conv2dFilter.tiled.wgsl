// conv2dFilter, workgroup tiles — y[part,k,c,r,s] = Σ_{(n,oy,ox) in part} g[n,k,oy,ox] · x[n,c,oy·stride + r·dilation − pad, …]. Rows of the
// tile are output channels k, columns window taps in flat (c,r,s) order, steps output pixels in flat (n,oy,ox) order, split
// into parts that sumParts adds (lib/tiles.wgsl). Needs groups = 1 and every tensor below 2^31 elements.
struct Params {
  taps: u32, out_channels: u32, in_channels: u32, tiles: u32, row_tiles: u32, column_tiles: u32,
  pixels: u32, part_pixels: u32, in_height: u32, in_width: u32, out_height: u32, out_width: u32, window_height: u32, window_width: u32,
  stride_y: u32, stride_x: u32, dilation_y: u32, dilation_x: u32, pad_top: i32, pad_left: i32,
  g_pixels_on: u32, g_on: u32, g_wrap: u32,  // a stage further in g: pixels, numbers, and what a whole image takes besides
  // A stage further in x, digit by digit: columns, rows and numbers; how many make a row or an image, and the numbers that reaching
  // one takes besides.
  across_on: u32, down_on: u32, on: u32, across_end: u32, across_wrap: u32, down_end: u32, down_wrap: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> g: array<f32>;
//@if VECTORS
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
fn store_quad(index: u32, value: vec4f) { y[index / 4u] = value; } //@hook store
//@else
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store
//@end
//@if LONG
@group(0) @binding(4) var<storage, read_write> sums: array<vec4f>;
//@end

//@include "lib/tiles.wgsl"

// Of each tap of the tile: rows and columns from a window's corner, padding off (below zero wrapped), and where it lies from the pixel of its
// first channel.
var<workgroup> places: array<vec4u, COLUMNS>;

fn prepare_column(tap: u32, local: u32) {
  let window = p.window_height * p.window_width;
  let down = tap % window / p.window_width * p.dilation_y - u32(p.pad_top);
  let across = tap % p.window_width * p.dilation_x - u32(p.pad_left);
  places[local] = vec4u(down, across, (tap / window * p.in_height + down) * p.in_width + across, 0u);
}

var<private> y_offset: u32;
// Where the present gradients lie, and at which pixel of their image they are.
var<private> g_at: u32;
var<private> g_place: u32;

fn begin_rows(row: u32, step: u32) {
  let area = p.out_height * p.out_width;
  g_place = step % area;
  g_at = (step / area * p.out_channels + row) * area + g_place;
}

fn next_rows() -> vec4f {
  let at = g_at;
  let area = p.out_height * p.out_width;
  g_place += p.g_pixels_on;
  g_at += p.g_on;
  if (g_place >= area) {
    g_place -= area;
    g_at += p.g_wrap;
  }
  return vec4f(g[at], g[at + area], g[at + 2u * area], g[at + 3u * area]);
}

// The corner of the present pixel's window, without padding, and where it lies in x.
var<private> down: u32;
var<private> across: u32;
var<private> offset: u32;
var<private> first_place: u32;

fn begin_columns(column: u32, step: u32, place: u32) {
  let area = p.out_height * p.out_width;
  first_place = place;
  down = step % area / p.out_width * p.stride_y;
  across = step % p.out_width * p.stride_x;
  offset = (step / area * p.in_channels * p.in_height + down) * p.in_width + across;
}

fn next_columns() {
  across += p.across_on;
  down += p.down_on;
  offset += p.on;
  if (across >= p.across_end) {
    across -= p.across_end;
    down += p.stride_y;
    offset += p.across_wrap;
  }
  if (down >= p.down_end) {
    down -= p.down_end;
    offset += p.down_wrap;
  }
}

fn value_at(place: u32) -> f32 {
  let tap = places[place];
  let valid = (down + tap.x < p.in_height) & (across + tap.y < p.in_width);
  return select(0.0, x[offset + tap.z], valid);
}

fn columns_at(further: u32) -> vec4f {
  let place = first_place + further;
  return vec4f(value_at(place), value_at(place + 1u), value_at(place + 2u), value_at(place + 3u));
}

fn store_row(row: u32, column: u32, values: vec4f) {
  if (row < p.out_channels) {
    let at = y_offset + row * p.taps + column;
//@if VECTORS
    if (column < p.taps) { store_quad(at, values); }
//@else
    if (column < p.taps) { store_result(at, values.x); }
    if (column + 1u < p.taps) { store_result(at + 1u, values.y); }
    if (column + 2u < p.taps) { store_result(at + 2u, values.z); }
    if (column + 3u < p.taps) { store_result(at + 3u, values.w); }
//@end
  }
}

@compute @workgroup_size(SIDE * SIDE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let id = group.y * groups.x + group.x;
  if (id >= p.tiles) { return; }
  let part = id / (p.column_tiles * p.row_tiles);
  y_offset = part * p.out_channels * p.taps;
  make_tile(
    id, id / p.column_tiles % p.row_tiles * ROWS, id % p.column_tiles * COLUMNS,
    part * p.part_pixels, min((part + 1u) * p.part_pixels, p.pixels), local);
}
