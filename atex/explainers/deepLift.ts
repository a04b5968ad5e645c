import {
  abs,
  describe,
  expand,
  full,
  type Inside,
  inspect,
  mul,
  ones,
  reshape,
  ShapeError,
  type Step,
  sub,
  Tensor,
  withOps,
} from "../../engine/index.js";
import { aTensorOrNumber, wordOf } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { number, oneOf, setting } from "../../nn/schema.js";
import { RefusalError } from "../refusal.js";
import type { Score } from "../score.js";
import { placeOf, rescale, type StepPair, visibleJumps } from "./deepLiftRules.js";
import { type Explainer, explainer, explainerEntry, sumPerSample } from "./explainer.js";
import { revealCancel } from "./revealCancel.js";

const RULES = ["rescale", "reveal-cancel"] as const;

/** What inputs are compared with, and how activations share differences. */
export interface DeepLiftOptions {
  /** What x is compared with: a number, a tensor that broadcasts to x, or one with a reference per sample [n,...]; default 0. */
  readonly reference?: number | Tensor;
  /** "rescale" (default), or "reveal-cancel", which gives positive and negative parts of what flows into an activation from a
   *  linear layer multipliers of their own. */
  readonly rule?: (typeof RULES)[number];
}

const DEEP_LIFT_OPTIONS: KindsOf<DeepLiftOptions> = {
  reference: aTensorOrNumber,
  rule: wordOf(...RULES),
};

const info = {
  name: "DeepLIFT",
  scope: "local",
  access: "model-transparent",
  source: "Shrikumar et al. 2017",
} as const;

/** (x − x₀) · multipliers, which are passed back from the score like gradients, with secants between x and the reference x₀ in the
 *  place of slopes: the attribution sums to score(x) − score(x₀) on every network. The score is run on x and on x₀ and must do
 *  the same ops on both, and treat samples alike in any batch. Works inside any function of ops; products of two quantities share
 *  their difference equally, softmax is taken apart into exp, sum and log, a maximum's difference goes to the element that is it.
 *  `gap` is 0 up to rounding. Source: Shrikumar, Greenside, Kundaje 2017, sec. 3.2 (multipliers), 3.5.1 (linear), 3.5.2 (rescale),
 *  3.5.3 (reveal-cancel), eq. 1 (summation to delta).
 *  @throws ShapeError for a reference that does not fit x, RefusalError naming the op where the
 *  network chooses by the data in a way that has no multiplier (sorting, positions of the largest), or holds a value that
 *  changes with x by stopGradient. */
export function deepLift(options: DeepLiftOptions = {}): Explainer {
  const { reference = 0, rule = "rescale" } = checkedOptions("deepLift", options, DEEP_LIFT_OPTIONS);
  if (!(reference instanceof Tensor) && !Number.isFinite(reference))
    throw new TypeError(`deepLift: reference ${reference} given; a finite number or a tensor is needed`);
  const gap: Explainer["gap"] = (score, x, attribution) =>
    abs(sub(sumPerSample(attribution), sub(score(x), score(referenceFor(x, reference)))));
  return explainer(rule === "rescale" ? info : { ...info, name: "DeepLIFT (reveal-cancel)" }, explain, gap);

  function explain(score: Score, x: Tensor): Tensor {
    const x0 = referenceFor(x, reference);
    const choices = new WeakMap<Tensor, Tensor>();
    const seen: Score = (z) => withOps(visibleJumps(choices), () => score(z));
    const multipliers = inspect(seen, x, (now) =>
      inspect(seen, x0, (then) => {
        const pairs = pairUp(now, then);
        const walk = rule === "rescale" ? undefined : revealCancel(pairs);
        return now.pullback(ones(now.output.shape), (g, step) => {
          const pair = pairs.get(step)!;
          return walk?.(g, pair) ?? rescale(g, pair, choices);
        }).x;
      }),
    );
    return mul(sub(x, x0), multipliers);
  }
}

/** x₀ in the shape of x. An explainer may have stacked copies of a batch for which there is a reference per sample. */
function referenceFor(x: Tensor, reference: number | Tensor): Tensor {
  if (!(reference instanceof Tensor)) return full(x.shape, reference);
  const [n, ...sample] = reference.shape;
  const copies = x.shape[0] / n;
  if (
    reference.rank === x.rank &&
    n > 1 &&
    Number.isInteger(copies) &&
    copies > 1 &&
    describe({ ...reference, shape: [x.shape[0], ...sample] }) === describe(x)
  )
    return reshape(expand(reference, [copies, ...reference.shape]), x.shape);
  try {
    return expand(reference, x.shape);
  } catch {
    throw new ShapeError(
      `deepLift: the reference is ${describe(reference)}, x is ${describe(x)}; one that broadcasts to x is needed, or one per sample`,
    );
  }
}

/** Each step on x with the same step on the reference. */
function pairUp(now: Inside, then: Inside): Map<Step, StepPair> {
  const pairs = new Map<Step, StepPair>();
  for (const [i, at] of now.steps.entries()) {
    const ref = then.steps[i];
    if (ref?.op !== at.op || describe(ref.output) !== describe(at.output) || now.steps.length !== then.steps.length)
      throw new RefusalError(
        `deepLift: step ${i} is ${placeOf(at)} on x and ${ref ? placeOf(ref) : "missing"} on the reference; a score that does the same ops for every input is needed`,
      );
    pairs.set(at, { at, ref });
  }
  return pairs;
}

export const deepLiftEntry = explainerEntry({
  name: "deep-lift",
  info,
  needs: "inside",
  options: {
    reference: setting(number(), 0, "value of every element of the input that is compared with"),
    rule: setting(oneOf(...RULES), "rescale", "how activations share differences: rescale or reveal-cancel"),
  },
  laws: { differentiable: true, dummy: true, symmetry: true, inputInvariance: false },
  make: (settings) => deepLift(settings),
});
