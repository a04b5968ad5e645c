// conv2dFilter, strips — the adjoint of conv2d in w: y[k,c,r,s] = Σ_{n,oy,ox} g[n,k,oy,ox] · x[n, group(k)·d + c, oy·stride + r − pad_top, …].
// A workgroup makes all taps of one window (k,c). Its invocations share out the strips of the planes, four columns of
// `rows_each` rows of g each: walking down, an invocation loads every row of x once and meets the rows of g that it belongs to, which it
// remembers. Their sums are added in workgroup memory. The strips are split over `parts` workgroups, each of which writes
// a whole y; sumParts adds them. Needs dilation 1.
const LANES = 8u; //@spec
const WINDOW_HEIGHT = 3u; //@spec
const WINDOW_WIDTH = 3u; //@spec
const STRIDE_Y = 1u; //@spec
const STRIDE_X = 1u; //@spec
const TAPS = WINDOW_HEIGHT * WINDOW_WIDTH;
const LOADS = 3u * STRIDE_X + WINDOW_WIDTH;
const AGES = (WINDOW_HEIGHT + STRIDE_Y - 1u) / STRIDE_Y;
struct Params {
  count: u32, // workgroups: windows times parts
  windows: u32, // out_channels · channels_per_group
  quads: u32, blocks: u32, rows_each: u32, // strips across a plane, down a plane, rows of one
  strips: u32, part_strips: u32, // of all images, of one part
  in_channels: u32, out_channels: u32, channels_per_group: u32, filters_per_group: u32,
  in_height: u32, in_width: u32, out_height: u32, out_width: u32, pad_top: i32, pad_left: i32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store

var<workgroup> shares: array<f32, TAPS * LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let id = group.y * groups.x + group.x;
  if (id >= p.count) { return; }
  let part = id / p.windows;
  let window = id - part * p.windows;
  let k = window / p.channels_per_group;
  let channel = k / p.filters_per_group * p.channels_per_group + window % p.channels_per_group;
  let stop = min((part + 1u) * p.part_strips, p.strips);
  var total = array<f32, TAPS>();
  for (var strip = part * p.part_strips + lane; strip < stop; strip += LANES) {
    let column = strip % p.quads * 4u;
    let first_row = strip / p.quads % p.blocks * p.rows_each;
    let stop_row = min(first_row + p.rows_each, p.out_height);
    let image = strip / p.quads / p.blocks;
    let left = i32(column * STRIDE_X) - p.pad_left;
    let g_plane = (image * p.out_channels + k) * p.out_height;
    let x_plane = (image * p.in_channels + channel) * p.in_height;
    // Strip by strip, so that rounding grows with the number of strips. In so many words: without them arrays that are declared in
    // a loop were seen to keep their values on llvmpipe.
    var sums = array<f32, TAPS>();
    var gradients = array<vec4f, AGES>(); // the row last met first
    for (var turn = first_row; turn < stop_row + AGES - 1u; turn++) {
      // Counted up, as in conv2d.strips.
      for (var i = 1u; i < AGES; i++) { gradients[AGES - i] = gradients[AGES - i - 1u]; }
      gradients[0] = vec4f(0.0);
      if (turn < stop_row) {
        let at = (g_plane + turn) * p.out_width + column;
        gradients[0] = select(
          vec4f(0.0),
          vec4f(g[at], g[at + 1u], g[at + 2u], g[at + 3u]),
          vec4u(column, column + 1u, column + 2u, column + 3u) < vec4u(p.out_width),
        );
      }
      for (var q = 0u; q < STRIDE_Y; q++) {
        let iy = u32(i32(turn * STRIDE_Y + q) - p.pad_top);
        if (iy < p.in_height) {
          let row = (x_plane + iy) * p.in_width;
          var values: array<f32, LOADS>;
          for (var j = 0u; j < LOADS; j++) {
            let ix = u32(left + i32(j));
            values[j] = select(0.0, x[row + ix], ix < p.in_width);
          }
          for (var s = 0u; s < WINDOW_WIDTH; s++) {
            let four = vec4f(values[s], values[s + STRIDE_X], values[s + 2u * STRIDE_X], values[s + 3u * STRIDE_X]);
            for (var age = 0u; age < AGES; age++) {
              let r = age * STRIDE_Y + q;
              if (r < WINDOW_HEIGHT) { sums[r * WINDOW_WIDTH + s] += dot(gradients[age], four); }
            }
          }
        }
      }
    }
    for (var tap = 0u; tap < TAPS; tap++) { total[tap] += sums[tap]; }
  }
  for (var tap = 0u; tap < TAPS; tap++) { shares[tap * LANES + lane] = total[tap]; }
  workgroupBarrier();
  for (var tap = lane; tap < TAPS; tap += LANES) {
    var sum = 0.0;
    for (var first = 0u; first < LANES; first += 8u) {
      var block = 0.0;
      for (var other = first; other < first + 8u; other++) { block += shares[tap * LANES + other]; }
      sum += block;
    }
    store_result((part * p.windows + window) * TAPS + tap, sum);
  }
}
