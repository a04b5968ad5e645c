/** Initial weights, each with its formula and source. */

import { mul, random, sub, type Tensor, zeros as zerosOp } from "../engine/index.js";
import { aKey, anObject, aPositiveNumber, aShape } from "../engine/kinds.js";
import { requireArguments } from "../engine/options.js";

/** Inputs and outputs of one unit, by which initialisers scale. */
export interface Fans {
  readonly fanIn: number;
  readonly fanOut: number;
}

/** Weights of a shape from a key and the number of inputs and outputs of one unit. */
export type Initialiser = (key: Tensor, shape: readonly number[], fans: Fans) => Tensor;

const FANS = anObject("the inputs and outputs of a unit", { fanIn: aPositiveNumber, fanOut: aPositiveNumber });

/** An initialiser that looks at what it is given. */
function initialiser(name: string, make: Initialiser): Initialiser {
  return (key, shape, fans) => {
    requireArguments(name, { key: [key, aKey], shape: [shape, aShape], fans: [fans, FANS] });
    return make(key, shape, fans);
  };
}

const uniform = (key: Tensor, shape: readonly number[], limit: number): Tensor =>
  mul(sub(mul(random.uniform(key, shape), 2), 1), limit);
const normal = (key: Tensor, shape: readonly number[], sigma: number): Tensor => mul(random.normal(key, shape), sigma);

/** U(±√(6/(in+out))). Source: Glorot, Bengio 2010, eq. 16. */
export const glorotUniform: Initialiser = initialiser("glorotUniform", (key, shape, { fanIn, fanOut }) =>
  uniform(key, shape, Math.sqrt(6 / (fanIn + fanOut))),
);
/** N(0, 2/(in+out)). Source: Glorot, Bengio 2010, eq. 12. */
export const glorotNormal: Initialiser = initialiser("glorotNormal", (key, shape, { fanIn, fanOut }) =>
  normal(key, shape, Math.sqrt(2 / (fanIn + fanOut))),
);
/** U(±√(6/in)), for relu. Source: He et al. 2015, eq. 10, as a uniform of the same variance. */
export const heUniform: Initialiser = initialiser("heUniform", (key, shape, { fanIn }) =>
  uniform(key, shape, Math.sqrt(6 / fanIn)),
);
/** N(0, 2/in), for relu. Source: He et al. 2015, eq. 10. */
export const heNormal: Initialiser = initialiser("heNormal", (key, shape, { fanIn }) =>
  normal(key, shape, Math.sqrt(2 / fanIn)),
);
/** N(0, 1/in). Source: LeCun et al. 1998, sec. 4.6. */
export const lecunNormal: Initialiser = initialiser("lecunNormal", (key, shape, { fanIn }) =>
  normal(key, shape, Math.sqrt(1 / fanIn)),
);
/** U(±√(3/in)), the uniform of the same variance as `lecunNormal`. */
export const lecunUniform: Initialiser = initialiser("lecunUniform", (key, shape, { fanIn }) =>
  uniform(key, shape, Math.sqrt(3 / fanIn)),
);
/** U(±1/√in), the default of PyTorch's linear and convolution layers. */
export const fanInUniform: Initialiser = initialiser("fanInUniform", (key, shape, { fanIn }) =>
  uniform(key, shape, 1 / Math.sqrt(fanIn)),
);
/** All zeros. */
export const zeros: Initialiser = (_, shape) => zerosOp(shape);
