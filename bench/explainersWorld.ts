/** What explainers are measured on: a trained network of the paper, images, and settings of each explainer. */

import {
  type Classifier,
  classScore,
  type Explainer,
  type ExplainerContext,
  explainerEntryOf,
  makeExplainer,
  type Score,
  summariseBackground,
} from "../atex/index.js";
import {
  argmax,
  callerScope,
  dispose,
  entries,
  mapTree,
  random,
  type Tensor,
  type Tree,
  tensor,
} from "../engine/index.js";
import {
  adam,
  type DatasetName,
  evaluate,
  hostSamples,
  initialState,
  loadDataset,
  presets,
  residentData,
  softplus,
  train,
} from "../nn/index.js";
import { readSettings } from "../nn/schema.js";

/** How much is measured. */
export interface ExplainersSize {
  /** Images of the timed step. */
  readonly batch: number;
  /** Images that the float64 reference explains too. */
  readonly compared: number;
  /** Images under attack, and steps. */
  readonly attacked: number;
  readonly steps: number;
  /** Seconds that an attack may take; a longer one is cut short and its time extrapolated. */
  readonly attackSeconds: number;
  /** The paper's network, or a small one. */
  readonly network: "paper" | "tiny";
  /** Images that it is trained on, how often, and images that its accuracy is of. */
  readonly trained: number;
  readonly epochs: number;
  readonly judged: number;
  /** Rows of the background, and of its summary. */
  readonly background: number;
  readonly summary: number;
}

export const whole: ExplainersSize = {
  ...{ batch: 64, compared: 2, attacked: 20, steps: 100, attackSeconds: 45 },
  ...{ network: "paper", trained: 4000, epochs: 6, judged: 1000, background: 100, summary: 10 },
};
/** So small that it says whether all works, and nothing else. */
export const quick: ExplainersSize = {
  ...{ batch: 4, compared: 1, attacked: 2, steps: 4, attackSeconds: 1 },
  ...{ network: "tiny", trained: 256, epochs: 1, judged: 64, background: 4, summary: 2 },
};

/** Settings of one explainer where they are not its defaults. */
export interface MeasuredSettings {
  /** Of the timed step: fewer samples where the defaults would take minutes. */
  readonly batch?: Settings;
  /** Of the attack, every step of which is a derivative of all samples. */
  readonly attack?: Settings;
  /** What gives the explainer a slope to be attacked by, where its defaults have none. */
  readonly slope?: Settings;
  /** Of the comparison with the float64 reference, and of everything where only a smoke run is wanted. */
  readonly few?: Settings;
}

export type Settings = Readonly<Record<string, unknown>>;

/** Explainers that are not here are measured with their defaults everywhere. */
export const measuredSettings: Readonly<Record<string, MeasuredSettings>> = {
  smoothgrad: { attack: { samples: 8 }, few: { samples: 3 } },
  "integrated-gradients": { attack: { points: 8 }, few: { points: 3 } },
  vargrad: { attack: { samples: 8 }, few: { samples: 3 } },
  "sparsified-smoothgrad": {
    batch: { samples: 50 },
    attack: { samples: 8 },
    slope: { form: "relaxed" },
    few: { samples: 3 },
  },
  "expected-gradients": { batch: { samples: 50 }, attack: { samples: 8 }, few: { samples: 3 } },
  occlusion: { attack: { patch: 7, stride: 7 }, few: { patch: 14, stride: 14 } },
  lime: { batch: { samples: 100 }, attack: { samples: 32, patch: 7 }, few: { samples: 12, patch: 14 } },
  "kernel-shap": {
    batch: { samples: 128, baseline: 0 },
    attack: { samples: 48, patch: 7, baseline: 0 },
    few: { samples: 18, patch: 10, baseline: 0 },
  },
  "exact-shapley": {
    batch: { baseline: 0 },
    attack: { patch: 14, baseline: 0 },
    few: { patch: 14, baseline: 0 },
  },
};

