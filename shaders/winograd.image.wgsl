// winograd.image — spectra[point, …] = (B d Bᵀ)[point] for every 8 × 8 tile d of every plane of x [n,c,h,w], zeros around it; tiles
// lie `step` apart and overlap (lib/winograd8.wgsl). An invocation makes p.turns tiles, one below the other, and keeps the rows that the next
// one begins with.
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> spectra: array<f32>;

//@include "lib/winograd8.wgsl"

// B d.
fn interpolate(d: Line) -> Line {
  let a = d.near;
  let b = d.far;
  let even = vec3f(a.z - 4.25 * b.x, 0.25 * a.z - 1.25 * b.x, 4.0 * a.z - 5.0 * b.x) + b.z;
  let odd = vec3f(a.y - 4.25 * a.w + b.y, 0.5 * a.y - 2.5 * a.w + 2.0 * b.y, 2.0 * a.y - 2.5 * a.w + 0.5 * b.y);
  return at_points(b.z - a.x + 5.25 * (a.z - b.x), even, odd, b.w - a.y + 5.25 * (a.w - b.y));
}

fn pixels(first: u32, column: u32, row_valid: bool) -> vec4f {
  let across = vec4u(column, column + 1u, column + 2u, column + 3u);
  let at = first + across;
  return select(vec4f(0.0), vec4f(x[at.x], x[at.y], x[at.z], x[at.w]), (across < vec4u(p.width)) & vec4<bool>(row_valid));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= p.count) { return; }
  let tile = tile_of(i);
  let column = u32(tile.corner.y);
  var row = u32(tile.corner.x);
  var at = tile.spectrum_at;
  var rows: array<Line, 8>;
  var missing = p.side;
  for (var turn = 0u; turn < p.turns; turn++) {
    for (var k = 0u; k < missing; k++) {
      let first = tile.plane_at + row * p.width;
      let valid = tile.exists & (row < p.height);
      let line = Line(pixels(first, column, valid), pixels(first, column + 4u, valid));
      rows = array<Line, 8>(rows[1], rows[2], rows[3], rows[4], rows[5], rows[6], rows[7], interpolate(line));
      row++;
    }
    for (var c = 0u; c < p.side; c++) {
      let line = interpolate(Line(
        vec4f(rows[0].near.x, rows[1].near.x, rows[2].near.x, rows[3].near.x),
        vec4f(rows[4].near.x, rows[5].near.x, rows[6].near.x, rows[7].near.x),
      ));
      store_line(at + c * p.point_step, line);
      // Eight times is round.
      rows = array<Line, 8>(
        rotated(rows[0]), rotated(rows[1]), rotated(rows[2]), rotated(rows[3]),
        rotated(rows[4]), rotated(rows[5]), rotated(rows[6]), rotated(rows[7]),
      );
    }
    at += p.tiles_across * p.tile_step;
    missing = p.step;
  }
}

// A column of the spectrum.
fn store_line(at: u32, line: Line) {
  for (var k = 0u; k < 4u; k++) {
    spectra[at + k * 8u * p.point_step] = line.near[k];
    spectra[at + (k + 4u) * 8u * p.point_step] = line.far[k];
  }
}
