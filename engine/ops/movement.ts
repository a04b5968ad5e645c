/** Ops that move elements. Where the layout allows they are free: a new view of the same storage. */

import { describe, ShapeError } from "../errors.js";
import { requireTensor } from "../kinds.js";
import { apply, type OpSpec } from "../op.js";
import { isList, shownList } from "../options.js";
import {
  broadcastShapes,
  broadcastStrides,
  checkShape,
  contiguousStrides,
  isContiguous,
  type Shape,
  sameShape,
  sizeOf,
} from "../shape.js";
import type { Tensor } from "../tensor.js";
import { forEachOffset } from "./host.js";
import { sumTo } from "./reduce.js";

/** The same elements under a new handle; marks the leaf of a gradient scope. */
export const identitySpec: OpSpec<null> = {
  name: "identity",
  takesHalves: true,
  routes: true,
  shape: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
  reference: ([x], _, y) => y.data.set(x.data),
  vjp: (g) => [() => g],
  view: (x) => x,
  linearIn: [0],
  samples: () => [{ inputs: [{ shape: [2, 3] }], call: identity }],
  draw: (d) => ({ inputs: [{ shape: d.shape() }], call: identity }),
  failures: () => [],
};
export function identity(x: Tensor): Tensor {
  return apply(identitySpec, [x], null);
}

interface ShapeAttrs {
  readonly shape: Shape;
}

/** Same elements in row-major order, other shape; one side may be -1 and is inferred. x [...] → [...shape].
 *  @throws ShapeError when the number of elements differs. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  requireTensor("reshape", x);
  if (!isList(shape) || !shape.every(Number.isInteger))
    throw new ShapeError(`reshape: a shape of ${shownList(shape)} given; a list of sides is needed, like [3, -1]`);
  const known = sizeOf(shape.filter((d) => d !== -1));
  const inferred = shape.map((d) => (d === -1 ? (known === 0 ? 0 : x.size / known) : d));
  if (
    shape.filter((d) => d === -1).length > 1 ||
    inferred.some((d) => !Number.isInteger(d)) ||
    sizeOf(inferred) !== x.size
  )
    throw new ShapeError(
      `reshape: ${describe(x)} has ${x.size} elements, which do not fill [${shape.join(",")}]; at most one side may be -1`,
    );
  return sameShape(inferred, x.shape) ? x : apply(reshapeSpec, [x], { shape: inferred });
}
export const reshapeSpec: OpSpec<ShapeAttrs> = {
  name: "reshape",
  takesHalves: true,
  routes: true,
  shape: ([x], { shape }) => {
    checkShape("reshape", shape);
    return { shape, dtype: x.dtype };
  },
  reference: ([x], _, y) => y.data.set(x.data),
  vjp: (g, { inputs: [x] }) => [() => reshape(g, x.shape)],
  view: ({ offset, ...x }, { shape }) =>
    isContiguous(x.shape, { strides: x.strides, offset: 0 })
      ? { strides: contiguousStrides(shape), offset }
      : undefined,
  linearIn: [0],
  samples: () => [
    { inputs: [{ shape: [2, 6] }], call: (x) => reshape(x, [3, -1]) },
    { inputs: [{ shape: [0, 3] }], call: (x) => reshape(x, [3, 0]) },
  ],
  failures: () => [
    { inputs: [{ shape: [2, 3] }], call: (x) => reshape(x, [4, -1]), message: /reshape: f32\[2,3\] has 6 elements/ },
  ],
};

/** Broadcasts to a larger shape without copying (NumPy rules). @throws ShapeError when it does not broadcast. */
export function expand(x: Tensor, shape: Shape): Tensor {
  requireTensor("expand", x);
  if (!isList(shape)) checkShape("expand", shape);
  return sameShape(x.shape, shape) ? x : apply(expandSpec, [x], { shape });
}
export const expandSpec: OpSpec<ShapeAttrs> = {
  name: "expand",
  routes: true,
  shape: ([x], { shape }) => {
    checkShape("expand", shape);
    if (!sameShape(broadcastShapes("expand", [x, { shape, dtype: x.dtype }]), shape))
      throw new ShapeError(`expand: ${describe(x)} does not broadcast to [${shape.join(",")}]; only sides of 1 grow`);
    return { shape, dtype: x.dtype };
  },
  reference: ([x], { shape }, y) => {
    const strides = broadcastStrides(x.shape, contiguousStrides(x.shape), shape);
    forEachOffset(shape, [strides], (i, [at]) => {
      y.data[i] = x.data[at];
    });
  },
  vjp: (g, { inputs: [x] }) => [() => sumTo(g, x.shape)],
  view: (x, { shape }) => ({ strides: broadcastStrides(x.shape, x.strides, shape), offset: x.offset }),
  linearIn: [0],
  samples: () => [
    { inputs: [{ shape: [3, 1] }], call: (x) => expand(x, [2, 3, 4]) },
    { inputs: [{ shape: [] }], call: (x) => expand(x, [2, 2]) },
  ],
  failures: () => [
    { inputs: [{ shape: [2, 3] }], call: (x) => expand(x, [2, 4]), message: /expand: .*do not broadcast/ },
  ],
};
