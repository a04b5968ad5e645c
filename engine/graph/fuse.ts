/**
 * Which ops of a captured graph share a kernel. Pointwise ops, views and small sums between them are computed where they
 * are used; a value is put into memory when something needs it there, or when computing it again would cost more. Kernels
 * of one loop then join when one reads what the other writes.
 */
import { isContiguous, sizeOf } from "../shape.js";
import { type Graph, type GraphNode, type OpNode, opsOf } from "../trace.js";
import { viewLayout, wholeAccess } from "./access.js";
import { buildKernel, type FusedKernel, isSame, NeedsMemory, unrolledAxes } from "./kernel.js";

/** One entry of the schedule: an op by itself (a kernel of its own, or a view that costs nothing), which may end in an
 *  epilogue that reads the op's result where it is stored, or a fused kernel. */
export type Step =
  | { readonly kind: "op"; readonly node: OpNode; readonly epilogue?: FusedKernel }
  | { readonly kind: "fused"; readonly kernel: FusedKernel };

export interface EpilogueRoom {
  /** Tensors the kernel binds besides its result. */
  readonly bindings: number;
  /** Most additions' worth of code, where the kernel repeats it for every element it holds in registers. */
  readonly maxCost: number;
}

/** What fusion needs to know of the kernels that are not generated. */
export interface Kernels {
  /** Most tensors a kernel may bind. */
  readonly maxBuffers: number;
  /** What the op's last kernel allows, if it can end in an epilogue. */
  readonly epilogue: (node: OpNode) => EpilogueRoom | undefined;
}

/** Every op by itself, in the order of the program. */
export function eachOp(graph: Graph): Step[] {
  return opsOf(graph.outputs).map((node) => ({ kind: "op", node }));
}

