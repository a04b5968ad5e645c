/** Reverse-mode differentiation of any order. A rule is written in ops, so a backward pass is an ordinary graph. */

import { noGradient, recorded } from "./backward.js";
import { abandon, describe, ShapeError } from "./errors.js";
import { aFunction, aName, aNatural, either, listOf, requireTensor } from "./kinds.js";
import type { OpSpec } from "./op.js";
import { add, mul } from "./ops/arithmetic.js";
import { ones, zeros } from "./ops/create.js";
import { identity, identitySpec, reshape } from "./ops/movement.js";
import { sum } from "./ops/reduce.js";
import { checkedOptions, isFloat, isList, requireArguments, requireFunction, shown, shownList } from "./options.js";
import { record, withBits } from "./record.js";
import { scope } from "./scope.js";
import { sameShape } from "./shape.js";
import { isTensor, type Tensor, tensor } from "./tensor.js";
import { leaves, mapTree, type Tree } from "./tree.js";

/** Everything `valueAndGrad` and its relatives share: `use` gets what `f` gave and a pullback that may be called more than once. */
function differentiate<T extends Tree, R>(
  f: (primals: T) => Tree,
  primals: T,
  use: (output: Tree, pullback: (output: Tensor, cotangent: Tensor) => T) => R,
): R {
  return recorded(f, primals, ({ output, cotangents, ofArguments }) =>
    use(output, (y, cotangent) => ofArguments(cotangents(y, cotangent))),
  );
}

function requireResult(name: string, y: unknown): asserts y is Tensor {
  if (isTensor(y)) return;
  if (y instanceof Promise) abandon(y);
  throw new TypeError(`${name}: the function must return a tensor, got ${shown(y)}`);
}

function requireScalar(name: string, y: unknown): asserts y is Tensor {
  requireResult(name, y);
  if (y.size !== 1 || y.dtype !== "f32")
    throw new ShapeError(`${name}: the function must return one f32 number, got ${describe(y)}; sum it or use vjp`);
}

/** Options of `grad`, `valueAndGrad` and their kin. */
export interface GradOptions<N extends number | readonly number[]> {
  /** Which argument (or arguments) to differentiate with respect to; default 0. */
  readonly argument?: N;
}

// biome-ignore lint/suspicious/noExplicitAny: argument lists of user functions.
type Args = any[];
/** The argument at a position; never where there is none. */
type ArgumentAt<A extends Args, I> = number extends A["length"]
  ? A[number]
  : `${I & number}` extends keyof A
    ? A[I & number]
    : never;
/** A gradient tree of the argument's structure, or a list of them for a list of arguments. */
type GradOf<A extends Args, N> = N extends readonly number[]
  ? { -readonly [K in keyof N]: ArgumentAt<A, N[K]> }
  : ArgumentAt<A, N>;

/** @throws TypeError for an argument that holds no f32 tensor: its gradient would be zeros, or nothing, in silence. */
function requireDifferentiable(name: string, i: number, arg: unknown): void {
  const found = leaves(arg as Tree);
  if (found.some((t) => isFloat(t.dtype))) return;
  const integers = found.length > 0;
  if (integers || (arg !== null && typeof arg !== "object") || arg === undefined)
    throw new TypeError(
      `${name}: argument ${i} is ${integers ? found.map(describe).join(", ") : shown(arg)}; f32 tensors are differentiated` +
        `${integers ? "; convert with cast() before" : "; make one with tensor()"}`,
    );
}

const ARGUMENTS = either(aNatural, listOf(aNatural, "positions"));

function selected(args: Args, argument: number | readonly number[], name: string): number[] {
  if (typeof argument !== "number" && !isList(argument))
    throw new TypeError(`${name}: argument is ${shown(argument)}; a position or a list of positions is needed`);
  const list = typeof argument === "number" ? [argument] : [...argument];
  for (const i of list)
    if (!Number.isInteger(i) || !(i in args))
      throw new RangeError(`${name}: argument ${shown(i)} of ${args.length} does not exist`);
  for (const i of list) requireDifferentiable(name, i, args[i]);
  return list;
}

