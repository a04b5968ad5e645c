/**
 * How much one kernel may compute, and bind. Drivers compile a kernel in more than linear time, short sums are written out term by
 * term, and a value used at several places of a sum is computed at each: without a limit one kernel of a few layers takes
 * seconds to compile, and a long chain of ops nests too deep to be walked.
 */
import { operationsIn } from "../expression.js";
import { sizeOf } from "../shape.js";
import type { GraphNode, OpNode } from "../trace.js";
import { type FusedKernel, unrolledAxes } from "./kernel.js";

/** Most operations of one fused kernel, with library functions written out. */
export const maxOperations = 1000;
/** A value counts for at least this many, which limits nesting to a few hundred values. */
const leastWeight = 4;

const weights = new WeakMap<OpNode, number>();

/** What one evaluation of a node adds to a kernel. */
export function weightOf(node: OpNode): number {
  let weight = weights.get(node);
  if (weight === undefined) {
    const axes = unrolledAxes(node);
    const terms = axes ? sizeOf(axes.map((a) => node.inputs[0].shape[a])) : 0;
    const text = node.op.expression?.(
      node.inputs.map((_, i) => `x${i}`),
      node.attrs as never,
    );
    weight = Math.max(leastWeight, terms, operationsIn(text ?? ""));
    weights.set(node, weight);
  }
  return weight;
}

/** What a kernel makes a driver compile. */
export function kernelWeight({ nodes }: FusedKernel): number {
  return nodes.reduce((sum, node) => sum + weightOf(node), 0);
}

interface Items<T, K> {
  /** Inputs before what uses them. */
  readonly items: readonly T[];
  readonly inputs: (item: T) => readonly T[];
  readonly weight: (item: T) => number;
  /** What is cut: several items may be evaluations of one. */
  readonly key: (item: T) => K;
  readonly isStored: (item: T) => boolean;
  /** Whether an item may be cut. */
  readonly mayCut: (item: T) => boolean;
}

/** What to put into memory so that nothing is computed from more than `budget` of other weights: of the inputs of what is too
 *  heavy, the heaviest. */
export function cutsFor<T, K>(graph: Items<T, K>, budget: number): Set<K> {
  const { items, inputs, weight, key, isStored, mayCut } = graph;
  const cuts = new Set<K>();
  /** At most what has to be computed for an item: exact where it would be too much. */
  const known = new Map<T, number>();
  const isFree = (x: T): boolean => isStored(x) || cuts.has(key(x));
  const loadOf = (x: T): number => (isFree(x) ? 0 : (known.get(x) ?? 0));
  for (const item of items) {
    const upper = (): number => inputs(item).reduce((sum, x) => sum + loadOf(x), weight(item));
    let load = upper();
    while (load > budget) {
      load = Math.min(load, exactLoad(item, graph, isFree));
      if (load <= budget) break;
      let heaviest: T | undefined;
      for (const x of inputs(item))
        if (!isFree(x) && mayCut(x) && (heaviest === undefined || loadOf(x) > loadOf(heaviest))) heaviest = x;
      if (heaviest === undefined) break;
      cuts.add(key(heaviest));
      load = upper();
    }
    known.set(item, load);
  }
  return cuts;
}

/** The weight of everything an item is computed from, each counted once. */
function exactLoad<T, K>(item: T, { inputs, weight }: Items<T, K>, isFree: (x: T) => boolean): number {
  const seen = new Set([item]);
  let load = 0;
  for (const x of seen) {
    load += weight(x);
    for (const input of inputs(x)) if (!isFree(input)) seen.add(input);
  }
  return load;
}

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
  /** Whether the op reads each element of its first input once, where a prologue can make it, and store it where others read it too. */
  readonly prologue: (node: OpNode, isStored: boolean) => boolean;
}

/** Most elements a kernel reads in one turn of its loops: they are parameters of a WGSL function, which has 255 at most. */
const maxLeaves = 128;

/** Storage bindings of a kernel, at most: a tensor is bound once as numbers and once as vectors of four, if it is read in different steps. */
export function bindings({ leaves, outputs }: FusedKernel): number {
  if (leaves.length > maxLeaves) return Number.POSITIVE_INFINITY;
  const steps = new Map<GraphNode, Set<string>>();
  for (const { node, access } of leaves)
    steps.set(node, (steps.get(node) ?? new Set<string>()).add(access.strides.join()));
  return [...steps.values()].reduce((total, { size }) => total + Math.min(2, size), outputs.length);
}
