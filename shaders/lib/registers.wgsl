// Register tile: a subgroup of eight makes 32 rows × COLUMNS columns of a matrix product. Each lane owns four rows and every
// column. A step of the reduction takes the lane's four row values and COLUMNS column values, which the subgroup loads
// once, four per lane, and passes around; without subgroups every lane loads them all. They are passed around by
// subgroupShuffle, which for a lane that is known is one instruction where subgroupBroadcast is three.
// The file that includes this one defines STEPS, how many steps are taken at a time, 1 or 2, and columns_at(slot: u32) -> array<vec4f, STEPS>, the
// values at these steps of the four columns from first_column(slot, lane) on. Two load and store each sum of the tile once for
// two products; one is for sums that do not come by twos, and for kernels that should not use more of the compiler's time.
//
// The tile is read back through a variable index, in a loop whose length is no constant, so that a software adapter keeps it
// in memory (the stack, first-level cache) instead of trying to colour hundreds of registers: same speed, a fifth to a
// tenth of the compile time.
// With LONG the tile is added to a second one every BLOCK steps, so that rounding grows with the number of blocks and not of steps;
// `finish` brings both together. Short sums spare themselves that.
// Needs workgroups of LANES invocations that lie in one subgroup, in order.
const LANES = 8u;
const COLUMNS = 32u;  //@spec  a multiple of 4, at most 64; without subgroups 20 already fill the caches of instructions
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

fn multiply(rows: array<vec4f, STEPS>, columns: array<vec4f, STEPS>, quad: u32) {
  if (quad < QUADS) {
    for (var c = 0u; c < 4u; c++) {
      for (var r = 0u; r < 4u; r++) {
        let i = quad * 16u + c * 4u + r;
        // The last step is the first where there is one; a loop, or an if, takes a driver longer to compile in hundreds of copies.
        let sum = tile[i] + rows[0][r] * columns[0][c];
        tile[i] = select(sum, sum + rows[STEPS - 1u][r] * columns[STEPS - 1u][c], STEPS == 2u);
      }
    }
  }
}

//@if SUBGROUPS
fn from_lane(own: array<vec4f, STEPS>, lane: u32) -> array<vec4f, STEPS> {
  var columns: array<vec4f, STEPS>;
  columns[0] = subgroupShuffle(own[0], lane);
  columns[STEPS - 1u] = subgroupShuffle(own[STEPS - 1u], lane);
  return columns;
}

fn multiply_lanes(rows: array<vec4f, STEPS>, slot: u32) {
  let own = columns_at(slot);
  multiply(rows, from_lane(own, 0u), slot * LANES);
  multiply(rows, from_lane(own, 1u), slot * LANES + 1u);
  multiply(rows, from_lane(own, 2u), slot * LANES + 2u);
  multiply(rows, from_lane(own, 3u), slot * LANES + 3u);
  multiply(rows, from_lane(own, 4u), slot * LANES + 4u);
  multiply(rows, from_lane(own, 5u), slot * LANES + 5u);
  multiply(rows, from_lane(own, 6u), slot * LANES + 6u);
  multiply(rows, from_lane(own, 7u), slot * LANES + 7u);
}
//@end

fn accumulate(rows: array<vec4f, STEPS>) {
//@if SUBGROUPS
  multiply_lanes(rows, 0u);
  if (QUADS > LANES) {
    multiply_lanes(rows, 1u);
  }
//@else
  for (var quad = 0u; quad < QUADS; quad++) {
    multiply(rows, columns_at(quad), quad);
  }
//@end
//@if LONG
  steps += STEPS;
  if (steps % BLOCK == 0u) {
    end_block();
  }
//@end
}
