import { mean } from "../../engine/index.js";
import { aCount, aNumberOfAtLeast0, aShare, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { crossEntropy, type FeatureRange } from "../../nn/index.js";
import { aRange } from "../../nn/kinds.js";
import { count, setting, share, size } from "../../nn/schema.js";
import { type Ball, linf } from "../balls.js";
import { integratedGradients } from "../explainers/integratedGradients.js";
import { aBall } from "../kinds.js";
import { classScore } from "../score.js";
import { type Defence, joined, weighted } from "./defence.js";
import { cosineDistance } from "./distances.js";
import { defenceEntry, implied } from "./entry.js";
import { lastOfAscent } from "./neighbours.js";

const info = { name: "IGR", source: "Wang, Kong 2022" };

/** Adversarial training that keeps integrated gradients: the ball and its steps, and what the terms weigh. */
export interface IgrOptions {
  /** Where the perturbed sample is looked for. */
  readonly ball: Ball;
  /** Valid values; default 0 to 1 for images [n,c,h,w], none otherwise. */
  readonly range?: FeatureRange;
  /** Ascents of the cross-entropy that lead to it from a random start; default 7 of `stepSize`. */
  readonly steps?: number;
  /** Length of a step, in units of the inputs. */
  readonly stepSize: number;
  /** Points of the paths from the baseline, which is 0; default 10. */
  readonly path?: number;
  /** Share of the clean samples in the cross-entropy; default 0, adversarial training. */
  readonly clean?: number;
  /** λ; default 1. */
  readonly weight?: number;
}

const IGR_OPTIONS: KindsOf<IgrOptions> = {
  ball: required(aBall),
  range: aRange,
  steps: aCount,
  stepSize: required(aNumberOfAtLeast0),
  path: aCount,
  clean: aShare,
  weight: aNumberOfAtLeast0,
};

/** Keeps the direction of the integrated gradients of the label's logit: their cosine at a sample and at the one that adversarial
 *  training finds beside it. The gradients on the paths are differentiated again. Source: Wang, Kong 2022 (AT + IGR). */
export function igr(options: IgrOptions): Defence {
  checkedOptions("igr", options, IGR_OPTIONS);
  const { ball, range, steps = 7, stepSize, path = 10, clean = 0, weight = 1 } = options;
  return {
    ...info,
    formula: "a CE(g(x), y) + (1 − a) CE(g(x'), y) + λ (1 − cos(IG(x), IG(x'))), x' of largest CE",
    loss(g, { x, y, key }) {
      const worst = lastOfAscent((z) => crossEntropy(g(z), y), x, { ball, range, steps, stepSize, start: key });
      const { all, apart } = joined([x, worst]);
      const [logits, attacked] = apart(g(all));
      const [natural, perturbed] = apart(integratedGradients({ steps: path })(classScore(g, y), all));
      const loss = weighted(
        [clean, () => crossEntropy(logits, y)],
        [1 - clean, () => crossEntropy(attacked, y)],
        [weight, () => mean(cosineDistance(natural, perturbed))],
      );
      return [loss, logits];
    },
  };
}

export const igrEntry = defenceEntry({
  name: "igr",
  info,
  order: 2,
  needs: ["labels"],
  options: {
    radius: setting(size, 1, "L-inf radius of the perturbed sample, as a multiple of eps"),
    steps: implied(count, 7, "steps of 2.5 radii in all, from a random start"),
    path: implied(count, 10, "points of the paths from the baseline, which is 0"),
    clean: implied(share, 0, "share of the clean samples in the cross-entropy, 0 to 1"),
    weight: implied(size, 1, "weight of the cosine distance of the integrated gradients"),
  },
  reach: ({ radius, path = 10 }, eps) => ({
    ...{ most: radius * eps, of: "largest element" },
    scales: [1, ...Array.from({ length: path }, (_, i) => (i + 0.5) / path)],
  }),
  presets: {
    igr: { title: "IGR", settings: () => ({ radius: 0.5, steps: 5, path: 5, clean: 0.5, weight: 1 }) },
  },
  make({ radius, steps = 7, path, clean, weight }, { eps, range }) {
    const reach = radius * eps;
    return igr({ ball: linf(reach), range, steps, stepSize: (2.5 * reach) / steps, path, clean, weight });
  },
});
