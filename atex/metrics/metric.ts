import { describe, reshape, ShapeError, sameShape, type Tensor } from "../../engine/index.js";

/** How alike two maps are, per sample: a, b [n, ...] → [n]. */
export interface Similarity {
  (a: Tensor, b: Tensor): Tensor;
  readonly info: MetricInfo;
}

export interface MetricInfo {
  readonly name: string;
  readonly range: readonly [number, number];
  /** What a larger value means. */
  readonly larger: "more alike" | "less alike";
  /** Its value for equal maps, and for unrelated random ones (expected). */
  readonly equal: number;
  readonly unrelated: number | string;
  readonly source: string;
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

/** [n, ...] → [n, d] */
export function rows(map: Tensor): Tensor {
  return map.rank === 2 ? map : reshape(map, [map.shape[0], map.shape.slice(1).reduce((x, y) => x * y, 1)]);
}
