import {
  add,
  conv2d,
  describe,
  div,
  mean,
  mul,
  reshape,
  ShapeError,
  square,
  sub,
  type Tensor,
  tensor,
} from "../../engine/index.js";
import { aNumber, aTensor, required } from "../../engine/kinds.js";
import { checkedOptions, requireArguments } from "../../engine/options.js";
import { number, setting } from "../../nn/schema.js";
import { scaledToMax } from "./importance.js";
import { type MetricInfo, metricEntry, ofFinite, requireAlike, requireGrid, within } from "./metric.js";

const info: MetricInfo = {
  name: "SSIM",
  range: [-1, 1],
  larger: "more alike",
  perfect: 1,
  random: "near 0",
  differentiable: true,
  source: "Wang et al. 2004",
};
/** Side of the window in pixels: smaller maps have no SSIM. */
export const WINDOW = 11;
const SIGMA = 1.5;
const K1 = 0.01;
const K2 = 0.03;

function structuralSimilarity(a: Tensor, b: Tensor, { range }: { readonly range: number }): Tensor {
  requireAlike("ssim", a, b);
  requireGrid("ssim", a);
  if (a.shape[1] < WINDOW || a.shape[2] < WINDOW)
    throw new ShapeError(`ssim: maps are ${describe(a)}; [n,h,w] of at least ${WINDOW}×${WINDOW} is needed`);
  if (!(range > 0 && Number.isFinite(range)))
    throw new RangeError(
      `ssim: range ${range} given; the difference between the largest and the smallest possible value is needed, a number above 0`,
    );
  const window = tensor(gaussianWindow(), [1, 1, WINDOW, WINDOW]);
  const blur = (m: Tensor): Tensor => conv2d(m, window);
  const [x, y] = [a, b].map((m) => reshape(m, [m.shape[0], 1, m.shape[1], m.shape[2]]));
  const [mx, my] = [blur(x), blur(y)];
  const [vx, vy] = [sub(blur(square(x)), square(mx)), sub(blur(square(y)), square(my))];
  const vxy = sub(blur(mul(x, y)), mul(mx, my));
  const [c1, c2] = [(K1 * range) ** 2, (K2 * range) ** 2];
  const luminance = div(add(mul(mul(mx, my), 2), c1), add(add(square(mx), square(my)), c1));
  const structure = div(add(mul(vxy, 2), c2), add(add(vx, vy), c2));
  return ofFinite(within(info.range, mean(mul(luminance, structure), [1, 2, 3])), a, b);
}

function gaussianWindow(): Float64Array {
  const line = Float64Array.from({ length: WINDOW }, (_, i) =>
    Math.exp(-((i - (WINDOW - 1) / 2) ** 2) / (2 * SIGMA ** 2)),
  );
  const total = line.reduce((s, v) => s + v, 0);
  return Float64Array.from(
    { length: WINDOW * WINDOW },
    (_, i) => (line[Math.floor(i / WINDOW)] * line[i % WINDOW]) / total ** 2,
  );
}

/** Structural similarity of maps [n,h,w] → [n], in [-1, 1], 1 for equal maps; larger is more alike. `range` is the difference
 *  between the largest and the smallest possible value. Gaussian window 11, sigma 1.5, positions where it fits whole.
 *  Source: Wang, Bovik, Sheikh, Simoncelli 2004, eq. 13. @throws ShapeError for maps smaller than 11×11, RangeError for a range that
 *  is not a positive number. */
export const ssim = Object.assign(
  (a: Tensor, b: Tensor, options: { readonly range: number }): Tensor => {
    requireArguments("ssim", { a: [a, aTensor], b: [b, aTensor] });
    return structuralSimilarity(a, b, checkedOptions("ssim", options, { range: required(aNumber) }));
  },
  { info },
);

export const ssimEntry = metricEntry({
  name: "ssim",
  kind: "similarity",
  info,
  needs: { grid: true },
  options: {
    range: setting(
      number({ min: 1, max: 2 }),
      1,
      "what values span once maps are scaled to maximum 1: 1 for maps without signs, 2 with signs",
    ),
  },
  laws: { symmetric: true, scaling: true },
  make: ({ range }) =>
    Object.assign((a: Tensor, b: Tensor) => ssim(scaledToMax(a), scaledToMax(b), { range }), { info }),
});
