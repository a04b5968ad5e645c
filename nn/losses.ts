/** Losses: means over the batch, one number each. */

import {
  add,
  clamp,
  describe,
  equal,
  exp,
  logSoftmax,
  mean,
  mul,
  multiplyNoNan,
  neg,
  oneHot,
  ShapeError,
  sameShape,
  softplus,
  square,
  sub,
  sum,
  type Tensor,
  where,
} from "../engine/index.js";
import { aNumber, aTensor } from "../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../engine/options.js";

/** Options of `crossEntropy`; no smoothing by default. */
export interface CrossEntropyOptions {
  /** Share of the target spread evenly over all classes, in [0, 1). Source: Szegedy et al. 2016, sec. 7. */
  readonly labelSmoothing?: number;
}

const CROSS_ENTROPY_OPTIONS: KindsOf<CrossEntropyOptions> = {
  labelSmoothing: aNumber,
};

/** −mean over the batch of Σ_c t_c log softmax(logits)_c. logits [n,C]; targets i32 [n] (classes; one outside
 *  0 … C−1 counts for nothing) or f32 [n,C] (soft). A logit of −∞ masks its class: it adds nothing where its target is 0, and makes
 *  the loss infinite elsewhere. @throws ShapeError when the targets fit neither form. */
export function crossEntropy(logits: Tensor, targets: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { labelSmoothing = 0 } = checkedOptions("crossEntropy", options, CROSS_ENTROPY_OPTIONS);
  return mean(crossEntropyPerSample(logits, targets, { labelSmoothing }));
}

/** The terms of `crossEntropy`, one per sample. [n,C] → [n]. */
export function crossEntropyPerSample(logits: Tensor, targets: Tensor, options: CrossEntropyOptions = {}): Tensor {
  requireArguments("crossEntropyPerSample", { logits: [logits, aTensor], targets: [targets, aTensor] });
  const { labelSmoothing = 0 } = checkedOptions("crossEntropyPerSample", options, CROSS_ENTROPY_OPTIONS);
  const [n, classes] = logits.shape;
  const soft = targets.rank === 2;
  const fits = sameShape(targets.shape, soft ? [n, classes] : [n]) && targets.dtype === (soft ? "f32" : "i32");
  if (logits.rank !== 2 || !fits)
    throw new ShapeError(
      `crossEntropy: logits ${describe(logits)} with targets ${describe(targets)}; f32[n,C] with i32[n] or f32[n,C] is needed`,
    );
  if (!(labelSmoothing >= 0 && labelSmoothing < 1))
    throw new RangeError(`crossEntropy: labelSmoothing ${labelSmoothing} given; a share in [0, 1) is needed`);
  const hard = soft ? targets : oneHot(targets, classes);
  const t = labelSmoothing === 0 ? hard : add(mul(hard, 1 - labelSmoothing), labelSmoothing / classes);
  // A class that is impossible and has no share adds nothing, where 0 · −∞ would be NaN.
  return neg(sum(multiplyNoNan(logSoftmax(logits), t), 1));
}

/** Options of `klDivergence`. */
export interface KlDivergenceOptions {
  /** T, default 1. */
  readonly temperature?: number;
  /** S, default T. */
  readonly studentTemperature?: number;
}

/** Mean over the batch of KL(softmax(teacher/T) ‖ softmax(student/S)). [n,C], [n,C] → one number.
 *  A class that the teacher gives nothing adds nothing, whatever the student gives it. Source: Hinton et al. 2015, without their
 *  factor T². @throws ShapeError unless both are [n,C], RangeError unless temperatures are positive. */
export function klDivergence(teacherLogits: Tensor, studentLogits: Tensor, options: KlDivergenceOptions = {}): Tensor {
  return mean(divergences("klDivergence", teacherLogits, studentLogits, options));
}

/** The terms of `klDivergence`, one per sample. [n,C], [n,C] → [n]. */
export function klDivergencePerSample(
  teacherLogits: Tensor,
  studentLogits: Tensor,
  options: KlDivergenceOptions = {},
): Tensor {
  return divergences("klDivergencePerSample", teacherLogits, studentLogits, options);
}

function divergences(name: string, teacher: Tensor, student: Tensor, options: KlDivergenceOptions): Tensor {
  const { temperature = 1, studentTemperature = temperature } = checkedOptions(name, options, {
    temperature: aNumber,
    studentTemperature: aNumber,
  });
  requireSame(name, teacher, student);
  if (teacher.rank !== 2) throw new ShapeError(`${name}: ${describe(teacher)} given; logits f32[n,C] are needed`);
  if (!(temperature > 0 && studentTemperature > 0))
    throw new RangeError(
      `${name}: temperatures ${temperature} and ${studentTemperature} given; positive ones are needed`,
    );
  const taught = logSoftmax(mul(teacher, 1 / temperature));
  const gap = sub(taught, logSoftmax(mul(student, 1 / studentTemperature)));
  const shares = exp(taught);
  return sum(mul(shares, where(equal(shares, 0), 0, gap)), 1);
}

/** Mean squared difference over all elements. @throws ShapeError when the shapes differ. */
export function mse(a: Tensor, b: Tensor): Tensor {
  requireArguments("mse", { a: [a, aTensor], b: [b, aTensor] });
  requireSame("mse", a, b);
  return mean(square(sub(a, b)));
}

/** Options of `huber`. */
export interface HuberOptions {
  /** Where the loss turns from a parabola into a line; default 1. */
  readonly delta?: number;
}

/** Mean over all elements of d²/2 where |d| ≤ delta and delta (|d| − delta/2) beyond, with d = a − b: outliers pull with a constant
 *  force. Source: Huber 1964. @throws ShapeError when the shapes differ, RangeError unless delta is positive. */
export function huber(a: Tensor, b: Tensor, options: HuberOptions = {}): Tensor {
  const { delta = 1 } = checkedOptions("huber", options, { delta: aNumber });
  requireSame("huber", a, b);
  if (!(delta > 0 && delta < Infinity))
    throw new RangeError(`huber: delta ${delta} given; a positive finite number is needed`);
  const d = sub(a, b);
  // c d − c²/2 is the parabola where c = d, and the line where c stops at delta.
  const c = clamp(d, -delta, delta);
  return mean(sub(mul(c, d), mul(square(c), 0.5)));
}

/** Mean over all elements of −t log σ(z) − (1 − t) log(1 − σ(z)), without a sigmoid that could round to 0 or 1: logits z and targets t
 *  in [0, 1] of one shape, f32. Infinite logits are allowed where they are right. PyTorch's BCEWithLogitsLoss.
 *  @throws ShapeError when the shapes differ. */
export function binaryCrossEntropy(logits: Tensor, targets: Tensor): Tensor {
  requireSame("binaryCrossEntropy", logits, targets);
  // −log σ(z) is softplus(−z); a target of 0 takes none of it, however large it is.
  const yes = multiplyNoNan(softplus(neg(logits)), targets);
  return mean(add(yes, multiplyNoNan(softplus(logits), sub(1, targets))));
}

/** Broadcasting [n] against [n,1] would compare everything with everything. */
function requireSame(name: string, a: Tensor, b: Tensor): void {
  requireArguments(name, { a: [a, aTensor], b: [b, aTensor] });
  if (!sameShape(a.shape, b.shape))
    throw new ShapeError(`${name}: ${describe(a)} and ${describe(b)} given; one shape is needed; reshape one of them`);
}
