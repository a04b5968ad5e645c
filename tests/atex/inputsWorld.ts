/** Small worlds in which manipulations of inputs are tried: colour images and a table with a network of random weights. */
import { explainerMaker, type ManipulationWorld } from "../../atex/index.js";
import { argmax, random, scope, tensor } from "../../engine/index.js";
import {
  avgPool,
  conv2d,
  type Domain,
  dense,
  flatten,
  relu,
  type Sequential,
  type Split,
  sequential,
} from "../../nn/index.js";
import { generator } from "../values.js";

export const IMAGES: Domain = { shape: [2, 12, 15], range: { low: -1, high: 3 } };
export const imageModel = sequential([
  conv2d(4, 3, { padding: "same" }),
  relu,
  avgPool(3),
  flatten,
  dense(8),
  relu,
  dense(3),
]);

export const TABLE: Domain = {
  shape: [7],
  range: { low: [-2, -2, 0, 0, 0, 0, -1], high: [2, 6, 1, 1, 1, 1, 1] },
  features: [
    { name: "age", kind: "numeric", at: [0] },
    { name: "income", kind: "numeric", at: [1] },
    { name: "sex", kind: "binary", at: [2], values: ["f", "m"] },
    { name: "job", kind: "categorical", at: [3, 4, 5], values: ["a", "b", "c"] },
    { name: "height", kind: "numeric", at: [6] },
  ],
};
export const tableModel = sequential([dense(12), relu, dense(12), relu, dense(3)]);

const bound = (b: number | readonly number[], i: number): number => (typeof b === "number" ? b : b[i]);

/** A world over `count` samples drawn at random; the labels are what the network says. */
export async function worldOf(domain: Domain, model: Sequential, count: number): Promise<ManipulationWorld> {
  const { params } = model.init(random.key(3), domain.shape);
  const classifier: ManipulationWorld["classifier"] = (x) => model.apply(params, x);
  const next = generator(11);
  const size = domain.shape.reduce((a, b) => a * b, 1);
  const samples = Float32Array.from({ length: 2 * count * size }, (_, i) => {
    const [low, high] = [bound(domain.range.low, i % size), bound(domain.range.high, i % size)];
    return low + (0.1 + 0.8 * next()) * (high - low);
  });
  for (let row = 0; row < 2 * count; row++)
    for (const { kind, at } of domain.features ?? [])
      if (kind !== "numeric")
        for (const [j, i] of at.entries()) samples[row * size + i] = Number(j === row % at.length);
  const x = tensor(samples, [2 * count, ...domain.shape]);
  const labels = Int32Array.from(await scope(() => argmax(classifier(x), 1)).read());
  const split: Split = { shape: domain.shape, samples, labels };
  const explaining = { domain, background: x, seed: 5 };
  return {
    ...{ model, params, classifier, domain, classes: ["a", "b", "c"], train: split, test: split },
    samples: Array.from({ length: count }, (_, i) => i),
    others: Array.from({ length: count }, (_, i) => count + i),
    ...{ siblings: [], seed: 5, explaining, explainer: explainerMaker(explaining), say: () => {} },
  };
}
