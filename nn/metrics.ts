/** Classification metrics. */
import { argmax, cast, equal, matmul, mean, oneHot, type Tensor } from "../engine/index.js";

/** Share of samples whose largest logit is the label. logits [n,C], labels i32 [n] → one number in [0, 1]. */
export function accuracy(logits: Tensor, labels: Tensor): Tensor {
  return mean(equal(argmax(logits, 1), labels));
}

/** Counts: rows are labels, columns predictions. logits [n,C], labels i32 [n] → f32 [C,C] with sum n. */
export function confusion(logits: Tensor, labels: Tensor): Tensor {
  const classes = logits.shape[1];
  const predicted = oneHot(cast(argmax(logits, 1), "i32"), classes);
  return matmul(oneHot(labels, classes), predicted, { transposeA: true });
}
