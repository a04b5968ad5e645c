/** Small data with networks trained on them: a table with a column by which nobody should be judged and another that says nearly the same,
 *  and coloured images. */
import { explainerMaker, type ManipulationWorld } from "../../atex/index.js";
import { dispose, keep, random } from "../../engine/index.js";
import { PIXEL_RANGE } from "../../nn/data/domain.js";
import {
  adam,
  conv2d,
  type Domain,
  dense,
  flatten,
  initialState,
  type Layer,
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

interface Small {
  readonly model: Layer;
  readonly domain: Domain;
  readonly train: Split;
  readonly test: Split;
  readonly sensitive?: string;
}

/** `use` is given a network trained on the data and all that a manipulation needs. */
async function withWorld(
  { model, domain, train: training, test, sensitive }: Small,
  use: (world: ManipulationWorld) => Promise<void>,
): Promise<void> {
  const data = residentData(training);
  const optimiser = adam({ lr: 0.01 });
  const first = keep(model.init(random.key(3), domain.shape).params);
  const state = await train(model, initialState(first, optimiser), data, { optimiser, epochs: 10, batchSize: 32 });
  dispose([data.words, data.labels, state.optimiser]);
  const { params } = state;
  const background = sampleTensor(
    training,
    Array.from({ length: 20 }, (_, i) => i),
  );
  const explaining = { domain, background, seed: 0 };
  try {
    await use({
      ...{ model, params, classifier: (x) => model.apply(params, x), domain, classes: ["bad", "good"] },
      ...{ sensitive, train: training, test, seed: 0, siblings: [], explaining },
      ...{ samples: [0, 1, 2, 3, 4, 5], others: [6, 7], explainer: explainerMaker(explaining), say: () => {} },
    });
  } finally {
    dispose(params);
  }
}

export const withTableWorld = (use: (world: ManipulationWorld) => Promise<void>): Promise<void> =>
  withWorld(
    {
      ...{ model: sequential([dense(16), relu, dense(2)]), domain, sensitive: "sex" },
      ...{ train: rowsOf(256, 1), test: rowsOf(64, 2) },
    },
    use,
  );

const IMAGE = [3, 12, 11] as const;

/** Brighter on the right, or on the left. */
function halves(count: number, seed: number): Split {
  const [c, h, w] = IMAGE;
  const next = generator(seed);
  const labels = Int32Array.from({ length: count }, () => Number(next() < 0.5));
  const samples = Float32Array.from({ length: count * c * h * w }, (_, i) => {
    const right = Number(i % w >= w / 2);
    return right === labels[Math.floor(i / (c * h * w))] ? 0.5 + 0.5 * next() : 0.5 * next();
  });
  return { shape: IMAGE, samples, labels };
}

export const withImageWorld = (use: (world: ManipulationWorld) => Promise<void>): Promise<void> =>
  withWorld(
    {
      model: sequential([conv2d(4, 3, { padding: "same" }), relu, flatten, dense(16), relu, dense(2)]),
      domain: { shape: [...IMAGE], range: PIXEL_RANGE },
      ...{ train: halves(256, 1), test: halves(64, 2) },
    },
    use,
  );