/** `valueAndGrad(f)(...args)` is `[f(...args), gradient]`: the gradient has the structure of the argument. `f` returns one
 *  number (f32, one element). Nest at will: the result is differentiable again. */
export function valueAndGrad<A extends Args, const N extends number | readonly number[] = 0>(
  f: (...args: A) => Tensor,
  options: GradOptions<N> = {},
): (...args: A) => [Tensor, GradOf<A, N>] {
  requireFunction("valueAndGrad", f, "valueAndGrad((x) => sum(x))");
  const withAux = valueAuxAndGrad((...args: A) => [f(...args), null] as const, options);
  return (...args) => {
    const [value, , gradient] = withAux(...args);
    return [value, gradient];
  };
}

/** Like `valueAndGrad` for a function that returns `[value, aux]`; gives `[value, aux, gradient]`. `aux` is any tree and is
 *  not differentiated by this call. */
export function valueAuxAndGrad<A extends Args, X extends Tree, const N extends number | readonly number[] = 0>(
  f: (...args: A) => readonly [Tensor, X],
  options: GradOptions<N> = {},
): (...args: A) => [Tensor, X, GradOf<A, N>] {
  requireFunction("valueAuxAndGrad", f, "valueAuxAndGrad((x) => [sum(x), x])");
  const argument: number | readonly number[] = checkedOptions("grad", options, { argument: ARGUMENTS }).argument ?? 0;
  return (...args) => {
    const list = selected(args, argument, "grad");
    return differentiate(
      (chosen: Tree[]) => f(...(args.map((a, i) => (list.includes(i) ? chosen[list.indexOf(i)] : a)) as A)),
      list.map((i) => args[i]),
      (output, pullback) => {
        if (!isList(output) || output.length !== 2) {
          if (output instanceof Promise) abandon(output);
          throw new TypeError(`grad: the function must return [value, aux], got ${shown(output)}`);
        }
        const [y, aux] = output as [Tensor, X];
        requireScalar("grad", y);
        const gradients = pullback(y, ones(y.shape));
        return [y, aux, typeof argument === "number" ? gradients[0] : gradients];
      },
    );
  };
}

/** The gradient of a function that returns one number, with respect to its first argument (see `GradOptions`). */
export function grad<A extends Args, const N extends number | readonly number[] = 0>(
  f: (...args: A) => Tensor,
  options: GradOptions<N> = {},
): (...args: A) => GradOf<A, N> {
  requireFunction("grad", f, "grad((x) => sum(x))");
  const both = valueAndGrad(f, options);
  return (...args) => scope(() => both(...args)[1], "grad");
}

/** Value and vector-Jacobian product: `[f(x), xᵀ-cotangent]` for a tensor-valued `f` and a cotangent of the result's shape. */
export function vjp<T extends Tree>(f: (x: T) => Tensor, x: T, cotangent: Tensor): [Tensor, T] {
  requireFunction("vjp", f, "vjp((x) => square(x), x, cotangent)");
  requireTree("vjp", x);
  requireTensor("vjp", cotangent);
  return differentiate(f, x, (y: Tensor, pullback) => {
    requireResult("vjp", y);
    requireCotangent("vjp", y, cotangent);
    return [y, pullback(y, cotangent)];
  });
}

/** @throws TypeError where there is nothing to differentiate. */
function requireTree(name: string, x: Tree): void {
  if (!leaves(x).some((t) => isFloat(t.dtype)))
    throw new TypeError(
      `${name}: x is ${shown(x)}; a tree with f32 tensors is needed, which are differentiated; make one with tensor()`,
    );
}

function requireCotangent(name: string, y: Tensor, cotangent: Tensor): void {
  if (!sameShape(y.shape, cotangent.shape))
    throw new ShapeError(
      `${name}: the function returned ${describe(y)}, the cotangent is ${describe(cotangent)}; they need the same shape`,
    );
}

