// One step of a register tile (lib/registers.wgsl) at a time, for sums that do not come by twos, and kernels
// that use little time and should not use more of the compiler's. The file that includes this one defines
// column_at(slot: u32) -> vec4f, the values at this step of the four columns from first_column(slot, lane) on.
fn multiply_step(rows: vec4f, columns: vec4f, quad: u32) {
  if (quad < QUADS) {
    for (var c = 0u; c < 4u; c++) {
      for (var r = 0u; r < 4u; r++) {
        tile[quad * 16u + c * 4u + r] += rows[r] * columns[c];
      }
    }
  }
}

//@if SUBGROUPS
fn multiply_step_lanes(rows: vec4f, slot: u32) {
  let own = column_at(slot);
  multiply_step(rows, subgroupShuffle(own, 0u), slot * LANES);
  multiply_step(rows, subgroupShuffle(own, 1u), slot * LANES + 1u);
  multiply_step(rows, subgroupShuffle(own, 2u), slot * LANES + 2u);
  multiply_step(rows, subgroupShuffle(own, 3u), slot * LANES + 3u);
  multiply_step(rows, subgroupShuffle(own, 4u), slot * LANES + 4u);
  multiply_step(rows, subgroupShuffle(own, 5u), slot * LANES + 5u);
  multiply_step(rows, subgroupShuffle(own, 6u), slot * LANES + 6u);
  multiply_step(rows, subgroupShuffle(own, 7u), slot * LANES + 7u);
}
//@end

fn accumulate_step(rows: vec4f) {
//@if SUBGROUPS
  multiply_step_lanes(rows, 0u);
  if (QUADS > LANES) {
    multiply_step_lanes(rows, 1u);
  }
//@else
  for (var quad = 0u; quad < QUADS; quad++) {
    multiply_step(rows, column_at(quad), quad);
  }
//@end
  count_steps(1u);
}
