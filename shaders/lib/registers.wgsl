// Register tile: a subgroup of eight makes 32 rows × COLUMNS columns of a matrix product. Each lane owns four rows and every
// column. A step of the reduction takes the lane's four row values and COLUMNS column values, which the subgroup loads
// once, four per lane, and passes around; without subgroups every lane loads them all. They are passed around by
// subgroupShuffle, which for a lane that is known is one instruction where subgroupBroadcast is three.
// The file that includes this one defines column_values(slot: u32, ahead: u32) -> vec4f, the values of the four columns from
// first_column(slot, lane) on at the current step (ahead = 0) or the next (1).
// Two steps at a time load and store each sum of the tile once for two products.
//
// The tile is read back through a variable index, in a loop whose length is no constant, so that a software adapter keeps it
// in memory (the stack, first-level cache) instead of trying to colour hundreds of registers: same speed, a fifth to a
// tenth of the compile time.
// With LONG the tile is added to a second one every BLOCK steps, so that rounding grows with the number of blocks and not of steps;
// `finish` brings both together. Short sums spare themselves that.
// Needs workgroups of LANES invocations that lie in one subgroup, in order.
const LANES = 8u;
const COLUMNS = 32u;  //@spec  a multiple of 4, at most 96
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

fn multiply_two(rows: array<vec4f, 2>, columns: array<vec4f, 2>, quad: u32) {
  if (quad < QUADS) {
    for (var c = 0u; c < 4u; c++) {
      for (var r = 0u; r < 4u; r++) {
        let i = quad * 16u + c * 4u + r;
        tile[i] = tile[i] + rows[0][r] * columns[0][c] + rows[1][r] * columns[1][c];
      }
    }
  }
}

//@if SUBGROUPS
fn multiply_lanes(rows: vec4f, slot: u32) {
  let own = column_values(slot, 0u);
  multiply(rows, subgroupShuffle(own, 0u), slot * LANES);
  multiply(rows, subgroupShuffle(own, 1u), slot * LANES + 1u);
  multiply(rows, subgroupShuffle(own, 2u), slot * LANES + 2u);
  multiply(rows, subgroupShuffle(own, 3u), slot * LANES + 3u);
  multiply(rows, subgroupShuffle(own, 4u), slot * LANES + 4u);
  multiply(rows, subgroupShuffle(own, 5u), slot * LANES + 5u);
  multiply(rows, subgroupShuffle(own, 6u), slot * LANES + 6u);
  multiply(rows, subgroupShuffle(own, 7u), slot * LANES + 7u);
}

fn two_from(own: array<vec4f, 2>, lane: u32) -> array<vec4f, 2> {
  return array<vec4f, 2>(subgroupShuffle(own[0], lane), subgroupShuffle(own[1], lane));
}

fn multiply_two_lanes(rows: array<vec4f, 2>, slot: u32) {
  let own = array<vec4f, 2>(column_values(slot, 0u), column_values(slot, 1u));
  multiply_two(rows, two_from(own, 0u), slot * LANES);
  multiply_two(rows, two_from(own, 1u), slot * LANES + 1u);
  multiply_two(rows, two_from(own, 2u), slot * LANES + 2u);
  multiply_two(rows, two_from(own, 3u), slot * LANES + 3u);
  multiply_two(rows, two_from(own, 4u), slot * LANES + 4u);
  multiply_two(rows, two_from(own, 5u), slot * LANES + 5u);
  multiply_two(rows, two_from(own, 6u), slot * LANES + 6u);
  multiply_two(rows, two_from(own, 7u), slot * LANES + 7u);
}
//@end

fn count_steps(count: u32) {
//@if LONG
  steps += count;
  if (steps % BLOCK == 0u) {
    end_block();
  }
//@end
}

// One step of the reduction.
fn accumulate(rows: vec4f) {
//@if SUBGROUPS
  multiply_lanes(rows, 0u);
  if (QUADS > LANES) {
    multiply_lanes(rows, 1u);
  }
  if (QUADS > 2u * LANES) {
    multiply_lanes(rows, 2u);
  }
//@else
  for (var quad = 0u; quad < QUADS; quad++) {
    multiply(rows, column_values(quad, 0u), quad);
  }
//@end
  count_steps(1u);
}

// This step of the reduction and the next.
fn accumulate_two(rows: array<vec4f, 2>) {
//@if SUBGROUPS
  multiply_two_lanes(rows, 0u);
  if (QUADS > LANES) {
    multiply_two_lanes(rows, 1u);
  }
  if (QUADS > 2u * LANES) {
    multiply_two_lanes(rows, 2u);
  }
//@else
  for (var quad = 0u; quad < QUADS; quad++) {
    multiply_two(rows, array<vec4f, 2>(column_values(quad, 0u), column_values(quad, 1u)), quad);
  }
//@end
  count_steps(2u);
}
