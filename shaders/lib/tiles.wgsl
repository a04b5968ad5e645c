// Workgroup tile, for GPUs — SIDE × SIDE invocations make ROWS × COLUMNS of a matrix product, 8 × 4 of it each: two quads of rows that lie
// ROWS/2 apart, and four neighbouring columns. DEPTH steps of the reduction are staged in workgroup memory at a time. 32 numbers each leave
// registers for at least four waves a SIMD where 256 are shared, which hide what loads take; with 8 × 8 it were two.
// What depends on the invocation alone is worked out before the loop: the file that includes this one defines begin_rows(row, step),
// begin_columns(column, step, place) and prepare_column(column, place), where `place` counts the tile's columns; next_rows(), which gives four rows at the
// present step and goes on by DEPTH steps; columns_at(further), four columns at the present step so much further, and next_columns(), which
// goes on; and store_row(row, first_column, values).
// Rows and columns beyond the last are read from wherever they fall: WGSL keeps reads inside the buffer, and nothing of theirs is
// stored. Steps beyond the end must be zeros on both sides.
// With LONG the sums are put aside every 512 steps and the rest is added to them, so that rounding grows with the number of blocks and not of
// steps. They lie in `sums`, ROWS × COLUMNS numbers a workgroup: second ones in registers would cost half of the waves.
// The classic two-level tiling: Volkov & Demmel 2008, "Benchmarking GPUs to tune dense linear algebra", section 4.
const SIDE = 8u;  //@spec  8 or 16
const DEPTH = SIDE;
const THREADS = SIDE * SIDE;
const ROWS = 4u * SIDE;
const COLUMNS = 8u * SIDE;
const ROW_QUADS = ROWS / 4u;
const COLUMN_QUADS = COLUMNS / 4u;
const BLOCK = 512u;
// Whether neighbouring invocations fetch neighbouring steps (else rows, columns): whichever lies together in memory.
override ROWS_BY_STEP: bool = false;
override COLUMNS_BY_STEP: bool = false;

var<workgroup> row_tile: array<vec4f, DEPTH * ROW_QUADS>;
var<workgroup> column_tile: array<vec4f, DEPTH * COLUMN_QUADS>;
// The rows of this invocation's block.
var<private> sum0: vec4f;
var<private> sum1: vec4f;
var<private> sum2: vec4f;
var<private> sum3: vec4f;
var<private> sum4: vec4f;
var<private> sum5: vec4f;
var<private> sum6: vec4f;
var<private> sum7: vec4f;

fn multiply(upper: vec4f, lower: vec4f, columns: vec4f) {
  sum0 += upper.x * columns;
  sum1 += upper.y * columns;
  sum2 += upper.z * columns;
  sum3 += upper.w * columns;
  sum4 += lower.x * columns;
  sum5 += lower.y * columns;
  sum6 += lower.z * columns;
  sum7 += lower.w * columns;
}

//@if LONG
fn put_aside(at: u32, again: bool) {
  if (again) { add_sums(at); }
  sums[at] = sum0;
  sums[at + THREADS] = sum1;
  sums[at + 2u * THREADS] = sum2;
  sums[at + 3u * THREADS] = sum3;
  sums[at + 4u * THREADS] = sum4;
  sums[at + 5u * THREADS] = sum5;
  sums[at + 6u * THREADS] = sum6;
  sums[at + 7u * THREADS] = sum7;
  sum0 = vec4f();
  sum1 = vec4f();
  sum2 = vec4f();
  sum3 = vec4f();
  sum4 = vec4f();
  sum5 = vec4f();
  sum6 = vec4f();
  sum7 = vec4f();
}

fn add_sums(at: u32) {
  sum0 += sums[at];
  sum1 += sums[at + THREADS];
  sum2 += sums[at + 2u * THREADS];
  sum3 += sums[at + 3u * THREADS];
  sum4 += sums[at + 4u * THREADS];
  sum5 += sums[at + 5u * THREADS];
  sum6 += sums[at + 6u * THREADS];
  sum7 += sums[at + 7u * THREADS];
}
//@end

