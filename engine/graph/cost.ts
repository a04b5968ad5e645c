/** What computing, reading and storing a value costs, and a kernel's code. */
import { callsIn } from "../expression.js";
import { sizeOf } from "../shape.js";
import type { GraphNode, OpNode } from "../trace.js";
import { type FusedKernel, isAlone, unrolledAxes } from "./kernel.js";

/** Costs per element in units of one addition, from measurements on a software adapter; only their proportions matter. */
export const cost = { call: 10, load: 16, store: 16, launch: 400_000 } as const;

/** Computing one element from what surely lies in memory. */
export function costOf(node: GraphNode, cuts: ReadonlySet<GraphNode>, seen: Set<GraphNode>): number {
  if (seen.has(node)) return 0;
  seen.add(node);
  if (node.kind !== "op" || isAlone(node) || (seen.size > 1 && cuts.has(node))) return cost.load;
  const inner = node.inputs.reduce((sum, x) => sum + costOf(x, cuts, seen), 0);
  if (node.op.view || node.inputs.length === 0) return inner;
  const axes = unrolledAxes(node);
  if (axes) return inner * sizeOf(axes.map((a) => node.inputs[0].shape[a]));
  let own = ownCosts.get(node);
  if (own === undefined) {
    const text = node.op.expression!(
      node.inputs.map((_, i) => `x${i}`),
      node.attrs as never,
    );
    own = expressionCost(text);
    ownCosts.set(node, own);
  }
  return inner + own;
}

const ownCosts = new WeakMap<OpNode, number>();

/** Additions' worth of a kernel's code. */
export function codeCost({ graph }: FusedKernel): number {
  return graph.steps.reduce((total, step) => total + expressionCost(step.expression(step.args.map((a) => `x${a}`))), 0);
}

function expressionCost(text: string): number {
  return 1 + cost.call * callsIn(text);
}
