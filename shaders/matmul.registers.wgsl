// matmul, register tiles — y[row,column] = Σ_k a[row,k] · b[column,k] per batch, every operand addressed by strides, so that
// one kernel serves both transpositions and, with a and b exchanged, both choices of what lies along the lanes.
// One workgroup is one subgroup and one tile (lib/registers.wgsl). Needs a, b and y below 2^32 elements; with VECTORS rows that
// lie together and are a multiple of 4. The sum is taken by twos, with ODD for an odd depth;
// with A_PAIRS and B_PAIRS, where it is even and so is all that leads to a row or column, they lie together.
//@if SUBGROUPS
enable subgroups;
//@end
struct Params {
  rows: u32, columns: u32, depth: u32, tiles: u32, row_tiles: u32, column_tiles: u32,
  a_first: u32, a_row: u32, a_step: u32, a_batch: u32,
  b_first: u32, b_column: u32, b_step: u32, b_batch: u32,
  y_first: u32, y_row: u32, y_column: u32, y_batch: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
//@if A_VECTORS
@group(0) @binding(1) var<storage, read> a4: array<vec4f>;
//@else
//@if A_PAIRS
@group(0) @binding(1) var<storage, read> a2: array<vec2f>;
//@else
@group(0) @binding(1) var<storage, read> a: array<f32>;
//@end
//@end
//@if B_VECTORS
@group(0) @binding(2) var<storage, read> b4: array<vec4f>;
//@else
//@if B_PAIRS
@group(0) @binding(2) var<storage, read> b2: array<vec2f>;
//@else
@group(0) @binding(2) var<storage, read> b: array<f32>;
//@end
//@end
//@if VECTORS
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
fn store_quad(index: u32, value: vec4f) { y[index / 4u] = value; } //@hook store
//@else
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store
//@end
fn begin_channel(channel: u32) {} //@hook store

const STEPS = 2u;
//@include "lib/registers.wgsl"

var<private> column_at: array<vec4u, SLOTS>;  // where the columns of each slot begin
var<private> b_step: u32;

//@if ODD
var<private> is_last: bool;  // no next step
//@end

fn columns_at(slot: u32) -> array<vec4f, 2> {
  let at = column_at[slot] + b_step;
//@if B_VECTORS
  return both(b4[at.x / 4u], b4[(at.x + p.b_step) / 4u]);
//@else
  var columns: array<vec4f, 2>;
  for (var c = 0u; c < 4u; c++) {
    if (slot * 4u + c < OWN) {
//@if B_PAIRS
      let pair = b2[at[c] / 2u];
      columns[0][c] = pair.x;
      columns[1][c] = pair.y;
//@else
      columns[0][c] = b[at[c]];
      columns[1][c] = b[at[c] + p.b_step];
//@end
    }
  }
//@if B_PAIRS
  return columns;
//@else
  return both(columns[0], columns[1]);
//@end
//@end
}

fn rows_at(at: vec4u) -> array<vec4f, 2> {
//@if A_PAIRS
  return turned(a2[at.x / 2u], a2[at.y / 2u], a2[at.z / 2u], a2[at.w / 2u]);
//@else
  let next = at + p.a_step;
//@if A_VECTORS
  return both(a4[at.x / 4u], a4[next.x / 4u]);
//@else
  return both(vec4f(a[at.x], a[at.y], a[at.z], a[at.w]), vec4f(a[next.x], a[next.y], a[next.z], a[next.w]));
//@end
//@end
}

fn both(values: vec4f, next: vec4f) -> array<vec4f, 2> {
//@if ODD
  return array<vec4f, 2>(values, select(next, vec4f(0.0), is_last));
//@else
  return array<vec4f, 2>(values, next);
//@end
}

fn turned(x: vec2f, y: vec2f, z: vec2f, w: vec2f) -> array<vec4f, 2> {
  return array<vec4f, 2>(vec4f(x.x, y.x, z.x, w.x), vec4f(x.y, y.y, z.y, w.y));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let id = group.y * groups.x + group.x;
  if (id >= p.tiles) { return; }
  let column_tile = id % p.column_tiles;
  let row_tile = (id / p.column_tiles) % p.row_tiles;
  let batch = id / (p.column_tiles * p.row_tiles);
  let row_start = (row_tile * LANES + lane) * 4u;
  let own = vec4u(row_start, row_start + 1u, row_start + 2u, row_start + 3u);
  let column_start = column_tile * COLUMNS;
  for (var slot = 0u; slot < SLOTS; slot++) {
    let column = column_start + first_column(slot, lane);
//@if B_VECTORS
    column_at[slot] = vec4u(p.b_first + batch * p.b_batch + min(column, p.columns - 4u));
//@else
    let columns = min(vec4u(column, column + 1u, column + 2u, column + 3u), vec4u(p.columns - 1u));
    column_at[slot] = p.b_first + batch * p.b_batch + columns * p.b_column;
//@end
  }
//@if A_VECTORS
  var a_offsets = vec4u(p.a_first + batch * p.a_batch + min(row_start, p.rows - 4u));
//@else
  var a_offsets = p.a_first + batch * p.a_batch + min(own, vec4u(p.rows - 1u)) * p.a_row;
//@end
  for (var k = 0u; k < p.depth; k += 2u) {
//@if ODD
    is_last = k + 1u == p.depth;
//@end
    accumulate(rows_at(a_offsets));
    a_offsets += 2u * p.a_step;
    b_step += 2u * p.b_step;
  }
  finish();
//@if VECTORS
  let first = p.y_first + batch * p.y_batch + row_start;
  for (var i = 0u; i < min(COLUMNS, p.columns - column_start) && row_start < p.rows; i++) {
    begin_channel(column_start + i);
    store_quad(
      first + (column_start + i) * p.y_column,
      vec4f(tile[i * 4u], tile[i * 4u + 1u], tile[i * 4u + 2u], tile[i * 4u + 3u]),
    );
  }
//@else
  let y_at = p.y_first + batch * p.y_batch + own * p.y_row;
  let inside = own < vec4u(p.rows);
  for (var i = 0u; i < min(COLUMNS, p.columns - column_start); i++) {
    begin_channel(column_start + i);
    let at = y_at + (column_start + i) * p.y_column;
    if (inside.x) { store_result(at.x, tile[i * 4u]); }
    if (inside.y) { store_result(at.y, tile[i * 4u + 1u]); }
    if (inside.z) { store_result(at.z, tile[i * 4u + 2u]); }
    if (inside.w) { store_result(at.w, tile[i * 4u + 3u]); }
  }
//@end
}
