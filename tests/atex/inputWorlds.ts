/** Small worlds for tests of manipulations of inputs: any network, samples of any shape drawn from its domain. */
import { type Classifier, explainerMaker, type ManipulationWorld } from "../../atex/index.js";
import { random } from "../../engine/index.js";
import { type Domain, type Layer, type Split, sampleTensor } from "../../nn/index.js";
import { generator } from "../values.js";

export interface WorldOptions {
  readonly domain: Domain;
  readonly model: Layer;
  /** In place of the model with random weights. */
  readonly classifier?: Classifier;
  /** Classes, 3 by default. */
  readonly classes?: number;
  /** Samples, and as many others. */
  readonly count?: number;
  readonly seed?: number;
  readonly sensitive?: string;
}

/** Rows whose values lie in the domain's range, with columns of values at one of these. */
function drawn({ shape, range: { low, high }, features = [] }: Domain, count: number, seed: number): Float32Array {
  const next = generator(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  const of = (b: typeof low, i: number): number => (typeof b === "number" ? b : b[i]);
  const all = Float32Array.from({ length: count * size }, (_, k) => {
    const i = k % size;
    return of(low, i) + next() * (of(high, i) - of(low, i));
  });
  for (let n = 0; n < count; n++)
    for (const { kind, at } of features) {
      if (kind === "numeric") continue;
      const chosen = Math.floor(next() * Math.max(2, at.length));
      for (const [j, i] of at.entries()) all[n * size + i] = Number(at.length === 1 ? chosen === 1 : j === chosen);
    }
  return all;
}

export function inputWorld(options: WorldOptions): ManipulationWorld {
  const { domain, model, classes = 3, count = 4, seed = 1, sensitive } = options;
  const split = (n: number, stream: number): Split => ({
    shape: domain.shape,
    samples: drawn(domain, n, stream),
    labels: Int32Array.from({ length: n }, (_, i) => i % classes),
  });
  const { params } = model.init(random.key(seed), domain.shape);
  const [train, test] = [split(12, 5), split(2 * count, 6)];
  const background = sampleTensor(train, [0, 1, 2, 3, 4, 5]);
  const explaining = { domain, background, seed };
  const from = (start: number): number[] => Array.from({ length: count }, (_, i) => start + i);
  return {
    ...{ model, params, domain, train, test, seed, sensitive, explaining },
    classifier: options.classifier ?? ((x) => model.apply(params, x)),
    classes: from(0).map((c) => `class ${c}`),
    samples: from(0),
    others: from(count),
    siblings: [],
    explainer: explainerMaker(explaining),
    say: () => {},
  };
}
