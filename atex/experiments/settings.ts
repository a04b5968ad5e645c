/** Settings that several kinds of experiments, or all schemes, have. */
import { ACTIVATIONS, DATASET_NAMES, type DatasetName, type PresetName, presets } from "../../nn/index.js";
import {
  count,
  described,
  type Fields,
  type Infer,
  list,
  natural,
  number,
  object,
  oneOf,
  optional,
  type Read,
  type Schema,
  setting,
  size,
  text,
  variant,
} from "../../nn/schema.js";
import { DEFENCES } from "../defences/index.js";
import { EXPLAINERS } from "../explainers/byName.js";

export type DataName = DatasetName;

const PRESET_NAMES = Object.keys(presets) as readonly PresetName[];

export const network = object({
  network: oneOf(...PRESET_NAMES),
  activation: oneOf(...ACTIVATIONS),
  beta: number({ min: 1e-3, max: 1e4 }),
});

export const dataPlan = object({
  train: described(count, "training images of the teacher: the first ones"),
  validation: setting(count, undefined, "images after those, for choices that must not see the test set"),
  test: setting(count, undefined, "test images that accuracy is measured on; all if not given"),
  epochs: described(count, "passes of the teacher's training"),
  network: setting(network, undefined, "what is trained on these data, in place of the configuration's network"),
  eps: setting(list(size), undefined, "eps1 of the tables"),
  trainEps: setting(
    size,
    undefined,
    "eps1 that schemes are trained for where an experiment trains one network for all of them",
  ),
});
export type DataPlan = Infer<typeof dataPlan>;

/** How a network is trained, whatever the defence. */
const training = {
  title: text,
  epochs: described(count, "passes over the training images"),
  images: setting(count, undefined, "training images, the first ones; all of the data plan's if not given"),
  batch: setting(count, 64, "images per step"),
  learningRate: setting(size, 1e-3, "learning rate: of Adam, unless the defence has another optimiser"),
  decay: setting(
    oneOf("none", "cosine"),
    "none",
    "how it falls over the passes; training that is cut short follows the beginning of the same curve",
  ),
  from: setting(
    oneOf("teacher", "scratch"),
    "teacher",
    "first weights: the normally trained network's, as in the authors' code, or new ones",
  ),
};

/** A scheme: a defence by name with its settings, and how a network is trained with it. */
export type SchemeConfig = Read<typeof training> & {
  /** Name of the defence. */
  readonly kind: string;
  readonly [setting: string]: unknown;
};

/** A training scheme; lengths of shifts and radii of balls are as the defence's own settings say. */
export const scheme = variant(
  Object.fromEntries(DEFENCES.map(({ name, options }): [string, Fields] => [name, { ...training, ...options }])),
) as Schema<unknown> as Schema<SchemeConfig>;

/** What every experiment has, whatever its kind. */
export const common = { title: text, data: list(oneOf(...DATASET_NAMES)), seeds: optional(list(natural)) };

/** An experiment of a configuration, as far as all are alike. */
export type ExperimentConfig = Read<typeof common> & {
  readonly kind: string;
  readonly [setting: string]: unknown;
};

/** Which images are attacked or explained. */
export const split = setting(oneOf("test", "validation"), "test", "images; choices must not see the test set");

/** Names of schemes. */
export const names = list(text);

const explainer = {
  explainer: optional(oneOf(...EXPLAINERS), "gradient"),
  samples: setting(count, 20, "copies of SmoothGrad or points of integrated gradients"),
  sigma: setting(size, 0.15, "SmoothGrad's noise"),
};

/** What an attack looks for, and on how many images. */
export const search = {
  ...explainer,
  objective: described(
    oneOf("untargeted", "targeted", "rank", "mass-centre", "ssim", "ensemble"),
    "drain the k most important pixels, fill a random block (the paper's two), undo the order of the pixels, move the centre of the map, undo its structure; or the worst of all of them, by each measure",
  ),
  images: count,
  batch: setting(count, 100, "images attacked at once, all eps1 together"),
};

const RULES = ["max-abs", "sign", "adam"] as const;
export type RuleName = (typeof RULES)[number];
export const rule = oneOf(...RULES);

/** How its steps begin and shrink. */
export const stepping = {
  stepSize: setting(size, 0.5, "length of the first step as a share of eps1"),
  schedule: setting(oneOf("constant", "cosine"), "cosine", "how it shrinks"),
};

export const attack = object({
  ...search,
  ...stepping,
  steps: count,
  restarts: optional(natural, 0),
  rule: optional(rule, "sign"),
});
export type AttackConfig = Infer<typeof attack>;
