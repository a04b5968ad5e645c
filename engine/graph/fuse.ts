/**
 * Which ops of a captured graph share a kernel. Pointwise ops, views and small sums between them are computed where they
 * are used; a value is put into memory when something needs it there, or when computing it again would cost more. Kernels
 * of one loop then join when one reads what the other writes.
 */
import { isContiguous, sizeOf } from "../shape.js";
import { type Graph, type GraphNode, type OpNode, opsOf } from "../trace.js";
import { viewLayout, wholeAccess } from "./access.js";
import { buildKernel, type FusedKernel, isSame, NeedsMemory, unrolledAxes } from "./kernel.js";

/** One entry of the schedule: an op by itself (a kernel of its own, or a view that costs nothing), or a fused kernel. */
export type Step =
  | { readonly kind: "op"; readonly node: OpNode }
  | { readonly kind: "fused"; readonly kernel: FusedKernel };

/** Every op by itself, in the order of the program. */
export function eachOp(graph: Graph): Step[] {
  return opsOf(graph.outputs).map((node) => ({ kind: "op", node }));
}

/** The graph as fused kernels that bind at most `maxBuffers` tensors each. */
export function fuse(graph: Graph, maxBuffers: number): Step[] {
  const forced = new Set<OpNode>();
  for (;;) {
    const { roots, alone } = choose(graph, forced);
    const steps: Step[] = [...alone].map((node) => ({ kind: "op", node }));
    let missing: OpNode | undefined;
    for (const root of roots) {
      const kernel = buildKernel([root], (node) => roots.has(node as OpNode) || isAlone(node));
      if (kernel === undefined) throw new Error("internal: a kernel does not visit its output in order");
      missing = kernel instanceof NeedsMemory ? kernel.node : tooMany(kernel, maxBuffers);
      if (missing) break;
      steps.push({ kind: "fused", kernel: kernel as FusedKernel });
    }
    if (!missing) return merge(steps, roots, maxBuffers);
    if (forced.has(missing)) throw new Error(`internal: ${missing.op.name} cannot be fused and not be put into memory`);
    forced.add(missing);
  }
}

/** Ops with kernels of their own. */
function isAlone(node: GraphNode): boolean {
  return node.kind === "op" && !node.op.view && !isFusible(node);
}

function isFusible(node: OpNode): boolean {
  return node.op.expression !== undefined || unrolledAxes(node) !== undefined;
}

/** Something inside the kernel to put into memory when it binds more than `maxBuffers` tensors. */
function tooMany(kernel: FusedKernel, maxBuffers: number): OpNode | undefined {
  if (bindings(kernel) <= maxBuffers) return undefined;
  const inMemory = new Set(kernel.leaves.map(({ node }) => node));
  const inner = kernel.outputs[0].inputs.find((x) => x.kind === "op" && !inMemory.has(x) && x.inputs.length > 0);
  return inner as OpNode | undefined;
}

/** Storage bindings of a kernel, at most: a tensor is bound once as numbers and once as vectors of four. */
function bindings({ leaves, outputs }: FusedKernel): number {
  return outputs.length + new Set(leaves.map(({ node, access }) => `${node.id}:${access.strides.at(-1) === 1}`)).size;
}

