/** Networks the experiments use, for 28×28 grey images and ten classes unless told otherwise. */
import { softplus, tanh } from "./activations.js";
import { fanInUniform, type Initialiser } from "./init.js";
import { type Layer, named, type Sequential, sequential } from "./layer.js";
import { avgPool, conv2d, dense, flatten, maxPool } from "./layers.js";

export interface PresetOptions {
  /** Activation after convolutions (and the hidden dense layer of the paper's network); default softplus with beta 10, which trains
   *  about as fast as relu, while beta 1 lags several points behind in the first epochs. */
  readonly activation?: Layer;
  readonly classes?: number;
  /** Initialiser of all weights; default PyTorch's. */
  readonly init?: Initialiser;
}

/** Two convolutions and two dense layers with softplus, as the ATEX paper describes its network (Tang et al. 2022, sec. 5.1);
 *  the sizes, which it does not give, are ours: conv 5×5 1-32, average pool, conv 5×5 32-64, average pool, dense 128. */
export function paperNetwork({
  activation = softplus({ beta: 10 }),
  classes = 10,
  init = fanInUniform,
}: PresetOptions = {}): Sequential {
  return sequential([
    named("conv1", conv2d(32, 5, { padding: "same", init })),
    activation,
    avgPool(2),
    named("conv2", conv2d(64, 5, { padding: "same", init })),
    activation,
    avgPool(2),
    flatten,
    named("dense1", dense(128, { init })),
    activation,
    named("dense2", dense(classes, { init })),
  ]);
}

/** The network of the authors' released code: conv 3×3 1-32, max pool, conv 3×3 32-32, max pool, dense 120 with tanh, dense 10. */
export function authorsNetwork({
  activation = softplus({ beta: 10 }),
  classes = 10,
  init = fanInUniform,
}: PresetOptions = {}): Sequential {
  return sequential([
    named("conv1", conv2d(32, 3, { init })),
    activation,
    maxPool(2),
    named("conv2", conv2d(32, 3, { init })),
    activation,
    maxPool(2),
    flatten,
    named("dense1", dense(120, { init })),
    tanh,
    named("dense2", dense(classes, { init })),
  ]);
}

/** A small network that trains in seconds: conv 3×3 1-8, average pool, conv 3×3 8-16, average pool, dense 10. */
export function tinyNetwork({
  activation = softplus({ beta: 10 }),
  classes = 10,
  init = fanInUniform,
}: PresetOptions = {}): Sequential {
  return sequential([
    named("conv1", conv2d(8, 3, { padding: "same", init })),
    activation,
    avgPool(2),
    named("conv2", conv2d(16, 3, { padding: "same", init })),
    activation,
    avgPool(2),
    flatten,
    named("dense1", dense(classes, { init })),
  ]);
}

/** Presets by the name the command line uses. */
export const presets = { paper: paperNetwork, authors: authorsNetwork, tiny: tinyNetwork } as const;
export type PresetName = keyof typeof presets;
