import { describe, reshape, ShapeError, sameShape, type Tensor } from "../../engine/index.js";
import type { Score } from "../score.js";

export interface MetricInfo {
  readonly name: string;
  readonly range: readonly [number, number];
  /** What a larger value means. */
  readonly larger: "more alike" | "less alike" | "less stable" | "more faithful" | "less faithful" | "better placed";
  /** Its value for equal maps, or for a perfect explanation. */
  readonly perfect: number | string;
  /** Its expected value for unrelated random maps, or for a random explanation. */
  readonly random: number | string;
  /** Whether it has a useful gradient with respect to the maps (or the image). */
  readonly differentiable: boolean;
  readonly source: string;
}

/** How alike two maps are, per sample: a, b [n, ...] → [n]. */
export interface Similarity {
  (a: Tensor, b: Tensor): Tensor;
  readonly info: MetricInfo;
}

/** How an explanation changes with the image, per sample: the explained score and images [n,...] → [n]. */
export interface Stability {
  (score: Score, x: Tensor): Tensor;
  readonly info: MetricInfo;
}

/** How well a map says what the score depends on, per sample: the explained score, images [n,c,h,w] and their maps → [n]. */
export interface Faithfulness {
  (score: Score, x: Tensor, map: Tensor): Tensor;
  readonly info: MetricInfo;
}

/** A similarity of maps that are first flattened to rows [n, d]. @throws ShapeError when the maps differ in shape. */
export function similarity(info: MetricInfo, compare: (a: Tensor, b: Tensor) => Tensor): Similarity {
  return Object.assign(
    (a: Tensor, b: Tensor) => {
      requireAlike(info.name, a, b);
      return compare(rows(a), rows(b));
    },
    { info },
  );
}

export function requireAlike(name: string, a: Tensor, b: Tensor): void {
  if (!sameShape(a.shape, b.shape) || a.rank < 2)
    throw new ShapeError(`${name}: maps ${describe(a)} and ${describe(b)}; two of one shape [n, ...] are needed`);
}

/** @throws ShapeError unless x is [n,c,h,w] and the map [n,h,w] of the same n, h, w. */
export function requireMapOf(name: string, x: Tensor, map: Tensor): void {
  const [n, , h, w] = x.shape;
  if (x.rank !== 4 || !sameShape(map.shape, [n, h, w]))
    throw new ShapeError(`${name}: images ${describe(x)} with maps ${describe(map)}; [n,c,h,w] with [n,h,w] is needed`);
}

/** [n, ...] → [n, d] */
export function rows(map: Tensor): Tensor {
  return map.rank === 2 ? map : reshape(map, [map.shape[0], map.shape.slice(1).reduce((x, y) => x * y, 1)]);
}
