/** The walk back: what each step of a function does with the relevance of its result. */
import {
  div,
  type Inside,
  mul,
  type Rule as PassBack,
  type Step,
  scope,
  sub,
  sum,
  type Tensor,
} from "../../../engine/index.js";
import type { FeatureRange } from "../../../nn/index.js";
import { RefusalError } from "../../refusal.js";
import { boxOf } from "./box.js";
import { type Rules, requireLabels, ruleOf } from "./composites.js";
import { shareOut, stabilised } from "./layer.js";
import { sharesOf } from "./rules.js";
import { dependents, isBilinear, isNormaliser, type Merged, mergedBefore, type Survey, survey } from "./steps.js";

export interface Walk {
  readonly rules: Rules;
  readonly stabiliser: number;
  readonly batchNorm: "merged" | "linear";
  /** Valid values of the explained input. */
  readonly range?: FeatureRange;
}

type Parts = readonly (Tensor | null)[];

/** The relevance of the input, given that of the output is the output. */
export function walkBack({ steps, output, pullback }: Inside, walk: Walk): Tensor {
  const known = survey(steps, walk.batchNorm);
  requireLabels(walk.rules, known.weighted);
  /** What is merged into weighted ops, at the tensors on the way to them. */
  const merged = new Map<Tensor, Merged>();
  const rule: PassBack = (relevance, step) => {
    const after = merged.get(step.output) ?? {};
    if (known.weighted.has(step)) return throughLayer(relevance, step, after, known, walk);
    const [i] = dependents(step);
    if (known.merged.has(step.output)) {
      merged.set(step.inputs[i], mergedBefore(step, after));
      return step.routes ? step.vjp(relevance) : only(step, i, relevance);
    }
    return throughStep(relevance, step, known, walk);
  };
  return pullback(output, rule).x;
}

/** All of it to one input. */
function only(step: Step, i: number, relevance: Tensor): Parts {
  return step.inputs.map((_, j) => (j === i ? relevance : null));
}

function throughLayer(
  relevance: Tensor,
  step: Step,
  merged: Merged,
  { first, maker, nonNegative }: Survey,
  walk: Walk,
) {
  const [i] = dependents(step);
  const rule = ruleOf(step, first.has(step), walk.rules);
  const operands = (x: Tensor, weight: Tensor) => (i === 0 ? [x, weight] : [weight, x]);
  const layer = {
    x: step.inputs[i],
    weight: step.inputs[1 - i],
    output: step.output,
    ...merged,
    nonNegative: nonNegative.has(step.inputs[i]),
    apply: (x: Tensor, weight: Tensor) => step.apply(operands(x, weight)),
    transpose: (g: Tensor, weight: Tensor) => step.vjp(g, operands(step.inputs[i], weight))[i]!,
    box: () => boxOf(step.inputs[i], walk.range!, maker),
  };
  const share = () => shareOut(relevance, layer, sharesOf(rule, layer, walk.stabiliser));
  return only(step, i, scope(share, "lrp"));
}

/** Steps without weights of their own. */
function throughStep(relevance: Tensor, step: Step, { maker }: Survey, { batchNorm, stabiliser }: Walk): Parts {
  const { op, inputs, output, pointwise, routes, linearIn } = step;
  const [i, ...others] = dependents(step);
  const perOutput = () => div(relevance, stabilised(output, stabiliser));
  const timesGradient = (g: Tensor, among: readonly number[]) =>
    step.vjp(g).map((part, j) => (part && among.includes(j) ? mul(inputs[j], part) : null));

  if (routes || ["max", "min"].includes(op)) return step.vjp(relevance);
  if (others.length === 0) {
    // A shift that belongs to no weighted op keeps nothing, unless batch norms are layers of their own.
    if (batchNorm === "linear" && ["add", "sub"].includes(op)) return timesGradient(perOutput(), [i]);
    if (pointwise) return only(step, i, relevance);
    if (linearIn.includes(i)) return timesGradient(perOutput(), [i]);
    if (op === "softmax") {
      const { axis } = step.attrs as { readonly axis: number };
      return [mul(inputs[0], sub(relevance, mul(output, sum(relevance, axis, { keepDims: true }))))];
    }
    if (op === "logSoftmax") return timesGradient(perOutput(), [0]);
  } else {
    if (op === "add" || op === "sub") return timesGradient(perOutput(), [0, 1]);
    if (op === "maximum" || op === "minimum") return step.vjp(relevance);
    if (op === "div") return only(step, 0, relevance);
    if (op === "mul") {
      const [a, b] = inputs.map((x) => isNormaliser(x, maker));
      if (a !== b) return only(step, a ? 1 : 0, relevance);
      const half = mul(relevance, 0.5);
      return [half, half];
    }
    if (isBilinear(step)) return timesGradient(mul(perOutput(), 0.5), [0, 1]);
  }
  throw new RefusalError(
    `lrp: no rule for ${op}${step.label && ` in ${step.label}`}${others.length > 0 ? ` of ${others.length + 1} operands that depend on x` : ""}; write it with other ops`,
  );
}
