/** Which numbers of a model are its weights, and which are constants of its formulas. */
import { cast, gather, mapTree, random, reshape, type Tensor, type Tree } from "../../engine/index.js";
import { DataError } from "../data/error.js";
import { isFloat } from "./element-types.js";
import type { Program } from "./program.js";
import type { HostValue } from "./value.js";

/**
 * Float tensors that some node computes with: initialisers with one side or more, and constants of more than one element, since some
 * exporters write weights as constants. What an operator must know before the run (shapes, scales, bounds) is none.
 */
export function parametersOf(program: Program): Map<string, HostValue> {
  const found = new Map<string, HostValue>();
  for (const [name, value] of program.constants)
    if (isFloat(value.type) && value.shape.length > 0) found.set(name, value);
  for (const { row, attributes, outputs } of program.steps) {
    const value = attributes.value as HostValue | undefined;
    if (row.name === "Constant" && value && isFloat(value.type) && value.data.length > 1) found.set(outputs[0], value);
  }
  const used = new Set(program.outputs);
  const known = new Set<string>();
  for (const { row, inputs, captures } of program.steps) {
    // Loops and branches reckon with single numbers.
    for (const name of captures) ((found.get(name)?.data.length ?? 0) > 1 ? used : known).add(name);
    for (const [i, name] of inputs.entries()) (row.host.includes(i) ? known : used).add(name);
  }
  if (found.has("__proto__")) throw new DataError('onnx: a weight is named "__proto__"; rename it');
  return new Map([...found].filter(([name, { data }]) => used.has(name) && !known.has(name) && data.length > 0));
}

/** Names of parameters by the node that uses them first, in the order of the nodes. */
export function groupsOf(program: Program, parameters: ReadonlyMap<string, HostValue>): string[][] {
  const left = new Set(parameters.keys());
  const take = (names: readonly string[]): string[] => names.filter((name) => left.delete(name));
  const groups = program.steps.map(({ inputs, captures }) => take([...inputs, ...captures]));
  return [...groups, take(program.outputs)].filter((group) => group.length > 0);
}

/** Parameters with the elements of each in another order: what was learnt is gone, and variances stay positive. */
export function shuffled(params: Tree, key: Tensor): Tree {
  let count = 0;
  return mapTree(params, (t) => {
    const order = random.permutation(random.fold(key, count++), t.size);
    return cast(reshape(gather(reshape(cast(t, "f32"), [t.size]), order), t.shape), t.dtype);
  });
}
