/** Input invariance: a constant that the first layer takes off again must not show in an explanation. */

import {
  abs,
  add,
  argmax,
  div,
  expand,
  inspect,
  max,
  maximum,
  type Substitute,
  sub,
  type Tensor,
  withOps,
} from "../../engine/index.js";
import { aFunction, aTensor, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import type { Explainer } from "../explainers/explainer.js";
import { aClassifier, anExplainer } from "../kinds.js";
import { rows } from "../metrics/metric.js";
import { type Classifier, classScore } from "../score.js";

/** Ops that take weights, and ops that only hand their input on to them. */
const WEIGHTED: readonly string[] = ["conv2d", "matmul"];
const ROUTES: readonly string[] = ["identity", "reshape", "transpose", "expand", "concat", "slice"];

/** The function x ↦ f(x − shift), with the shift absorbed by the bias of the first layer where f reads its input with conv2d or
 *  matmul, directly or rearranged; what does something else to it first gets x − shift. `shift` broadcasts to a sample.
 *  Source: Kindermans et al. 2019, sec. 3. */
export function absorbShift(f: (x: Tensor) => Tensor, shift: Tensor): (x: Tensor) => Tensor {
  requireArguments("absorbShift", { f: [f, aFunction], shift: [shift, aTensor] });
  return (x) => {
    if (!readsByWeights(f, x)) return f(sub(x, shift));
    // What x and its rearrangements carry of the shift.
    const carried = new Map<Tensor, Tensor>([[x, expand(shift, x.shape)]]);
    const shiftsOf = (inputs: readonly Tensor[]): readonly Tensor[] | undefined =>
      inputs.some((t) => carried.has(t)) ? inputs.map((t) => carried.get(t) ?? t) : undefined;
    const weighted: Substitute = (inputs, _, run) => {
      const shifts = shiftsOf(inputs);
      return shifts ? sub(run(inputs), run(shifts)) : run(inputs);
    };
    const route: Substitute = (inputs, _, run) => {
      const y = run(inputs);
      const shifts = shiftsOf(inputs);
      if (shifts) carried.set(y, run(shifts));
      return y;
    };
    const table = [...WEIGHTED.map((op) => [op, weighted] as const), ...ROUTES.map((op) => [op, route] as const)];
    return withOps(Object.fromEntries(table), () => f(x));
  };
}

/** Whether everything that f does to x itself, or to x rearranged, is a weighted op. */
function readsByWeights(f: (x: Tensor) => Tensor, x: Tensor): boolean {
  return inspect(f, x, ({ steps }) => {
    const made = new Set(steps.map(({ output }) => output));
    const rearranged = new Set<Tensor>();
    const isInput = (t: Tensor): boolean => !made.has(t) || rearranged.has(t);
    return steps.every((step) => {
      if (!step.inputs.some((t, i) => step.depends[i] && isInput(t))) return true;
      if (ROUTES.includes(step.op)) rearranged.add(step.output);
      return ROUTES.includes(step.op) || WEIGHTED.includes(step.op);
    });
  });
}

/** A network and an explainer, and the constant that inputs are moved by. */
export interface InvarianceOptions {
  readonly classifier: Classifier;
  /** [n, ...]; what is explained is the logit of the predicted class. */
  readonly x: Tensor;
  readonly explainer: Explainer;
  /** The explainer for shifted inputs, where it looks at data (a background, a range) that have to be shifted too; default the same. */
  readonly shiftedExplainer?: Explainer;
  /** What every input is shifted by; broadcasts to a sample. */
  readonly shift: Tensor;
}

const INVARIANCE_OPTIONS: KindsOf<InvarianceOptions> = {
  classifier: required(aClassifier),
  x: required(aTensor),
  explainer: required(anExplainer),
  shiftedExplainer: anExplainer,
  shift: required(aTensor),
};

/** The largest change of any element of an attribution when input and network are shifted against each other, as a share of the
 *  attribution's largest element, per sample [n]: 0 for an explainer that is invariant. Source: Kindermans et al. 2019, sec. 3. */
export function inputInvarianceGap(options: InvarianceOptions): Tensor {
  checkedOptions("inputInvarianceGap", options, INVARIANCE_OPTIONS);
  const { classifier, x, explainer, shiftedExplainer = explainer, shift } = options;
  const classes = argmax(classifier(x), 1);
  const before = explainer(classScore(classifier, classes), x);
  const after = shiftedExplainer(classScore(absorbShift(classifier, shift), classes), add(x, shift));
  return attributionGap(before, after);
}

/** The largest change of any element of an attribution, as a share of its largest element, per sample: [n, ...] each → [n]. */
export function attributionGap(before: Tensor, after: Tensor): Tensor {
  requireArguments("attributionGap", { before: [before, aTensor], after: [after, aTensor] });
  const largest = max(abs(rows(before)), 1);
  return div(max(abs(sub(rows(after), rows(before))), 1), maximum(largest, 1e-30));
}
