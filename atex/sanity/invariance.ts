/** Input invariance: a constant that the first layer takes off again must not show in an explanation. */
import { abs, add, argmax, div, max, maximum, sub, type Tensor } from "../../engine/index.js";
import type { Explainer } from "../explainers/explainer.js";
import { rows } from "../metrics/metric.js";
import { type Classifier, classScore } from "../score.js";

export interface InvarianceOptions {
  readonly classifier: Classifier;
  readonly x: Tensor;
  readonly explainer: Explainer;
  /** The explainer for shifted inputs, where it looks at data (a background, a range) that have to be shifted too; default the same. */
  readonly shiftedExplainer?: Explainer;
  /** What every input is shifted by: [...shape] or a number. */
  readonly shift: Tensor | number;
}

/** The largest change of any element of an attribution when input and network are shifted against each other, as a share of the
 *  attribution's largest element, per sample [n]: 0 for an explainer that is invariant. The network x ↦ f(x − shift) at x + shift
 *  computes what f does at x. Source: Kindermans et al. 2019, sec. 3. */
export function inputInvarianceGap(options: InvarianceOptions): Tensor {
  const { classifier, x, explainer, shiftedExplainer = explainer, shift } = options;
  const classes = argmax(classifier(x), 1);
  const before = explainer(classScore(classifier, classes), x);
  const after = shiftedExplainer(
    classScore((z) => classifier(sub(z, shift)), classes),
    add(x, shift),
  );
  const largest = max(abs(rows(before)), 1);
  return div(max(abs(sub(rows(after), rows(before))), 1), maximum(largest, 1e-30));
}
