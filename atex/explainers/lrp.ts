import { abs, inspect, sub, type Tensor } from "../../engine/index.js";
import { aNumberOfAtLeast0, aText, either, wordOf } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import type { FeatureRange } from "../../nn/index.js";
import { anyObject, aRange } from "../../nn/kinds.js";
import { oneOf, setting, size } from "../../nn/schema.js";
import { type Explainer, explainer, explainerEntry, sumPerSample } from "./explainer.js";
import { COMPOSITE_NAMES, type Composite, type CompositeName, mentions, readComposite } from "./lrp/composites.js";
import { positive } from "./lrp/rules.js";
import { walkBack } from "./lrp/walk.js";

/** Which rules relevance follows, and the numbers in them. */
export interface LrpOptions {
  /** Which layer gets which rule: one of the literature by name, or your own; default "epsilon-plus". */
  readonly composite?: CompositeName | Composite;
  /** Of epsilon rules that do not state it, at least 1e-12; default 1e-6. */
  readonly epsilon?: number;
  /** Of gamma rules that do not state it, at least 0; default 0.25. */
  readonly gamma?: number;
  /** Keeps the denominators of all other rules away from 0, at least 1e-12; default 1e-6. */
  readonly stabiliser?: number;
  /** Scaling and shifting by constants after a weighted op, as batch norm does when it is not training: merged into the op, or
   *  layers of their own whose shift keeps its share of the relevance; default "merged". */
  readonly batchNorm?: "merged" | "linear";
  /** Valid values of x, which the rule z-box needs. */
  readonly range?: FeatureRange;
}

const LRP_OPTIONS: KindsOf<LrpOptions> = {
  composite: either(aText, anyObject),
  epsilon: aNumberOfAtLeast0,
  gamma: aNumberOfAtLeast0,
  stabiliser: aNumberOfAtLeast0,
  batchNorm: wordOf("merged", "linear"),
  range: aRange,
};

const info = {
  name: "LRP",
  scope: "local",
  access: "model-transparent",
  source: "Bach et al. 2015",
} as const;

/** Layer-wise relevance propagation: the score is handed back step by step, each sharing what it got among its inputs. Works for
 *  any score made of ops and can be differentiated; x [n, ...] → [n, ...], of which `gap` says how far the sum is from the score:
 *  biases keep relevance under some rules, softmax adds or takes some.
 *
 *  Weighted ops (matrix products and convolutions of which one operand depends on x) follow their rule (`RuleSpec`), the bias and
 *  the batch norm after them included. Sums share in proportion to their summands (Montavon et al. 2019), moved elements and
 *  maxima take theirs along, activations pass all on. A product of two tensors that depend on x gives half to each, softmax
 *  follows its Taylor expansion and a normaliser such as 1/σ gets nothing (Achtibat et al. 2024, sec. 3).
 *  @throws ConfigError for settings that there are not, TypeError for z-box without a range; when explaining RefusalError for ops
 *  without a rule, RangeError for labels the network does not have. Source: Bach et al. 2015; Montavon et al. 2019. */
export function lrp(options: LrpOptions = {}): Explainer {
  checkedOptions("lrp", options, LRP_OPTIONS);
  const { composite = "epsilon-plus", batchNorm = "merged", range } = options;
  const stabiliser = positive.read(options.stabiliser ?? 1e-6, "lrp: stabiliser");
  const epsilon = positive.read(options.epsilon ?? 1e-6, "lrp: epsilon");
  const gamma = size.read(options.gamma ?? 0.25, "lrp: gamma");
  const rules = readComposite(composite, { epsilon, gamma });
  if (mentions(rules, "z-box") && !range)
    throw new TypeError(
      "lrp: a rule is z-box and no range is given; it needs the valid range of x, as a domain has it",
    );
  const explain = (score: (x: Tensor) => Tensor, x: Tensor): Tensor =>
    inspect(score, x, (inside) => walkBack(inside, { rules, stabiliser, batchNorm, range }));
  return explainer(info, explain, conservationGap);
}

const batchNorms = oneOf("merged", "linear");

/** |Σ relevance − score| per sample [n]. */
function conservationGap(score: (x: Tensor) => Tensor, x: Tensor, attribution: Tensor): Tensor {
  return abs(sub(sumPerSample(attribution), score(x)));
}

export const lrpEntry = explainerEntry({
  name: "lrp",
  info,
  needs: "inside",
  options: {
    composite: setting(oneOf(...COMPOSITE_NAMES), "epsilon-plus", "which layers get which rules"),
    epsilon: setting(positive, 1e-6, "denominators of epsilon rules are kept away from 0 by"),
    gamma: setting(size, 0.25, "extra weight of what speaks for an output in gamma rules"),
    batchNorm: setting(batchNorms, "merged", "batch norms belong to the layer before them or are layers of their own"),
  },
  laws: { differentiable: true, dummy: true, symmetry: true, inputInvariance: false },
  make: (settings, { domain }) => lrp({ ...settings, range: domain.range }),
});
