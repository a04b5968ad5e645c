/** Floats that are stored in half the memory are unpacked where they are used, and nowhere earlier or for longer. */
import { type Graph, type GraphNode, type OpNode, rewrite, withInputs } from "../trace.js";

/** The graph with every unpacking right before the first op that reads it: a network whose weights are all cast at its beginning
 *  then holds one of them at a time as f32. Nodes run in the order of their making. */
export function unpackLate(graph: Graph): Graph {
  /** Each unpacking, and once something has read it the node that stands for it then. */
  const unpacking = new Map<GraphNode, OpNode | undefined>();
  const inTime = (x: GraphNode): GraphNode => {
    if (!unpacking.has(x)) return x;
    const node = unpacking.get(x) ?? withInputs(x as OpNode, (x as OpNode).inputs);
    unpacking.set(x, node);
    return node;
  };
  const late = rewrite(graph, (node, inputs) => {
    const next = withInputs(node, inputs.map(inTime));
    if (next.dtype === "f32" && next.inputs.some(({ dtype }) => dtype === "f16")) unpacking.set(next, undefined);
    return next;
  });
  return { ...late, outputs: late.outputs.map(inTime) };
}
