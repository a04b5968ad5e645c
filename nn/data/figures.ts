/** One class of the generator `shapes`: a figure in the square [-1,1]^2. */
export interface Figure {
  readonly name: string;
  /** Is (u, v) in the figure? `thickness` of strokes is in units of the half side; v points down. */
  covers(u: number, v: number, thickness: number): boolean;
}

/** Bars as wide as the gaps between them, five across the square, so that the outer ones are bars. */
const inBar = (position: number): boolean => Math.floor(((position + 1) / 2) * 4.999) % 2 === 0;

export const FIGURES: readonly Figure[] = [
  { name: "disc", covers: (u, v) => u * u + v * v <= 1 },
  {
    name: "ring",
    covers: (u, v, thickness) => u * u + v * v <= 1 && u * u + v * v >= (1 - thickness) * (1 - thickness),
  },
  { name: "square", covers: () => true },
  { name: "frame", covers: (u, v, thickness) => Math.max(Math.abs(u), Math.abs(v)) >= 1 - thickness },
  { name: "triangle", covers: (u, v) => 2 * Math.abs(u) <= v + 1 },
  { name: "plus", covers: (u, v, thickness) => Math.min(Math.abs(u), Math.abs(v)) <= thickness / 2 },
  // The distance to a diagonal is |u ± v| / √2.
  { name: "cross", covers: (u, v, thickness) => Math.abs(Math.abs(u) - Math.abs(v)) <= thickness * Math.SQRT1_2 },
  { name: "horizontal bars", covers: (_u, v) => inBar(v) },
  { name: "vertical bars", covers: (u) => inBar(u) },
  // u + v runs from -2 to 2.
  { name: "diagonal stripes", covers: (u, v) => inBar((u + v) / 2) },
];
