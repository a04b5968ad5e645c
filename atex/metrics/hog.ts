import {
  add,
  avgPool2d,
  describe,
  div,
  equal,
  greaterEqual,
  less,
  logicalAnd,
  logicalOr,
  minimum,
  mul,
  onesLike,
  pad,
  reshape,
  ShapeError,
  slice,
  sqrt,
  square,
  stack,
  sub,
  sum,
  type Tensor,
  transpose,
  unsqueeze,
  zerosLike,
} from "../../engine/index.js";
import { aCount, aTensor } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { count, setting } from "../../nn/schema.js";
import { scaledToMax } from "./importance.js";
import { type MetricInfo, metricEntry, requireGrid, type Similarity, seventh, similarityOfMaps } from "./metric.js";
import { pearson } from "./similarities.js";

const ORIENTATIONS = 9;
/** Cells along a side of a block. */
const BLOCK = 3;
const CLIP = 0.2;
const EPSILON = 1e-5;

/** How fine the histograms are. */
export interface HogOptions {
  /** Side of a cell in pixels, small enough for 3 × 3 cells at least; default a seventh of the shorter side. */
  readonly cell?: number;
}

const HOG_OPTIONS: KindsOf<HogOptions> = {
  cell: aCount,
};

/** Histograms of oriented gradients of maps [n,h,w] → [n, rows of blocks, columns of blocks, 3, 3, 9]: central differences (zero at
 *  the border), each pixel in one of 9 unsigned orientations weighted by its size, means over cells of `cell` × `cell` pixels,
 *  overlapping blocks of 3×3 cells scaled to L2 norm 1, clipped at 0.2 and scaled again, as scikit-image does by default.
 *  Default cell: a seventh of the shorter side. Source: Dalal, Triggs 2005, sec. 6. @throws ShapeError for maps smaller than a block. */
export function hog(map: Tensor, options: HogOptions = {}): Tensor {
  requireArguments("hog", { map: [map, aTensor] });
  const { cell = seventh(map.shape[1], map.shape[2]) } = checkedOptions("hog", options, HOG_OPTIONS);
  const [n, h, w] = map.shape;
  const [rows, columns] = [Math.floor(h / cell), Math.floor(w / cell)];
  requireGrid("hog", map);
  if (!(rows >= BLOCK && columns >= BLOCK))
    throw new ShapeError(
      `hog: maps are ${describe(map)} with cells of ${cell}; [n,h,w] of at least ${BLOCK} × ${BLOCK} cells is needed`,
    );
  const down = centralDifference(map, 1);
  const across = centralDifference(map, 2);
  const votes = mul(orientations(down, across), unsqueeze(sqrt(add(square(down), square(across))), 1));
  const whole = slice(votes, [0, 0, 0, 0], [n, ORIENTATIONS, rows * cell, columns * cell]);
  return normalisedBlocks(avgPool2d(whole, { size: cell }));
}

/** z[i + 1] − z[i − 1] along a side, 0 at both ends. [n,h,w] → [n,h,w] */
function centralDifference(map: Tensor, axis: 1 | 2): Tensor {
  const sizes = map.shape.map((side, i) => (i === axis ? side - 2 : side));
  const from = (start: number): Tensor =>
    slice(
      map,
      sizes.map((_, i) => (i === axis ? start : 0)),
      sizes,
    );
  return pad(
    sub(from(2), from(0)),
    sizes.map((_, i) => (i === axis ? [1, 1] : [0, 0])),
  );
}

/** 1 in the orientation of each gradient, 0 in the others. [n,h,w] → [n,9,h,w] */
function orientations(down: Tensor, across: Tensor): Tensor {
  // A gradient and its opposite are one orientation: turned so that it points down, its angle lies in [0°, 180°).
  const up = logicalOr(less(down, 0), logicalAnd(equal(down, 0), less(across, 0)));
  const turn = sub(1, mul(up, 2));
  const [y, x] = [mul(down, turn), mul(across, turn)];
  // angle >= a  ⇔  y cos a − x sin a >= 0, for 0° < a < 180°: no arctangent.
  const atLeast = Array.from({ length: ORIENTATIONS - 1 }, (_, i) => {
    const a = ((i + 1) * Math.PI) / ORIENTATIONS;
    return greaterEqual(sub(mul(y, Math.cos(a)), mul(x, Math.sin(a))), 0);
  });
  const edges = [onesLike(y), ...atLeast, zerosLike(y)];
  return stack(
    edges.slice(1).map((next, i) => sub(edges[i], next)),
    1,
  );
}

/** cells [n,9,r,c] → [n, r − 2, c − 2, 3, 3, 9] */
function normalisedBlocks(cells: Tensor): Tensor {
  const [n, , rows, columns] = cells.shape;
  const sizes = [n, ORIENTATIONS, rows - BLOCK + 1, columns - BLOCK + 1];
  const places = Array.from({ length: BLOCK * BLOCK }, (_, i) =>
    slice(cells, [0, 0, Math.floor(i / BLOCK), i % BLOCK], sizes),
  );
  const blocks = stack(places, 1);
  const scaled = (b: Tensor): Tensor => div(b, sqrt(add(sum(square(b), [1, 2], { keepDims: true }), EPSILON ** 2)));
  const normal = scaled(minimum(scaled(blocks), CLIP));
  return transpose(reshape(normal, [n, BLOCK, BLOCK, ...sizes.slice(1)]), [0, 4, 5, 1, 2, 3]);
}

const info: MetricInfo = {
  name: "Pearson of HOG",
  range: [-1, 1],
  larger: "more alike",
  perfect: 1,
  random: "near 0 for noise",
  differentiable: false,
  source: "Adebayo et al. 2018, with Dalal, Triggs 2005",
};

/** Pearson correlation of the HOG features of maps scaled to maximum 1, so that their size does not count. Default cells: a seventh of
 *  the shorter side, 4 pixels of 28. [n,h,w], [n,h,w] → [n]. Source: Adebayo et al. 2018. */
export function hogCorrelation(options: HogOptions = {}): Similarity {
  checkedOptions("hogCorrelation", options, HOG_OPTIONS);
  return similarityOfMaps(info, (a, b) => pearson(hog(scaledToMax(a), options), hog(scaledToMax(b), options)));
}

/** The same with default cells. */
export const hogPearson: Similarity = hogCorrelation();

export const hogEntry = metricEntry({
  name: "hog-pearson",
  kind: "similarity",
  info,
  needs: { grid: true },
  options: { cell: setting(count, undefined, "side of a cell in pixels; a seventh of the shorter side if left out") },
  laws: { symmetric: true, scaling: true },
  make: (settings) => hogCorrelation(settings),
});
