/** The walk back that all derivatives share. It visits tensors by falling id, which is a topological order because results are
 *  younger than their inputs. */
import { add } from "./ops/arithmetic.js";
import { zeros, zerosLike } from "./ops/create.js";
import { identity } from "./ops/movement.js";
import { sumTo } from "./ops/reduce.js";
import { isFloat } from "./options.js";
import { closeGradient, mark, type Node, openGradient, withBits } from "./record.js";
import { scope } from "./scope.js";
import type { Tensor } from "./tensor.js";
import { mapTree, type Tree } from "./tree.js";

/** What a node passes on to each of its inputs: the node of `output`, whose cotangent is g. */
export type PassBack = (g: Tensor, node: Node, output: Tensor) => readonly ((() => Tensor) | null)[];

/** The derivative. */
const passGradient: PassBack = (g, node, output) =>
  node.op.vjp!(g, { inputs: node.inputs, output, attrs: node.attrs as never });

/** A function that was run on marked copies of its arguments, while its gradient scope is open. */
export interface Recorded<T extends Tree> {
  readonly output: Tree;
  /** Tensors between the arguments and `y`, `y` first, youngest first. */
  between(y: Tensor): Tensor[];
  /** Cotangents of all tensors between the arguments and `y`. */
  cotangents(y: Tensor, cotangent: Tensor, pass?: PassBack): Map<Tensor, Tensor>;
  /** Those of the arguments, zeros where none arrived. */
  ofArguments(found: ReadonlyMap<Tensor, Tensor>): T;
  /** Whether a tensor depends on the arguments. */
  depends(t: Tensor): boolean;
}

/** Runs `f` on marked copies of `primals` inside a fresh gradient scope, then `use`, which may walk back more than once. Only
 *  scopes opened before this one record what `use` does. */
export function recorded<T extends Tree, R>(f: (primals: T) => Tree, primals: T, use: (run: Recorded<T>) => R): R {
  return scope(() => {
    const bit = openGradient();
    try {
      const marked = mapTree(primals, (x) => {
        const leaf = identity(x);
        if (isFloat(leaf.dtype)) mark(leaf, bit);
        return leaf;
      });
      const output = f(marked);
      return withBits(~bit, () =>
        use({
          output,
          between: (y) => (y.bits & bit ? reachable(y, bit) : []),
          cotangents: (y, cotangent, pass) => backward(y, cotangent, bit, pass),
          ofArguments: (found) => mapTree(marked, (leaf) => found.get(leaf) ?? noGradient(leaf)),
          depends: (t) => (t.bits & bit) !== 0,
        }),
      );
    } finally {
      closeGradient(bit);
    }
  }, "grad");
}

/** The gradient of what nothing arrived at. */
export function noGradient(x: Tensor): Tensor {
  return isFloat(x.dtype) ? zeros(x.shape) : zerosLike(x);
}

function backward(y: Tensor, cotangent: Tensor, bit: number, pass: PassBack = passGradient): Map<Tensor, Tensor> {
  const cotangents = new Map<Tensor, Tensor>();
  if (!(y.bits & bit)) return cotangents;
  cotangents.set(y, cotangent);
  for (const t of reachable(y, bit)) {
    const g = cotangents.get(t);
    const node = t.node;
    if (!g || !node?.inputs.some((x) => x.bits & bit)) continue;
    const parts = pass(g, node, t);
    for (const [i, x] of node.inputs.entries()) {
      const part = parts[i];
      if (!part || !(x.bits & bit)) continue;
      const gi = sumTo(part(), x.shape);
      const before = cotangents.get(x);
      cotangents.set(x, before ? add(before, gi) : gi);
    }
  }
  return cotangents;
}

function reachable(y: Tensor, bit: number): Tensor[] {
  const seen = new Set<Tensor>([y]);
  const todo = [y];
  for (let t = todo.pop(); t; t = todo.pop())
    for (const x of t.node?.inputs ?? [])
      if (x.bits & bit && !seen.has(x)) {
        seen.add(x);
        todo.push(x);
      }
  return [...seen].sort((a, b) => b.id - a.id);
}
