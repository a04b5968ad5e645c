import {
  avgPool2d,
  describe,
  expand,
  mean,
  random,
  reshape,
  ShapeError,
  slice,
  sub,
  type Tensor,
} from "../../engine/index.js";
import type { Score } from "../score.js";
import { type Faithfulness, type MetricInfo, requireMapOf } from "./metric.js";
import { fallingOrder, replacementCurve } from "./replacement.js";

export interface AopcOptions {
  /** Side of a region in pixels; it has to divide the image's sides. Default 4. */
  readonly region?: number;
  /** Regions replaced, L; default all. */
  readonly steps?: number;
  /** Of the random pixels that replace (uniform on [0,1], as in the paper), and of the random order. */
  readonly key: Tensor;
}

export interface AopcCurves {
  /** f(x) − f(x with the first k regions replaced), k = 0 … L. [L + 1, n] */
  readonly map: Tensor;
  /** The same in a random order: what a map has to beat. */
  readonly random: Tensor;
}

export const aopcInfo: MetricInfo = {
  name: "AOPC",
  range: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  larger: "more faithful",
  perfect: "the largest drop; compare with the random order",
  random: "that of the random order",
  differentiable: false,
  source: "Samek et al. 2017",
};

/** How the score falls when regions are replaced by noise, those of the largest sum of the map first. x [n,c,h,w], map [n,h,w].
 *  @throws ShapeError when the image is not a whole number of regions or has fewer than `steps`. */
export function aopcCurves(options: AopcOptions): (score: Score, x: Tensor, map: Tensor) => AopcCurves {
  const { region = 4, key } = options;
  return (score, x, map) => {
    requireMapOf("aopc", x, map);
    const [n, , h, w] = x.shape;
    const [rows, columns] = [h / region, w / region];
    const { steps = rows * columns } = options;
    if (!Number.isInteger(rows) || !Number.isInteger(columns) || !(steps >= 1 && steps <= rows * columns))
      throw new ShapeError(
        `aopc: ${steps} regions of ${region}×${region} of ${describe(x)}; regions that fill the image, and at most all of them, are needed`,
      );
    const [noise, order] = random.split(key, 2);
    const counts = Array.from({ length: steps + 1 }, (_, k) => k);
    const drops = (relevance: Tensor): Tensor => {
      const places = reshape(fallingOrder(relevance), [n, rows, 1, columns, 1]);
      const perPixel = reshape(expand(places, [n, rows, region, columns, region]), [n, h, w]);
      const curve = replacementCurve(score, x, random.uniform(noise, x.shape), perPixel, counts);
      return sub(slice(curve, [0, 0], [1, n]), curve);
    };
    const relevance = reshape(avgPool2d(reshape(map, [n, 1, h, w]), { size: region }), [n, rows, columns]);
    return { map: drops(relevance), random: drops(random.uniform(order, relevance.shape)) };
  };
}

/** Area over the perturbation curve, 1/(L + 1) Σ_k f(x) − f(x⁽ᵏ⁾), per image [n]. */
export function aopc(options: AopcOptions): Faithfulness {
  const curves = aopcCurves(options);
  return Object.assign((score: Score, x: Tensor, map: Tensor) => mean(curves(score, x, map).map, 0), {
    info: aopcInfo,
  });
}
