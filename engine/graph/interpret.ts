/** Runs a captured graph node by node: how the reference executor replays, and what a prepared plan is compared with. */
import type { Executor, Plan, Value } from "../executor.js";
import { type Graph, type GraphNode, opsOf } from "../trace.js";

export function interpret(graph: Graph, on: Executor): Plan {
  const steps = opsOf(graph.outputs);
  /** Which nodes no later step needs, by step. */
  const endings = steps.map((): GraphNode[] => []);
  const seen = new Set<GraphNode>(graph.outputs);
  for (const [i, step] of [...steps.entries()].reverse())
    for (const node of [step, ...step.inputs]) {
      if (!seen.has(node) && node.kind === "op") endings[i].push(node);
      seen.add(node);
    }
  return {
    run(inputs) {
      const values = new Map<GraphNode, Value>(graph.inputs.map((node, i) => [node, inputs[i]]));
      const lookUp = (node: GraphNode): Value => (node.kind === "constant" ? node.value : values.get(node)!);
      for (const [i, step] of steps.entries()) {
        values.set(step, on.run(step.op, step.inputs.map(lookUp), step.attrs, step));
        for (const node of endings[i]) on.release(values.get(node)!);
      }
      const outputs = graph.outputs.map(lookUp);
      for (const value of outputs) on.retain(value);
      for (const node of new Set(graph.outputs)) if (node.kind === "op") on.release(values.get(node)!);
      return outputs;
    },
    describe: () => `${steps.length} ops, interpreted on ${on.description}`,
    dispose() {},
  };
}
