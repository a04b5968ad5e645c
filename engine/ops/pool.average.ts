/** Average pooling: a sum over windows and its adjoint, windowSum ↔ windowSpread, times a constant. */

import { poolSpreadKernel, poolSumKernel } from "../../shaders/gen/kernels.js";
import { aFlag, requireTensor } from "../kinds.js";
import { call } from "../lower.js";
import { apply, type OpSpec } from "../op.js";
import { checkedOptions } from "../options.js";
import { type Tensor, tensor } from "../tensor.js";
import { mul } from "./arithmetic.js";
import { hostTensor } from "./host.js";
import { reshape } from "./movement.js";
import { poolDraw, poolSamples } from "./pool.samples.js";
import {
  forEachTap,
  POOL_OPTIONS,
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
import { sum } from "./reduce.js";
import { spreadStripsCalls } from "./strips.launch.js";
import { windowPositions } from "./window.js";

/** Windows of `avgPool2d`. */
export interface AvgPoolOptions extends PoolOptions {
  /** Whether padding counts in the divisor, as in PyTorch; default true. */
  readonly countIncludePad?: boolean;
}

const AVERAGE_OPTIONS = { ...POOL_OPTIONS, countIncludePad: aFlag };

/** Mean of each window. x [n,c,h,w] → [n,c,oh,ow]. @throws ShapeError when the window does not fit. */
export function avgPool2d(x: Tensor, given: AvgPoolOptions): Tensor {
  const { countIncludePad = true, ...options } = checkedOptions("avgPool2d", given, AVERAGE_OPTIONS);
  const attrs = poolAttrs("avgPool2d", x, options);
  const { image, window, stride, padding } = attrs;
  const [n, c, h, w] = x.shape;
  const [r, s] = window;
  // Windows side by side are axes of a reshaped image, which costs no kernel of its own.
  if (r === stride[0] && s === stride[1] && h % r === 0 && w % s === 0 && padding.every((p) => p === 0))
    return mul(sum(reshape(x, [n, c, h / r, r, w / s, s]), [3, 5]), 1 / (r * s));
  const total = apply(windowSumSpec, [x], attrs);
  if (countIncludePad || padding.every((p) => p === 0)) return mul(total, 1 / (r * s));
  const weight = hostTensor({ shape: windowPositions("avgPool2d", image, window, attrs), dtype: "f32" });
  forEachTap(1, attrs, weight.shape, (_, o) => {
    weight.data[o]++;
  });
  return mul(
    total,
    tensor(
      weight.data.map((count) => 1 / count),
      weight.shape,
    ),
  );
}

/** Mean over each whole image: x [n,c,h,w] → [n,c,1,1]. */
export function globalAvgPool2d(x: Tensor): Tensor {
  poolAttrs("globalAvgPool2d", x, { size: 1 });
  return mul(sum(x, [2, 3], { keepDims: true }), 1 / (x.shape[2] * x.shape[3]));
}

/** Sum of each window, padding being zeros: x [n,c,h,w] → [n,c,oh,ow]. */
export function windowSum(x: Tensor, options: PoolOptions): Tensor {
  return apply(windowSumSpec, [x], poolAttrs("windowSum", x, options));
}
export const windowSumSpec: OpSpec<PoolAttrs> = {
  name: "windowSum",
  shape: ([x], a) => ({ shape: pooledShape("windowSum", x, a), dtype: "f32" }),
  reference: ([x], a, y) =>
    forEachTap(x.shape[0] * x.shape[1], a, y.shape, (i, o) => {
      y.data[o] += x.data[i];
    }),
  vjp: (g, { attrs }) => [() => apply(windowSpreadSpec, [g], attrs)],
  launch: (context, a) => [
    call(poolSumKernel, {
      bind: { x: context.inputs[0], y: context.output },
      ...poolLaunch(poolSumKernel, context, a),
    }),
  ],
  sums: (terms) => {
    const side = Math.floor(Math.sqrt(terms));
    return [{ inputs: [{ shape: [1, 2, side, side] }], call: (x) => windowSum(x, { size: side }) }];
  },
  linearIn: [0],
  samples: () => poolSamples(({ x, options }) => ({ inputs: [x], call: (v) => windowSum(v, options) })),
  draw: (d) => {
    const countIncludePad = d.boolean();
    return poolDraw(d, ({ x, options }) => ({
      inputs: [x],
      call: (v) => avgPool2d(v, { ...options, countIncludePad }),
    }));
  },
  failures: () => [
    {
      inputs: [{ shape: [1, 2, 3, 3] }],
      call: (x) => avgPool2d(x, { size: 4 }),
      message: /avgPool2d: a window of 4×4 does not fit an image of 3×3/,
    },
    {
      inputs: [{ shape: [3, 3] }],
      call: (x) => globalAvgPool2d(x),
      message: /globalAvgPool2d: f32\[3,3\] given; f32 of rank 4/,
    },
  ],
};

/** Adjoint of `windowSum`: each pixel gets the sum of the windows that cover it. g [n,c,oh,ow] → [n,c,h,w]. */
export function windowSpread(g: Tensor, given: UnpoolOptions): Tensor {
  requireTensor("windowSpread", g);
  const { image, ...options } = checkedOptions("windowSpread", given, UNPOOL_OPTIONS);
  const like = { shape: [...g.shape.slice(0, 2), ...image], dtype: g.dtype };
  return apply(windowSpreadSpec, [g], poolAttrs("windowSpread", like, options));
}
export const windowSpreadSpec: OpSpec<PoolAttrs> = {
  name: "windowSpread",
  shape: ([g], a) => {
    const x = unpooledSpec(g, a);
    requirePooled("windowSpread", g, pooledShape("windowSpread", x, a));
    return x;
  },
  reference: ([g], a, x) =>
    forEachTap(x.shape[0] * x.shape[1], a, g.shape, (i, o) => {
      x.data[i] += g.data[o];
    }),
  vjp: (c, { attrs }) => [() => apply(windowSumSpec, [c], attrs)],
  launch: (context, a) =>
    spreadStripsCalls(context, a.window, a) ?? [
      call(poolSpreadKernel, {
        bind: { g: context.inputs[0], x: context.output },
        ...poolLaunch(poolSpreadKernel, context, a),
      }),
    ],
  // As many windows as cover the pixel in the middle.
  sums: (terms) => {
    const size = Math.floor(Math.sqrt(terms / 16));
    const image = [2 * size - 1, 2 * size - 1] as const;
    return [{ inputs: [{ shape: [1, 1, size, size] }], call: (g) => windowSpread(g, { size, stride: 1, image }) }];
  },
  linearIn: [0],
  samples: () =>
    poolSamples(({ g, image, options }) => ({ inputs: [g], call: (v) => windowSpread(v, { ...options, image }) })),
  failures: () => [
    {
      inputs: [{ shape: [1, 1, 3, 3] }],
      call: (g) => windowSpread(g, { size: 2, image: [4, 4] }),
      message: /windowSpread: g f32\[1,1,3,3\] given; f32\[1,1,2,2\] is needed/,
    },
  ],
};
