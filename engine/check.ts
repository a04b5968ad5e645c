/** Gradient checks against finite differences, to any order, for users and tests alike. */

import { describe } from "./errors.js";
import { executor } from "./executor.js";
import { generator } from "./generator.js";
import { grad } from "./grad.js";
import { aCount, aNatural, aNumberOfAtLeast0, aPositiveNumber } from "./kinds.js";
import { add, constant, mul } from "./ops/arithmetic.js";
import { sum } from "./ops/reduce.js";
import { checkedOptions, isList, requireFunction, shownList } from "./options.js";
import { openScope } from "./scope.js";
import { sameShape } from "./shape.js";
import { isTensor, type Tensor, tensor } from "./tensor.js";
import { leaves, type Tree } from "./tree.js";

/** How far and how closely `checkGrads` compares. */
export interface CheckOptions {
  /** Highest order checked; default 2. */
  readonly order?: number;
  /** Half the finite-difference step; default 1e-6 in float64 and 1e-2 on the GPU, which has only f32. */
  readonly eps?: number;
  /** |analytic − numeric| ≤ atol + rtol·|numeric|; defaults 1e-3 and 1e-5 in float64 (those of PyTorch's gradcheck), 2e-2 and
   *  1e-2 on the GPU. */
  readonly rtol?: number;
  readonly atol?: number;
  /** Seed of the random directions. */
  readonly seed?: number;
}

const CHECK_OPTIONS = {
  order: aCount,
  eps: aPositiveNumber,
  rtol: aNumberOfAtLeast0,
  atol: aNumberOfAtLeast0,
  seed: aNatural,
};

/** A derivative does not agree with its finite difference; the message has the order and both numbers. */
export class GradientError extends Error {
  override name = "GradientError";
}

type ListFunction = (xs: Tensor[]) => Tensor[];

/**
 * Checks the derivatives of `f` at `inputs` (f32 tensors are varied, others are constants). At each order one random
 * direction v and one random cotangent g are drawn and ⟨v, Jᵀg⟩ is compared with ⟨g, (f(x+εv) − f(x−εv))/2ε⟩; the next
 * order checks the function (x, g) ↦ Jᵀg the same way, so cost does not grow with size.
 * @throws GradientError naming the order and both numbers.
 */
export async function checkGrads(
  // biome-ignore lint/suspicious/noExplicitAny: user functions of tensors.
  f: (...inputs: any[]) => Tree,
  inputs: readonly Tensor[],
  options: CheckOptions = {},
): Promise<void> {
  requireFunction("checkGrads", f, "checkGrads((x) => sum(x), [x])");
  checkedOptions("checkGrads", options, CHECK_OPTIONS);
  if (!isList(inputs) || !inputs.every(isTensor))
    throw new TypeError(`checkGrads: inputs are ${shownList(inputs)}; a list of tensors is needed`);
  const float64 = executor().kind === "reference";
  const settings = {
    order: options.order ?? 2,
    eps: options.eps ?? (float64 ? 1e-6 : 1e-2),
    rtol: options.rtol ?? (float64 ? 1e-3 : 2e-2),
    atol: options.atol ?? (float64 ? 1e-5 : 1e-2),
  };
  const random = directions(options.seed ?? 1);
  const varied = inputs.flatMap((x, i) => (x.dtype === "f32" ? [i] : []));
  let current: ListFunction = (xs) => {
    const all = [...inputs];
    for (const [k, i] of varied.entries()) all[i] = xs[k];
    return leaves(f(...all)).filter((y) => y.dtype === "f32");
  };
  let at = varied.map((i) => inputs[i]);
  using here = openScope("checkGrads");
  for (let order = 1; order <= settings.order; order++) {
    const previous = current;
    const width = at.length;
    const cotangents = current(at).map((y) => tensor(random(y.size), y.shape));
    const pulled: ListFunction = (xs) =>
      grad((primals: Tensor[]) => inner(previous(primals), xs.slice(width)))(xs.slice(0, width));
    await here.wait(compare(current, pulled, at, cotangents, order, settings, random));
    current = pulled;
    at = [...at, ...cotangents];
  }
}

async function compare(
  f: ListFunction,
  pulled: ListFunction,
  at: Tensor[],
  cotangents: Tensor[],
  order: number,
  { eps, rtol, atol }: { eps: number; rtol: number; atol: number },
  random: (n: number) => Float64Array,
): Promise<void> {
  using here = openScope("checkGrads");
  const direction = at.map((x) => tensor(random(x.size), x.shape));
  const gradients = pulled([...at, ...cotangents]);
  for (const [i, g] of gradients.entries())
    if (!sameShape(g.shape, at[i].shape))
      throw new GradientError(`order ${order}: the gradient of ${describe(at[i])} came as ${describe(g)}`);
  const analytic = await here.wait(inner(direction, gradients).item());
  const moved = (sign: number): Tensor => inner(f(at.map((x, i) => add(x, mul(direction[i], sign * eps)))), cotangents);
  const numeric = ((await here.wait(moved(1).item())) - (await here.wait(moved(-1).item()))) / (2 * eps);
  // Written so that NaN on either side fails.
  if (!(Math.abs(analytic - numeric) <= atol + rtol * Math.abs(numeric)))
    throw new GradientError(
      `order ${order}: the derivative along a random direction is ${analytic} by the rule and ${numeric} by finite ` +
        `differences; inputs ${at.map(describe).join(", ")}`,
    );
}

/** Σ ⟨aᵢ, bᵢ⟩ */
function inner(a: readonly Tensor[], b: readonly Tensor[]): Tensor {
  return a.map((x, i) => sum(mul(x, b[i]))).reduce(add, constant(0));
}

/** Lists of uniform numbers on [-1, 1). */
function directions(seed: number): (n: number) => Float64Array {
  const next = generator(seed);
  return (n) => Float64Array.from({ length: n }, () => 2 * next() - 1);
}
