/** What no argument reaches is the same in every call: it is computed once, at capture. */
import type { Executor } from "../executor.js";
import { sizeOf } from "../shape.js";
import { type Graph, type GraphNode, rewrite, type Tracer, withInputs } from "../trace.js";
import { interpret } from "./interpret.js";

/** Larger results would hold memory between calls that a plan can share. */
const maxElements = 2 ** 16;

/** Replaces results of kernels that depend on constants alone by constants, owned by `tracer`. Pointwise ops and views are
 *  left to fusion, which computes them where they are used. */
export function hoist(graph: Graph, tracer: Tracer, on: Executor): Graph {
  const fixed = new Set<GraphNode>();
  return rewrite(graph, (node, inputs) => {
    const next = withInputs(node, inputs);
    // Who stores halves wants the memory: nothing that is made of them is kept.
    if (node.inputs.some(({ dtype }) => dtype === "f16")) return next;
    if (!inputs.every((x) => x.kind === "constant" || fixed.has(x))) return next;
    fixed.add(next);
    if (!node.op.launch || sizeOf(node.shape) > maxElements) return next;
    const alone = { inputs: [], outputs: [next], outputPaths: [""] };
    const constant = tracer.constant(interpret(alone, on).run([])[0]);
    return constant;
  });
}
