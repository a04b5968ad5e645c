// conv2d, workgroup tiles — y[n,k,oy,ox] = Σ_{c,r,s} x[n,c,iy,ix] · w[k,c,r,s], iy·UP_Y = oy·stride + r·dilation − pad (terms without
// such an iy are zero): with UP = 1 the convolution, with UP = its stride the input gradient, for which x is the gradient and w
// is read flipped with channels exchanged. Rows of the tile are output channels, columns output pixels in flat (n,oy,ox)
// order, steps window taps in flat (c,r,s) order (lib/tiles.wgsl). Needs groups = 1 and every tensor below 2^31 elements; with MASKED windows of
// at most 32 taps and the same UP in both directions, with VECTORS planes of y that are whole vectors, with WHOLE steps that are a
// multiple of DEPTH.
override UP_Y: u32 = 1u;
override UP_X: u32 = 1u;
override FLIPPED: bool = false;
struct Params {
  pixels: u32, out_channels: u32, in_channels: u32, tiles: u32, column_tiles: u32, steps: u32,
  in_height: u32, in_width: u32, out_height: u32, out_width: u32, window_height: u32, window_width: u32,
  stride_y: u32, stride_x: u32, dilation_y: u32, dilation_x: u32, pad_top: i32, pad_left: i32,
  w_row: u32, w_channel: u32,
  taps_on: u32, w_on: u32, w_wrap: u32,  // a stage further in w: taps, numbers, and what a whole window takes besides
  // A stage further in the windows, digit by digit: columns, rows and numbers; how many make a row or a channel, and the numbers
  // that reaching one takes besides.
  across_on: u32, down_on: u32, on: u32, across_end: u32, across_wrap: u32, down_end: u32, down_wrap: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
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

// Of each pixel of the tile: row and column in the image where its window begins (below zero wrapped) - with MASKED which taps of its window
// are numbers of the image, a bit each, and where it begins in the spread out image -, where the image begins (with UP = 1 and MASKED
// where the window does), and where its first channel is stored.
var<workgroup> places: array<vec4u, COLUMNS>;
const OUTSIDE = 0xffffffffu;

fn is_inside(y: u32, height: u32, up: u32) -> bool { return (y < height * up) & (y % up == 0u); }

fn prepare_column(pixel: u32, local: u32) {
  let area = p.out_height * p.out_width;
  let place = pixel % area;
  let image = pixel / area;
  let top = place / p.out_width * p.stride_y - u32(p.pad_top);
  let left = place % p.out_width * p.stride_x - u32(p.pad_left);
  let begin = image * p.in_channels * p.in_height * p.in_width;
  let stored = select(OUTSIDE, image * p.out_channels * area + place, pixel < p.pixels);
//@if MASKED
  var row = 0u;
  for (var s = 0u; s < p.window_width; s++) {
    row |= u32(is_inside(left + s * p.dilation_x, p.in_width, UP_X)) << s;
  }
  var mask = 0u;
  for (var r = 0u; r < p.window_height; r++) {
    if (is_inside(top + r * p.dilation_y, p.in_height, UP_Y)) { mask |= row << (r * p.window_width); }
  }
  let corner = top * p.in_width + left;
  places[local] = vec4u(mask, corner, begin + select(0u, corner, UP_Y == 1u), stored);
//@else
  places[local] = vec4u(top, left, begin, stored);
//@end
}

// Where the present weights lie, and of which tap they are.
var<private> w_at: u32;
var<private> w_tap: u32;

fn begin_rows(row: u32, step: u32) {
  let window = p.window_height * p.window_width;
  w_tap = step % window;
  w_at = row * p.w_row + step / window * p.w_channel + select(w_tap, window - 1u - w_tap, FLIPPED);
}

fn next_rows() -> vec4f {
  let at = w_at;
  w_at += p.w_on;
  if (FLIPPED) {
    w_tap += p.taps_on;
    if (w_tap >= p.window_height * p.window_width) {
      w_tap -= p.window_height * p.window_width;
      w_at += p.w_wrap;
    }
  }
  return vec4f(w[at], w[at + p.w_row], w[at + 2u * p.w_row], w[at + 3u * p.w_row]);
}

// The present tap: column, row (with MASKED the tap itself) and channel, and where it lies from the window's corner.
var<private> across: u32;
var<private> down: u32;
var<private> offset: u32;
var<private> first_place: u32;

fn begin_columns(column: u32, step: u32, place: u32) {
  let window = p.window_height * p.window_width;
  first_place = place;
  across = step % p.window_width * p.dilation_x;
  let row = step % window / p.window_width * p.dilation_y;
  offset = step / window * p.in_height * p.in_width;
//@if MASKED
  offset = offset * UP_Y + row * p.in_width + across;
  down = step % window;
//@else
  down = row;
//@end
}

// Goes on by a stage, digit by digit: columns, rows, channels.
fn next_columns() {
  across += p.across_on;
  down += p.down_on;
  offset += p.on;
  if (across >= p.across_end) {
    across -= p.across_end;
//@if MASKED
//@else
    down += p.dilation_y;
//@end
    offset += p.across_wrap;
  }
  if (down >= p.down_end) {
    down -= p.down_end;
    offset += p.down_wrap;
  }
}

fn value_at(place: u32) -> f32 {
  let pixel = places[place];
//@if MASKED
  // All bits or none.
  let keep = u32(extractBits(i32(pixel.x), down, 1u));
  var at = pixel.z + offset;
  if (UP_Y != 1u) { at = pixel.z + (pixel.y + offset) / UP_Y; }
  return bitcast<f32>(bitcast<u32>(x[at]) & keep);
//@else
  let iy = pixel.x + down;
  let ix = pixel.y + across;
  let at = pixel.z + offset + iy / UP_Y * p.in_width + ix / UP_X;
  return select(0.0, x[at], is_inside(iy, p.in_height, UP_Y) & is_inside(ix, p.in_width, UP_X));
//@end
}

fn columns_at(further: u32) -> vec4f {
  let place = first_place + further;
  return vec4f(value_at(place), value_at(place + 1u), value_at(place + 2u), value_at(place + 3u));
}

fn store_row(row: u32, column: u32, values: vec4f) {
  if (row < p.out_channels) {
    let local = column % COLUMNS;
    let channel_at = row * p.out_height * p.out_width;
    let first = places[local].w;
//@if VECTORS
    if (first != OUTSIDE) { store_quad(first + channel_at, values); }
//@else
    if (first != OUTSIDE) { store_result(first + channel_at, values.x); }
    let second = places[local + 1u].w;
    if (second != OUTSIDE) { store_result(second + channel_at, values.y); }
    let third = places[local + 2u].w;
    if (third != OUTSIDE) { store_result(third + channel_at, values.z); }
    let fourth = places[local + 3u].w;
    if (fourth != OUTSIDE) { store_result(fourth + channel_at, values.w); }
//@end
  }
}

@compute @workgroup_size(SIDE * SIDE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let id = group.y * groups.x + group.x;
  if (id >= p.tiles) { return; }
  make_tile(id, id / p.column_tiles * ROWS, id % p.column_tiles * COLUMNS, 0u, p.steps, local);
}
