/** Builds one fused kernel: everything between its outputs and what lies in memory, as scalar steps over nested loops. */
import type { PointwiseGraph, PointwiseStep } from "../gpu/codegen.js";
import { sumSpec } from "../ops/reduce.js";
import { sameShape, sizeOf } from "../shape.js";
import type { GraphNode, OpNode } from "../trace.js";
import {
  type Access,
  Split,
  splitLoop,
  throughBroadcast,
  throughReduction,
  throughView,
  wholeAccess,
} from "./access.js";

/** A tensor in memory, read by a fused kernel. */
export interface Leaf {
  readonly node: GraphNode;
  readonly access: Access;
}

export interface FusedKernel {
  readonly loops: readonly number[];
  readonly leaves: readonly Leaf[];
  /** Values are numbered: the leaves first, then the steps. */
  readonly graph: PointwiseGraph;
  /** The op of each step; one may be evaluated at several places. */
  readonly nodes: readonly OpNode[];
  /** Written in their own row-major order, which is that of the loops. */
  readonly outputs: readonly OpNode[];
}

/** `node` cannot be reached by an affine map; it has to be computed into memory first. */
export class NeedsMemory {
  constructor(readonly node: OpNode) {}
}

/** Sums of at most this many elements are unrolled into the kernel that uses them. */
const maxUnrolled = 16;

/** No kernel is written out further than this: nested sums multiply. */
const maxSteps = 4096;

/** The axes of a sum small enough to be unrolled. */
export function unrolledAxes(node: OpNode): readonly number[] | undefined {
  if ((node.op as unknown) !== sumSpec) return undefined;
  const { axes } = node.attrs as { axes: readonly number[] };
  const count = sizeOf(axes.map((a) => node.inputs[0].shape[a]));
  return count > 0 && count <= maxUnrolled ? axes : undefined;
}

/** Ops with kernels of their own. */
export function isAlone(node: GraphNode): boolean {
  return node.kind === "op" && !node.op.view && !isFusible(node);
}

/** Ops that kernels are generated for. */
export function isFusible(node: OpNode): boolean {
  return node.op.expression !== undefined || unrolledAxes(node) !== undefined;
}

/** The kernel that writes `outputs`, all with as many elements as the first; `isInMemory` says where to stop.
 *  Returns what has to lie in memory first, or undefined when an output is not visited in its own order. */
export function buildKernel(
  outputs: readonly OpNode[],
  isInMemory: (node: GraphNode) => boolean,
): FusedKernel | NeedsMemory | undefined {
  let loops: readonly number[] = outputs[0].shape;
  for (;;) {
    const builder = new Builder(loops, outputs, isInMemory);
    const problem = builder.build();
    if (!problem) return builder.kernel();
    if (problem === "order") return undefined;
    if (problem instanceof NeedsMemory) return problem;
    loops = splitLoop(loops, problem);
  }
}

/** What stands in the way of a kernel over these loops. */
type Problem = Split | NeedsMemory | "order";

interface Step {
  readonly node: OpNode;
  readonly args: readonly Value[];
  readonly expression: (args: readonly string[]) => string;
}
type Value = { readonly leaf: number } | { readonly step: number };

class Builder {
  readonly #leaves: Leaf[] = [];
  readonly #steps: Step[] = [];
  readonly #known = new Map<string, Value>();
  readonly #whole: Access;
  readonly #results: Value[] = [];
  #problem: Problem | undefined;

  constructor(
    readonly loops: readonly number[],
    readonly outputs: readonly OpNode[],
    readonly isInMemory: (node: GraphNode) => boolean,
  ) {
    this.#whole = wholeAccess(loops);
  }

  build(): Problem | undefined {
    // A kernel without elements is never run.
    if (sizeOf(this.loops) === 0) return undefined;
    for (const y of this.outputs) this.#results.push(this.#value(y, this.#whole));
    return this.#problem;
  }

  kernel(): FusedKernel {
    const n = this.#leaves.length;
    const number = (value: Value): number => ("leaf" in value ? value.leaf : n + value.step);
    const steps = this.#steps.map(
      ({ node, args, expression }): PointwiseStep => ({ dtype: node.dtype, args: args.map(number), expression }),
    );
    const graph = { name: this.#name(), steps, results: this.#results.map(number) };
    const nodes = this.#steps.map(({ node }) => node);
    return { loops: this.loops, leaves: this.#leaves, graph, nodes, outputs: this.outputs };
  }

  #name(): string {
    const names = [...new Set(this.#steps.filter(({ args }) => args.length > 0).map(({ node }) => node.op.name))];
    if (names.length === 0) return this.outputs[0].op.name;
    return names.length <= 4 ? names.join("_") : `${names.slice(0, 3).join("_")}_and_${names.length - 3}_more`;
  }

  #value(node: GraphNode, access: Access): Value {
    const key = `${node.id}:${access.offset}:${access.strides.join()}`;
    const known = this.#known.get(key);
    if (known) return known;
    const value = this.#compute(node, access);
    this.#known.set(key, value);
    return value;
  }

  #compute(node: GraphNode, access: Access): Value {
    const isOutput = (this.outputs as readonly GraphNode[]).includes(node);
    if (node.kind !== "op" || (!isOutput && this.isInMemory(node)))
      return { leaf: this.#leaves.push({ node, access }) - 1 };
    if (isOutput && !isSame(access, this.#whole)) return this.#fail("order");
    if (node.op.view) {
      const inner = throughView(access, node, this.loops);
      return this.#mapped(inner, node, (a) => this.#value(node.inputs[0], a));
    }
    const axes = unrolledAxes(node);
    if (axes) {
      const [x] = node.inputs;
      const inner = throughReduction(access, x.shape, axes, this.loops);
      return this.#mapped(inner, node, (taps) =>
        this.#step(
          node,
          taps.map((a) => this.#value(x, a)),
          (args) => `(${args.join(" + ")})`,
        ),
      );
    }
    const args: Value[] = [];
    for (const x of node.inputs) {
      const inner = throughBroadcast(access, node.shape, x.shape, this.loops);
      args.push(this.#mapped(inner, node, (a) => this.#value(x, a)));
      if (this.#problem) return { leaf: -1 };
    }
    return this.#step(node, args, (texts) => node.op.expression!(texts, node.attrs as never));
  }

  #step(node: OpNode, args: readonly Value[], expression: Step["expression"]): Value {
    if (this.#steps.length >= maxSteps) return this.#fail(new NeedsMemory(this.#mostRepeated()));
    return { step: this.#steps.push({ node, args, expression }) - 1 };
  }

  /** What is evaluated at most places: the operand of nested sums. */
  #mostRepeated(): OpNode {
    const counts = new Map<OpNode, number>();
    for (const { node, args } of this.#steps)
      if (args.length > 0 && !this.outputs.includes(node)) counts.set(node, (counts.get(node) ?? 0) + 1);
    return [...counts].reduce((most, next) => (next[1] > most[1] ? next : most))[0];
  }

  #mapped<T extends Access | Access[]>(mapped: T | Split | undefined, node: OpNode, use: (mapped: T) => Value): Value {
    if (mapped === undefined) return this.#fail(new NeedsMemory(node));
    if (mapped instanceof Split) return this.#fail(mapped);
    return this.#problem ? { leaf: -1 } : use(mapped);
  }

  #fail(problem: Problem): Value {
    this.#problem ??= problem;
    return { leaf: -1 };
  }
}

export function isSame(a: Access, b: Access): boolean {
  return a.offset === b.offset && sameShape(a.strides, b.strides);
}