/** Images with the network that explains them, on the executor of the moment, in the scope of the moment. */
export interface Explained {
  readonly classifier: Classifier;
  readonly x: Tensor;
  /** The explained classes: those that the network predicts. */
  readonly classes: Tensor;
  readonly score: Score;
  readonly explainer: (name: string, settings: Settings) => Explainer;
  /** Inputs that the network was given so far. */
  readonly inputs: () => number;
}

export interface World {
  readonly data: string;
  readonly accuracy: number;
  /** The first `count` test images. */
  readonly explained: (count: number) => Explained;
}

const beta = 10;
const titles = { paper: "the paper's network", tiny: "a small network" };
export const networkTitle = ({ network }: ExplainersSize): string => `${titles[network]} (softplus, beta ${beta})`;

/** Trains the network and keeps all that is needed on the host, from where each executor gets it. */
export async function explainersWorld(size: ExplainersSize, data: DatasetName, dataDir?: string): Promise<World> {
  const here = callerScope();
  const set = await here.wait(loadDataset(data, { dataDir, trainSize: size.trained, testSize: size.judged }));
  const { domain } = set;
  const model = presets[size.network]({ activation: softplus({ beta }), classes: set.classes.length });
  const images = Math.max(size.batch, size.compared, size.attacked);
  const pick = (split: typeof set.test, count: number): Float32Array =>
    hostSamples(
      split,
      Array.from({ length: count }, (_, i) => i),
    );
  const [test, rows] = [pick(set.test, images), pick(set.train, size.background)];
  using _ = here.open("training");
  const optimiser = adam({ lr: 2e-3 });
  const { params } = model.init(random.key(1), domain.shape);
  const [training, judging] = [residentData(set.train), residentData(set.test)];
  const made = await here.wait(
    train(model, initialState(params, optimiser), training, {
      ...{ optimiser, epochs: size.epochs, batchSize: Math.min(64, size.trained) },
    }),
  );
  const accuracy = await here.wait(evaluate(model, made.params, judging));
  const weights = new Map<string, Float32Array>();
  for (const [path, t] of entries(made.params)) weights.set(path, Float32Array.from(await here.wait(t.read())));
  const x = tensor(test, [images, ...domain.shape]);
  const predicted = Int32Array.from(await here.wait(argmax(model.apply(made.params, x), 1).read()));
  const all = tensor(rows, [size.background, ...domain.shape]);
  const { rows: centres, weights: shares } = await here.wait(summariseBackground(all, { clusters: size.summary }));
  const summary = { values: Float32Array.from(await here.wait(centres.read())), shape: centres.shape, shares };
  dispose([made.params, made.optimiser, training.words, training.labels, judging.words, judging.labels]);

  return {
    data: set.name,
    accuracy,
    explained(count) {
      const own: Tree = mapTree(made.params, (t, path) => tensor(weights.get(path)!, t.shape));
      let inputs = 0;
      const classifier: Classifier = (z) => {
        inputs += z.shape[0];
        return model.apply(own, z);
      };
      const chosen = tensor(predicted.slice(0, count));
      const context: ExplainerContext = {
        ...{ domain, key: random.key(7), seed: 7, background: tensor(rows, [size.background, ...domain.shape]) },
        summary: { rows: tensor(summary.values, summary.shape), weights: summary.shares },
      };
      return {
        ...{ classifier, classes: chosen, score: classScore(classifier, chosen), inputs: () => inputs },
        x: tensor(test.slice(0, (count * test.length) / images), [count, ...domain.shape]),
        explainer: (name, settings) => makeExplainer(name, settings, context),
      };
    },
  };
}

/** In a line, the settings that were made, and those that decide how often the network is asked. */
export function settingsLine(name: string, settings: Settings): string {
  const shown = Object.keys({ ...settings, ...measuredSettings[name]?.few });
  const all = Object.entries(readSettings(explainerEntryOf(name), settings));
  const line = all.filter(([key, value]) => value !== undefined && shown.includes(key));
  return line.map(([key, value]) => `${key} ${value}`).join(", ") || "defaults";
}
