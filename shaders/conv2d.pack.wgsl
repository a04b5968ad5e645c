// Weights of a convolution in the order its register tiles read them: packed[(t·d + c)·width + column], where t counts the taps
// of the window (backwards if FLIPPED), c the d channels that are summed and column the channels that are made, padded
// with zeros to a multiple of 4. Strides say which axis of w [k,c,r,s] is which, so the input gradient uses it too.
override FLIPPED: bool = false;
struct Params { count: u32, columns: u32, width: u32, depth: u32, taps: u32, w_column: u32, w_channel: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> packed: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= p.count) { return; }
  let column = i % p.width;
  let channel = i / p.width % p.depth;
  let tap = i / p.width / p.depth;
  let source = column * p.w_column + channel * p.w_channel + select(tap, p.taps - 1u - tap, FLIPPED);
  packed[i] = select(0.0, w[select(0u, source, column < p.columns)], column < p.columns);
}
