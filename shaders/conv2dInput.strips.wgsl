// conv2dInput, strips — the adjoint of conv2d in x: y[n,c,iy,ix] = Σ_{k,r,s} g[n,k,oy,ox] · w[k,c,r,s] over the k of c's group with
// oy·stride + r − pad_top = iy, ox alike. One invocation makes four columns of `rows_each` rows of one plane. It walks down g and
// adds every row to all rows of y it reaches: as conv2d.strips, without a look at the zeros that a stride leaves between
// gradients. With SEVERAL a group has more than one filter; with ONES there is no w, and all weights are 1; with VECTORS rows of
// y are whole vectors, with QUADS those of g. Needs dilation 1 and a stride across of 1, 2 or 4, with QUADS of 1.
//@variant QUADS PAD_LEFT=4 WINDOW_WIDTH=5
//@include "lib/strips.wgsl"
const PHASE = 0u; //@spec  pad_left modulo STRIDE_X
// Gradients to the left of that at the strip's first column which reach it, and how many of a row do.
const BEFORE = (WINDOW_WIDTH - 1u) / STRIDE_X;
const LOADS = BEFORE + 1u + (PHASE + 3u) / STRIDE_X;
const ABOVE = (WINDOW_HEIGHT - 1u) / STRIDE_Y;
// Rows of y under way; those that a stride steps over as well.
const LIVE = max(WINDOW_HEIGHT, STRIDE_Y);
@group(0) @binding(1) var<storage, read> g: array<f32>;
//@if QUADS
@group(0) @binding(4) var<storage, read> g4: array<vec4f>; // the same
const PAD_LEFT = 1u; //@spec
//@end
//@if ONES
//@else
@group(0) @binding(2) var<storage, read> w: array<f32>;
//@end

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= p.count) { return; }
  let column = i % p.quads * 4u;
  let first_row = i32(i / p.quads % p.blocks * p.rows_each);
  let stop_row = min(first_row + i32(p.rows_each), i32(p.in_height));
  let plane = i / p.quads / p.blocks;
  let c = plane % p.in_channels;
  begin_channel(c);
  let group = c / p.channels_per_group;
  let own_channel = c - group * p.channels_per_group;
  let first_filter = group * p.filters_per_group;
  let first_plane = plane / p.in_channels * p.out_channels + first_filter;
  let left = (i32(column) + p.pad_left) / i32(STRIDE_X) - i32(BEFORE);
  var weights: array<f32, TAPS>;
//@if ONES
  for (var tap = 0u; tap < TAPS; tap++) { weights[tap] = 1.0; }
//@end
//@if SEVERAL
//@else
//@if ONES
//@else
  for (var tap = 0u; tap < TAPS; tap++) {
    weights[tap] = w[(first_filter * p.channels_per_group + own_channel) * TAPS + tap];
  }
//@end
//@end
  var sums = array<vec4f, LIVE>(); // the uppermost first
  let stop_turn = (stop_row - 1 + p.pad_top) / i32(STRIDE_Y);
  for (var oy = (first_row + p.pad_top) / i32(STRIDE_Y) - i32(ABOVE); oy <= stop_turn; oy++) {
    if (u32(oy) < p.out_height) {
//@if SEVERAL
      var more = array<vec4f, WINDOW_HEIGHT>(); // as in conv2d.strips
      for (var f = 0u; f < p.filters_per_group; f++) {
//@if ONES
//@else
        for (var tap = 0u; tap < TAPS; tap++) {
          weights[tap] = w[((first_filter + f) * p.channels_per_group + own_channel) * TAPS + tap];
        }
//@end
        let row = ((first_plane + f) * p.out_height + u32(oy)) * p.out_width;
//@else
        let row = (first_plane * p.out_height + u32(oy)) * p.out_width;
//@end
        var values: array<f32, LOADS>;
//@if QUADS
        // The columns under those of y come as a vector, their neighbours one by one.
        let quad = select(vec4f(0.0), g4[(row + column) / 4u], column < p.out_width);
        for (var j = 0u; j < LOADS; j++) {
          let inside = j + PAD_LEFT - BEFORE;
          if (inside < 4u) {
            values[j] = quad[inside];
          } else {
            let ox = column + inside;
            values[j] = select(0.0, g[row + ox], ox < p.out_width);
          }
        }
//@else
        for (var j = 0u; j < LOADS; j++) {
          let ox = u32(left + i32(j));
          values[j] = select(0.0, g[row + ox], ox < p.out_width);
        }
//@end
        for (var s = 0u; s < WINDOW_WIDTH; s++) {
          // Column `lane` of the strip takes this tap of the gradient that lies so far to the right.
          var four = vec4f(0.0);
          for (var lane = 0u; lane < 4u; lane++) {
            let far = PHASE + lane + STRIDE_X * BEFORE - s;
            if (far % STRIDE_X == 0u) { four[lane] = values[far / STRIDE_X]; }
          }
          for (var r = 0u; r < WINDOW_HEIGHT; r++) {
//@if SEVERAL
            more[r] += four * weights[r * WINDOW_WIDTH + s];
//@else
            sums[r] += four * weights[r * WINDOW_WIDTH + s];
//@end
          }
        }
//@if SEVERAL
      }
      for (var r = 0u; r < WINDOW_HEIGHT; r++) { sums[r] += more[r]; }
//@end
    }
    for (var q = 0u; q < STRIDE_Y; q++) {
      let iy = oy * i32(STRIDE_Y) + i32(q) - p.pad_top;
      if (iy >= first_row && iy < stop_row) {
        let at = (plane * p.in_height + u32(iy)) * p.in_width + column;
        let result = sums[q];
//@if VECTORS
        store_quad(at, result);
//@else
        store_result(at, result.x);
        if (column + 1u < p.in_width) { store_result(at + 1u, result.y); }
        if (column + 2u < p.in_width) { store_result(at + 2u, result.z); }
        if (column + 3u < p.in_width) { store_result(at + 3u, result.w); }
//@end
      }
    }
    for (var r = 0u; r < LIVE; r++) {
      if (r + STRIDE_Y < LIVE) { sums[r] = sums[r + STRIDE_Y]; } else { sums[r] = vec4f(0.0); }
    }
  }
}
