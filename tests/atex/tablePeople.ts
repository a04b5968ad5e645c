/** A small world of people before a judge: whole years, whole debts, a flag that nobody should be judged by, and one that says nothing. */
import { type Classifier, type ManipulationWorld, unsummarised } from "../../atex/index.js";
import { random } from "../../engine/index.js";
import { type Domain, dense, hostSamples, type Split, sampleTensor, sequential } from "../../nn/index.js";
import { generator } from "../values.js";

export const judged: Domain = {
  shape: [6],
  range: { low: -4, high: 4 },
  features: [
    { name: "age", kind: "numeric", at: [0] },
    { name: "race", kind: "binary", at: [1], values: ["one", "other"] },
    { name: "work", kind: "categorical", at: [2, 3], values: ["farm", "shop"] },
    { name: "debts", kind: "numeric", at: [4] },
    { name: "left-handed", kind: "binary", at: [5], values: ["no", "yes"] },
  ],
};

/** Rows whose class goes along with race and debts. Years and debts are whole numbers, standardised. */
export function peopleSplit(count: number, seed: number): Split {
  const next = generator(seed);
  const whole = (most: number): number => Math.floor(next() * most);
  const rows = Array.from({ length: count }, () => {
    const race = next() < 0.5 ? 1 : 0;
    const debts = whole(4) + 3 * race;
    const shop = whole(2);
    return [(whole(5) - 2) / 1.5, race, 1 - shop, shop, (debts - 3) / 2, next() < 0.5 ? 1 : 0];
  });
  return {
    shape: [6],
    samples: Float32Array.from(rows.flat()),
    labels: Int32Array.from(rows, ([, race, , , debts]) => Number(race + debts / 2 + 0.3 * next() > 0.6)),
  };
}

/** A world of them; the network is one dense layer with weights of the seed, unless one is given. */
export function peopleWorld({
  seed = 1,
  classifier,
}: {
  seed?: number;
  classifier?: Classifier;
} = {}): ManipulationWorld {
  const model = sequential([dense(2)]);
  const { params } = model.init(random.key(seed), judged.shape);
  const [train, test] = [peopleSplit(160, 5), peopleSplit(40, 6)];
  const background = sampleTensor(
    train,
    Array.from({ length: 8 }, (_, i) => i),
  );
  const explaining = { domain: judged, background, seed, settings: { lime: { samples: 100 } } };
  return {
    ...{ model, params, domain: judged, seed, explaining, train, test, sensitive: "race" },
    classifier: classifier ?? ((x) => model.apply(params, x)),
    classes: ["no", "yes"],
    samples: Array.from({ length: 12 }, (_, i) => i),
    others: Array.from({ length: 6 }, (_, i) => 12 + i),
    siblings: [],
    explainer: unsummarised(explaining),
    say: () => {},
  };
}

/** All rows of a split as numbers, row after row. */
export const allRows = (split: Split): Float32Array =>
  hostSamples(
    split,
    Int32Array.from(split.labels, (_, i) => i),
  );
