/** What no argument reaches is the same in every call: it is computed once, at capture. */
import type { Executor } from "../executor.js";
import { sizeOf } from "../shape.js";
import { type Graph, rewrite, type Tracer, withInputs } from "../trace.js";
import { fixedNodes } from "./fixed.js";
import { interpret } from "./interpret.js";

/** Larger results would hold memory between calls that a plan can share. */
const maxElements = 2 ** 16;

/** Replaces results of kernels that depend on constants alone by constants, owned by `tracer`. Pointwise ops and views are
 *  left to fusion, which computes them where they are used. */
export function hoist(graph: Graph, tracer: Tracer, on: Executor): Graph {
  const fixed = fixedNodes(graph);
  return rewrite(graph, (node, inputs) => {
    const next = withInputs(node, inputs);
    if (!fixed.has(node) || !node.op.launch || sizeOf(node.shape) > maxElements) return next;
    return tracer.constant(interpret({ inputs: [], outputs: [next], outputPaths: [""] }, on).run([])[0]);
  });
}
