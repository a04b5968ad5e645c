// conv2dFilter, workgroup tiles — y[part,k,c,r,s] = Σ_{(n,oy,ox) in part} g[n,k,oy,ox] · x[n,c,oy·stride + r·dilation − pad, …]. Rows of the
// tile are output channels k, columns window taps in flat (c,r,s) order, steps output pixels in flat (n,oy,ox) order, split
// into parts that sumParts adds (lib/tiles.wgsl). Needs groups = 1 and every tensor below 2^31 elements.
struct Params {
  taps: u32, out_channels: u32, in_channels: u32, tiles: u32, row_tiles: u32, column_tiles: u32,
  pixels: u32, part_pixels: u32, in_height: u32, in_width: u32, out_height: u32, out_width: u32, window_height: u32, window_width: u32,
  stride_y: u32, stride_x: u32, dilation_y: u32, dilation_x: u32, pad_top: i32, pad_left: i32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store

var<private> y_offset: u32;

fn row_values(row: u32, step: u32) -> vec4f {
  let area = p.out_height * p.out_width;
  let channel = min(vec4u(row, row + 1u, row + 2u, row + 3u), vec4u(p.out_channels - 1u));
  let at = (step / area * p.out_channels + channel) * area + step % area;
  return vec4f(g[at.x], g[at.y], g[at.z], g[at.w]);
}

fn column_values(column: u32, step: u32) -> vec4f {
  let window = p.window_height * p.window_width;
  let tap = min(vec4u(column, column + 1u, column + 2u, column + 3u), vec4u(p.taps - 1u));
  let place = step % (p.out_height * p.out_width);
  let iy = tap % window / p.window_width * p.dilation_y + place / p.out_width * p.stride_y - u32(p.pad_top);
  let ix = tap % p.window_width * p.dilation_x + place % p.out_width * p.stride_x - u32(p.pad_left);
  let valid = (iy < vec4u(p.in_height)) & (ix < vec4u(p.in_width));
  let channel = step / (p.out_height * p.out_width) * p.in_channels + tap / window;
  let at = select(vec4u(0u), (channel * p.in_height + iy) * p.in_width + ix, valid);
  return select(vec4f(0.0), vec4f(x[at.x], x[at.y], x[at.z], x[at.w]), valid);
}

fn store_quad(row: u32, column: u32, values: vec4f) {
  if (row < p.out_channels) {
    let at = y_offset + row * p.taps + column;
    if (column < p.taps) { store_result(at, values.x); }
    if (column + 1u < p.taps) { store_result(at + 1u, values.y); }
    if (column + 2u < p.taps) { store_result(at + 2u, values.z); }
    if (column + 3u < p.taps) { store_result(at + 3u, values.w); }
  }
}

//@include "lib/tiles.wgsl"

@compute @workgroup_size(SIDE * SIDE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let id = group.y * groups.x + group.x;
  if (id >= p.tiles) { return; }
  let part = id / (p.column_tiles * p.row_tiles);
  y_offset = part * p.out_channels * p.taps;
  make_tile(
    id / p.column_tiles % p.row_tiles * TILE, id % p.column_tiles * TILE,
    part * p.part_pixels, min((part + 1u) * p.part_pixels, p.pixels), local);
}
