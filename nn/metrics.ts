/** Classification metrics. */

import { argmax, describe, equal, matmul, mean, oneHot, ShapeError, type Tensor } from "../engine/index.js";
import { aTensor } from "../engine/kinds.js";
import { requireArguments } from "../engine/options.js";

/** Share of samples whose largest logit is the label. logits [n,C], labels i32 [n] → one number in [0, 1]. */
export function accuracy(logits: Tensor, labels: Tensor): Tensor {
  requireArguments("accuracy", { logits: [logits, aTensor], labels: [labels, aTensor] });
  requireLabels("accuracy", logits, labels);
  return mean(equal(argmax(logits, 1), labels));
}

/** Counts: rows are labels, columns predictions. logits [n,C], labels i32 [n] → f32 [C,C] with sum n. */
export function confusion(logits: Tensor, labels: Tensor): Tensor {
  requireArguments("confusion", { logits: [logits, aTensor], labels: [labels, aTensor] });
  requireLabels("confusion", logits, labels);
  const classes = logits.shape[1];
  const predicted = oneHot(argmax(logits, 1), classes);
  return matmul(oneHot(labels, classes), predicted, { transposeA: true });
}

/** Labels [n,1] would be compared with all predictions. */
function requireLabels(name: string, logits: Tensor, labels: Tensor): void {
  if (logits.rank !== 2 || labels.dtype !== "i32" || labels.rank !== 1 || labels.shape[0] !== logits.shape[0])
    throw new ShapeError(
      `${name}: logits ${describe(logits)} with labels ${describe(labels)}; f32[n,C] with i32[n] is needed`,
    );
}
