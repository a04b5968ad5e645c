/** Fixed factors of channels go into fixed weights, which are multiplied once instead of every result in every call. */
import { mulSpec } from "../ops/arithmetic.js";
import { reshapeSpec } from "../ops/movement.js";
import { sizeOf } from "../shape.js";
import { type Graph, type GraphNode, nodesOf, type OpNode, opNode, rewrite, withInputs } from "../trace.js";
import { fixedNodes } from "./fixed.js";

/** mul(conv2d(x, w), s) becomes conv2d(x, mul(w, s)) where w and s depend on constants alone, s has one number for each channel that is
 *  made, as in batch normalisation at rest, and nothing else reads the convolution; likewise for other ops that make channels by weights. */
export function scaleWeights(graph: Graph): Graph {
  const fixed = fixedNodes(graph);
  const readers = new Map<GraphNode, number>();
  for (const x of [
    ...graph.outputs,
    ...nodesOf(graph.outputs).flatMap((node) => (node.kind === "op" ? node.inputs : [])),
  ])
    readers.set(x, (readers.get(x) ?? 0) + 1);
  return rewrite(graph, (node, inputs) => {
    if ((node.op as unknown) === mulSpec)
      for (const [at, y] of node.inputs.entries()) {
        const s = node.inputs[1 - at];
        if (y.kind !== "op" || readers.get(y) !== 1 || !fixed.has(y.inputs[1]) || !fixed.has(s)) continue;
        const axes = y.op.channels?.(y.inputs, y.attrs as never);
        if (axes && isAlong(axes.made, s, y)) return scaled(inputs[at] as OpNode, inputs[1 - at], axes.weights);
      }
    return withInputs(node, inputs);
  });
}

/** Whether `s` has one element for each place along an axis of `y`, with which it broadcasts. A single number for all is a literal in a kernel
 *  and costs nothing there. */
function isAlong(axis: number, s: GraphNode, y: GraphNode): boolean {
  const before = y.shape.length - s.shape.length;
  return before >= 0 && s.shape[axis - before] === y.shape[axis] && sizeOf(s.shape) === y.shape[axis];
}

function scaled(y: OpNode, s: GraphNode, axis: number): OpNode {
  const [x, w] = y.inputs;
  const shape = w.shape.map((_, k) => (k === axis ? sizeOf(s.shape) : 1));
  const factors = opNode(reshapeSpec as never, [s], { shape }, { shape, dtype: "f32" });
  return withInputs(y, [x, opNode(mulSpec as never, [w, factors], null, w)]);
}
