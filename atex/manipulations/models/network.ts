/** Networks in manipulations of models. */
import { argmax, dispose, mapTree, mul, scope, type Tree } from "../../../engine/index.js";
import type { Layer } from "../../../nn/index.js";
import type { Classifier } from "../../score.js";
import type { Pair } from "../manipulation.js";

/** Parameters that belong to the open scope, of kept ones. */
export function intoScope(kept: Tree): Tree {
  const own = mapTree(kept, (t) => mul(t, 1));
  dispose(kept);
  return own;
}

export const withParams =
  (model: Layer, params: Tree): Classifier =>
  (x) =>
    model.apply(params, x);

/** Whether the manipulated side predicts what the clean one does, sample by sample. */
export async function predictionsKept({ clean, manipulated }: Pair): Promise<boolean[]> {
  const [a, b] = [clean, manipulated].map(({ classifier, x }) => scope(() => argmax(classifier(x), 1)));
  const [before, after] = [await a.read(), await b.read()];
  return Array.from(before, (c, i) => c === after[i]);
}

/** The class of a name; of number `other` without a name. @throws RangeError naming those there are. */
export function classNamed(who: string, names: readonly string[], name: string | undefined, other: number): number {
  const found = name === undefined ? other : names.indexOf(name);
  if (found < 0 || found >= names.length)
    throw new RangeError(`${who}: class "${name ?? other}" is unknown; there is ${names.join(", ")}`);
  return found;
}
