/** Networks by name: for images, and for rows of a table. They take the shape that their samples have. */

import { aFunction, aNumber } from "../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../engine/options.js";
import { relu, softplus, tanh } from "./activations.js";
import { residual, type Sequential, sequential } from "./containers.js";
import { fanInUniform, heNormal, type Initialiser } from "./init.js";
import { aLayer, numberList } from "./kinds.js";
import { type Layer, named } from "./layer.js";
import { avgPool, conv2d, dense, flatten, globalAvgPool, maxPool } from "./layers.js";
import { batchNorm } from "./norms.js";

/** What all ready-made networks take. */
export interface PresetOptions {
  /** Activation after convolutions and hidden dense layers; default softplus with beta 10, which trains about as fast as relu, while
   *  beta 1 lags several points behind in the first epochs; relu for `residual` and `mlp`. */
  readonly activation?: Layer;
  readonly classes?: number;
  /** Initialiser of all weights; default PyTorch's, He et al.'s for `residual`. */
  readonly init?: Initialiser;
}

const PRESET_OPTIONS: KindsOf<PresetOptions> = {
  activation: aLayer,
  classes: aNumber,
  init: aFunction,
};

/** Two convolutions with average pools and two dense layers, of these widths. */
function twoConvolutions(
  name: string,
  [first, second, hidden]: readonly [number, number, number],
  options: PresetOptions,
): Sequential {
  const {
    activation = softplus({ beta: 10 }),
    classes = 10,
    init = fanInUniform,
  } = checkedOptions(name, options, PRESET_OPTIONS);
  return sequential([
    named("conv1", conv2d(first, 5, { padding: "same", init })),
    activation,
    avgPool(2),
    named("conv2", conv2d(second, 5, { padding: "same", init })),
    activation,
    avgPool(2),
    flatten,
    named("dense1", dense(hidden, { init })),
    activation,
    named("dense2", dense(classes, { init })),
  ]);
}

/** Two convolutions and two dense layers with softplus, as the ATEX paper describes its network (Tang et al. 2022, sec. 5.1);
 *  the sizes, which it does not give, are ours: conv 5×5 32, average pool, conv 5×5 64, average pool, dense 128. */
export function paperNetwork(options: PresetOptions = {}): Sequential {
  return twoConvolutions("paperNetwork", [32, 64, 128], options);
}

/** The network of the paper with a quarter of its channels, for studies that train many: conv 5×5 8, average pool, conv 5×5 16, average
 *  pool, dense 64. */
export function smallNetwork(options: PresetOptions = {}): Sequential {
  return twoConvolutions("smallNetwork", [8, 16, 64], options);
}

/** The network of the authors' released code: conv 3×3 32, max pool, conv 3×3 32, max pool, dense 120 with tanh, dense. */
export function authorsNetwork(options: PresetOptions = {}): Sequential {
  const {
    activation = softplus({ beta: 10 }),
    classes = 10,
    init = fanInUniform,
  } = checkedOptions("authorsNetwork", options, PRESET_OPTIONS);
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

/** A small network that trains in seconds: conv 3×3 8, average pool, conv 3×3 16, average pool, dense. */
export function tinyNetwork(options: PresetOptions = {}): Sequential {
  const {
    activation = softplus({ beta: 10 }),
    classes = 10,
    init = fanInUniform,
  } = checkedOptions("tinyNetwork", options, PRESET_OPTIONS);
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

/** Options of `residualNetwork`. */
export interface ResidualNetworkOptions extends PresetOptions {
  /** Channels of the first stage; each further stage has twice as many at half the size. Default 16. */
  readonly width?: number;
  /** Residual blocks per stage; default 2. */
  readonly blocks?: number;
}

const RESIDUAL_NETWORK_OPTIONS: KindsOf<ResidualNetworkOptions> = {
  activation: aLayer,
  classes: aNumber,
  init: aFunction,
  width: aNumber,
  blocks: aNumber,
};

/** A small residual network for colour images: a 3×3 convolution, three stages of residual blocks with batch norm, the mean over
 *  positions, a dense layer. With the defaults and 3 channels 175 000 parameters. Source: He et al. 2016, sec. 4.2. */
export function residualNetwork(options: ResidualNetworkOptions = {}): Sequential {
  const {
    activation = relu,
    classes = 10,
    init = heNormal,
    width = 16,
    blocks = 2,
  } = checkedOptions("residualNetwork", options, RESIDUAL_NETWORK_OPTIONS);
  const convolution = (filters: number, size: number, stride = 1): Layer =>
    conv2d(filters, size, { stride, padding: size === 1 ? 0 : 1, bias: false, init });
  const block = (filters: number, stride: number, widens: boolean): Layer =>
    sequential([
      named(
        "sum",
        residual(
          sequential([
            named("conv1", convolution(filters, 3, stride)),
            named("norm1", batchNorm()),
            activation,
            named("conv2", convolution(filters, 3)),
            named("norm2", batchNorm()),
          ]),
          widens ? sequential([named("conv", convolution(filters, 1, stride)), named("norm", batchNorm())]) : undefined,
        ),
      ),
      activation,
    ]);
  const stage = (i: number): Layer[] =>
    Array.from({ length: blocks }, (_, b) =>
      named(`stage${i + 1}block${b + 1}`, block(width * 2 ** i, i > 0 && b === 0 ? 2 : 1, i > 0 && b === 0)),
    );
  return sequential([
    named("stem", convolution(width, 3)),
    named("stemNorm", batchNorm()),
    activation,
    ...[0, 1, 2].flatMap(stage),
    globalAvgPool,
    named("head", dense(classes, { init })),
  ]);
}

/** Options of `mlp`. */
export interface MlpOptions extends PresetOptions {
  /** Units of the hidden layers; default two of 100. */
  readonly hidden?: readonly number[];
}

const MLP_OPTIONS: KindsOf<MlpOptions> = {
  activation: aLayer,
  classes: aNumber,
  init: aFunction,
  hidden: numberList,
};

/** Hidden dense layers with relu, for rows of a table; other samples are flattened. Source of the size: Dimanov et al. 2020. */
export function mlp(options: MlpOptions = {}): Sequential {
  const {
    activation = relu,
    classes = 2,
    init = fanInUniform,
    hidden = [100, 100],
  } = checkedOptions("mlp", options, MLP_OPTIONS);
  return sequential([
    flatten,
    ...hidden.flatMap((units, i) => [named(`dense${i + 1}`, dense(units, { init })), activation]),
    named(`dense${hidden.length + 1}`, dense(classes, { init })),
  ]);
}

/** Multinomial logistic regression: one dense layer. */
export function logistic(options: PresetOptions = {}): Sequential {
  const { classes = 2, init = fanInUniform } = checkedOptions("logistic", options, PRESET_OPTIONS);
  return sequential([flatten, named("dense1", dense(classes, { init }))]);
}

/** Presets by the name the command line uses: a new one is its function and a row here. */
export const presets = {
  paper: paperNetwork,
  small: smallNetwork,
  authors: authorsNetwork,
  tiny: tinyNetwork,
  residual: residualNetwork,
  mlp,
  logistic,
} as const;
/** Names of ready-made networks, as model cards and commands use them. */
export type PresetName = keyof typeof presets;
