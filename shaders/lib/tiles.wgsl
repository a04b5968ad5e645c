// Workgroup tile, for GPUs — SIDE × SIDE invocations make a TILE × TILE block of a matrix product, 8 × 8 of it each, as four 4 × 4
// blocks that lie TILE/2 apart (so that neighbours read neighbouring vectors of workgroup memory). DEPTH steps of the
// reduction are staged at a time. The file that includes this one defines row_values(first_row, step) and
// column_values(first_column, step), both vec4f, and store_quad(row, first_column, values).
// With LONG blocks are added to second ones every 512 steps, so that rounding grows with the number of blocks and not of steps; short
// sums spare themselves the registers.
// The classic two-level tiling: Volkov & Demmel 2008, "Benchmarking GPUs to tune dense linear algebra", section 4.
const SIDE = 8u;    //@spec  8 or 16
const DEPTH = 16u;  //@spec
const TILE = 8u * SIDE;
const QUADS = TILE / 4u;
// Whether neighbouring invocations fetch neighbouring steps (else rows, columns): whichever lies together in memory.
override ROWS_BY_STEP: bool = false;
override COLUMNS_BY_STEP: bool = false;

var<workgroup> row_tile: array<vec4f, DEPTH * QUADS>;
var<workgroup> column_tile: array<vec4f, DEPTH * QUADS>;

fn outer(column: vec4f, row: vec4f) -> mat4x4f {
  return mat4x4f(column.x * row, column.y * row, column.z * row, column.w * row);
}

fn store_block(row: u32, column: u32, block: mat4x4f) {
  store_quad(row, column, block[0]);
  store_quad(row + 1u, column, block[1]);
  store_quad(row + 2u, column, block[2]);
  store_quad(row + 3u, column, block[3]);
}

// Σ over steps in [start, end) of row_values ⊗ column_values, stored. All arguments but `local` are uniform.
fn make_tile(row_start: u32, column_start: u32, start: u32, end: u32, local: u32) {
  let own_row = local / SIDE;
  let own_column = local % SIDE;
  var near = mat4x4f();
  var right = mat4x4f();
  var below = mat4x4f();
  var across = mat4x4f();
//@if LONG
  var all_near = mat4x4f();
  var all_right = mat4x4f();
  var all_below = mat4x4f();
  var all_across = mat4x4f();
  var steps = 0u;
//@end
  for (var step = start; step < end; step += DEPTH) {
    for (var i = local; i < DEPTH * QUADS; i += SIDE * SIDE) {
      let row_quad = select(i % QUADS, i / DEPTH, ROWS_BY_STEP);
      let row_step = select(i / QUADS, i % DEPTH, ROWS_BY_STEP);
      let row_real = step + row_step < end;
      row_tile[row_step * QUADS + row_quad] =
        select(vec4f(0.0), row_values(row_start + 4u * row_quad, min(step + row_step, end - 1u)), row_real);
      let column_quad = select(i % QUADS, i / DEPTH, COLUMNS_BY_STEP);
      let column_step = select(i / QUADS, i % DEPTH, COLUMNS_BY_STEP);
      let column_real = step + column_step < end;
      column_tile[column_step * QUADS + column_quad] =
        select(vec4f(0.0), column_values(column_start + 4u * column_quad, min(step + column_step, end - 1u)), column_real);
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k++) {
      let upper = row_tile[k * QUADS + own_row];
      let lower = row_tile[k * QUADS + own_row + SIDE];
      let left = column_tile[k * QUADS + own_column];
      let far = column_tile[k * QUADS + own_column + SIDE];
      near += outer(upper, left);
      right += outer(upper, far);
      below += outer(lower, left);
      across += outer(lower, far);
    }
    workgroupBarrier();
//@if LONG
    steps += DEPTH;
    if (steps % 512u == 0u) {
      all_near += near;
      all_right += right;
      all_below += below;
      all_across += across;
      near = mat4x4f();
      right = mat4x4f();
      below = mat4x4f();
      across = mat4x4f();
    }
//@end
  }
//@if LONG
  near += all_near;
  right += all_right;
  below += all_below;
  across += all_across;
//@end
  let row = row_start + 4u * own_row;
  let column = column_start + 4u * own_column;
  store_block(row, column, near);
  store_block(row, column + TILE / 2u, right);
  store_block(row + TILE / 2u, column, below);
  store_block(row + TILE / 2u, column + TILE / 2u, across);
}
