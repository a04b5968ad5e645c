/** Which values of a graph are put into memory, and which are computed where they are used. */
import { isContiguous, sizeOf } from "../shape.js";
import { type Graph, type GraphNode, type OpNode, opsOf } from "../trace.js";
import { viewLayout } from "./access.js";
import { cutsFor, type Kernels, maxOperations, weightOf } from "./budget.js";
import { cost, costOf } from "./cost.js";
import { isAlone, isFusible, unrolledAxes } from "./kernel.js";

/** What is computed into memory: fusible nodes that are roots of kernels, and ops and free views scheduled by themselves. */
export function storedValues(
  graph: Graph,
  forced: ReadonlySet<OpNode>,
  kernels: Kernels,
): { roots: Set<OpNode>; alone: Set<OpNode> } {
  const ops = opsOf(graph.outputs);
  const roots = new Set(forced);
  const alone = new Set<OpNode>();
  const demand = (wanted: GraphNode, ownStrided: boolean): void => {
    let [x, strided] = [wanted, ownStrided];
    while (x.kind === "op" && !roots.has(x) && !isAlone(x)) {
      if (!x.op.view || !isFree(x, strided)) {
        roots.add(x);
        return;
      }
      alone.add(x);
      [x, strided] = [x.inputs[0], true];
    }
  };
  for (const y of graph.outputs) demand(y, false);
  const consumers = new Map<GraphNode, OpNode[]>(ops.map((node) => [node, []]));
  for (const node of ops) {
    for (const x of node.inputs) consumers.get(x)?.push(node);
    if (!isAlone(node)) continue;
    alone.add(node);
    for (const x of node.inputs) demand(x, node.op.strided === true);
  }
  const cuts = cutsFor<GraphNode, GraphNode>(
    {
      items: ops,
      inputs: (node) => (node.kind === "op" ? node.inputs : []),
      weight: (node) => (node.kind === "op" ? weightOf(node) : 0),
      key: (node) => node,
      isStored: (node) => node.kind !== "op" || roots.has(node) || isAlone(node),
      mayCut: (node) => node.kind === "op" && node.inputs.length > 0,
    },
    maxOperations,
  );
  for (const node of cuts) roots.add(node as OpNode);
  /** How many times an element of a node is computed, for each kernel that computes it. */
  const runs = new Map<OpNode, Map<OpNode, number>>();
  for (const node of [...ops].reverse()) {
    const own = new Map<OpNode, number>();
    for (const c of consumers.get(node)!) {
      if (isAlone(c)) continue;
      const taps = unrolledAxes(c) ? sizeOf(node.shape) / Math.max(1, sizeOf(c.shape)) : 1;
      const outer = roots.has(c) ? new Map([[c, sizeOf(c.shape)]]) : runs.get(c)!;
      for (const [root, count] of outer) own.set(root, Math.max(own.get(root) ?? 0, count * taps));
    }
    runs.set(node, own);
    if (roots.has(node) || !isFusible(node)) continue;
    const epilogueOf = node.inputs.find((x) => x.kind === "op" && kernels.epilogue(x) !== undefined);
    const isEpilogue =
      epilogueOf !== undefined &&
      sizeOf(epilogueOf.shape) === sizeOf(node.shape) &&
      consumers.get(epilogueOf)!.length === 1 &&
      node.inputs.every((x) => x === epilogueOf || isStored(x));
    if (isBetterStored(node, own, isEpilogue, cuts)) roots.add(node);
  }
  return { roots, alone };
}

/** Whether a node lies in memory before the step begins, perhaps under a view. */
function isStored(node: GraphNode): boolean {
  let below = node;
  while (below.kind === "op" && below.op.view) below = below.inputs[0];
  return below.kind !== "op";
}

/** Whether a view needs no kernel: its elements lie contiguous, or strided where that is good enough. */
function isFree(node: OpNode, strided: boolean): boolean {
  let view = node;
  for (let x = view.inputs[0]; x.kind === "op" && x.op.view; x = view.inputs[0]) {
    // A chain is free when all but its last step keep the order of elements.
    if (!isContiguous(x.shape, viewLayout(x))) return false;
    view = x;
  }
  return strided || isContiguous(node.shape, viewLayout(node));
}

/** Whether a value used in several kernels, or at several places of one, is computed once into memory. An epilogue
 *  stores it in place of what it was made from, at no cost. */
function isBetterStored(
  node: OpNode,
  runs: ReadonlyMap<OpNode, number>,
  isEpilogue: boolean,
  cuts: ReadonlySet<GraphNode>,
): boolean {
  const size = sizeOf(node.shape);
  let total = 0;
  for (const count of runs.values()) total += count;
  // Stored, it can be one more output of the first kernel that uses it, if that has the same loop and uses it in order.
  const first = [...runs.keys()].reduce((a, b) => (a.id < b.id ? a : b));
  const joins = sizeOf(first.shape) === size && runs.get(first) === size;
  if (total <= size || node.inputs.length === 0) return false;
  if (isEpilogue) return true;
  const again = (total - size) * costOf(node, cuts, new Set());
  return again > size * cost.store + total * cost.load + (joins ? 0 : cost.launch);
}
