/**
 * The cases of the suite `networks`: networks of the size that people bring, as data that every system can read, with parameters and
 * inputs that are the same to the bit.
 *
 * A network is the JSON of its layers (`layerToJson`), and a parameter has its path in the tree of `holdfast/nn` ("3.body.0.weight"),
 * whose layout is PyTorch's: filters [out, in / groups, row, column], dense weights [out, in].
 */
import { drawCoalitions, shapleySolver } from "../atex/explainers/coalitions.js";
import { type LayerJson, layerToJson } from "../nn/index.js";
import { type HostTensor, hash, type NetworkCase, uniform } from "./inputs.js";
import { mobileNetV2, resnet18, tabularNetwork, tokenTransformer } from "./nets.js";

/** Networks with the shape of a sample and their classes. */
export const networks = {
  "resnet-18": { layer: resnet18, shape: [3, 224, 224], classes: 1000 },
  "mobilenet-v2": { layer: mobileNetV2, shape: [3, 224, 224], classes: 1000 },
  transformer: { layer: tokenTransformer, shape: [64, 48], classes: 10 },
  mlp: { layer: tabularNetwork, shape: [32], classes: 2 },
} as const;

export type NetworkName = keyof typeof networks;

/** What a case does with its network. */
export interface NetworkWork {
  readonly network: NetworkName;
  /** Logits; gradient of the label logits for the inputs; an attack on that gradient; steps of Adam; Shapley values of the label logit. */
  readonly work: "forward" | "gradient" | "attack" | "training" | "shapley";
  readonly batch: number;
}

/** The cases with a network of this file. `lrp` and `grad-cam` run the network of inputs.ts. */
export const networkWorks = {
  "resnet18-224": { network: "resnet-18", work: "forward", batch: 1 },
  "resnet18-224-gradient": { network: "resnet-18", work: "gradient", batch: 1 },
  "resnet18-224-attack": { network: "resnet-18", work: "attack", batch: 1 },
  "mobilenet-v2-224": { network: "mobilenet-v2", work: "forward", batch: 1 },
  "mobilenet-v2-224-gradient": { network: "mobilenet-v2", work: "gradient", batch: 1 },
  "mobilenet-v2-224-attack": { network: "mobilenet-v2", work: "attack", batch: 1 },
  transformer: { network: "transformer", work: "training", batch: 16 },
  "mlp-tabular": { network: "mlp", work: "training", batch: 1024 },
  "kernel-shap": { network: "mlp", work: "shapley", batch: 100 },
} as const satisfies Partial<Record<NetworkCase, NetworkWork>>;

export type WorkName = keyof typeof networkWorks;

/**
 * The attack: steps of length `step` (L2) down the squared distance between the gradient of the label logit for the image and a
 * given map, with softplus of sharpness `beta` in the place of relu (relu6: a difference of two), inside [0, 1] and `radius` of every
 * pixel. Source: Dombrowski et al. 2019, sec. 3.3, with steps that do not jump with the sign of a small slope; with a sharpness of 20 ten steps make percents of the rounding
 * errors of f32, with 5 they do not.
 */
export const attack = { steps: 10, step: 1.5, radius: 8 / 255, beta: 5, target: 1e-3 } as const;

/** Coalitions of KernelSHAP besides the empty one and that of all features. */
export const coalitionCount = 2048;

interface Parameter {
  readonly path: string;
  readonly shape: readonly number[];
  readonly low: number;
  readonly high: number;
}

