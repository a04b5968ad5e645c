/** Optimisers as pure functions of trees. The step count is a tensor, so that a captured step advances it on the GPU; a
 *  learning rate that changes is a schedule, a function of that tensor. */

import {
  add,
  constant,
  div,
  equal,
  expm1,
  keep,
  leaves,
  mapTree,
  maximum,
  minimum,
  mul,
  neg,
  scope,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type TensorOrNumber,
  type Tree,
  tensor,
  where,
  zeros,
  zipTrees,
} from "../engine/index.js";
import { aFlag, aFunction, aNumber, aPositiveNumber, aTree, either, required } from "../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments, shown } from "../engine/options.js";

/** Learning rate as a function of the step count (f32, 0 before the first step). */
export type Schedule = (step: Tensor) => TensorOrNumber;

/** A rule by which gradients become steps, as two pure functions; its state is a tree like the parameters'. */
export interface Optimiser {
  readonly name: string;
  /** State for parameters; kept tensors, to be disposed by the caller. */
  init(params: Tree): Tree;
  /** New parameters and state; nothing is changed in place (a captured step donates the old ones). */
  update<P extends Tree>(params: P, gradients: P, state: Tree): [P, Tree];
}

/** Parameters whose option is out of range give plausible nonsense. */
function requireOption(name: string, option: string, value: number, fits: boolean, needed: string): void {
  if (!fits) throw new RangeError(`${name}: ${option} ${shown(value)} given; ${needed} is needed`);
}

function requireNotNegative(name: string, options: Readonly<Record<string, number | Schedule>>): void {
  for (const [option, value] of Object.entries(options))
    if (typeof value !== "function")
      requireOption(name, option, value, value >= 0 && value < Infinity, "a finite number of at least 0");
}

function rate(lr: number | Schedule, step: Tensor): TensorOrNumber {
  return typeof lr === "number" ? lr : lr(step);
}

const zerosLikeTree = (params: Tree): Tree => mapTree(params, (p) => zeros(p.shape));

/** The first state, kept; what it was made from is freed. */
const stateOf = (make: () => Tree): Tree => keep(scope(make, "optimiser"));

/** Options of `sgd`; momentum and penalty are 0 by default. */
export interface SgdOptions {
  readonly lr: number | Schedule;
  readonly momentum?: number;
  readonly nesterov?: boolean;
  /** L2 penalty added to the gradient. */
  readonly weightDecay?: number;
}

/** v ← μ v + g, p ← p − lr v (Nesterov: p − lr (g + μ v)). Source: Sutskever et al. 2013, in PyTorch's form.
 *  @throws RangeError for negative options, or Nesterov without momentum. */
export function sgd(options: SgdOptions): Optimiser {
  const { lr, momentum = 0, nesterov = false, weightDecay = 0 } = checkedOptions("sgd", options, SGD_OPTIONS);
  requireNotNegative("sgd", { lr, momentum, weightDecay });
  if (nesterov) requireOption("sgd", "nesterov with momentum", momentum, momentum > 0, "a positive momentum");
  return {
    name: "sgd",
    init: (params) => stateOf(() => ({ step: tensor(0), velocity: momentum === 0 ? null : zerosLikeTree(params) })),
    update(params, gradients, state) {
      const eta = rate(lr, state.step);
      const g = weightDecay === 0 ? gradients : zipTrees((d, p) => add(d, mul(p, weightDecay)), gradients, params);
      const velocity = momentum === 0 ? null : zipTrees((v, d) => add(mul(v, momentum), d), state.velocity, g);
      const direction =
        velocity === null ? g : nesterov ? zipTrees((d, v) => add(d, mul(v, momentum)), g, velocity) : velocity;
      const next = zipTrees((p, d) => sub(p, mul(d, eta)), params, direction);
      return [next, { step: add(state.step, 1), velocity }];
    },
  };
}

