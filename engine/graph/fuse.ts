/**
 * Which ops of a captured graph share a kernel. Pointwise ops, views and small sums between them are computed where they
 * are used; a value is put into memory when something needs it there, or when computing it again would cost more. Kernels
 * of one loop then join when one reads what the other writes, and kernels of single ops end in an epilogue.
 */
import { callsIn } from "../expression.js";
import { isContiguous, sizeOf } from "../shape.js";
import { type Graph, type GraphNode, type OpNode, opsOf } from "../trace.js";
import { viewLayout, wholeAccess } from "./access.js";
import { cutsFor, kernelWeight, maxOperations, weightOf } from "./budget.js";
import { buildKernel, type FusedKernel, isSame, NeedsMemory, unrolledAxes } from "./kernel.js";
import { order, placeOf, producedBy, readBy, type Step } from "./schedule.js";

export interface EpilogueRoom {
  /** Tensors the kernel binds besides its result. */
  readonly bindings: number;
  /** Most additions' worth of code, for what an epilogue reads. */
  readonly maxCost: (epilogue: FusedKernel) => number;
}

/** What fusion needs to know of the kernels that are not generated. */
export interface Kernels {
  /** Most tensors a kernel may bind. */
  readonly maxBuffers: number;
  /** What the op's last kernel allows, if it can end in an epilogue. */
  readonly epilogue: (node: OpNode) => EpilogueRoom | undefined;
  /** Whether the op reads each element of its first input once, where a prologue can make it. */
  readonly prologue: (node: OpNode) => boolean;
}

