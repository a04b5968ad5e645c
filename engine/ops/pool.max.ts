/**
 * Max pooling: the choice of an element (an integer, no gradient) followed by a linear gather, gatherPool ↔ scatterPool, so
 * that it has derivatives of every order.
 */
import { poolGatherKernel, poolIndicesKernel, poolScatterKernel } from "../../shaders/gen/kernels.js";
import { describe, ShapeError } from "../errors.js";
import { requireTensor } from "../kinds.js";
import { call, type TensorSpec } from "../lower.js";
import { apply, type OpSpec } from "../op.js";
import { checkedOptions } from "../options.js";
import { sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { poolDraw, poolSamples } from "./pool.samples.js";
import {
  forEachTap,
  type PoolAttrs,
  type PoolOptions,
  poolAttrs,
  pooledShape,
  poolLaunch,
  requirePooled,
  UNPOOL_OPTIONS,
  type UnpoolOptions,
  unpooledSpec,
} from "./pool.shapes.js";

/** Largest element of each window; the first one (row by row) where several are equal, a NaN where there is one.
 *  x [n,c,h,w] → [n,c,oh,ow]. @throws ShapeError when the window does not fit. */
export function maxPool2d(x: Tensor, options: PoolOptions): Tensor {
  const attrs = poolAttrs("maxPool2d", x, options);
  return apply(gatherPoolSpec, [x, apply(poolIndicesSpec, [x], attrs)], attrs);
}

/** Position row·w + column, in its image, of the element `maxPool2d` chooses: x [n,c,h,w] → i32 [n,c,oh,ow]. */
export function poolIndices(x: Tensor, options: PoolOptions): Tensor {
  return apply(poolIndicesSpec, [x], poolAttrs("poolIndices", x, options));
}
export const poolIndicesSpec: OpSpec<PoolAttrs> = {
  name: "poolIndices",
  shape: ([x], a) => ({ shape: pooledShape("poolIndices", x, a), dtype: "i32" }),
  reference: ([x], a, y) => {
    const plane = sizeOf(a.image);
    y.data.fill(-1);
    forEachTap(x.shape[0] * x.shape[1], a, y.shape, (i, o) => {
      const best = x.data[i - (i % plane) + y.data[o]];
      if (y.data[o] < 0 || x.data[i] > best || (Number.isNaN(x.data[i]) && !Number.isNaN(best))) y.data[o] = i % plane;
    });
  },
  vjp: null,
  launch: (context, a) => [
    call(poolIndicesKernel, {
      bind: { x: context.inputs[0], y: context.output },
      ...poolLaunch(poolIndicesKernel, context, a),
    }),
  ],
  samples: () => poolSamples(({ x, options }) => ({ inputs: [x], call: (v) => poolIndices(v, options) })),
  draw: (d) => poolDraw(d, ({ x, options }) => ({ inputs: [x], call: (v) => poolIndices(v, options) })),
  failures: () => [
    {
      inputs: [{ shape: [1, 2, 3, 3] }],
      call: (x) => maxPool2d(x, { size: 4 }),
      message: /maxPool2d: a window of 4×4 does not fit an image of 3×3/,
    },
    {
      inputs: [{ shape: [1, 2, 3, 3] }],
      call: (x) => maxPool2d(x, { size: 2, padding: 2 }),
      message: /maxPool2d: padding 2,2,2,2 .* size 2,2/,
    },
    {
      inputs: [{ shape: [2, 3, 3] }],
      call: (x) => maxPool2d(x, { size: 2 }),
      message: /maxPool2d: f32\[2,3,3\] given; f32 of rank 4/,
    },
  ],
};

/** The elements of x [n,c,h,w] at `indices` (i32 [n,c,oh,ow], from `poolIndices` with the same options). */
export function gatherPool(x: Tensor, indices: Tensor, options: PoolOptions): Tensor {
  return apply(gatherPoolSpec, [x, indices], poolAttrs("gatherPool", x, options));
}
export const gatherPoolSpec: OpSpec<PoolAttrs> = {
  name: "gatherPool",
  routes: true,
  shape: ([x, indices], a) => {
    requireIndices("gatherPool", indices, pooledShape("gatherPool", x, a));
    return { shape: indices.shape, dtype: "f32" };
  },
  reference: ([x, indices], a, y) => {
    const [plane, pooled] = [sizeOf(a.image), sizeOf(y.shape.slice(2))];
    for (let o = 0; o < y.data.length; o++) y.data[o] = x.data[Math.floor(o / pooled) * plane + indices.data[o]];
  },
  vjp: (g, { inputs: [, indices], attrs }) => [() => apply(scatterPoolSpec, [g, indices], attrs), null],
  launch: (context, a) => {
    const [x, indices] = context.inputs;
    return [
      call(poolGatherKernel, { bind: { x, indices, y: context.output }, ...poolLaunch(poolGatherKernel, context, a) }),
    ];
  },
  linearIn: [0],
  // The indices come from an input of their own, so that moving x does not move them.
  samples: () =>
    poolSamples(({ x, options }) => ({
      inputs: [x, x],
      call: (v, chooser) => gatherPool(v, poolIndices(chooser, options), options),
    })),
  draw: (d) => poolDraw(d, ({ x, options }) => ({ inputs: [x], call: (v) => maxPool2d(v, options) })),
  failures: () => [
    {
      inputs: [{ shape: [1, 1, 4, 4] }, { shape: [1, 1, 3, 3], dtype: "i32" }],
      call: (x, indices) => gatherPool(x, indices, { size: 2 }),
      message: /gatherPool: indices i32\[1,1,3,3\] given; i32\[1,1,2,2\] is needed/,
    },
  ],
};

/** Adjoint of `gatherPool`: g [n,c,oh,ow] lands at `indices` of images of `image` = [h,w]; what meets is added. */
export function scatterPool(g: Tensor, indices: Tensor, given: UnpoolOptions): Tensor {
  requireTensor("scatterPool", g);
  const { image, ...options } = checkedOptions("scatterPool", given, UNPOOL_OPTIONS);
  const like = { shape: [...g.shape.slice(0, 2), ...image], dtype: g.dtype };
  return apply(scatterPoolSpec, [g, indices], poolAttrs("scatterPool", like, options));
}
export const scatterPoolSpec: OpSpec<PoolAttrs> = {
  name: "scatterPool",
  shape: ([g, indices], a) => {
    const x = unpooledSpec(g, a);
    const pooled = pooledShape("scatterPool", x, a);
    requirePooled("scatterPool", g, pooled);
    requireIndices("scatterPool", indices, pooled);
    return x;
  },
  reference: ([g, indices], a, x) => {
    const [plane, pooled] = [sizeOf(a.image), sizeOf(g.shape.slice(2))];
    for (let o = 0; o < g.data.length; o++) x.data[Math.floor(o / pooled) * plane + indices.data[o]] += g.data[o];
  },
  vjp: (c, { inputs: [, indices], attrs }) => [() => apply(gatherPoolSpec, [c, indices], attrs), null],
  launch: (context, a) => {
    const [g, indices] = context.inputs;
    const [n, c, h, w] = context.output.shape;
    return [
      call(poolScatterKernel, {
        bind: { g, indices, x: context.output },
        ...poolLaunch(poolScatterKernel, context, a, n * c * h * Math.ceil(w / 4)),
      }),
    ];
  },
  // As many windows as cover the pixel in the middle, which all chose it.
  sums: (terms) => {
    const size = Math.floor(Math.sqrt(terms / 16));
    const image = [2 * size - 1, 2 * size - 1] as const;
    const middle = 2 * size * (size - 1);
    return [
      {
        inputs: [{ shape: [1, 1, size, size] }, { shape: [1, 1, size, size], dtype: "i32", low: middle, high: middle }],
        call: (g, indices) => scatterPool(g, indices, { size, stride: 1, image }),
      },
    ];
  },
  linearIn: [0],
  samples: () =>
    poolSamples(({ x, g, image, options }) => ({
      inputs: [g, x],
      call: (v, chooser) => scatterPool(v, poolIndices(chooser, options), { ...options, image }),
    })),
  failures: () => [
    {
      inputs: [{ shape: [1, 1, 3, 3] }, { shape: [1, 1, 3, 3], dtype: "i32" }],
      call: (g, indices) => scatterPool(g, indices, { size: 2, image: [4, 4] }),
      message: /scatterPool: g f32\[1,1,3,3\] given; f32\[1,1,2,2\] is needed/,
    },
  ],
};

function requireIndices(op: string, indices: TensorSpec, shape: readonly number[]): void {
  const needed = describe({ shape, dtype: "i32" });
  if (describe(indices) !== needed)
    throw new ShapeError(`${op}: indices ${describe(indices)} given; ${needed} is needed, as poolIndices gives it`);
}
