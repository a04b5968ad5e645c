// What conv2d.strips and its adjoint in x have in common: the window, known when the pipeline is made, the geometry, and results that are
// stored by strips of four columns. With VECTORS rows of y are whole vectors.
const WINDOW_HEIGHT = 3u; //@spec
const WINDOW_WIDTH = 3u; //@spec
const STRIDE_Y = 1u; //@spec
const STRIDE_X = 1u; //@spec
const TAPS = WINDOW_HEIGHT * WINDOW_WIDTH;
struct Params {
  count: u32, // strips in all
  quads: u32, blocks: u32, rows_each: u32, // strips across a plane, down a plane, rows of one
  in_channels: u32, out_channels: u32, channels_per_group: u32, filters_per_group: u32,
  in_height: u32, in_width: u32, out_height: u32, out_width: u32, pad_top: i32, pad_left: i32,
}
@group(0) @binding(0) var<uniform> p: Params;
//@if VECTORS
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
fn store_quad(index: u32, value: vec4f) { y[index / 4u] = value; } //@hook store
//@else
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store
//@end
fn begin_channel(channel: u32) {} //@hook store
