/** What of an input can be removed at once: a pixel of all channels, an element, a feature of a table, a region of an image. */
import {
  avgPool2d,
  describe,
  expand,
  gather,
  pad,
  reshape,
  ShapeError,
  sameShape,
  slice,
  stack,
  sum,
  type Tensor,
  tensor,
} from "../../engine/index.js";
import type { Feature } from "../../nn/index.js";
import { rows } from "./metric.js";

export interface Groups {
  readonly count: number;
  /** What the map says of each group, up to a factor. [n, count] */
  readonly values: Tensor;
  /** One number for each group, as one for each element of the inputs. [m, count] → [m, ...] that broadcasts to x */
  spread(perGroup: Tensor): Tensor;
}

/** One group for each value of the map: inputs [n,c,h,w] with maps [n,h,w]; others with maps of their own shape; where features are
 *  named, inputs of any shape with maps [n, features], or of the inputs' shape, whose values are then summed over the elements of a feature.
 *  @throws ShapeError when the map does not belong to the inputs. */
export function groupsOf(name: string, x: Tensor, map: Tensor, features?: readonly Feature[]): Groups {
  const [n, ...shape] = x.shape;
  if (x.rank === 4) {
    const [, h, w] = shape;
    if (!sameShape(map.shape, [n, h, w]))
      throw new ShapeError(
        `${name}: images ${describe(x)} with maps ${describe(map)}; [n,c,h,w] with [n,h,w] is needed, as saliencyMap makes it`,
      );
    return { count: h * w, values: rows(map), spread: (v) => reshape(v, [v.shape[0], 1, h, w]) };
  }
  const owners = features && ownersOf(name, features, x.size / n);
  if (features && owners && sameShape(map.shape, [n, features.length])) return featureGroups(map, owners);
  if (x.rank < 2 || !sameShape(map.shape, x.shape))
    throw new ShapeError(
      `${name}: inputs ${describe(x)} with maps ${describe(map)}; a map of the inputs' shape${features ? ` or [n,${features.length}], one value per feature,` : ""} is needed`,
    );
  if (features && owners) return featureGroups(summed(rows(map), features), owners);
  return { count: x.size / n, values: rows(map), spread: (v) => reshape(v, [v.shape[0], ...shape]) };

  function featureGroups(values: Tensor, owner: Int32Array): Groups {
    const at = tensor(owner, [owner.length]);
    return {
      ...{ count: values.shape[1], values },
      spread: (v) => reshape(gather(v, at, 1), [v.shape[0], ...shape]),
    };
  }
}

/** Square regions of images, from the first row and column on; those at the end are smaller where sides are not multiples. */
export function regionsOf(name: string, x: Tensor, map: Tensor, side: number): Groups {
  const { values } = groupsOf(name, x, map);
  const [n, , h, w] = x.shape;
  if (side > Math.min(h, w))
    throw new ShapeError(
      `${name}: regions of ${side}×${side} of ${describe(x)}; a side of 1 to ${Math.min(h, w)} is needed`,
    );
  const [down, across] = [Math.ceil(h / side), Math.ceil(w / side)];
  const whole = pad(reshape(values, [n, 1, h, w]), [
    ...[[0, 0] as const, [0, 0] as const],
    ...[[0, down * side - h] as const, [0, across * side - w] as const],
  ]);
  return {
    count: down * across,
    values: rows(avgPool2d(whole, { size: side })),
    spread(v) {
      const m = v.shape[0];
      const squares = expand(reshape(v, [m, down, 1, across, 1]), [m, down, side, across, side]);
      return reshape(slice(reshape(squares, [m, down * side, across * side]), [0, 0, 0], [m, h, w]), [m, 1, h, w]);
    },
  };
}

/** The feature of each element. @throws ShapeError unless each element belongs to exactly one. */
function ownersOf(name: string, features: readonly Feature[], elements: number): Int32Array {
  const owner = new Int32Array(elements).fill(-1);
  for (const [f, { at, name: title }] of features.entries())
    for (const i of at) {
      if (!(i >= 0 && i < elements) || owner[i] !== -1)
        throw new ShapeError(
          `${name}: feature "${title}" has element ${i} of ${elements}, which is ${owner[i] >= 0 ? "another's" : "none"}; features have to share out the elements`,
        );
      owner[i] = f;
    }
  const lost = owner.indexOf(-1);
  if (lost >= 0)
    throw new ShapeError(`${name}: element ${lost} belongs to no feature; features have to share out the elements`);
  return owner;
}

/** Values of elements [n,d] → of features [n,f]. */
function summed(values: Tensor, features: readonly Feature[]): Tensor {
  return stack(
    features.map(({ at }) => sum(gather(values, tensor(Int32Array.from(at)), 1), 1)),
    1,
  );
}
