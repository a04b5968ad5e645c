/** What a reproduction consists of: data, networks, training schemes, and the experiments that compare them. */
import { ACTIVATIONS } from "../../nn/index.js";
import {
  ConfigError,
  count,
  flag,
  type Infer,
  list,
  natural,
  number,
  object,
  oneOf,
  optional,
  record,
  type Schema,
  size,
  text,
  variant,
  variations,
} from "../../nn/schema.js";
import { EXPLAINERS } from "../explainers/byName.js";

const DATA = ["shapes", "fashion-mnist", "mnist"] as const;
const names = list(text);

/** Which images are attacked or explained: choices must not see the test set. */
const split = optional(oneOf("test", "validation"), "test");

const dataPlan = object({
  /** Training images of the teacher: the first ones. */
  train: count,
  /** Further images after those, for choices that must not see the test set. */
  validation: optional(count),
  /** Test images that accuracy is measured on; all if not given. */
  test: optional(count),
  /** Passes of the teacher's training. */
  epochs: count,
  /** eps1 of the tables, and the one that schemes are trained for where an experiment trains one network for all of them. */
  eps: list(size),
  trainEps: size,
});

const training = {
  title: text,
  /** Passes over the first `images` training images (all of the data plan's if not given). */
  epochs: count,
  images: optional(count),
  batch: optional(count, 64),
  learningRate: optional(size, 1e-3),
  /** How the learning rate falls over `epochs`; training that is cut short follows the beginning of the same curve. */
  decay: optional(oneOf("none", "cosine"), "none"),
  /** First weights: the normally trained network's, as in the authors' code, or new ones. */
  from: optional(oneOf("teacher", "scratch"), "teacher"),
};
const weight = optional(size);

/** Lengths of shifts and radii are multiples of the eps1 that is trained for. */
const scheme = variant({
  normal: training,
  naive: {
    ...training,
    neighbours: optional(count, 8),
    radius: optional(size, 1),
    distance: optional(oneOf("squaredL2", "cosine"), "squaredL2"),
    weight,
    a1: weight,
    a2: weight,
    /** Steps of the ascent that looks for adversarial neighbours; random ones if not given. */
    ascent: optional(count),
  },
  atex: {
    ...training,
    along: optional(size, 1),
    across: optional(size),
    normalisation: optional(oneOf("l2", "maxAbs")),
    points: optional(count, 1),
    spacing: optional(oneOf("grid", "sampled")),
    copies: optional(count, 1),
    noise: optional(oneOf("positive", "symmetric")),
    scale: optional(oneOf("unit", "asProjected")),
    steepest: optional(size),
    alpha: weight,
    terms: optional(oneOf("both", "second")),
    matching: optional(oneOf("changes", "predictions", "logits")),
    temperature: optional(size),
    studentTemperature: optional(size),
    /** The teacher's SmoothGrad once before training, in every batch the teacher's or the student's, or there the student's gradient. */
    directions: optional(oneOf("kept", "teacher", "student", "gradient"), "kept"),
    samples: optional(count),
    sigma: optional(size),
  },
  fgsm: { ...training, radius: optional(size), clean: optional(size) },
  pgd: { ...training, radius: optional(size), clean: optional(size), steps: optional(count) },
  weightDecay: { ...training, weight },
  inputGradient: { ...training, weight },
  curvature: { ...training, weight },
  ssr: { ...training, weight },
  rar: {
    ...training,
    radius: optional(size),
    steps: optional(count),
    path: optional(count),
    innerPath: optional(count),
    weight,
  },
  lga: { ...training, radius: optional(size, 1), l2: weight, cosine: weight },
  r2et: { ...training, k: optional(count), gap: weight, curvature: weight },
});

const explainer = {
  explainer: optional(oneOf(...EXPLAINERS), "gradient"),
  /** Copies of SmoothGrad or points of integrated gradients, and SmoothGrad's noise. */
  samples: optional(count, 20),
  sigma: optional(size, 0.15),
};

const search = {
  ...explainer,
  /** Drain the k most important pixels, fill a random block (the paper's two), or undo the order of the pixels. */
  objective: oneOf("untargeted", "targeted", "rank"),
  images: count,
  /** Images attacked at once, all eps1 together. */
  batch: optional(count, 100),
};

const RULES = ["max-abs", "sign", "adam"] as const;

const SCHEDULES = ["constant", "cosine"] as const;

const stepping = {
  /** Length of the first step as a share of eps1, and how it shrinks to none. */
  stepSize: optional(size, 0.5),
  schedule: optional(oneOf(...SCHEDULES), "cosine"),
};

const attack = object({
  ...search,
  ...stepping,
  steps: count,
  restarts: optional(natural, 0),
  rule: optional(oneOf(...RULES), "sign"),
});

const network = object({
  network: oneOf("paper", "authors", "tiny"),
  activation: oneOf(...ACTIVATIONS),
  beta: number({ min: 1e-3, max: 1e4 }),
});

const common = { title: text, data: list(oneOf(...DATA)), seeds: optional(list(natural)) };

