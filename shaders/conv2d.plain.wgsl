// conv2d, the definition — y[n,k,oy,ox] = Σ_{c,r,s} x[n, group(k)·d + c, iy, ix] · w[k,c,r,s] with iy = oy·stride_y + r·dilation_y −
// pad_top, ix alike and x zero outside; NCHW; d = w's channels = x's channels / groups. One output per invocation.
// Terms are added in blocks, so that rounding grows with the number of blocks.
const BLOCK = 256u;
struct Params {
  count: u32, in_channels: u32, out_channels: u32, channels_per_group: u32, filters_per_group: u32,
  in_height: u32, in_width: u32, out_height: u32, out_width: u32, window_height: u32, window_width: u32,
  stride_y: u32, stride_x: u32, dilation_y: u32, dilation_x: u32, pad_top: i32, pad_left: i32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= p.count) { return; }
  let ox = i % p.out_width;
  let oy = i / p.out_width % p.out_height;
  let k = i / (p.out_width * p.out_height) % p.out_channels;
  let n = i / (p.out_width * p.out_height) / p.out_channels;
  let first_channel = n * p.in_channels + k / p.filters_per_group * p.channels_per_group;
  var sum = 0.0;
  for (var r = 0u; r < p.window_height; r++) {
    let iy = i32(oy * p.stride_y + r * p.dilation_y) - p.pad_top;
    if (iy < 0 || iy >= i32(p.in_height)) { continue; }
    for (var s = 0u; s < p.window_width; s++) {
      let ix = i32(ox * p.stride_x + s * p.dilation_x) - p.pad_left;
      if (ix < 0 || ix >= i32(p.in_width)) { continue; }
      for (var c = 0u; c < p.channels_per_group;) {
        var block = 0.0;
        for (let stop = min(c + BLOCK, p.channels_per_group); c < stop; c++) {
          block += x[((first_channel + c) * p.in_height + u32(iy)) * p.in_width + u32(ix)]
            * w[((k * p.channels_per_group + c) * p.window_height + r) * p.window_width + s];
        }
        sum += block;
      }
    }
  }
  store_result(i, sum);
}