/** Options of `adam`; defaults 1e-3, 0.9, 0.999 and 1e-8, the paper's. */
export interface AdamOptions {
  readonly lr?: number | Schedule;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

const RATE = either(aNumber, { ...aFunction, needed: "a schedule" });
const ADAM_OPTIONS: KindsOf<AdamOptions> = { lr: RATE, beta1: aNumber, beta2: aNumber, epsilon: aNumber };
const SGD_OPTIONS: KindsOf<SgdOptions> = {
  lr: required(RATE),
  momentum: aNumber,
  nesterov: aFlag,
  weightDecay: aNumber,
};

/** Adam with bias correction. Source: Kingma, Ba 2015, algorithm 1. */
export function adam(options: AdamOptions = {}): Optimiser {
  return adaptive("adam", checkedOptions("adam", options, ADAM_OPTIONS), 0);
}

/** Adam with decoupled weight decay: p ← p − lr (adam direction + λ p). Source: Loshchilov, Hutter 2019, algorithm 2. */
export function adamW(given: AdamOptions & { readonly weightDecay?: number } = {}): Optimiser {
  const { weightDecay = 0.01, ...options } = checkedOptions("adamW", given, { ...ADAM_OPTIONS, weightDecay: aNumber });
  return adaptive("adamW", options, weightDecay);
}

function adaptive(
  name: string,
  { lr = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions,
  weightDecay: number,
): Optimiser {
  requireNotNegative(name, { lr, epsilon, weightDecay });
  for (const [option, beta] of Object.entries({ beta1, beta2 }))
    requireOption(name, option, beta, beta >= 0 && beta < 1, "a number in [0, 1)");
  return {
    name,
    init: (params) => stateOf(() => ({ step: tensor(0), m: zerosLikeTree(params), v: zerosLikeTree(params) })),
    update(params, gradients, state) {
      const step = add(state.step, 1);
      const eta = rate(lr, state.step);
      // 1 − βᵗ with the step count on the GPU; the difference itself would cancel in early steps, where βᵗ is almost 1, and
      // the infinite logarithm of 0 is nothing to count on in WGSL.
      const correction = (beta: number): TensorOrNumber => (beta === 0 ? 1 : neg(expm1(mul(step, Math.log(beta)))));
      const [c1, c2] = [correction(beta1), correction(beta2)];
      const m = zipTrees((a, g) => add(mul(a, beta1), mul(g, 1 - beta1)), state.m, gradients);
      const v = zipTrees((a, g) => add(mul(a, beta2), mul(square(g), 1 - beta2)), state.v, gradients);
      const next = zipTrees(
        (p, a, b) => {
          const direction = div(div(a, c1), add(sqrt(div(b, c2)), epsilon));
          const decayed = weightDecay === 0 ? direction : add(direction, mul(p, weightDecay));
          return sub(p, mul(decayed, eta));
        },
        params,
        m,
        v,
      );
      return [next, { step, m, v }];
    },
  };
}

/** Options of `rmsProp`; momentum and penalty are 0 by default. */
export interface RmsPropOptions {
  /** Default 1e-2. */
  readonly lr?: number | Schedule;
  /** How much of the mean of squares is kept from step to step; default 0.99. */
  readonly decay?: number;
  /** Added to the root; default 1e-8. */
  readonly epsilon?: number;
  readonly momentum?: number;
  /** L2 penalty added to the gradient. */
  readonly weightDecay?: number;
}

const RMS_PROP_OPTIONS: KindsOf<RmsPropOptions> = {
  lr: RATE,
  decay: aNumber,
  epsilon: aNumber,
  momentum: aNumber,
  weightDecay: aNumber,
};

/** v ← α v + (1 − α) g², p ← p − lr u with u = g / (√v + ε), or u ← μ u + g / (√v + ε) with momentum. Source: Tieleman, Hinton 2012
 *  (lecture 6e), in PyTorch's form. @throws RangeError for options out of range. */
export function rmsProp(options: RmsPropOptions = {}): Optimiser {
  const {
    lr = 1e-2,
    decay = 0.99,
    epsilon = 1e-8,
    momentum = 0,
    weightDecay = 0,
  } = checkedOptions("rmsProp", options, RMS_PROP_OPTIONS);
  requireNotNegative("rmsProp", { lr, epsilon, momentum, weightDecay });
  requireOption("rmsProp", "decay", decay, decay >= 0 && decay < 1, "a number in [0, 1)");
  return {
    name: "rmsProp",
    init: (params) =>
      stateOf(() => ({
        step: tensor(0),
        v: zerosLikeTree(params),
        velocity: momentum === 0 ? null : zerosLikeTree(params),
      })),
    update(params, gradients, state) {
      const eta = rate(lr, state.step);
      const g = weightDecay === 0 ? gradients : zipTrees((d, p) => add(d, mul(p, weightDecay)), gradients, params);
      const v = zipTrees((a, d) => add(mul(a, decay), mul(square(d), 1 - decay)), state.v, g);
      const scaled = zipTrees((d, a) => div(d, add(sqrt(a), epsilon)), g, v);
      const velocity = momentum === 0 ? null : zipTrees((u, d) => add(mul(u, momentum), d), state.velocity, scaled);
      const next = zipTrees((p, u) => sub(p, mul(u, eta)), params, velocity ?? scaled);
      return [next, { step: add(state.step, 1), v, velocity }];
    },
  };
}

/** √Σ‖g‖² over all tensors of a tree. As that of `norm`, its gradient is 0 where it is 0, and the squares must be f32 numbers. */
export function globalNorm(gradients: Tree): Tensor {
  requireArguments("globalNorm", { gradients: [gradients, aTree] });
  const squares = leaves(gradients)
    .map((g) => sum(square(g)))
    .reduce(add, constant(0));
  // The root is taken of 1 where it is not used, because its derivative at 0 is infinite.
  const none = equal(squares, 0);
  return where(none, 0, sqrt(where(none, 1, squares)));
}

/** Scales all gradients so that their joint L2 norm is at most `max`. Source: Pascanu et al. 2013, algorithm 1.
 *  @throws RangeError unless `max` is positive. */
export function clipByGlobalNorm<T extends Tree>(gradients: T, max: number): T {
  requireArguments("clipByGlobalNorm", { gradients: [gradients, aTree], max: [max, aNumber] });
  requireOption("clipByGlobalNorm", "max", max, aPositiveNumber.fits(max), "a positive number");
  const factor = minimum(1, div(max, maximum(globalNorm(gradients), 1e-12)));
  return mapTree(gradients, (g) => mul(g, factor));
}

/** Clips every element to [−max, max]. @throws RangeError unless `max` is positive. */
export function clipByValue<T extends Tree>(gradients: T, max: number): T {
  requireArguments("clipByValue", { gradients: [gradients, aTree], max: [max, aNumber] });
  requireOption("clipByValue", "max", max, aPositiveNumber.fits(max), "a positive number");
  return mapTree(gradients, (g) => minimum(maximum(g, -max), max));
}
