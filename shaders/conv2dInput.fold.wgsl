// conv2dInput, second half — y[n,c,iy,ix] = Σ_{r,s} t[n,c,r,s,oy,ox] over the taps for which oy·stride_y + r·dilation_y − pad_top = iy has
// a solution oy inside the gradient, ox alike; t = Σ_k w[k,c,r,s] · g[n,k,oy,ox] is a matrix product made before. One output
// per invocation. Known as col2im; worth its memory where few channels come out of many.
override STRIDE_Y: u32 = 1u;  // constants, since division by a variable costs more than all the rest
override STRIDE_X: u32 = 1u;
struct Params {
  count: u32, in_height: u32, in_width: u32, out_height: u32, out_width: u32, window_height: u32, window_width: u32,
  dilation_y: u32, dilation_x: u32, pad_top: i32, pad_left: i32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> t: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= p.count) { return; }
  let ix = i % p.in_width;
  let iy = i / p.in_width % p.in_height;
  let plane = i / (p.in_width * p.in_height);
  // Without dilation every STRIDE-th tap has a solution, from the first one that has.
  let dense_y = p.dilation_y == 1u;
  let dense_x = p.dilation_x == 1u;
  let y_step = select(1u, STRIDE_Y, dense_y);
  let x_step = select(1u, STRIDE_X, dense_x);
  let first_r = select(0u, (iy + u32(p.pad_top)) % STRIDE_Y, dense_y);
  let first_s = select(0u, (ix + u32(p.pad_left)) % STRIDE_X, dense_x);
  var sum = 0.0;
  for (var r = first_r; r < p.window_height; r += y_step) {
    let top = iy + u32(p.pad_top) - r * p.dilation_y;
    let row_valid = (top < p.out_height * STRIDE_Y) & (top % STRIDE_Y == 0u);
    let row = (plane * p.window_height + r) * p.window_width * p.out_height + top / STRIDE_Y;
    // Row by row, so that rounding does not grow with the area.
    var across = 0.0;
    for (var s = first_s; s < p.window_width; s += x_step) {
      let left = ix + u32(p.pad_left) - s * p.dilation_x;
      let valid = row_valid & (left < p.out_width * STRIDE_X) & (left % STRIDE_X == 0u);
      let at = (row + s * p.out_height) * p.out_width + left / STRIDE_X;
      across += select(0.0, t[select(0u, at, valid)], valid);
    }
    sum += across;
  }
  store_result(i, sum);
}
