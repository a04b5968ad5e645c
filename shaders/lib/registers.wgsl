// Register tile: a subgroup of eight makes 32 rows × COLUMNS columns of a matrix product. Each lane owns four rows and every
// column. A step of the reduction takes the lane's four row values and COLUMNS column values, which the subgroup loads
// once, OWN per lane, and passes around; without subgroups every lane loads them all. They are passed around by
// subgroupShuffle, which for a lane that is known is one instruction where subgroupBroadcast is three.
// The file that includes this one defines STEPS, how many steps are taken at a time, 1 or 2, and columns_at(slot: u32) -> array<vec4f, STEPS>, the
// values at these steps of the four columns from first_column(slot, lane) on. Two load and store each sum of the tile once for
// two products; one is for sums that do not come by twos, and for kernels that should not use more of the compiler's time.
// With APART, for columns that are loaded one by one and not a multiple of 32, a lane has no more of them than it has to: of its four in a slot
// those from OWN on may be left out.
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

//@if SUBGROUPS
// Columns that a lane loads, side by side.
//@if APART
const OWN = (COLUMNS + LANES - 1u) / LANES;
//@else
const OWN = (QUADS + LANES - 1u) / LANES * 4u;
//@end
//@else
const OWN = COLUMNS;
//@end
const SLOTS = (OWN + 3u) / 4u;

fn first_column(slot: u32, lane: u32) -> u32 {
//@if SUBGROUPS
  return lane * OWN + 4u * slot;
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
fn multiply_quad(rows: array<vec4f, STEPS>, own: array<array<vec4f, STEPS>, SLOTS>, quad: u32) {
  if (quad < QUADS) {
    var columns: array<vec4f, STEPS>;
//@if APART
    for (var c = 0u; c < 4u; c++) {
      let at = (quad * 4u + c) % OWN;
      columns[0][c] = subgroupShuffle(own[at / 4u][0][at % 4u], (quad * 4u + c) / OWN);
      columns[STEPS - 1u][c] = subgroupShuffle(own[at / 4u][STEPS - 1u][at % 4u], (quad * 4u + c) / OWN);
    }
//@else
    columns[0] = subgroupShuffle(own[quad % SLOTS][0], quad / SLOTS);
    columns[STEPS - 1u] = subgroupShuffle(own[quad % SLOTS][STEPS - 1u], quad / SLOTS);
//@end
    multiply(rows, columns, quad);
  }
}

fn multiply_eight(rows: array<vec4f, STEPS>, own: array<array<vec4f, STEPS>, SLOTS>, quad: u32) {
  multiply_quad(rows, own, quad);
  multiply_quad(rows, own, quad + 1u);
  multiply_quad(rows, own, quad + 2u);
  multiply_quad(rows, own, quad + 3u);
  multiply_quad(rows, own, quad + 4u);
  multiply_quad(rows, own, quad + 5u);
  multiply_quad(rows, own, quad + 6u);
  multiply_quad(rows, own, quad + 7u);
}
//@end

fn accumulate(rows: array<vec4f, STEPS>) {
//@if SUBGROUPS
  var own: array<array<vec4f, STEPS>, SLOTS>;
  for (var slot = 0u; slot < SLOTS; slot++) {
    own[slot] = columns_at(slot);
  }
  multiply_eight(rows, own, 0u);
  if (QUADS > 8u) {
    multiply_eight(rows, own, 8u);
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