// Σ over steps in [start, end) of rows ⊗ columns, stored. All arguments but `index`, which counts the workgroup's invocations, are uniform; `tile` counts workgroups.
fn make_tile(tile: u32, row_start: u32, column_start: u32, start: u32, end: u32, index: u32) {
  // As it is; told so, a compiler knows that what follows stays inside the tiles, and spares the tests that WGSL asks for.
  let local = index % THREADS;
  let row_quad = select(local % ROW_QUADS, local / DEPTH, ROWS_BY_STEP);
  let row_step = select(local / ROW_QUADS, local % DEPTH, ROWS_BY_STEP);
  let column_quad = select(local % SIDE, local / SIDE, COLUMNS_BY_STEP);
  let column_step = select(local / SIDE, local % SIDE, COLUMNS_BY_STEP);
  let row_at = row_step * ROW_QUADS + row_quad;
  let column_at = column_step * COLUMN_QUADS + column_quad;
  let own_row = local / COLUMN_QUADS;
  let own_column = local % COLUMN_QUADS;
  if (local < COLUMNS) { prepare_column(column_start + local, local); }
  workgroupBarrier();
  begin_rows(row_start + 4u * row_quad, start + row_step);
  begin_columns(column_start + 4u * column_quad, start + column_step, 4u * column_quad);
//@if LONG
  let sums_at = tile * 8u * THREADS + local;
//@end
//@if LONG
  for (var block = start; block < end; block += BLOCK) {
  if (block > start) { put_aside(sums_at, block > start + BLOCK); }
  for (var step = block; step < min(block + BLOCK, end); step += DEPTH) {
//@else
  for (var step = start; step < end; step += DEPTH) {
//@end
//@if WHOLE
    row_tile[row_at] = next_rows();
    column_tile[column_at] = columns_at(0u);
    column_tile[column_at + COLUMN_QUADS / 2u] = columns_at(COLUMNS / 2u);
    next_columns();
//@else
    row_tile[row_at] = select(vec4f(), next_rows(), step + row_step < end);
    column_tile[column_at] = select(vec4f(), columns_at(0u), step + column_step < end);
    column_tile[column_at + COLUMN_QUADS / 2u] = select(vec4f(), columns_at(COLUMNS / 2u), step + column_step < end);
    next_columns();
//@end
    workgroupBarrier();
    for (var k = 0u; k < DEPTH / 4u; k++) {
      let row = 4u * k * ROW_QUADS + own_row;
      let column = 4u * k * COLUMN_QUADS + own_column;
      multiply(row_tile[row], row_tile[row + ROW_QUADS / 2u], column_tile[column]);
      multiply(row_tile[row + ROW_QUADS], row_tile[row + 3u * ROW_QUADS / 2u], column_tile[column + COLUMN_QUADS]);
      multiply(row_tile[row + 2u * ROW_QUADS], row_tile[row + 5u * ROW_QUADS / 2u], column_tile[column + 2u * COLUMN_QUADS]);
      multiply(row_tile[row + 3u * ROW_QUADS], row_tile[row + 7u * ROW_QUADS / 2u], column_tile[column + 3u * COLUMN_QUADS]);
    }
    workgroupBarrier();
  }
//@if LONG
  }
  if (end - start > BLOCK) { add_sums(sums_at); }
//@end
  let row = row_start + 4u * own_row;
  let column = column_start + 4u * own_column;
  store_row(row, column, sum0);
  store_row(row + 1u, column, sum1);
  store_row(row + 2u, column, sum2);
  store_row(row + 3u, column, sum3);
  store_row(row + ROWS / 2u, column, sum4);
  store_row(row + ROWS / 2u + 1u, column, sum5);
  store_row(row + ROWS / 2u + 2u, column, sum6);
  store_row(row + ROWS / 2u + 3u, column, sum7);
}
