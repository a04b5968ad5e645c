/** One class of the generator `shapes`: a figure in the square [-1,1]^2 and how much it may vary. */
export interface Figure {
  readonly name: string;
  /** Half of the side of the square, in pixels. */
  readonly radius: readonly [number, number];
  /** Width of a stroke, in pixels. */
  readonly thickness: readonly [number, number];
  /** Largest tangent of half of the rotation; 1 is a quarter turn. */
  readonly turn: number;
  /** Is (u, v) in the figure? `thickness` is in units of the radius; v points down. */
  covers(u: number, v: number, thickness: number): boolean;
}

const RADIUS = [6.5, 10.5] as const;
const LINE = [1.8, 3.2] as const;
/** About 14 degrees: a plus stays a plus, and bars keep their direction. */
const TILT = 0.12;

/** Bars as wide as the gaps between them, five across the square, so that the outer ones are bars. */
const inBar = (position: number): boolean => Math.floor(((position + 1) / 2) * 4.999) % 2 === 0;

export const FIGURES: readonly Figure[] = [
  {
    name: "disc",
    radius: RADIUS,
    thickness: LINE,
    turn: 0,
    covers: (u, v) => u * u + v * v <= 1,
  },
  {
    name: "ring",
    radius: RADIUS,
    thickness: LINE,
    turn: 0,
    covers: (u, v, thickness) => u * u + v * v <= 1 && u * u + v * v >= (1 - thickness) * (1 - thickness),
  },
  {
    name: "square",
    radius: RADIUS,
    thickness: LINE,
    turn: TILT,
    covers: () => true,
  },
  {
    name: "frame",
    radius: RADIUS,
    thickness: LINE,
    turn: TILT,
    covers: (u, v, thickness) => Math.max(Math.abs(u), Math.abs(v)) >= 1 - thickness,
  },
  {
    name: "triangle",
    radius: RADIUS,
    thickness: LINE,
    turn: TILT,
    covers: (u, v) => 2 * Math.abs(u) <= v + 1,
  },
  {
    name: "plus",
    radius: RADIUS,
    thickness: LINE,
    turn: TILT,
    covers: (u, v, thickness) => Math.min(Math.abs(u), Math.abs(v)) <= thickness / 2,
  },
  {
    name: "cross",
    radius: RADIUS,
    thickness: LINE,
    turn: TILT,
    // The distance to a diagonal is |u ± v| / √2.
    covers: (u, v, thickness) => Math.abs(Math.abs(u) - Math.abs(v)) <= thickness * Math.SQRT1_2,
  },
  {
    name: "horizontal bars",
    radius: RADIUS,
    thickness: LINE,
    turn: TILT,
    covers: (_u, v) => inBar(v),
  },
  {
    name: "vertical bars",
    radius: RADIUS,
    thickness: LINE,
    turn: TILT,
    covers: (u) => inBar(u),
  },
  {
    name: "diagonal stripes",
    radius: RADIUS,
    thickness: LINE,
    turn: TILT,
    // u + v runs from -2 to 2.
    covers: (u, v) => inBar((u + v) / 2),
  },
];