/** Hessian-vector product of a function that returns one number: d/dx ⟨∇f(x), v⟩, reverse over reverse. */
export function hvp<T extends Tree>(f: (x: T) => Tensor, x: T, v: T): T {
  requireFunction("hvp", f, "hvp((x) => sum(square(x)), x, v)");
  requireTree("hvp", x);
  requireTree("hvp", v);
  const vs = leaves(v);
  const xs = leaves(x);
  const differs = xs.length !== vs.length ? 0 : xs.findIndex((t, i) => !sameShape(t.shape, vs[i].shape));
  if (differs >= 0)
    throw new ShapeError(
      `hvp: x has ${xs.map(describe).join(", ")}, v has ${vs.map(describe).join(", ")}; the same structure is needed`,
    );
  return scope(() =>
    grad((p: T) => {
      const gs = leaves(grad(f)(p));
      return gs.map((g, i) => sum(mul(g, vs[i]))).reduce(add);
    })(x),
  );
}

/** The full Jacobian of a tensor-valued function: f(x) [...out], x [...in] → [...out, ...in], a backward pass per output
 *  element; for small outputs. */
export function jacobian(f: (x: Tensor) => Tensor): (x: Tensor) => Tensor {
  requireFunction("jacobian", f, "jacobian((x) => square(x))");
  return (x) => {
    requireTensor("jacobian", x);
    requireTree("jacobian", x);
    return differentiate(f, x, (y: Tensor, pullback) => {
      requireResult("jacobian", y);
      const n = y.size;
      // Row i of the identity picks output i; rows are scattered into place by an outer product, which stays differentiable.
      let all: Tensor | undefined;
      for (let i = 0; i < n; i++) {
        const row = oneHotRow(n, i);
        const g = reshape(pullback(y, reshape(row, y.shape)), [1, x.size]);
        const placed = mul(reshape(row, [n, 1]), g);
        all = all ? add(all, placed) : placed;
      }
      return reshape(all ?? zeros([0, x.size]), [...y.shape, ...x.shape]);
    });
  };
}

function oneHotRow(n: number, i: number): Tensor {
  const row = new Float32Array(n);
  row[i] = 1;
  return tensor(row);
}

/** The Hessian of a function that returns one number: x [...in] → [...in, ...in]; for small inputs. */
export function hessian(f: (x: Tensor) => Tensor): (x: Tensor) => Tensor {
  requireFunction("hessian", f, "hessian((x) => sum(square(x)))");
  return jacobian(grad(f));
}

/** Runs `body` without recording: its results are constants for every open gradient. The thunk matters: the steps inside
 *  are never recorded, however many there are. */
export function stopGradient<T extends Tree>(body: () => T): T {
  requireFunction("stopGradient", body, "stopGradient(() => x)");
  // Fresh handles, because a body may hand back a tensor that is being differentiated.
  return withBits(0, () => scope(() => mapTree(body(), identity)));
}

/** A function with a derivative rule of its own. `rule(g, { inputs, output })` gives one gradient per input, written in ops
 *  of the inputs, so it can be differentiated again. Tensors that `f` closes over get no gradient: pass them as inputs. */
export function customVjp(
  f: (...inputs: Tensor[]) => Tensor,
  rule: (g: Tensor, context: { inputs: readonly Tensor[]; output: Tensor }) => readonly (Tensor | null)[],
  name = "customVjp",
): (...inputs: Tensor[]) => Tensor {
  requireArguments("customVjp", { f: [f, aFunction], rule: [rule, aFunction], name: [name, aName] });
  const spec: OpSpec<null> = {
    ...identitySpec,
    name,
    // Nothing is known of what f does; only its shape is taken from the identity.
    routes: undefined,
    linearIn: undefined,
    vjp: (g, context) => {
      let all: readonly (Tensor | null)[] | undefined;
      const get = (): readonly (Tensor | null)[] => {
        if (all) return all;
        all = rule(g, context);
        if (
          !isList(all) ||
          all.length !== context.inputs.length ||
          !all.every((part) => part === null || isTensor(part))
        )
          throw new TypeError(
            `${name}: the rule gave ${shownList(all)}; a list with a tensor or null for each of ${context.inputs.length} inputs is needed`,
          );
        return all;
      };
      return context.inputs.map((x, i) => () => get()[i] ?? noGradient(x));
    },
  };
  return (...inputs) => {
    for (const x of inputs) requireTensor(name, x);
    const y = stopGradient(() => f(...inputs));
    requireResult(name, y);
    record(y, spec, inputs, null);
    return y;
  };
}
