/** Joins what `fuse` made: kernels of one loop, kernels of single ops with epilogues, and with prologues. */
import { sizeOf } from "../shape.js";
import type { Graph, GraphNode, OpNode } from "../trace.js";
import { wholeAccess } from "./access.js";
import { bindings, type Kernels, kernelWeight, maxOperations } from "./budget.js";
import { codeCost } from "./cost.js";
import { buildKernel, isAlone, isSame, NeedsMemory } from "./kernel.js";
import { order, placeOf, producedBy, readBy, type Step } from "./schedule.js";

/** Joins kernels of one loop where one reads what the other writes, in order, while no cycle arises. */
export function merge(steps: readonly Step[], graph: Graph, roots: ReadonlySet<OpNode>, kernels: Kernels): Step[] {
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

/** Kernels that make one value, for an op that reads each of its elements once and whose epilogue does not, become its prologue. Whatever
 *  else reads the value then waits for that op. */
function withPrologues(
  steps: ReadonlySet<Step>,
  makers: ReadonlyMap<GraphNode, Step>,
  readers: ReadonlyMap<GraphNode, number>,
  { maxBuffers, prologue }: Kernels,
): Set<Step> {
  const all = new Set(steps);
  const producers = new Map(makers);
  for (const step of steps) {
    if (step.kind !== "op") continue;
    const [x] = step.node.inputs;
    const earlier = producers.get(x);
    if (earlier?.kind !== "fused" || earlier.kernel.outputs.length > 1) continue;
    if (step.epilogue?.leaves.some(({ node }) => node === x)) continue;
    const isStored = readers.get(x) !== 1;
    const written = step.epilogue ? bindings(step.epilogue) : 1;
    if (!prologue(step.node, isStored) || bindings(earlier.kernel) + written > maxBuffers) continue;
    if (isStored && dependsOtherwise(step, earlier, producers)) continue;
    const both = { ...step, prologue: earlier.kernel };
    all.delete(step);
    all.delete(earlier);
    all.add(both);
    for (const node of producedBy(both)) producers.set(node, both);
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
