// The geometry of pooling: images HEIGHT × WIDTH, results ROWS × COLUMNS. Known when the pipeline is made, because divisions
// by constants are cheap and loops of constant length unroll. Positions are unsigned: what lies above or left of the image
// wraps around to huge numbers and fails the same comparison as what lies below or right of it.
override HEIGHT: u32 = 4;
override WIDTH: u32 = 4;
override ROWS: u32 = 2;
override COLUMNS: u32 = 2;
override WINDOW_HEIGHT: u32 = 2;
override WINDOW_WIDTH: u32 = 2;
override STRIDE_DOWN: u32 = 2;
override STRIDE_RIGHT: u32 = 2;
override TOP: u32 = 0;
override LEFT: u32 = 0;
// Most windows that cover one pixel, in each direction.
override REACH_DOWN: u32 = (WINDOW_HEIGHT + STRIDE_DOWN - 1u) / STRIDE_DOWN;
override REACH_RIGHT: u32 = (WINDOW_WIDTH + STRIDE_RIGHT - 1u) / STRIDE_RIGHT;

// Whether window `o` of one direction exists and covers the pixel, counted with padding.
fn covers(o: u32, pixel: u32, stride: u32, window: u32, count: u32) -> bool {
  return o < count && o * stride + window > pixel;
}
