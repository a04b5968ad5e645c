/** A small honest network on colour images that are not square, with all that manipulations are given. */

import { explainerMaker, type ManipulationWorld } from "../../atex/index.js";
import { argmax, dispose, random, tensor } from "../../engine/index.js";
import type { Split } from "../../nn/index.js";
import {
  adam,
  conv2d,
  dense,
  flatten,
  initialState,
  named,
  relu,
  residentData,
  sampleTensor,
  sequential,
  train,
} from "../../nn/index.js";

export const SHAPE = [3, 12, 11] as const;
export const CLASSES = ["top", "middle", "bottom"];

/** A third of the rows is brighter than the others: the first, the second or the last. */
export function bandsSplit(count: number, seed: number): Split {
  const [c, h, w] = SHAPE;
  let state = seed * 7919 + 17;
  const noise = (): number => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
  const samples = Float32Array.from({ length: count * c * h * w }, (_, i) => {
    const row = Math.floor((i % (h * w)) / w);
    const lit = Math.floor(row / 4) === labels[Math.floor(i / (c * h * w))];
    return (lit ? 0.5 : 0.1) + 0.4 * noise();
  });
  return { shape: [...SHAPE], samples, labels };
}

export const model = sequential([
  named("conv", conv2d(4, 3, { padding: "same" })),
  named("act", relu),
  flatten,
  named("head", dense(3)),
]);

/** Trained for a moment; its parameters are the caller's. */
export async function honestWorld(): Promise<ManipulationWorld & Disposable> {
  const [trainSplit, test] = [bandsSplit(72, 1), bandsSplit(24, 2)];
  const optimiser = adam({ lr: 0.01 });
  const data = residentData(trainSplit);
  const first = model.init(random.key(3), SHAPE).params;
  const state = await train(model, initialState(first, optimiser), data, { optimiser, epochs: 6, batchSize: 12 });
  dispose([state.optimiser, data.words, data.labels]);
  const domain = { shape: [...SHAPE], range: { low: 0, high: 1 } };
  const background = sampleTensor(trainSplit, [0, 1, 2, 3]);
  const explaining = { domain, background, seed: 0 };
  const { params } = state;
  return {
    ...{ model, params, domain, classes: CLASSES, train: trainSplit, test, explaining, seed: 0, siblings: [] },
    classifier: (x) => model.apply(params, x),
    samples: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    others: [],
    explainer: explainerMaker(explaining),
    say() {},
    [Symbol.dispose]: () => dispose(params),
  };
}

/** Share of a split's samples that are classified correctly. */
export async function accuracyOf(classifier: ManipulationWorld["classifier"], split: Split): Promise<number> {
  const all = Array.from(split.labels, (_, i) => i);
  const found = await argmax(classifier(sampleTensor(split, all)), 1).read();
  return all.filter((i) => found[i] === split.labels[i]).length / all.length;
}

/** n samples [1,h,w] of the numbers given, one after another. */
export const pictures = (values: readonly number[], h: number, w: number) =>
  tensor(Float32Array.from(values), [values.length / (h * w), h, w]);
