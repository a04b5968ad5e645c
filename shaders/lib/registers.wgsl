// Register tile: a subgroup of eight makes 32 rows × COLUMNS columns of a matrix product. Each lane owns four rows and every
// column. A step of the reduction takes the lane's four row values and COLUMNS column values, which the subgroup loads
// once, four per lane, and passes around; without subgroups every lane loads them all. They are passed around by
// subgroupShuffle, which for a lane that is known is one instruction where subgroupBroadcast is three.
// Steps are taken by twos (lib/registers.two.wgsl) or one by one (lib/registers.step.wgsl).
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

fn count_steps(count: u32) {
//@if LONG
  steps += count;
  if (steps % BLOCK == 0u) {
    end_block();
  }
//@end
}
