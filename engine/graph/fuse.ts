/**
 * Which ops of a captured graph share a kernel. Pointwise ops, views and small sums between them are computed where they
 * are used; a value is put into memory when something needs it there, or when computing it again would cost more. Kernels
 * of one loop then join when one reads what the other writes, and kernels of single ops end in an epilogue.
 */
import type { Graph, OpNode } from "../trace.js";
import { bindings, cutsFor, type Kernels, maxOperations, weightOf } from "./budget.js";
import { buildKernel, type FusedKernel, isAlone, NeedsMemory } from "./kernel.js";
import { merge } from "./merge.js";
import type { Step } from "./schedule.js";
import { storedValues } from "./stored.js";

/** The graph as fused kernels. */
export function fuse(graph: Graph, kernels: Kernels): Step[] {
  const forced = new Set<OpNode>();
  for (;;) {
    const { roots, alone } = storedValues(graph, forced, kernels);
    const steps: Step[] = [...alone].map((node) => ({ kind: "op", node }));
    const missing = new Set<OpNode>();
    for (const root of roots) {
      const kernel = buildKernel([root], (node) => roots.has(node as OpNode) || isAlone(node));
      if (kernel === undefined) throw new Error("internal: a kernel does not visit its output in order");
      const inner = kernel instanceof NeedsMemory ? [kernel.node] : [...tooMuch(kernel), ...tooMany(kernel, kernels)];
      for (const node of inner) missing.add(node);
      if (inner.length === 0) steps.push({ kind: "fused", kernel: kernel as FusedKernel });
    }
    if (missing.size === 0) return merge(steps, graph, roots, kernels);
    for (const node of missing) {
      if (forced.has(node)) throw new Error(`internal: ${node.op.name} can neither be fused nor be put into memory`);
      forced.add(node);
    }
  }
}

/** Something inside the kernel to put into memory when it binds too many tensors, or reads too much. */
function tooMany(kernel: FusedKernel, { maxBuffers }: Kernels): OpNode[] {
  if (bindings(kernel) <= maxBuffers) return [];
  const inMemory = new Set(kernel.leaves.map(({ node }) => node));
  const inner = kernel.outputs[0].inputs.find((x) => x.kind === "op" && !inMemory.has(x) && x.inputs.length > 0);
  return inner ? [inner as OpNode] : [];
}

/** What to put into memory when the kernel is too much to compile, for sums are written out in it. */
function tooMuch({ graph: { steps }, nodes, leaves, outputs }: FusedKernel): Iterable<OpNode> {
  const n = leaves.length;
  return cutsFor(
    {
      items: [...steps.keys()],
      inputs: (i) => steps[i].args.flatMap((a) => (a < n ? [] : [a - n])),
      weight: (i) => weightOf(nodes[i]),
      key: (i) => nodes[i],
      isStored: () => false,
      mayCut: (i) => steps[i].args.length > 0 && !outputs.includes(nodes[i]),
    },
    maxOperations,
  );
}