const experiment = variant({
  /** Trains networks, attacks their maps, measures: tables 1 to 4, further explainers, peers, ablation. */
  robustness: {
    ...common,
    schemes: names,
    attacks: list(attack),
    split,
    /** Trains a network for each eps1 and attacks it with that one, as the paper does; otherwise one network for all. */
    trainPerEps: optional(flag, false),
    /** Images of the first seed that are shown. */
    pictures: optional(natural, 0),
  },
  /** How strong the attack is against how long it searches. */
  strength: {
    ...common,
    schemes: names,
    ...search,
    eps: size,
    steps: list(count),
    restarts: optional(list(natural), [0]),
    rules: optional(list(oneOf(...RULES)), ["sign"]),
    ...stepping,
  },
  /** The attack against the numbers of the authors' attack, on a network of its own. */
  reference: {
    ...common,
    network,
    /** How it is trained; of kind normal. */
    scheme: text,
    eps: list(size),
    attacks: list(attack),
    /** Images attacked with the authors' settings as well, to tell the attack from the network; default none. */
    control: optional(natural, 0),
  },
  /** What tables 1 to 4 leave open, at one eps1: an attack crafted on the normal network, eq. 1's bound on the output, the L2 ball,
   *  worst-case stability (definition 1) and the local Lipschitz estimate. */
  checks: {
    ...common,
    schemes: names,
    attack,
    eps: size,
    /** Radius of the L2 ball. */
    l2: size,
    /** Largest change of a logit. */
    outputBound: size,
    stability: object({ images: count, steps: count, restarts: count }),
  },
  /** Figures 3 and 4: how much like SmoothGrad gradient maps become with rounds of ATEX. */
  smoothing: {
    ...common,
    scheme: text,
    rounds: list(natural),
    split,
    images: count,
    samples: count,
    sigma: optional(size, 0.15),
    pictures: optional(natural, 0),
  },
  /** Figure 5: accuracy under FGSM after adversarial training, against rounds of ATEX before it. */
  hardening: { ...common, scheme: text, rounds: list(natural), split, adversarial: text, eps: size },
  /** Section 5.2: time of a training step. */
  timing: { ...common, schemes: names, batch: count, steps: count },
});

const shape = object({
  /** Where an editor finds the schema; of no meaning here. */
  $schema: optional(text),
  title: text,
  seeds: list(natural),
  network,
  /** Pixels in the top-k intersection and the untargeted objective. */
  k: optional(count, 50),
  data: record(dataPlan),
  /** A scheme may be `like` another one: one setting changed at a time. */
  schemes: variations(scheme),
  experiments: record(experiment),
});

export type ReproduceConfig = Infer<typeof shape>;
export type DataPlan = Infer<typeof dataPlan>;
export type SchemeConfig = Infer<typeof scheme>;
export type ExperimentConfig = Infer<typeof experiment>;
export type ExperimentOf<K extends ExperimentConfig["kind"]> = Extract<ExperimentConfig, { kind: K }>;
export type AttackConfig = Infer<typeof attack>;
export type DataName = (typeof DATA)[number];
export type RuleName = (typeof RULES)[number];

/** The JSON Schema (draft 2020-12) of a configuration. */
export const configSchema: Readonly<Record<string, unknown>> = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  ...shape.json,
};

/** A training scheme with its defaults. @throws ConfigError naming the place of the first mistake. */
export function readScheme(value: unknown): SchemeConfig {
  return (scheme as Schema<SchemeConfig>).read(value, "scheme");
}

/** A configuration with its defaults. @throws ConfigError naming the place of the first mistake. */
export function readConfig(value: unknown): ReproduceConfig {
  const config = (shape as Schema<ReproduceConfig>).read(value, "");
  if (config.schemes.normal?.kind !== "normal")
    throw new ConfigError("schemes.normal: a scheme of kind normal is needed; it is the teacher of the others");
  for (const [name, e] of Object.entries(config.experiments)) {
    for (const data of e.data) requireKnown(`experiments.${name}.data`, data, config.data);
    for (const scheme of schemesOf(e)) requireKnown(`experiments.${name}`, scheme, config.schemes);
    if (e.kind === "smoothing" || e.kind === "hardening")
      requireRounds(`experiments.${name}.rounds`, e, config.schemes);
    const unsplit = e.data.find((data) => config.data[data].validation === undefined);
    if ("split" in e && e.split === "validation" && unsplit)
      throw new ConfigError(`experiments.${name}: data.${unsplit} sets no validation images aside; give their number`);
  }
  return config;
}

/** The schemes an experiment trains. */
export function schemesOf(e: ExperimentConfig): readonly string[] {
  if (e.kind === "hardening") return [e.scheme, e.adversarial];
  return "scheme" in e ? [e.scheme] : e.schemes;
}

function requireKnown(path: string, name: string, known: Readonly<Record<string, unknown>>): void {
  if (!Object.hasOwn(known, name))
    throw new ConfigError(`${path}: ${name} is not defined; there is ${Object.keys(known).join(", ")}`);
}

/** A rate that has fallen to nothing teaches nothing more. */
function requireRounds(
  path: string,
  { scheme, rounds }: ExperimentOf<"smoothing" | "hardening">,
  schemes: ReproduceConfig["schemes"],
): void {
  const { decay, epochs } = schemes[scheme];
  const most = Math.max(...rounds);
  if (decay !== "none" && most > epochs)
    throw new ConfigError(
      `${path}: ${most} came; the rate of ${scheme} falls to 0 in ${epochs} epochs: raise its epochs`,
    );
}
