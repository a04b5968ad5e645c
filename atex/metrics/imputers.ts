/** What takes the place of a part of an input that is removed. Each choice leads away from the data in its own way, and none is right. */

import {
  add,
  avgPool2d,
  conv2d,
  describe,
  div,
  gather,
  gatherAlong,
  greater,
  mean,
  mul,
  ones,
  random,
  reshape,
  ShapeError,
  sub,
  type Tensor,
  tensor,
  where,
} from "../../engine/index.js";
import { aCount, aNumber, aNumberOfAtLeast0, aTensor, aTensorOrNumber, aText, maybe } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import type { Feature } from "../../nn/index.js";
import { someFeatures } from "../kinds.js";
import { gaussianBlur } from "./blur.js";
import { seventh } from "./metric.js";

/** What takes the place of removed parts: `constantImputer`, `blurImputer`, `noisyLinearImputer` (images), `rowImputer`,
 *  `marginalImputer`. */
export interface Imputer {
  readonly name: string;
  /** Fillings that scores are averaged over. */
  readonly draws: number;
  /** x [m, ...] with other values where `removed`, which broadcasts to x, is 1. What is drawn is the same for all samples. */
  fill(key: Tensor, x: Tensor, removed: Tensor): Tensor;
}

/** One value for each element of a sample, [1, ...shape] or [...shape]. */
export function constantImputer(name: string, value: Tensor | number): Imputer {
  requireArguments("constantImputer", { name: [name, aText], value: [value, aTensorOrNumber] });
  return { name, draws: 1, fill: (_, x, removed) => where(removed, value, x) };
}

/** The image itself, blurred; default deviation: a seventh of the shorter side. */
export function blurImputer(sigma?: number): Imputer {
  requireArguments("blurImputer", { sigma: [sigma, maybe(aNumberOfAtLeast0)] });
  return {
    ...{ name: "blur", draws: 1 },
    fill(_, x, removed) {
      requireImages("blur", x);
      return where(removed, gaussianBlur(x, sigma ?? seventh(x.shape[2], x.shape[3])), x);
    },
  };
}

/** A whole row of the background [m, ...shape] in place of what is removed, another one for each draw. */
export function rowImputer(background: Tensor, draws = 5): Imputer {
  requireArguments("rowImputer", { background: [background, aTensor], draws: [draws, aCount] });
  return {
    ...{ name: "another row", draws },
    fill(key, x, removed) {
      const row = random.randint(key, [1], 0, background.shape[0]);
      return where(removed, gather(background, row, 0), x);
    },
  };
}

/** Each removed feature from a row of the background of its own, so that features no longer go together. `features`: elements that are
 *  drawn as one, default each by itself. Source: the marginal draws of Lundberg, Lee 2017, eq. 11. */
export function marginalImputer(background: Tensor, features?: readonly Feature[], draws = 5): Imputer {
  requireArguments("marginalImputer", {
    background: [background, aTensor],
    features: [features, maybe(someFeatures)],
    draws: [draws, aCount],
  });
  const [m, ...shape] = background.shape;
  const d = background.size / m;
  const owner = Int32Array.from({ length: d }, (_, i) => i);
  for (const [f, { at }] of (features ?? []).entries()) for (const i of at) owner[i] = f;
  return {
    ...{ name: "marginal draws", draws },
    fill(key, x, removed) {
      const rows = gather(random.randint(key, [1, d], 0, m), tensor(owner, [d]), 1);
      const drawn = reshape(gatherAlong(reshape(background, [m, d]), rows, 0), [1, ...shape]);
      return where(removed, drawn, x);
    },
  };
}

/** How neighbours are averaged, and how much noise is added. */
export interface NoisyLinearOptions {
  /** Deviation of the noise, in units of the input, at least 0; default 0.01, that of the authors' code. */
  readonly noise?: number;
  /** Rounds of averaging, at least 0; default 60. */
  readonly rounds?: number;
}

const NOISY_LINEAR_OPTIONS: KindsOf<NoisyLinearOptions> = {
  noise: aNumber,
  rounds: aNumber,
};

/** Weights of the eight neighbours: a sixth beside and above, a twelfth diagonally. */
const NEIGHBOURS = [1, 2, 1, 2, 0, 2, 1, 2, 1].map((weight) => weight / 12);

/** Noisy linear imputation: each removed pixel is the weighted mean of its neighbours, removed ones among them, plus noise. The system of
 *  equations is solved by rounds of averaging that start from means over growing windows; an image without any pixel left is filled
 *  with its mean. Source: Rong et al. 2022 (ROAD), sec. 4.2. */
export function noisyLinearImputer(options: NoisyLinearOptions = {}): Imputer {
  const { noise = 0.01, rounds = 60 } = checkedOptions("noisyLinearImputer", options, NOISY_LINEAR_OPTIONS);
  if (!(noise >= 0) || !Number.isInteger(rounds) || rounds < 0)
    throw new RangeError(`noisyLinearImputer: noise ${noise}, rounds ${rounds} came; both of at least 0, rounds whole`);
  return {
    ...{ name: "noisy linear", draws: 1 },
    fill(key, x, removed) {
      requireImages("noisyLinearImputer", x);
      const [m, c, h, w] = x.shape;
      const window = tensor(Float64Array.from(NEIGHBOURS), [1, 1, 3, 3]);
      const summed = (z: Tensor): Tensor => conv2d(reshape(z, [-1, 1, h, w]), window, { padding: "same" });
      const there = summed(ones([1, 1, h, w]));
      const averaged = (z: Tensor): Tensor => reshape(div(summed(z), there), [m, c, h, w]);
      let filled = fromGrowingWindows(x, removed);
      for (let i = 0; i < rounds; i++) filled = where(removed, averaged(filled), x);
      const drawn = mul(random.normal(key, [1, c, h, w]), noise);
      return where(removed, add(filled, drawn), x);
    },
  };
}

/** Each removed pixel as the mean of what is left in the smallest window around it that holds any. */
function fromGrowingWindows(x: Tensor, removed: Tensor): Tensor {
  const [h, w] = x.shape.slice(2);
  const known = sub(1, removed);
  const total = (z: Tensor, reach: number): Tensor => {
    const [down, across] = [Math.min(reach, h - 1), Math.min(reach, w - 1)];
    const rows = avgPool2d(z, { size: [2 * down + 1, 1], stride: 1, padding: [down, 0] });
    return avgPool2d(rows, { size: [1, 2 * across + 1], stride: 1, padding: [0, across] });
  };
  let filled = where(removed, mean(x, [2, 3], { keepDims: true }), x);
  const reaches = [1];
  while (reaches[0] < Math.max(h, w) - 1) reaches.unshift(2 * reaches[0]);
  // The largest first, so that smaller windows have the last word.
  for (const reach of reaches) {
    const weight = total(known, reach);
    const some = greater(weight, 1e-7);
    const value = div(total(mul(x, known), reach), where(some, weight, 1));
    filled = where(removed, where(some, value, filled), x);
  }
  return filled;
}

function requireImages(name: string, x: Tensor): void {
  if (x.rank !== 4)
    throw new ShapeError(`${name}: inputs are ${describe(x)}; images [n,c,h,w] are needed, a table has no neighbours`);
}
