// Minimal filtering of 8 × 8 pieces: the points are 0, 1, -1, 2, -2, ½, -½ and ∞, and a window of r leaves patches of 9 - r.
// Rounding is about seven times that of the plain sum, 2e-6 of the result's root mean square for windows of 3 to 6.
//@include "lib/winograd.wgsl"

// The diagonal of S: at 0, ±1, ±2 and ±½; 1 at ∞.
const scales = vec4f(-1.0, -2.0 / 9.0, 1.0 / 90.0, 32.0 / 45.0);

// Eight numbers, handed through by rotation: an index that varies would cost more than the moves.
struct Line {
  near: vec4f,
  far: vec4f,
}

fn rotated(line: Line) -> Line {
  return Line(vec4f(line.near.yzw, line.far.x), vec4f(line.far.yzw, line.near.x));
}

// Values of a polynomial at the points, from its even and odd part at 1, 2 and ½ and what stands at 0 and ∞.
fn at_points(zero: f32, even: vec3f, odd: vec3f, infinity: f32) -> Line {
  let sum = even + odd;
  let difference = even - odd;
  return Line(vec4f(zero, sum.x, difference.x, sum.y), vec4f(difference.y, sum.z, difference.z, infinity));
}
