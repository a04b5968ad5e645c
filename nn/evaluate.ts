/** How good a network is on labelled samples. */
import {
  add,
  argmax,
  capture,
  type Done,
  equal,
  type LongOptions,
  openScope,
  sum,
  type Tensor,
  type Tree,
  Turns,
  tensor,
} from "../engine/index.js";
import { aFunction, aNumber, aTree } from "../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../engine/options.js";
import type { Split } from "./data/dataset.js";
import { batchIndices, pickSamples, type ResidentData, residentData } from "./data/resident.js";
import { aLayer, anAbortSignalLike, labelledSamples } from "./kinds.js";
import type { Layer } from "./layer.js";

/** `batchSize` samples at a time, default 500. */
export interface EvaluateOptions extends LongOptions<Done> {
  readonly batchSize?: number;
}

const EVALUATE_OPTIONS: KindsOf<EvaluateOptions> = {
  batchSize: aNumber,
  onProgress: aFunction,
  signal: anAbortSignalLike,
};

/** Share of samples classified correctly, in batches on the GPU with one read at the end. `data` as for `train`.
 *  @throws RangeError without samples, or for a batch of none; the reason of `signal`. */
export async function evaluate(
  model: Layer,
  params: Tree,
  data: ResidentData | Split,
  options: EvaluateOptions = {},
): Promise<number> {
  requireArguments("evaluate", { model: [model, aLayer], params: [params, aTree], data: [data, labelledSamples] });
  const { batchSize = 500 } = checkedOptions("evaluate", options, EVALUATE_OPTIONS);
  const turns = new Turns("evaluate", options);
  using here = openScope("evaluate");
  const resident = "words" in data ? data : here.own(residentData(data));
  return await here.wait(accuracyOn(model, params, resident, batchSize, turns));
}

async function accuracyOn(
  model: Layer,
  params: Tree,
  data: ResidentData,
  batchSize: number,
  turns: Turns,
): Promise<number> {
  if (!Number.isInteger(batchSize) || batchSize < 1 || data.count < 1)
    throw new RangeError(`evaluate: batches of ${batchSize} from ${data.count} samples; at least 1 of both is needed`);
  using here = openScope("evaluate");
  const size = Math.min(batchSize, data.count);
  const order = tensor(Int32Array.from({ length: data.count }, (_, i) => i));
  const correctOf = (at: Tensor, count: number): Tensor => {
    const { x, y } = pickSamples(data, batchIndices(order, at, count));
    return sum(equal(argmax(model.apply(params, x), 1), y));
  };
  const step = capture((correct: Tensor, at: Tensor) => [add(correct, correctOf(at, size)), add(at, size)], {
    donate: [0, 1],
  });
  try {
    let [correct, at] = [tensor(0), tensor(0, [], "i32")];
    const whole = Math.floor(data.count / size);
    await here.wait(step.prepare(correct, at));
    for (let i = 0; i < whole; i++) {
      [correct, at] = step(correct, at);
      await here.wait(turns.next({ done: (i + 1) * size, total: data.count }));
    }
    const rest = data.count - whole * size;
    if (rest > 0) correct = add(correct, correctOf(at, rest));
    return (await here.wait(correct.item())) / data.count;
  } finally {
    step.dispose();
  }
}
