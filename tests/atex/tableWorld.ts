/** A small table with a column by which nobody should be judged and another that says nearly the same, and a network trained on it. */
import { explainerMaker, type ManipulationWorld } from "../../atex/index.js";
import { dispose, keep, random, type Tree } from "../../engine/index.js";
import {
  adam,
  type Domain,
  dense,
  initialState,
  relu,
  residentData,
  type Split,
  sampleTensor,
  sequential,
  train,
} from "../../nn/index.js";
import { generator } from "../values.js";

export const domain: Domain = {
  shape: [5],
  range: { low: [0, -3, -3, 0, 0], high: [1, 3, 3, 1, 1] },
  features: [
    { name: "sex", kind: "binary", at: [0], values: ["f", "m"] },
    { name: "proxy", kind: "numeric", at: [1] },
    { name: "noise", kind: "numeric", at: [2] },
    { name: "town", kind: "categorical", at: [3, 4], values: ["a", "b"] },
  ],
};

/** Labels follow `sex`, but for one in twenty. */
export function rowsOf(count: number, seed: number): Split {
  const next = generator(seed);
  const samples = new Float32Array(5 * count);
  const labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const sex = Number(next() < 0.5);
    const town = Number(next() < 0.3);
    samples.set([sex, 0.4 * (sex - 0.5) + 0.3 * (next() - 0.5), 2 * next() - 1, 1 - town, town], 5 * i);
    labels[i] = next() < 0.05 ? 1 - sex : sex;
  }
  return { shape: [5], samples, labels };
}

const model = sequential([dense(16), relu, dense(2)]);

/** `use` is given the network and all that a manipulation needs. */
export async function withTableWorld(use: (world: ManipulationWorld) => Promise<void>): Promise<void> {
  const [training, test] = [rowsOf(256, 1), rowsOf(64, 2)];
  const data = residentData(training);
  const optimiser = adam({ lr: 0.01 });
  const first = keep(model.init(random.key(3), [5]).params);
  const state = await train(model, initialState(first, optimiser), data, { optimiser, epochs: 10, batchSize: 32 });
  dispose([data.words, data.labels, state.optimiser]);
  const params: Tree = state.params;
  const explaining = {
    domain,
    background: sampleTensor(
      training,
      Array.from({ length: 20 }, (_, i) => i),
    ),
    seed: 0,
  };
  try {
    await use({
      ...{ model, params, classifier: (x) => model.apply(params, x), domain, classes: ["bad", "good"] },
      ...{ sensitive: "sex", train: training, test, seed: 0, siblings: [], explaining },
      ...{ samples: [0, 1, 2, 3, 4, 5], others: [6, 7], explainer: explainerMaker(explaining), say: () => {} },
    });
  } finally {
    dispose(params);
  }
}
