// conv2d, strips — y[n,k,oy,ox] = Σ_{c,r,s} x[n, group(k)·d + c, oy·stride + r − pad_top, …] · w[k,c,r,s], d channels per group and x
// zero outside. One invocation makes four columns of `rows_each` rows of one plane. It walks down x, loads every row once
// and adds it to all results it belongs to: for groups of few channels, where each value of x serves few filters and a tile has
// nothing to share. With SEVERAL d is more than 1; with QUADS rows of x are whole vectors, with VECTORS those of y. Needs dilation 1.
//@variant QUADS PAD_LEFT=3 STRIDE_X=2 WINDOW_WIDTH=5
//@include "lib/strips.wgsl"
const LOADS = 3u * STRIDE_X + WINDOW_WIDTH;
// Rows of results that one row of x belongs to.
const AGES = (WINDOW_HEIGHT + STRIDE_Y - 1u) / STRIDE_Y;
@group(0) @binding(1) var<storage, read> x: array<f32>;
//@if QUADS
@group(0) @binding(4) var<storage, read> x4: array<vec4f>; // the same
const PAD_LEFT = 1u; //@spec
//@end
@group(0) @binding(2) var<storage, read> w: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= p.count) { return; }
  let column = i % p.quads * 4u;
  let first_row = i / p.quads % p.blocks * p.rows_each;
  let stop_row = min(first_row + p.rows_each, p.out_height);
  let plane = i / p.quads / p.blocks;
  let k = plane % p.out_channels;
  begin_channel(k);
  let first_channel = plane / p.out_channels * p.in_channels + k / p.filters_per_group * p.channels_per_group;
  let left = i32(column * STRIDE_X) - p.pad_left;
  var weights: array<f32, TAPS>;
//@if SEVERAL
//@else
  for (var tap = 0u; tap < TAPS; tap++) { weights[tap] = w[k * TAPS + tap]; }
//@end
  var sums = array<vec4f, AGES>(); // the youngest result first
  for (var turn = first_row; turn < stop_row + AGES - 1u; turn++) {
    for (var q = 0u; q < STRIDE_Y; q++) {
      let iy = u32(i32(turn * STRIDE_Y + q) - p.pad_top);
      if (iy < p.in_height) {
//@if SEVERAL
        // By themselves, so that rounding grows with the number of rows and not of channels.
        var more = array<vec4f, AGES>();
        for (var c = 0u; c < p.channels_per_group; c++) {
          for (var tap = 0u; tap < TAPS; tap++) {
            if (tap / WINDOW_WIDTH % STRIDE_Y == q) { weights[tap] = w[(k * p.channels_per_group + c) * TAPS + tap]; }
          }
          let row = ((first_channel + c) * p.in_height + iy) * p.in_width;
//@else
          let row = (first_channel * p.in_height + iy) * p.in_width;
//@end
          var values: array<f32, LOADS>;
//@if QUADS
          // The columns under those of y come as vectors, their neighbours one by one.
          let aligned = column * STRIDE_X;
          var quads = array<vec4f, STRIDE_X>();
          for (var j = 0u; j < STRIDE_X; j++) {
            let ix = aligned + 4u * j;
            quads[j] = select(vec4f(0.0), x4[(row + ix) / 4u], ix < p.in_width);
          }
          for (var j = 0u; j < LOADS; j++) {
            let inside = j - PAD_LEFT;
            if (inside < 4u * STRIDE_X) {
              values[j] = quads[inside / 4u][inside % 4u];
            } else {
              let ix = aligned + inside;
              values[j] = select(0.0, x[row + ix], ix < p.in_width);
            }
          }
//@else
          for (var j = 0u; j < LOADS; j++) {
            let ix = u32(left + i32(j));
            values[j] = select(0.0, x[row + ix], ix < p.in_width);
          }
//@end
          for (var age = 0u; age < AGES; age++) {
            let r = age * STRIDE_Y + q;
            if (r < WINDOW_HEIGHT) {
              for (var s = 0u; s < WINDOW_WIDTH; s++) {
                let four = vec4f(values[s], values[s + STRIDE_X], values[s + 2u * STRIDE_X], values[s + 3u * STRIDE_X]);
//@if SEVERAL
                more[age] += four * weights[r * WINDOW_WIDTH + s];
//@else
                sums[age] += four * weights[r * WINDOW_WIDTH + s];
//@end
              }
            }
          }
//@if SEVERAL
        }
        for (var age = 0u; age < AGES; age++) { sums[age] += more[age]; }
//@end
      }
    }
    if (turn >= first_row + AGES - 1u) {
      let at = (plane * p.out_height + turn + 1u - AGES) * p.out_width + column;
      let result = sums[AGES - 1u];
//@if VECTORS
      store_quad(at, result);
//@else
      store_result(at, result.x);
      if (column + 1u < p.out_width) { store_result(at + 1u, result.y); }
      if (column + 2u < p.out_width) { store_result(at + 2u, result.z); }
      if (column + 3u < p.out_width) { store_result(at + 3u, result.w); }
//@end
    }
    // Counted up: Mesa does not unroll loops that count down, and the array would lie in memory.
    for (var i = 1u; i < AGES; i++) { sums[AGES - i] = sums[AGES - i - 1u]; }
    sums[0] = vec4f(0.0);
  }
}
