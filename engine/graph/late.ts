/** Floats that are stored in half the memory are unpacked where they are used, and nowhere earlier or for longer. */
import { unpackHalfSpec } from "../ops/cast.js";
import { type Graph, type GraphNode, type OpNode, rewrite, withInputs } from "../trace.js";

/** The graph with every unpacking right before the first op that reads it: a network whose weights are all cast at its beginning
 *  then holds one of them at a time as f32. Nodes run in the order of their making. */
export function unpackLate(graph: Graph): Graph {
  const waiting = new Map<GraphNode, OpNode>();
  const unpacked = new Map<GraphNode, OpNode>();
  const inTime = (x: GraphNode): GraphNode => {
    const later = waiting.get(x);
    if (later === undefined) return x;
    let node = unpacked.get(x);
    if (node === undefined) {
      node = withInputs(later, later.inputs);
      unpacked.set(x, node);
    }
    return node;
  };
  const late = rewrite(graph, (node, inputs) => {
    const next = withInputs(node, inputs.map(inTime));
    if ((node.op as unknown) === unpackHalfSpec) waiting.set(next, next);
    return next;
  });
  return { ...late, outputs: late.outputs.map(inTime) };
}
