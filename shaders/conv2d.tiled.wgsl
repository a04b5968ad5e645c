// conv2d, workgroup tiles — y[n,k,oy,ox] = Σ_{c,r,s} x[n,c,iy,ix] · w[k,c,r,s], iy·UP_Y = oy·stride + r·dilation − pad (terms without
// such an iy are zero): with UP = 1 the convolution, with UP = its stride the input gradient, for which x is the gradient and w
// is read flipped with channels exchanged. Rows of the tile are output channels, columns output pixels in flat (n,oy,ox)
// order, steps window taps in flat (c,r,s) order (lib/tiles.wgsl). Needs groups = 1 and every tensor below 2^31 elements.
override UP_Y: u32 = 1u;
override UP_X: u32 = 1u;
override FLIPPED: bool = false;
struct Params {
  pixels: u32, out_channels: u32, in_channels: u32, tiles: u32, column_tiles: u32, steps: u32,
  in_height: u32, in_width: u32, out_height: u32, out_width: u32, window_height: u32, window_width: u32,
  stride_y: u32, stride_x: u32, dilation_y: u32, dilation_x: u32, pad_top: i32, pad_left: i32,
  w_row: u32, w_channel: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store

fn row_values(row: u32, step: u32) -> vec4f {
  let window = p.window_height * p.window_width;
  let tap = step % window;
  let at = min(vec4u(row, row + 1u, row + 2u, row + 3u), vec4u(p.out_channels - 1u)) * p.w_row
    + step / window * p.w_channel + select(tap, window - 1u - tap, FLIPPED);
  return vec4f(w[at.x], w[at.y], w[at.z], w[at.w]);
}

fn column_values(column: u32, step: u32) -> vec4f {
  let window = p.window_height * p.window_width;
  let pixel = min(vec4u(column, column + 1u, column + 2u, column + 3u), vec4u(p.pixels - 1u));
  let place = pixel % (p.out_height * p.out_width);
  let r = step % window / p.window_width;
  let s = step % p.window_width;
  let iy = place / p.out_width * p.stride_y + r * p.dilation_y - u32(p.pad_top);
  let ix = place % p.out_width * p.stride_x + s * p.dilation_x - u32(p.pad_left);
  let valid = (iy < vec4u(p.in_height * UP_Y)) & (iy % UP_Y == vec4u(0u))
    & (ix < vec4u(p.in_width * UP_X)) & (ix % UP_X == vec4u(0u));
  let image = pixel / (p.out_height * p.out_width);
  let channel = image * p.in_channels + step / window;
  let at = select(vec4u(0u), (channel * p.in_height + iy / UP_Y) * p.in_width + ix / UP_X, valid);
  return select(vec4f(0.0), vec4f(x[at.x], x[at.y], x[at.z], x[at.w]), valid);
}

fn store_pixel(row: u32, pixel: u32, value: f32) {
  if (pixel < p.pixels) {
    let area = p.out_height * p.out_width;
    store_result((pixel / area * p.out_channels + row) * area + pixel % area, value);
  }
}

fn store_quad(row: u32, column: u32, values: vec4f) {
  if (row < p.out_channels) {
    store_pixel(row, column, values.x);
    store_pixel(row, column + 1u, values.y);
    store_pixel(row, column + 2u, values.z);
    store_pixel(row, column + 3u, values.w);
  }
}

//@include "lib/tiles.wgsl"

@compute @workgroup_size(SIDE * SIDE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let id = group.y * groups.x + group.x;
  if (id >= p.tiles) { return; }
  make_tile(id / p.column_tiles * TILE, id % p.column_tiles * TILE, 0u, p.steps, local);
}
