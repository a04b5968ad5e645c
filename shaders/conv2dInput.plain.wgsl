// conv2dInput, the definition — the adjoint of conv2d in x: y[n,c,iy,ix] = Σ_{k,r,s} g[n,k,oy,ox] · w[k,c,r,s] over the k of c's
// group and every (r,s) for which oy·stride_y + r·dilation_y − pad_top = iy has a solution oy inside g, ox alike.
// One output per invocation.
// Terms are added in blocks, so that rounding grows with the number of blocks.
const BLOCK = 256u;
struct Params {
  count: u32, in_channels: u32, out_channels: u32, channels_per_group: u32, filters_per_group: u32,
  in_height: u32, in_width: u32, out_height: u32, out_width: u32, window_height: u32, window_width: u32,
  stride_y: u32, stride_x: u32, dilation_y: u32, dilation_x: u32, pad_top: i32, pad_left: i32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= p.count) { return; }
  let ix = i % p.in_width;
  let iy = i / p.in_width % p.in_height;
  let c = i / (p.in_width * p.in_height) % p.in_channels;
  let n = i / (p.in_width * p.in_height) / p.in_channels;
  let first_filter = c / p.channels_per_group * p.filters_per_group;
  let own_channel = c % p.channels_per_group;
  var sum = 0.0;
  for (var r = 0u; r < p.window_height; r++) {
    let top = i32(iy) + p.pad_top - i32(r * p.dilation_y);
    if (top < 0 || u32(top) % p.stride_y != 0u || u32(top) / p.stride_y >= p.out_height) { continue; }
    let oy = u32(top) / p.stride_y;
    for (var s = 0u; s < p.window_width; s++) {
      let left = i32(ix) + p.pad_left - i32(s * p.dilation_x);
      if (left < 0 || u32(left) % p.stride_x != 0u || u32(left) / p.stride_x >= p.out_width) { continue; }
      let ox = u32(left) / p.stride_x;
      for (var k = first_filter; k < first_filter + p.filters_per_group;) {
        var block = 0.0;
        for (let stop = min(k + BLOCK, first_filter + p.filters_per_group); k < stop; k++) {
          block += g[((n * p.out_channels + k) * p.out_height + oy) * p.out_width + ox]
            * w[((k * p.channels_per_group + own_channel) * p.window_height + r) * p.window_width + s];
        }
        sum += block;
      }
    }
  }
  store_result(i, sum);
}
