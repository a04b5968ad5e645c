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
import { shown } from "../engine/options.js";
import type { Split } from "./data/dataset.js";
import { batchIndices, pickSamples, type ResidentData, residentData } from "./data/resident.js";
import type { Layer } from "./layer.js";

/** `batchSize` samples at a time, default 500. */
export interface EvaluateOptions extends LongOptions<Done> {
  readonly batchSize?: number;
}

/** Share of samples classified correctly, in batches on the GPU with one read at the end. `data` as for `train`.
 *  @throws RangeError without samples, or for a batch of none; the reason of `signal`. */
export async function evaluate(
  model: Layer,
  params: Tree,
  data: ResidentData | Split,
  options: EvaluateOptions = {},
): Promise<number> {
  const { batchSize = 500 } = options;
  const turns = new Turns("evaluate", options);
  using here = openScope("evaluate");
  const resident =
    "words" in requireData("evaluate", data) ? (data as ResidentData) : here.own(residentData(data as Split));
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

/** @throws TypeError unless it is resident data or a split. */
export function requireData<D extends ResidentData | Split>(op: string, data: D): D {
  const { words, samples, labels } = (data ?? {}) as Partial<ResidentData & Split>;
  if ((words || samples) && labels) return data;
  throw new TypeError(
    `${op}: data are ${shown(data)}; samples with labels are needed: residentData(split), a part of a data set, or ` +
      "{ shape, samples, labels } with a Float32Array [n, ...shape] and an Int32Array [n]",
  );
}
