// matmul, workgroup tiles — y[part,batch,i,j] = Σ_{k in part} a[batch,i,k] · b[batch,k,j]; strides say how a and b are stored. A workgroup
// makes one tile (lib/tiles.wgsl) of one part of the sum; with more than one part sumParts adds them.
// Needs parts · y below 2^32 elements.
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
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
fn store_result(index: u32, value: f32) { y[index] = value; } //@hook store

var<private> a_offset: u32;
var<private> b_offset: u32;
var<private> y_offset: u32;

fn row_values(row: u32, step: u32) -> vec4f {
//@if A_VECTORS
  return a4[(a_offset + min(row, p.m - 4u) + step * p.a_step) / 4u];
//@else
  let at = a_offset + min(vec4u(row, row + 1u, row + 2u, row + 3u), vec4u(p.m - 1u)) * p.a_row + step * p.a_step;
  return vec4f(a[at.x], a[at.y], a[at.z], a[at.w]);
//@end
}

fn column_values(column: u32, step: u32) -> vec4f {
//@if B_VECTORS
  return b4[(b_offset + min(column, p.n - 4u) + step * p.b_step) / 4u];
//@else
  let at = b_offset + min(vec4u(column, column + 1u, column + 2u, column + 3u), vec4u(p.n - 1u)) * p.b_column + step * p.b_step;
  return vec4f(b[at.x], b[at.y], b[at.z], b[at.w]);
//@end
}

fn store_quad(row: u32, column: u32, values: vec4f) {
  if (row < p.m) {
    let at = y_offset + row * p.n + column;
    if (column < p.n) { store_result(at, values.x); }
    if (column + 1u < p.n) { store_result(at + 1u, values.y); }
    if (column + 2u < p.n) { store_result(at + 2u, values.z); }
    if (column + 3u < p.n) { store_result(at + 3u, values.w); }
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
  a_offset = p.a_first + batch * p.a_batch;
  b_offset = p.b_first + batch * p.b_batch;
  y_offset = p.y_first + (part * p.batches + batch) * p.y_batch;
  make_tile(
    id / p.column_tiles % p.row_tiles * TILE, id % p.column_tiles * TILE,
    part * p.part_depth, min((part + 1u) * p.part_depth, p.depth), local);
}
