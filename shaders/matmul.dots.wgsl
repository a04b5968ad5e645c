// matmul, dot products — y[line,other] = Σ_k a[line,k] · b[other,k] per batch, for few others. A workgroup makes ROWS × COLUMNS results: its
// invocations share out the sum, each meets ROWS lines of a with what it loads of b, and in the end they add up what they have. With QUADS
// lines are whole vectors. With SUBGROUPS a workgroup lies in one subgroup.
// Needs a and b contiguous along the sum, and a, b and y below 2^32 elements.
//@variant QUADS LANES=8 ROWS=8 COLUMNS=4
//@variant QUADS SUBGROUPS LANES=8 ROWS=8
//@if SUBGROUPS
enable subgroups;
//@end
const LANES = 64u;  //@spec  a multiple of 8
const ROWS = 4u;    //@spec
const COLUMNS = 1u; //@spec
const RESULTS = ROWS * COLUMNS;
// Products that an invocation adds up one after the other, so that rounding grows with the number of blocks and not of products.
const BLOCK = 64u;
struct Params {
  tiles: u32, line_tiles: u32, other_tiles: u32,
  lines: u32, others: u32, depth: u32,
  a_first: u32, a_line: u32, a_batch: u32,
  b_first: u32, b_line: u32, b_batch: u32,
  y_first: u32, y_line: u32, y_other: u32, y_batch: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
//@if QUADS
@group(0) @binding(1) var<storage, read> a4: array<vec4f>;
@group(0) @binding(2) var<storage, read> b4: array<vec4f>;
alias Value = vec4f;
const WIDTH = 4u;
fn a_value(at: u32) -> Value { return a4[at]; }
fn b_value(at: u32) -> Value { return b4[at]; }
fn product(a: Value, b: Value) -> f32 { return dot(a, b); }
//@else
@group(0) @binding(3) var<storage, read> a: array<f32>;
@group(0) @binding(4) var<storage, read> b: array<f32>;
alias Value = f32;
const WIDTH = 1u;
fn a_value(at: u32) -> Value { return a[at]; }
fn b_value(at: u32) -> Value { return b[at]; }
fn product(a: Value, b: Value) -> f32 { return a * b; }
//@end
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store

//@if SUBGROUPS
//@else
// Results lie one element more apart than there are lanes, and so in banks of their own.
var<workgroup> shares: array<f32, RESULTS * (LANES + 1u)>;
//@end

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let id = group.y * groups.x + group.x;
  if (id >= p.tiles) { return; }
  let first_other = id % p.other_tiles * COLUMNS;
  let first_line = id / p.other_tiles % p.line_tiles * ROWS;
  let batch = id / (p.other_tiles * p.line_tiles);
  // Where lines begin, in values; what lies beyond the last line or other one is computed from the last and not stored.
  var a_at: array<u32, ROWS>;
  for (var r = 0u; r < ROWS; r++) {
    a_at[r] = (p.a_first + batch * p.a_batch + min(first_line + r, p.lines - 1u) * p.a_line) / WIDTH;
  }
  var b_at: array<u32, COLUMNS>;
  for (var c = 0u; c < COLUMNS; c++) {
    b_at[c] = (p.b_first + batch * p.b_batch + min(first_other + c, p.others - 1u) * p.b_line) / WIDTH;
  }
  var sums = array<f32, RESULTS>();
  let values = p.depth / WIDTH;
  for (var k = lane; k < values;) {
    var block = array<f32, RESULTS>();
    for (let stop = min(k + BLOCK * LANES, values); k < stop; k += LANES) {
      var others = array<Value, COLUMNS>();
      for (var c = 0u; c < COLUMNS; c++) { others[c] = b_value(b_at[c] + k); }
      for (var r = 0u; r < ROWS; r++) {
        let own = a_value(a_at[r] + k);
        for (var c = 0u; c < COLUMNS; c++) { block[r * COLUMNS + c] += product(own, others[c]); }
      }
    }
    for (var i = 0u; i < RESULTS; i++) { sums[i] += block[i]; }
  }
//@if SUBGROUPS
  for (var i = 0u; i < RESULTS; i++) { sums[i] = subgroupAdd(sums[i]); }
//@else
  for (var i = 0u; i < RESULTS; i++) { shares[i * (LANES + 1u) + lane] = sums[i]; }
  workgroupBarrier();
//@end
  for (var i = lane; i < RESULTS; i += LANES) {
//@if SUBGROUPS
    let sum = sums[i];
//@else
    var sum = 0.0;
    for (var first = 0u; first < LANES; first += 8u) {
      var eight = 0.0;
      for (var other = first; other < first + 8u; other++) { eight += shares[i * (LANES + 1u) + other]; }
      sum += eight;
    }
//@end
    let line = first_line + i / COLUMNS;
    let other = first_other + i % COLUMNS;
    if (line < p.lines && other < p.others) {
      store_result(p.y_first + batch * p.y_batch + line * p.y_line + other * p.y_other, sum);
    }
  }
}
