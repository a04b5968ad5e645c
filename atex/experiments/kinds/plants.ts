/** Networks with a known fault, or none, that an audit is put to the test with. */
import type { Tree } from "../../../engine/index.js";
import { adam, partOf } from "../../../nn/index.js";
import { count, type Fields, number, positive, type Read, setting } from "../../../nn/schema.js";
import type { ManipulationEntry, ManipulationWorld } from "../../manipulations/manipulation.js";
import { MANIPULATION_TABLE } from "../../manipulations/table.js";
import { trainTwin } from "../../sanity/permuted.js";
import type { Classifier } from "../../score.js";

/** What is audited in place of the honest network. */
export interface PlantedNetwork {
  readonly classifier: Classifier;
  /** Where it is the world's model with other parameters: these. Tensors belong to the open scope. */
  readonly params?: Tree;
}

export interface Plant<F extends Fields = Fields> {
  readonly name: string;
  readonly options: F;
  make(settings: Read<F>, world: ManipulationWorld): Promise<PlantedNetwork>;
}

const plant = <const F extends Fields>(one: Plant<F>): Plant => one as unknown as Plant;

const honest = plant({
  name: "honest",
  options: {},
  make: async (_, { classifier, params }) => ({ classifier, params }),
});

const permutedLabels = plant({
  name: "permuted-labels",
  options: {
    samples: setting(count, 400, "training samples whose labels are dealt out anew, the first ones"),
    epochs: setting(count, 100, "passes over them at most"),
    accuracy: setting(number({ min: 0, max: 1 }), 0.9, "share of the labels from which on they count as learnt"),
    learningRate: setting(positive, 2e-3, "of Adam"),
  },
  async make({ samples, epochs, accuracy, learningRate }, { model, train, seed, say }) {
    const split = partOf(train, 0, Math.min(samples, train.labels.length));
    const twin = await trainTwin({
      ...{ model, split, optimiser: adam({ lr: learningRate }), seed, accuracy, epochs },
      onProgress: ({ epoch, loss }) => say(`permuted labels: pass ${epoch}, loss ${loss.toFixed(3)}`),
    });
    return { classifier: (x) => model.apply(twin.params, x), params: twin.params };
  },
});

const manipulated = (entry: ManipulationEntry): Plant => ({
  name: entry.name,
  options: entry.options,
  async make(settings, world) {
    const { madeFor, params } = await entry.run(settings, world);
    return { classifier: madeFor.manipulated.classifier, params };
  },
});

/** Honest networks, those that learnt nothing of their classes, and those that manipulations of models make. */
export const PLANTS: readonly Plant[] = [
  honest,
  permutedLabels,
  ...MANIPULATION_TABLE.filter(({ changes }) => changes === "model").map(manipulated),
];

export function plantOf(name: string): Plant {
  return PLANTS.find((one) => one.name === name)!;
}
