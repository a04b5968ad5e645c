/** A small data set and a network with batch normalisation and dropout that learns it in three epochs. */
import { dispose, entries, random, scope } from "../../engine/index.js";
import {
  adam,
  batchNorm,
  conv2d,
  dense,
  dropout,
  flatten,
  initialState,
  type Layer,
  named,
  type Optimiser,
  type ResidentImages,
  relu,
  residentImages,
  type Sequential,
  sequential,
  type TrainOptions,
  type TrainState,
  train,
} from "../../nn/index.js";
import { check } from "../harness.js";
import { generator } from "../values.js";

export const COUNT = 42;
export const BATCH = 8;
export const SIDE = 6;

/** Noise that is brighter on the left (class 0) or on the right (class 1). */
export function halves(): ResidentImages {
  const noise = generator(1);
  const images = new Uint8Array(COUNT * SIDE * SIDE).map((_, i) => {
    const [image, right] = [Math.floor(i / (SIDE * SIDE)), Number(i % SIDE >= SIDE / 2)];
    return 100 * noise() + (image % 2 === right ? 120 : 0);
  });
  return residentImages(
    images,
    new Uint8Array(COUNT).map((_, i) => i % 2),
    [1, SIDE, SIDE],
  );
}

export const model: Sequential = sequential([
  conv2d(4, 3),
  named("block", sequential([batchNorm(), relu])),
  flatten,
  dropout(0.2),
  dense(2),
]);
export const optimiser = adam({ lr: 0.02 });
export const start = (net: Layer = model, by: Optimiser = optimiser): TrainState =>
  scope(() => initialState(net.init(random.key(1), [1, SIDE, SIDE]).params, by));

export function run(
  data: ResidentImages,
  epochs: number,
  options: Partial<TrainOptions> = {},
  from = start(),
): Promise<TrainState> {
  return train(model, from, data, { optimiser, epochs, batchSize: BATCH, seed: 3, ...options });
}

export const free = (state: TrainState): void => dispose([state.params, state.optimiser]);
export const freeData = ({ words, labels }: ResidentImages): void => dispose([words, labels]);

/** Equal to the bit, or within `atol`. */
export async function sameState(actual: TrainState, expected: TrainState, atol?: number): Promise<void> {
  check.equal([actual.epoch, actual.step], [expected.epoch, expected.step]);
  const trees = [actual, expected].map(({ params, optimiser: o }) => entries({ params, optimiser: o }));
  check.equal(
    trees[0].map(([path]) => path),
    trees[1].map(([path]) => path),
  );
  for (const [i, [path, t]] of trees[0].entries()) {
    const [found, wanted] = [await t.read(), await trees[1][i][1].read()];
    if (atol === undefined) check.identical(found, wanted, path);
    else check.close(found, wanted, { atol }, path);
  }
}
