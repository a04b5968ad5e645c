/** What two drivers are compared on: numbers by name, computed on the current executor. */
import { capture } from "../../engine/capture.js";
import type { DType } from "../../engine/lower.js";
import type { OpSpec, Sample } from "../../engine/op.js";
import { table } from "../../engine/ops/table.js";
import * as random from "../../engine/random.js";
import { dispose, scope } from "../../engine/scope.js";
import type { Tensor } from "../../engine/tensor.js";
import { leaves } from "../../engine/tree.js";
import { gradients, isDifferentiable, readAll } from "../derivatives.js";
import { network, training } from "../engine/net.js";
import { tensorsOf } from "../values.js";

export interface Answer {
  readonly dtype: DType;
  readonly values: number[];
}
export type Answers = Readonly<Record<string, Answer>>;

// biome-ignore lint/suspicious/noExplicitAny: attributes differ by op.
type AnyOp = OpSpec<any>;

/** The question about an op: its first sample, forward. */
export const forwardOf = (op: AnyOp): string => `${op.name}, forward`;
/** Its first differentiable sample's gradient. */
export const gradientOf = (op: AnyOp): string => `${op.name}, gradient`;
export const bits = "random bits";
export const secondOrderStep = "captured second-order step";

/** The sample whose gradient is asked for, if the op has one. */
export function differentiableSample(op: AnyOp): Sample | undefined {
  return op.samples().find((sample) => isDifferentiable(op, sample));
}

/** Every answer, on the current executor. */
export async function computeAnswers(): Promise<Answers> {
  const answers: Record<string, Answer> = {};
  const put = async (question: string, compute: () => Tensor[]): Promise<void> => {
    const results = scope(compute);
    answers[question] = { dtype: results[0].dtype, values: await readAll(results) };
    for (const t of results) t.dispose();
  };
  for (const op of table) {
    const [first] = op.samples();
    await put(forwardOf(op), () => [first.call(...tensorsOf(first.inputs, 1))]);
    const sample = differentiableSample(op);
    if (sample) await put(gradientOf(op), () => gradients(sample, tensorsOf(sample.inputs, 2)));
  }
  await put(bits, () => [random.bits(random.fold(random.key(2026), 7), [10_001])]);
  const { params, state, x, y, secondOrder } = training(network(4, 8, 16), 4);
  const step = capture(secondOrder);
  await put(secondOrderStep, () => leaves(step(params, x, y)));
  step.dispose();
  dispose([params, state]);
  return answers;
}
