// Register tile: a subgroup of eight makes 32 rows × COLUMNS columns of a matrix product. Each lane owns four rows and every
// column. A step of the reduction takes the lane's four row values and COLUMNS column values, which the subgroup loads
// once, four per lane, and passes around by subgroupBroadcast; without subgroups every lane loads them all.
// The file that includes this one defines column_values(slot: u32) -> vec4f, the values at the current step of the four
// columns from first_column(slot, lane) on.
//
// The tile is read back through a variable index, in a loop whose length is no constant, so that a software adapter keeps it
// in memory (the stack, first-level cache) instead of trying to colour hundreds of registers: same speed, a fifth to a
// tenth of the compile time.
// With LONG the tile is added to a second one every BLOCK steps, so that rounding grows with the number of blocks and not of steps;
// `finish` brings both together. Short sums spare themselves that.
// Needs workgroups of LANES invocations that lie in one subgroup, in order.
const LANES = 8u;
const COLUMNS = 32u;  //@spec  a multiple of 4, at most 64
const QUADS = COLUMNS / 4u;

var<private> tile: array<f32, COLUMNS * 4u>;
//@if LONG
const BLOCK = 256u;
var<private> total: array<f32, COLUMNS * 4u>;
var<private> steps: u32;

fn end_block() {
  // A length that is no constant, as above.
  for (var i = 0u; i < COLUMNS * 4u + (steps >> 31u); i++) {
    total[i] += tile[i];
    tile[i] = 0.0;
  }
}
//@end

// To be called after the last step.
fn finish() {
//@if LONG
  for (var i = 0u; i < COLUMNS * 4u + (steps >> 31u); i++) {
    tile[i] += total[i];
  }
//@end
}

fn first_column(slot: u32, lane: u32) -> u32 {
//@if SUBGROUPS
  return 4u * (slot * LANES + lane);
//@else
  return 4u * slot;
//@end
}

fn multiply(rows: vec4f, columns: vec4f, quad: u32) {
  if (quad < QUADS) {
    for (var c = 0u; c < 4u; c++) {
      for (var r = 0u; r < 4u; r++) {
        tile[quad * 16u + c * 4u + r] += rows[r] * columns[c];
      }
    }
  }
}

//@if SUBGROUPS
fn multiply_lanes(rows: vec4f, own: vec4f, quad: u32) {
  multiply(rows, subgroupBroadcast(own, 0u), quad);
  multiply(rows, subgroupBroadcast(own, 1u), quad + 1u);
  multiply(rows, subgroupBroadcast(own, 2u), quad + 2u);
  multiply(rows, subgroupBroadcast(own, 3u), quad + 3u);
  multiply(rows, subgroupBroadcast(own, 4u), quad + 4u);
  multiply(rows, subgroupBroadcast(own, 5u), quad + 5u);
  multiply(rows, subgroupBroadcast(own, 6u), quad + 6u);
  multiply(rows, subgroupBroadcast(own, 7u), quad + 7u);
}
//@end

// One step of the reduction.
fn accumulate(rows: vec4f) {
//@if SUBGROUPS
  multiply_lanes(rows, column_values(0u), 0u);
  if (QUADS > LANES) {
    multiply_lanes(rows, column_values(1u), LANES);
  }
//@else
  for (var quad = 0u; quad < QUADS; quad++) {
    multiply(rows, column_values(quad), quad);
  }
//@end
//@if LONG
  steps++;
  if (steps % BLOCK == 0u) {
    end_block();
  }
//@end
}
