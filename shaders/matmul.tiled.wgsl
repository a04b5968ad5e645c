// matmul, workgroup tiles — y[part,batch,i,j] = Σ_{k in part} a[batch,i,k] · b[batch,k,j]; strides say how a and b are stored. A workgroup
// makes one tile (lib/tiles.wgsl) of one part of the sum; with more than one part sumParts adds them.
// Needs parts · y below 2^32 elements; with VECTORS rows of y that are a multiple of 4, with WHOLE parts that are a multiple of DEPTH.
struct Params {
  m: u32, n: u32, depth: u32, tiles: u32, row_tiles: u32, column_tiles: u32, batches: u32, part_depth: u32,
  a_first: u32, a_row: u32, a_step: u32, a_batch: u32,
  b_first: u32, b_column: u32, b_step: u32, b_batch: u32,
  y_first: u32, y_batch: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
//@if A_VECTORS
@group(0) @binding(1) var<storage, read> a4: array<vec4f>;
//@else
@group(0) @binding(2) var<storage, read> a: array<f32>;
//@end
//@if B_VECTORS
@group(0) @binding(3) var<storage, read> b4: array<vec4f>;
//@else
@group(0) @binding(4) var<storage, read> b: array<f32>;
//@end
//@if VECTORS
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;
fn store_quad(index: u32, value: vec4f) { y[index / 4u] = value; } //@hook store
//@else
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store
//@end
//@if LONG
@group(0) @binding(6) var<storage, read_write> sums: array<vec4f>;
//@end

// Where a's and b's next values lie, and where this product's results begin.
var<private> a_at: u32;
var<private> b_at: u32;
var<private> y_offset: u32;

fn prepare_column(column: u32, local: u32) {}

fn begin_rows(row: u32, step: u32) { a_at += row * p.a_row + step * p.a_step; }

fn begin_columns(column: u32, step: u32, place: u32) { b_at += column * p.b_column + step * p.b_step; }

fn next_rows() -> vec4f {
  let at = a_at;
  a_at += DEPTH * p.a_step;
//@if A_VECTORS
  return a4[at / 4u];
//@else
  return vec4f(a[at], a[at + p.a_row], a[at + 2u * p.a_row], a[at + 3u * p.a_row]);
//@end
}

fn columns_at(further: u32) -> vec4f {
  let at = b_at + further * p.b_column;
//@if B_VECTORS
  return b4[at / 4u];
//@else
  return vec4f(b[at], b[at + p.b_column], b[at + 2u * p.b_column], b[at + 3u * p.b_column]);
//@end
}

fn next_columns() { b_at += DEPTH * p.b_step; }

fn store_row(row: u32, column: u32, values: vec4f) {
  if (row < p.m) {
    let at = y_offset + row * p.n + column;
//@if VECTORS
    if (column < p.n) { store_quad(at, values); }
//@else
    if (column < p.n) { store_result(at, values.x); }
    if (column + 1u < p.n) { store_result(at + 1u, values.y); }
    if (column + 2u < p.n) { store_result(at + 2u, values.z); }
    if (column + 3u < p.n) { store_result(at + 3u, values.w); }
//@end
  }
}

//@include "lib/tiles.wgsl"

@compute @workgroup_size(SIDE * SIDE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let id = group.y * groups.x + group.x;
  if (id >= p.tiles) { return; }
  let matrix = id / (p.column_tiles * p.row_tiles);
  let batch = matrix % p.batches;
  let part = matrix / p.batches;
  a_at = p.a_first + batch * p.a_batch;
  b_at = p.b_first + batch * p.b_batch;
  y_offset = p.y_first + (part * p.batches + batch) * p.y_batch;
  make_tile(
    id, id / p.column_tiles % p.row_tiles * ROWS, id % p.column_tiles * COLUMNS,
    part * p.part_depth, min((part + 1u) * p.part_depth, p.depth), local);
}