/** The graph as fused kernels. */
export function fuse(graph: Graph, kernels: Kernels): Step[] {
  const forced = new Set<OpNode>();
  for (;;) {
    const { roots, alone } = choose(graph, forced, kernels);
    const steps: Step[] = [...alone].map((node) => ({ kind: "op", node }));
    let missing: OpNode | undefined;
    for (const root of roots) {
      const kernel = buildKernel([root], (node) => roots.has(node as OpNode) || isAlone(node));
      if (kernel === undefined) throw new Error("internal: a kernel does not visit its output in order");
      missing = kernel instanceof NeedsMemory ? kernel.node : tooMany(kernel, kernels.maxBuffers);
      if (missing) break;
      steps.push({ kind: "fused", kernel: kernel as FusedKernel });
    }
    if (!missing) return merge(steps, graph, roots, kernels);
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
function choose(
  graph: Graph,
  forced: ReadonlySet<OpNode>,
  kernels: Kernels,
): { roots: Set<OpNode>; alone: Set<OpNode> } {
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
    if (roots.has(node) || !isFusible(node)) continue;
    const epilogueOf = node.inputs.find((x) => x.kind === "op" && kernels.epilogue(x) !== undefined);
    const isEpilogue =
      epilogueOf !== undefined &&
      sizeOf(epilogueOf.shape) === sizeOf(node.shape) &&
      consumers.get(epilogueOf)!.length === 1 &&
      node.inputs.every((x) => x === epilogueOf || isStored(x));
    if (isBetterStored(node, own, isEpilogue)) roots.add(node);
  }
  return { roots, alone };
}

/** Whether a node lies in memory before the step begins, perhaps under a view. */
function isStored(node: GraphNode): boolean {
  return node.kind !== "op" || (node.op.view !== undefined && isStored(node.inputs[0]));
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
function isBetterStored(node: OpNode, runs: ReadonlyMap<OpNode, number>, isEpilogue: boolean): boolean {
  const size = sizeOf(node.shape);
  let total = 0;
  for (const count of runs.values()) total += count;
  // Stored, it can be one more output of the first kernel that uses it, if that has the same loop.
  const first = [...runs.keys()].reduce((a, b) => (a.id < b.id ? a : b));
  const joins = sizeOf(first.shape) === size;
  if (total <= size || node.inputs.length === 0) return false;
  if (isEpilogue) return true;
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
  return inner + expressionCost(text);
}

/** Joins kernels of one loop where one reads what the other writes, in order, while no cycle arises. */
function merge(steps: readonly Step[], graph: Graph, roots: ReadonlySet<OpNode>, kernels: Kernels): Step[] {
  let current = order(steps)!;
  const joinOnce = (): boolean => {
    for (const later of [...current].reverse())
      for (const earlier of [...current].reverse()) {
        const joined = later === earlier ? undefined : join(later, earlier, roots);
        if (!joined || !fits(joined, kernels, readOutside(current, graph, later))) continue;
        const ordered = order([...current.filter((s) => s !== later && s !== earlier), joined]);
        if (!ordered) continue;
        current = ordered;
        return true;
      }
    return false;
  };
  while (joinOnce());
  return current;
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

function fits(step: Step, kernels: Kernels, read: ReadonlySet<GraphNode>): boolean {
  if (step.kind === "fused") return bindings(step.kernel) <= kernels.maxBuffers;
  const room = kernels.epilogue(step.node);
  if (!room || codeCost(step.epilogue!) > room.maxCost) return false;
  // The result is read where it is made, and stored only if somebody else reads it.
  return room.bindings + (read.has(step.node) ? 1 : 0) + bindings(step.epilogue!) - 1 <= kernels.maxBuffers;
}

function codeCost({ graph }: FusedKernel): number {
  return graph.steps.reduce((total, step) => total + expressionCost(step.expression(step.args.map((a) => `x${a}`))), 0);
}

function expressionCost(text: string): number {
  return 1 + cost.call * (text.match(/\w\(/g)?.length ?? 0);
}

/** What is read by others than `step`. */
function readOutside(steps: readonly Step[], graph: Graph, step: Step): Set<GraphNode> {
  return new Set([...graph.outputs, ...steps.flatMap((s) => (s === step ? [] : readBy(s)))]);
}

function producedBy(step: Step): readonly OpNode[] {
  if (step.kind === "fused") return step.kernel.outputs;
  return step.epilogue ? [step.node, ...step.epilogue.outputs] : [step.node];
}

/** What has to be in memory before a step runs. */
export function readBy(step: Step): readonly GraphNode[] {
  if (step.kind === "fused") return step.kernel.leaves.map(({ node }) => node);
  const extra = step.epilogue?.leaves.map(({ node }) => node).filter((x) => x !== step.node) ?? [];
  return [...step.node.inputs, ...extra];
}

/** The steps after what they read, otherwise as the program had them; undefined when they wait for each other. */
function order(steps: readonly Step[]): Step[] | undefined {
  const producer = new Map<GraphNode, Step>();
  for (const step of steps) for (const node of producedBy(step)) producer.set(node, step);
  const place = new Map(steps.map((step) => [step, placeOf(step)]));
  const before = (step: Step): Step[] => readBy(step).flatMap((x) => producer.get(x) ?? []);
  const first = schedule(steps, before, place);
  // What an epilogue waits for moves forward with it.
  for (const step of first?.toReversed() ?? [])
    for (const producing of before(step)) place.set(producing, Math.min(place.get(producing)!, place.get(step)!));
  return first && schedule(steps, before, place);
}

function schedule(
  steps: readonly Step[],
  before: (step: Step) => readonly Step[],
  place: ReadonlyMap<Step, number>,
): Step[] | undefined {
  const waiting = [...steps].sort((a, b) => place.get(a)! - place.get(b)!);
  const done = new Set<Step>();
  while (waiting.length > 0) {
    const at = waiting.findIndex((step) => before(step).every((s) => done.has(s)));
    if (at < 0) return undefined;
    done.add(waiting.splice(at, 1)[0]);
  }
  return [...done];
}

/** Where the program had a step: an op with its epilogue where the op was, so that what it reads is soon free. */
function placeOf(step: Step): number {
  return step.kind === "op" ? step.node.id : Math.max(...step.kernel.outputs.map((node) => node.id));
}
