/** What experiments work with: data, and trained networks that are each made once and remembered. */
import { callerScope, dispose, openScope, random, scope, type Tree } from "../../engine/index.js";
import {
  buildNetwork,
  type Dataset,
  type Domain,
  packTree,
  partOf,
  residentData,
  type Sequential,
  type Split,
  sampleTensor,
  type TablePreparation,
  unpackTree,
} from "../../nn/index.js";
import { ConfigError } from "../../nn/schema.js";
import type { Classifier } from "../score.js";
import type { DataName, DataPlan, ReproduceConfig } from "./config.js";
import { type NetworkRequest, type Recipe, recipeOf } from "./recipe.js";
import { trainScheme } from "./trainScheme.js";

/** Where trained networks are kept between runs. */
export interface WeightStore {
  load(recipe: Recipe): Promise<Uint8Array | undefined>;
  save(recipe: Recipe, weights: Uint8Array): Promise<void>;
}

export interface LabOptions {
  readonly config: ReproduceConfig;
  readonly openData: (name: DataName) => Promise<Dataset>;
  readonly store: WeightStore;
  /** Told what is going on inside a cell. */
  readonly say?: (text: string) => void;
}

export { type Split, sampleTensor as pickPixels };

/** A data set as experiments use it. */
export interface LabData {
  readonly plan: DataPlan;
  /** Shape of one sample. */
  readonly shape: readonly number[];
  readonly classes: readonly string[];
  readonly domain: Domain;
  readonly preparation?: TablePreparation;
  readonly sensitive?: string;
  readonly train: Split;
  readonly validation?: Split;
  readonly test: Split;
}

/** The samples of an experiment that may choose. */
export function splitOf(data: LabData, { split }: { readonly split: "test" | "validation" }): Split {
  return split === "test" ? data.test : data.validation!;
}

/** A network on the GPU until it is disposed. */
export interface TrainedNetwork extends Disposable {
  readonly model: Sequential;
  readonly params: Tree;
  readonly classifier: Classifier;
}

export class Lab {
  readonly config: ReproduceConfig;
  readonly #options: LabOptions;
  readonly #data = new Map<DataName, Promise<LabData>>();

  constructor(options: LabOptions) {
    this.config = options.config;
    this.#options = options;
  }

  say(text: string): void {
    this.#options.say?.(text);
  }

  /** A data set, read once. @throws ConfigError when it has too few samples for its plan. */
  data(name: DataName): Promise<LabData> {
    const opened = this.#data.get(name) ?? this.#open(name);
    this.#data.set(name, opened);
    return opened;
  }

  async #open(name: DataName): Promise<LabData> {
    const here = callerScope();
    const plan = this.config.data[name];
    const { train: all, test, ...about } = await here.wait(this.#options.openData(name));
    const needed = plan.train + (plan.validation ?? 0);
    if (needed > all.labels.length || (plan.test ?? 0) > test.labels.length)
      throw new ConfigError(
        `data.${name}: ${needed} training and ${plan.test ?? "all"} test samples are wanted; ` +
          `it has ${all.labels.length} and ${test.labels.length}`,
      );
    return {
      ...{ plan, ...about, shape: about.domain.shape },
      train: partOf(all, 0, plan.train),
      validation: plan.validation === undefined ? undefined : partOf(all, plan.train, plan.validation),
      test: partOf(test, 0, plan.test ?? test.labels.length),
    };
  }

  /** A trained network, from the store or trained now. */
  async network(request: NetworkRequest): Promise<TrainedNetwork> {
    return this.#load(recipeOf(this.config, request));
  }

  async #load(recipe: Recipe): Promise<TrainedNetwork> {
    const here = callerScope();
    const weights = (await here.wait(this.#options.store.load(recipe))) ?? (await here.wait(this.#train(recipe)));
    const model = await here.wait(this.#modelOf(recipe));
    const { shape } = await here.wait(this.data(recipe.data));
    const { tree: params } = unpackTree(weights, firstWeights(model, 0, shape));
    return {
      ...{ model, params },
      classifier: (x) => model.apply(params, x),
      [Symbol.dispose]: () => dispose(params),
    };
  }

  async #modelOf({ network, data }: Recipe): Promise<Sequential> {
    const here = callerScope();
    const { classes } = await here.wait(this.data(data));
    return buildNetwork({ ...network, classes });
  }

  async #train(recipe: Recipe): Promise<Uint8Array> {
    using here = openScope("train");
    const { scheme, epochs, seed, start } = recipe;
    const save = async (weights: Tree, epoch: number): Promise<Uint8Array> => {
      const here = callerScope();
      const made = { ...recipe, epochs: epoch };
      const bytes = await here.wait(packTree(weights, { recipe: JSON.stringify(made) }));
      await here.wait(this.#options.store.save(made, bytes));
      return bytes;
    };
    const model = await here.wait(this.#modelOf(recipe));
    const { train: all, shape } = await here.wait(this.data(recipe.data));
    using teacher = start && (await here.wait(this.#load(start)));
    // The scheme's teacher stays as it is; what is trained are these.
    const first = start ? (await here.wait(this.#load(start))).params : firstWeights(model, seed, shape);
    if (epochs === 0) {
      const bytes = await here.wait(save(first, 0));
      dispose(first);
      return bytes;
    }
    const resident = residentData(partOf(all, 0, recipe.images));
    try {
      const weights = await here.wait(
        trainScheme({
          ...{ model, scheme, first, teacher: teacher?.classifier, data: resident, eps: recipe.eps ?? 0, epochs, seed },
          onDirections: ({ done, total }) => this.say(`${scheme.title}: directions of ${done} of ${total} images`),
          onProgress: ({ epoch, step, steps, loss }) =>
            this.say(
              `${scheme.title}: step ${(epoch - 1) * steps + step} of ${epochs * steps}, loss ${loss.toFixed(3)}`,
            ),
          // A later wish for fewer epochs of the same training is granted already.
          onEpoch: async (params, epoch) => void (epoch < epochs && (await save(params, epoch))),
        }),
      );
      const bytes = await here.wait(save(weights, epochs));
      dispose(weights);
      return bytes;
    } finally {
      dispose([resident.words, resident.labels]);
    }
  }
}

function firstWeights(model: Sequential, seed: number, shape: readonly number[]): Tree {
  return scope(() => model.init(random.key(seed), shape).params);
}