/** Adds the parameters of a layer for samples of `features` channels (or numbers a token) to `found`. Returns the features that it gives. */
function visit(layer: LayerJson, path: string, features: number, tokens: number, found: Parameter[]): number {
  const { kind, options = {}, parts = {} } = layer;
  const { filters, size, groups, units, bias } = options as Record<string, number>;
  const into = (inside: LayerJson, at: string, d: number) => visit(inside, `${path}${at}.`, d, tokens, found);
  const add = (name: string, shape: readonly number[], low: number, high: number) =>
    found.push({ path: path + name, shape, low, high });
  // Of He et al. 2015, as a uniform distribution.
  const weight = (name: string, shape: readonly number[]) => {
    const limit = Math.sqrt(6 / shape.slice(1).reduce((a, b) => a * b, 1));
    add(name, shape, -limit, limit);
  };
  switch (kind) {
    case "sequential":
      return (parts.layers as readonly LayerJson[]).reduce((d, inside, i) => into(inside, String(i), d), features);
    case "residual": {
      if (parts.shortcut) into(parts.shortcut as LayerJson, "shortcut", features);
      return into(parts.body as LayerJson, "body", features);
    }
    case "conv2d":
      weight("weight", [filters, features / groups, size, size]);
      return filters;
    case "dense":
      weight("weight", [units, features]);
      if (bias) add("bias", [units], -0.1, 0.1);
      return units;
    case "attention":
      weight("in_proj_weight", [3 * features, features]);
      add("in_proj_bias", [3 * features], -0.1, 0.1);
      weight("out_proj.weight", [features, features]);
      add("out_proj.bias", [features], -0.1, 0.1);
      return features;
    case "positions":
      add("weight", [tokens, features], -0.02, 0.02);
      return features;
    case "batchNorm":
    case "layerNorm":
      if (kind === "batchNorm") {
        add("running_mean", [features], -0.1, 0.1);
        add("running_var", [features], 0.5, 1.5);
      }
      add("weight", [features], 0.5, 1);
      add("bias", [features], -0.1, 0.1);
      return features;
    default:
      return features;
  }
}

/** The network as data. */
export function networkJson(name: NetworkName): LayerJson {
  return layerToJson(networks[name].layer());
}

/** Its parameters by path. */
export function parametersOf(name: NetworkName): Record<string, HostTensor> {
  const found: Parameter[] = [];
  const [first, ...rest] = networks[name].shape as readonly number[];
  visit(networkJson(name), "", rest.length === 1 ? rest[0] : first, first, found);
  return Object.fromEntries(found.map(({ path, shape, low, high }, i) => [path, uniform(128 + i, shape, low, high)]));
}

/** The samples of a case, [batch, ...shape], and a class for each. */
export function samplesOf(name: WorkName): { x: HostTensor; labels: Int32Array } {
  const { network, batch } = networkWorks[name];
  const { shape, classes } = networks[network];
  return {
    x: uniform(64, [batch, ...shape], 0, 1),
    labels: Int32Array.from({ length: batch }, (_, i) => hash(i, 65) % classes),
  };
}

/** The map that the attack is after, of an image's shape. */
export function targetMap(name: WorkName): HostTensor {
  const { network, batch } = networkWorks[name];
  return uniform(66, [batch, ...networks[network].shape], -attack.target, attack.target);
}

/** What KernelSHAP has besides its samples: a background of one row; the coalitions as rows of zeros and ones, the empty one and that of
 *  all features first; the weights of the others; and the matrix [features, coalitions - 1] that makes values of the scores less that of the
 *  empty coalition. */
export function coalitions(): Record<"background" | "masks" | "weights" | "solver", HostTensor> {
  const [features] = networks.mlp.shape;
  const drawn = drawCoalitions(features, coalitionCount, 0);
  const all = Array.from({ length: features }, (_, i) => i);
  const asked = [[], all, ...drawn.members];
  const masks = new Float32Array(asked.length * features);
  for (const [row, members] of asked.entries()) for (const i of members) masks[row * features + i] = 1;
  return {
    background: uniform(67, [1, features], 0, 1),
    masks: { shape: [asked.length, features], data: masks },
    weights: { shape: [drawn.weights.length], data: Float32Array.from(drawn.weights) },
    solver: {
      shape: [features, asked.length - 1],
      data: Float32Array.from(shapleySolver(features, drawn)),
    },
  };
}

/** Everything that a case is given, by name; parameters have a dot in theirs. */
export function networkInputs(name: WorkName): Record<string, HostTensor | { shape: number[]; data: Int32Array }> {
  const { network, work } = networkWorks[name];
  const { x, labels } = samplesOf(name);
  return {
    ...parametersOf(network),
    ...{ x, labels: { shape: [labels.length], data: labels } },
    ...(work === "attack" && { target: targetMap(name) }),
    ...(work === "shapley" && coalitions()),
  };
}
