import {
  add,
  arange,
  expand,
  eye,
  greaterEqual,
  less,
  logicalAnd,
  matmul,
  mul,
  reshape,
  ShapeError,
  scope,
  slice,
  sub,
  type Tensor,
  tensor,
} from "../../engine/index.js";
import { aCount, aNumber, either, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import type { Domain } from "../../nn/index.js";
import { aDomain } from "../../nn/kinds.js";
import { count, number, setting } from "../../nn/schema.js";
import { chunksOf } from "../copies.js";
import type { Score } from "../score.js";
import { type Background, backgroundOf, maskedScores } from "./background.js";
import { type Explainer, explainer, explainerEntry } from "./explainer.js";
import { flatSamples, imageSides, isTable, tableGroups } from "./features.js";
import { aBackground } from "./kinds.js";

/** What is hidden one part at a time (squares of images, features of tables), and what stands in its place. */
export interface OcclusionOptions {
  /** Of the samples; `patch` and `stride` count for images only. */
  readonly domain: Domain;
  /** Side of the square that hides a part of an image; default an eighth of the longer side, rounded up, at most the shorter one. */
  readonly patch?: number;
  /** Pixels between one square and the next; default half of the side, rounded up. */
  readonly stride?: number;
  /** What stands for what is hidden: a number, default 0, or each row of a background in turn. */
  readonly background?: Background | number;
  /** Input elements evaluated at once; see `chunksOf`. */
  readonly budget?: number;
}

const OCCLUSION_OPTIONS: KindsOf<OcclusionOptions> = {
  domain: required(aDomain),
  patch: aCount,
  stride: aCount,
  background: either(aNumber, aBackground),
  budget: aCount,
};

/** Parts of a sample that are hidden one at a time. */
interface Windows {
  readonly total: number;
  /** 1 where hidden, [count, 1, d]. */
  hidden(start: number, count: number, x: Tensor): Tensor;
  /** What an element is multiplied with: 1 / (number of windows over it · elements of a window), [d]. */
  readonly scale: Float64Array;
}

const info = {
  name: "occlusion",
  scope: "local",
  access: "model-agnostic",
  source: "Zeiler, Fergus 2014",
} as const;

/** By how much the score falls when a part of the sample is hidden: squares of an image, features of a table. Each drop is shared
 *  equally by the elements of its part, and an element gets the mean over the parts that cover it. Where parts do not overlap, the
 *  attribution sums to the sum of all drops, which for a score that is linear is score(x) less that of what stands for the
 *  hidden. Squares that would reach over the border are moved inside. Source: Zeiler, Fergus 2014, sec. 4.2.
 *  @throws ShapeError for squares that do not fit. */
export function occlusion(options: OcclusionOptions): Explainer {
  const { domain, patch, stride, background = 0, budget } = checkedOptions("occlusion", options, OCCLUSION_OPTIONS);
  const windows = isTable(domain) ? featureWindows(domain) : squareWindows(domain.shape, patch, stride);
  return explainer(info, explain);

  function explain(score: Score, x: Tensor): Tensor {
    const n = x.shape[0];
    const d = flatSamples("occlusion", x, domain.shape).shape[1];
    const kept = (start: number, k: number): Tensor => sub(1, windows.hidden(start, k, x));
    const drops = sub(score(x), maskedScores("occlusion", score, x, windows.total, kept, background, budget));
    const sums = chunksOf(windows.total, d, budget).map(({ start, count: k }) =>
      scope(() => {
        const part = slice(drops, [start, 0], [k, n]);
        return matmul(part, reshape(windows.hidden(start, k, x), [k, d]), { transposeA: true });
      }, "occlusion"),
    );
    return reshape(mul(sums.reduce(add), tensor(windows.scale, [1, d])), x.shape);
  }
}

function featureWindows(domain: Domain): Windows {
  const groups = tableGroups(domain);
  const g = groups.count;
  const scale = new Float64Array(domain.shape.reduce((a, b) => a * b, 1)).fill(1);
  for (const { at } of domain.features ?? []) for (const i of at) scale[i] = 1 / at.length;
  return {
    total: g,
    hidden: (start, k, x) => groups.masks(slice(eye(g), [start, 0], [k, g]), x),
    scale,
  };
}

function squareWindows(shape: readonly number[], side: number | undefined, stride: number | undefined): Windows {
  const [c, h, w] = imageSides("occlusion", shape);
  const patch = side ?? Math.min(Math.ceil(Math.max(h, w) / 8), h, w);
  const step = stride ?? Math.ceil(patch / 2);
  if (patch > Math.min(h, w) || step > patch)
    throw new ShapeError(
      `occlusion: squares of ${patch} every ${step} pixels in images of ${h}×${w}; a side of 1 to ${Math.min(h, w)} and a stride of 1 ` +
        "to the side are needed",
    );
  const [tops, lefts] = [starts(h, patch, step), starts(w, patch, step)];
  const [down, across] = [covers(h, tops, patch), covers(w, lefts, patch)];
  return {
    total: tops.length * lefts.length,
    hidden(start, k) {
      const at = Array.from({ length: k }, (_, i) => start + i);
      const inside = (length: number, first: readonly number[], sides: number[]): Tensor => {
        const place = reshape(arange(0, length), sides);
        const from = tensor(first, [k, 1, 1, 1]);
        return logicalAnd(greaterEqual(place, from), less(place, add(from, patch)));
      };
      const tall = inside(
        h,
        at.map((i) => tops[Math.floor(i / lefts.length)]),
        [1, 1, h, 1],
      );
      const wide = inside(
        w,
        at.map((i) => lefts[i % lefts.length]),
        [1, 1, 1, w],
      );
      return reshape(expand(mul(tall, wide), [k, c, h, w]), [k, 1, c * h * w]);
    },
    scale: Float64Array.from({ length: c * h * w }, (_, i) => {
      const [y, x] = [Math.floor(i / w) % h, i % w];
      return 1 / (down[y] * across[x] * c * patch * patch);
    }),
  };
}

/** Where squares begin along a side, the last one at its end. */
function starts(length: number, patch: number, step: number): number[] {
  const regular = Array.from({ length: Math.ceil((length - patch) / step) }, (_, i) => i * step);
  return [...regular, length - patch];
}

/** How many squares cover each place of a side. */
function covers(length: number, first: readonly number[], patch: number): number[] {
  return Array.from({ length }, (_, at) => first.filter((from) => from <= at && at < from + patch).length);
}

export const occlusionEntry = explainerEntry({
  name: "occlusion",
  info,
  needs: "outputs",
  uses: { background: "tables" },
  options: {
    patch: setting(count, undefined, "side of the square that hides a part of an image; default about an eighth"),
    stride: setting(count, undefined, "pixels between one square and the next; default half of the side"),
    baseline: setting(
      number(),
      undefined,
      "what stands for the hidden; default the background of a table, 0 in images",
    ),
  },
  // A square also gives its pixels what the others in it do. The 0 of images does not move with a shift, as the background of a
  // table does.
  laws: { differentiable: true, dummy: false, symmetry: false, inputInvariance: "tables" },
  make({ patch, stride, baseline }, context) {
    const { domain } = context;
    const background = isTable(domain) ? backgroundOf("occlusion", baseline, context) : (baseline ?? 0);
    return occlusion({ domain, patch, stride, background });
  },
});