/** What is computed into memory: fusible nodes that are roots of kernels, and ops and free views scheduled by themselves. */
function choose(graph: Graph, forced: ReadonlySet<OpNode>): { roots: Set<OpNode>; alone: Set<OpNode> } {
  const ops = opsOf(graph.outputs);
  const roots = new Set(forced);
  const alone = new Set<OpNode>();
  const demand = (x: GraphNode, strided: boolean): void => {
    if (x.kind !== "op" || roots.has(x) || isAlone(x)) return;
    if (!x.op.view || !isFree(x, strided)) roots.add(x);
    else {
      alone.add(x);
      demand(x.inputs[0], true);
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
    if (!roots.has(node) && isFusible(node) && isBetterStored(node, own)) roots.add(node);
  }
  return { roots, alone };
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

/** Whether a value used in several kernels, or at several places of one, is computed once into memory. */
function isBetterStored(node: OpNode, runs: ReadonlyMap<OpNode, number>): boolean {
  const size = sizeOf(node.shape);
  let total = 0;
  for (const count of runs.values()) total += count;
  // Stored, it can be one more output of the first kernel that uses it, if that has the same loop.
  const first = [...runs.keys()].reduce((a, b) => (a.id < b.id ? a : b));
  const joins = sizeOf(first.shape) === size;
  if (total <= size || node.inputs.length === 0) return false;
  const again = (total - size) * costOf(node, new Set());
  return again > size * cost.store + total * cost.load + (joins ? 0 : cost.launch);
}

/** Computing one element from what surely lies in memory. */
function costOf(node: GraphNode, seen: Set<GraphNode>): number {
  if (seen.has(node)) return 0;
  seen.add(node);
  if (node.kind !== "op" || isAlone(node)) return cost.load;
  const inner = node.inputs.reduce((sum, x) => sum + costOf(x, seen), 0);
  if (node.op.view || node.inputs.length === 0) return inner;
  const axes = unrolledAxes(node);
  if (axes) return inner * sizeOf(axes.map((a) => node.inputs[0].shape[a]));
  const text = node.op.expression!(
    node.inputs.map((_, i) => `x${i}`),
    node.attrs as never,
  );
  return inner + 1 + cost.call * (text.match(/\w\(/g)?.length ?? 0);
}

/** Joins kernels of one loop where one reads what the other writes, in order, while no cycle arises. */
function merge(steps: readonly Step[], roots: ReadonlySet<OpNode>, maxBuffers: number): Step[] {
  let current = order(steps)!;
  for (let i = current.length - 1; i >= 0; i--) {
    for (let joined = true; joined; ) {
      joined = false;
      const step = current[i];
      if (step?.kind !== "fused") break;
      for (const other of current) {
        const kernel = other !== step && other.kind === "fused" ? join(step.kernel, other.kernel, roots) : undefined;
        if (!kernel || bindings(kernel) > maxBuffers) continue;
        const next: Step = { kind: "fused", kernel };
        const ordered = order([...current.filter((s) => s !== step && s !== other), next]);
        if (!ordered) continue;
        current = ordered;
        i = current.indexOf(next);
        joined = true;
        break;
      }
    }
  }
  return current;
}

/** One kernel for both, if `later` reads an output of `earlier` in the order of its own loop. */
function join(later: FusedKernel, earlier: FusedKernel, roots: ReadonlySet<OpNode>): FusedKernel | undefined {
  const whole = wholeAccess(later.loops);
  const reads = later.leaves.some(
    ({ node, access }) => (earlier.outputs as readonly GraphNode[]).includes(node) && isSame(access, whole),
  );
  if (!reads || sizeOf(later.loops) !== sizeOf(earlier.loops)) return undefined;
  const outputs = [...later.outputs, ...earlier.outputs];
  const kernel = buildKernel(outputs, (node) => roots.has(node as OpNode) || isAlone(node));
  return kernel instanceof NeedsMemory ? undefined : kernel;
}

function producedBy(step: Step): readonly OpNode[] {
  return step.kind === "op" ? [step.node] : step.kernel.outputs;
}

/** The steps after what they read, otherwise as the program had them; undefined when they wait for each other. */
function order(steps: readonly Step[]): Step[] | undefined {
  const producer = new Map<GraphNode, Step>();
  for (const step of steps) for (const node of producedBy(step)) producer.set(node, step);
  const waiting = [...steps].sort((a, b) => lastId(a) - lastId(b));
  const done = new Set<Step>();
  const isReady = (step: Step): boolean => {
    const reads = step.kind === "op" ? step.node.inputs : step.kernel.leaves.map(({ node }) => node);
    return reads.every((x) => {
      const before = producer.get(x);
      return !before || done.has(before);
    });
  };
  const out: Step[] = [];
  while (waiting.length > 0) {
    const at = waiting.findIndex(isReady);
    if (at < 0) return undefined;
    const [step] = waiting.splice(at, 1);
    done.add(step);
    out.push(step);
  }
  return out;
}

function lastId(step: Step): number {
  return Math.max(...producedBy(step).map((node) => node.id));
}
