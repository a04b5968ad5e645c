// conv2dFilter, the definition — the adjoint of conv2d in w: y[k,c,r,s] = Σ_{n,oy,ox} g[n,k,oy,ox] · x[n, group(k)·d + c, iy, ix] with
// iy = oy·stride_y + r·dilation_y − pad_top, ix alike and x zero outside. One output per invocation.
const BLOCK = 256u;
struct Params {
  count: u32, images: u32, in_channels: u32, out_channels: u32, channels_per_group: u32, filters_per_group: u32,
  in_height: u32, in_width: u32, out_height: u32, out_width: u32, window_height: u32, window_width: u32,
  stride_y: u32, stride_x: u32, dilation_y: u32, dilation_x: u32, pad_top: i32, pad_left: i32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= p.count) { return; }
  let s = i % p.window_width;
  let r = i / p.window_width % p.window_height;
  let c = i / (p.window_width * p.window_height) % p.channels_per_group;
  let k = i / (p.window_width * p.window_height) / p.channels_per_group;
  let channel = k / p.filters_per_group * p.channels_per_group + c;
  var sum = 0.0;
  var several = 0.0;
  var rows = 0u;
  for (var n = 0u; n < p.images; n++) {
    for (var oy = 0u; oy < p.out_height; oy++) {
      // Row by row, and rows in blocks, so that rounding does not grow with the number of terms.
      rows++;
      if (rows % BLOCK == 0u) {
        sum += several;
        several = 0.0;
      }
      let iy = i32(oy * p.stride_y + r * p.dilation_y) - p.pad_top;
      if (iy < 0 || iy >= i32(p.in_height)) { continue; }
      for (var ox = 0u; ox < p.out_width;) {
        var block = 0.0;
        for (let stop = min(ox + BLOCK, p.out_width); ox < stop; ox++) {
          let ix = i32(ox * p.stride_x + s * p.dilation_x) - p.pad_left;
          if (ix < 0 || ix >= i32(p.in_width)) { continue; }
          block += g[((n * p.out_channels + k) * p.out_height + oy) * p.out_width + ox]
            * x[((n * p.in_channels + channel) * p.in_height + u32(iy)) * p.in_width + u32(ix)];
        }
        several += block;
      }
    }
  }
  store_result(i, sum + several);
}
