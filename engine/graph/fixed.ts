/** What is the same in every call of a captured step. */
import { type Graph, type GraphNode, nodesOf } from "../trace.js";

/** The nodes that depend on constants alone. Who stores halves wants the memory: nothing that is made of them is kept, so it is none of these. */
export function fixedNodes(graph: Graph): ReadonlySet<GraphNode> {
  const fixed = new Set<GraphNode>();
  for (const node of nodesOf(graph.outputs))
    if (node.kind === "constant" || (node.kind === "op" && node.inputs.every((x) => fixed.has(x) && x.dtype !== "f16")))
      fixed.add(node);
  return fixed;
}