/** The graph as fused kernels. */
export function fuse(graph: Graph, kernels: Kernels): Step[] {
  const forced = new Set<OpNode>();
  for (;;) {
    const { roots, alone } = choose(graph, forced, kernels);
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

/** Ops with kernels of their own. */
function isAlone(node: GraphNode): boolean {
  return node.kind === "op" && !node.op.view && !isFusible(node);
}

function isFusible(node: OpNode): boolean {
  return node.op.expression !== undefined || unrolledAxes(node) !== undefined;
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

/** Most elements a kernel reads in one turn of its loops: they are parameters of a WGSL function, which has 255 at most. */
const maxLeaves = 128;

/** Storage bindings of a kernel, at most: a tensor is bound once as numbers and once as vectors of four, if it is read in different steps. */
function bindings({ leaves, outputs }: FusedKernel): number {
  if (leaves.length > maxLeaves) return Number.POSITIVE_INFINITY;
  const steps = new Map<GraphNode, Set<string>>();
  for (const { node, access } of leaves)
    steps.set(node, (steps.get(node) ?? new Set<string>()).add(access.strides.join()));
  return [...steps.values()].reduce((total, { size }) => total + Math.min(2, size), outputs.length);
}

/** What is computed into memory: fusible nodes that are roots of kernels, and ops and free views scheduled by themselves. */
function choose(
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

/** Costs per element in units of one addition, from measurements on a software adapter; only their proportions matter. */
const cost = { call: 10, load: 16, store: 16, launch: 400_000 } as const;

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

/** Computing one element from what surely lies in memory. */
function costOf(node: GraphNode, cuts: ReadonlySet<GraphNode>, seen: Set<GraphNode>): number {
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

/** Joins kernels of one loop where one reads what the other writes, in order, while no cycle arises. */
function merge(steps: readonly Step[], graph: Graph, roots: ReadonlySet<OpNode>, kernels: Kernels): Step[] {
  const current = new Set(steps);
  const producers = new Map(steps.flatMap((step) => producedBy(step).map((node) => [node as GraphNode, step])));
  /** How many steps read a node; the caller counts as one. */
  const readers = new Map<GraphNode, number>(graph.outputs.map((y) => [y, 1]));
  const replace = (step: Step, by: 1 | -1): void => {
    for (const x of new Set(readBy(step))) readers.set(x, (readers.get(x) ?? 0) + by);
    if (by < 0) current.delete(step);
    else current.add(step);
  };
  for (const step of steps) replace(step, 1);
  const todo = order(current);
  for (let later = todo.pop(); later; later = todo.pop()) {
    if (!current.has(later)) continue;
    const before = new Set(readBy(later).flatMap((x) => producers.get(x) ?? []));
    for (const earlier of [...before].sort((a, b) => placeOf(b) - placeOf(a))) {
      const joined = join(later, earlier, roots);
      if (!joined || !fits(joined, later, kernels, readers) || dependsOtherwise(later, earlier, producers)) continue;
      replace(later, -1);
      replace(earlier, -1);
      replace(joined, 1);
      for (const node of producedBy(joined)) producers.set(node, joined);
      todo.push(joined);
      break;
    }
  }
  return order(withPrologues(current, producers, readers, kernels));
}

/** Kernels that make one value, for one op that reads it once and whose epilogue does not, become its prologue. */
function withPrologues(
  steps: ReadonlySet<Step>,
  producers: ReadonlyMap<GraphNode, Step>,
  readers: ReadonlyMap<GraphNode, number>,
  { maxBuffers, prologue }: Kernels,
): Set<Step> {
  const all = new Set(steps);
  for (const step of steps) {
    if (step.kind !== "op") continue;
    const [x] = step.node.inputs;
    const earlier = producers.get(x);
    if (earlier?.kind !== "fused" || earlier.kernel.outputs.length > 1 || readers.get(x) !== 1) continue;
    if (step.epilogue?.leaves.some(({ node }) => node === x)) continue;
    const written = step.epilogue ? bindings(step.epilogue) : 1;
    if (!prologue(step.node) || bindings(earlier.kernel) + written > maxBuffers) continue;
    all.delete(step);
    all.delete(earlier);
    all.add({ ...step, prologue: earlier.kernel });
  }
  return all;
}

/** Whether `later` needs `earlier` through a third step too, which would then have to run in their middle. */
function dependsOtherwise(later: Step, earlier: Step, producers: ReadonlyMap<GraphNode, Step>): boolean {
  const seen = new Set<Step>();
  const visit = (step: Step | undefined): void => {
    if (step && step !== earlier) seen.add(step);
  };
  for (const x of readBy(later)) visit(producers.get(x));
  for (const step of seen)
    for (const x of readBy(step)) {
      const producer = producers.get(x);
      if (producer === earlier) return true;
      visit(producer);
    }
  return false;
}

/** One step for both, if the kernel `later` reads a result of `earlier` in the order of its own loop. */
function join(later: Step, earlier: Step, roots: ReadonlySet<OpNode>): Step | undefined {
  if (later.kind !== "fused") return undefined;
  const { kernel } = later;
  const whole = wholeAccess(kernel.loops);
  const results = producedBy(earlier);
  const reads = kernel.leaves.filter(({ node }) => (results as readonly GraphNode[]).includes(node));
  if (reads.length === 0 || !reads.every(({ access }) => isSame(access, whole))) return undefined;
  if (sizeOf(results[0].shape) !== sizeOf(kernel.loops)) return undefined;
  if (earlier.kind === "op" && !earlier.epilogue)
    return isAlone(earlier.node) ? { ...earlier, epilogue: kernel } : undefined;
  const before = earlier.kind === "op" ? earlier.epilogue! : earlier.kernel;
  const both = buildKernel(
    [...kernel.outputs, ...before.outputs],
    (node) => roots.has(node as OpNode) || isAlone(node),
  );
  if (!both || both instanceof NeedsMemory) return undefined;
  if (earlier.kind === "fused") return { kind: "fused", kernel: both };
  const own = both.leaves.filter(({ node }) => node === earlier.node);
  return own.every(({ access }) => isSame(access, wholeAccess(both.loops)))
    ? { ...earlier, epilogue: both }
    : undefined;
}

function fits(step: Step, later: Step, kernels: Kernels, readers: ReadonlyMap<GraphNode, number>): boolean {
  const kernel = step.kind === "fused" ? step.kernel : step.epilogue!;
  if (kernelWeight(kernel) > maxOperations) return false;
  if (step.kind === "fused") return bindings(step.kernel) <= kernels.maxBuffers;
  const { node, epilogue } = step;
  const room = kernels.epilogue(node);
  if (!room || codeCost(epilogue!) > room.maxCost(epilogue!)) return false;
  // The result is read where it is made, and stored only if others than the joined kernel read it; that may read the epilogue's alone.
  const keepsResult = readers.get(node)! > (readBy(later).includes(node) ? 1 : 0);
  return room.bindings + (keepsResult ? 1 : 0) + bindings(epilogue!) - 1 <= kernels.maxBuffers;
}

function codeCost({ graph }: FusedKernel): number {
  return graph.steps.reduce((total, step) => total + expressionCost(step.expression(step.args.map((a) => `x${a}`))), 0);
}

function expressionCost(text: string): number {
  return 1 + cost.call * callsIn(text);
}
