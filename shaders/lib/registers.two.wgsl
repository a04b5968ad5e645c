// Two steps of a register tile (lib/registers.wgsl) at a time: each sum is loaded and stored once for two products. The file that includes
// this one defines columns_at(slot: u32) -> array<vec4f, 2>, the values at both steps of the four columns from first_column(slot, lane) on.
fn multiply(rows: array<vec4f, 2>, columns: array<vec4f, 2>, quad: u32) {
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
fn from_lane(own: array<vec4f, 2>, lane: u32) -> array<vec4f, 2> {
  return array<vec4f, 2>(subgroupShuffle(own[0], lane), subgroupShuffle(own[1], lane));
}

fn multiply_lanes(rows: array<vec4f, 2>, slot: u32) {
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

fn accumulate(rows: array<vec4f, 2>) {
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
  count_steps(2u);
}
