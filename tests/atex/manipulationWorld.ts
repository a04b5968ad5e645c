/** Small worlds for tests of manipulations and detectors: images and rows of a table, with networks that can be written out. */
import {
  type Classifier,
  type DetectorContext,
  explainerMaker,
  type ManipulationWorld,
  type Side,
} from "../../atex/index.js";
import { argmax, random, type Tensor } from "../../engine/index.js";
import { conv2d, type Domain, dense, flatten, type Layer, relu, type Split, sequential } from "../../nn/index.js";
import { generator } from "../values.js";
import { numbers } from "./subjects.js";

export interface SmallWorld {
  readonly name: string;
  readonly model: Layer;
  readonly domain: Domain;
  readonly x: (n: number) => Tensor;
}

export const imageWorld: SmallWorld = {
  name: "images",
  model: sequential([conv2d(3, 3), relu, flatten, dense(3)]),
  domain: { shape: [1, 6, 7], range: { low: 0, high: 1 } },
  x: (n) => numbers([n, 1, 6, 7], 3, 0, 1),
};

export const tableWorld: SmallWorld = {
  name: "a table",
  model: sequential([dense(24), relu, dense(3)]),
  domain: {
    shape: [8],
    range: { low: [-2, -2, -2, -2, -2, 0, 0, 0], high: [2, 2, 2, 2, 2, 1, 1, 1] },
    features: [
      ...["age", "sum", "debt", "years", "rooms"].map((name, i) => ({ name, kind: "numeric" as const, at: [i] })),
      { name: "colour", kind: "categorical", at: [5, 6, 7] },
    ],
  },
  x: (n) => numbers([n, 8], 4, 0, 1),
};

/** The network with weights of a seed. */
export function classifierOf({ model, domain }: SmallWorld, seed: number): Classifier {
  const { params } = model.init(random.key(seed), domain.shape);
  return (x) => model.apply(params, x);
}

/** Samples with labels 0, 1, 2 in turn. */
export function splitOf({ domain }: SmallWorld, count: number, seed: number): Split {
  const next = generator(seed);
  const size = domain.shape.reduce((a, b) => a * b, 1);
  return {
    shape: domain.shape,
    samples: new Float32Array(count * size).map(() => next()),
    labels: Int32Array.from({ length: count }, (_, i) => i % 3),
  };
}

/** A world with `count` samples and as many others. */
export function worldOf(small: SmallWorld, { seed = 1, count = 3 } = {}): ManipulationWorld & { said: string[] } {
  const { model, domain } = small;
  const { params } = model.init(random.key(seed), domain.shape);
  const explaining = { domain, background: numbers([8, ...domain.shape], 9, 0, 1), seed };
  const said: string[] = [];
  return {
    ...{ model, params, domain, seed, explaining, said },
    classifier: (x) => model.apply(params, x),
    classes: ["a", "b", "c"],
    train: splitOf(small, 12, 5),
    test: splitOf(small, 2 * count, 6),
    samples: Array.from({ length: count }, (_, i) => i),
    others: Array.from({ length: count }, (_, i) => count + i),
    siblings: [],
    explainer: explainerMaker(explaining),
    say: (text) => void said.push(text),
  };
}

/** What a detector is told about a side. */
export function contextOf(world: ManipulationWorld, { classifier, x }: Side, explainer: string): DetectorContext {
  return { world, explainer, classes: argmax(classifier(x), 1) };
}
