/** A captured graph as a list of kernel calls over buffers that do not exist yet. Pure: the same for every device with the
 *  same capabilities, and testable without one. */
import type { PlanOptions } from "../executor.js";
import { wholeAccess } from "../graph/access.js";
import { type EpilogueRoom, fuse as fuseGraph, type Kernels } from "../graph/fuse.js";
import { isSame, type Leaf } from "../graph/kernel.js";
import { type BufferPlan, type Lifetime, lowerBound, planBuffers } from "../graph/plan.js";
import { eachOp, readBy, type Step } from "../graph/schedule.js";
import type { Capabilities, KernelCall, Operand, TensorSpec } from "../lower.js";
import { isContiguous, sameShape, sizeOf } from "../shape.js";
import type { Graph, GraphNode, InputNode, OpNode } from "../trace.js";
import { pointwise } from "./codegen.js";
import { repeatsStores, storesThroughHook, withEpilogue } from "./epilogue.js";
import { copyCalls, type Lowering, type LoweringHost, lowerOp, wholeOperand } from "./lowering.js";

/** A buffer to be: what it holds, and from which launch to which. */
export class PlannedBuffer {
  first = Number.POSITIVE_INFINITY;
  last = Number.NEGATIVE_INFINITY;
  home: string | undefined;
  constructor(
    /** For people: the op that writes it, or the argument. */
    readonly name: string,
    readonly bytes: number,
  ) {}

  touch(launch: number): void {
    this.first = Math.min(this.first, launch);
    this.last = Math.max(this.last, launch);
  }
}

/** A captured tensor: its buffer exists already. */
export class ConstantBuffer {
  constructor(readonly operand: Operand) {}
}

export interface ProgramInput {
  readonly node: InputNode;
  readonly buffer: PlannedBuffer;
}

/** Where an output comes from after the last launch. */
export interface ProgramOutput extends TensorSpec {
  /** Contiguous, from its offset. */
  readonly operand: Operand;
  /** The donated input whose buffer it takes over. */
  readonly takesOver: ProgramInput | undefined;
  /** Whether the launches write it there, so that nothing has to be copied. */
  readonly inPlace: boolean;
}

export interface Program {
  readonly launches: readonly KernelCall[];
  readonly inputs: readonly ProgramInput[];
  readonly outputs: readonly ProgramOutput[];
  /** Everything that gets memory, in the order of `plan.bufferOf`. */
  readonly buffers: readonly PlannedBuffer[];
  readonly plan: BufferPlan;
  /** The most bytes that must live at once, constants excepted. */
  readonly lowerBoundBytes: number;
}

const bytesPerElement = 4;

/** Lowers every op of the graph and plans the memory. */
export function compile(graph: Graph, caps: Capabilities, { fuse }: PlanOptions): Program {
  const launches: KernelCall[] = [];
  const buffers: PlannedBuffer[] = [];
  const planned = (spec: TensorSpec, name: string): PlannedBuffer => {
    const buffer = new PlannedBuffer(name, sizeOf(spec.shape) * bytesPerElement);
    buffers.push(buffer);
    return buffer;
  };
  const host: LoweringHost = { caps, allocate: (spec, what) => wholeOperand(spec, planned(spec, what)) };
  const operands = new Map<GraphNode, Operand>();
  const operandOf = (node: GraphNode): Operand => {
    let operand = operands.get(node);
    if (!operand) {
      if (node.kind !== "constant") throw new Error("internal: an op is lowered before its inputs");
      const value = node.value as unknown as Operand;
      operand = { ...layoutOf(value), buffer: new ConstantBuffer(value) };
      operands.set(node, operand);
    }
    return operand;
  };

  const inputs = graph.inputs.map((node): ProgramInput => {
    const buffer = planned(node, `argument ${node.path}`);
    buffer.home = buffer.name;
    operands.set(node, wholeOperand(node, buffer));
    return { node, buffer };
  });
  const takers = matchDonations(graph).map((i) => (i === undefined ? undefined : inputs[i]));
  const steps = fuse ? fuseGraph(graph, kernelsOn(caps)) : eachOp(graph);
  const overwritable = overwrites(graph, steps, takers);
  const read = new Set([...graph.outputs, ...steps.flatMap(readBy)]);
  const lower = (node: OpNode): Lowering => lowerOp(node.op, node.inputs.map(operandOf), node.attrs, node, host);
  const copyOf = (operand: Operand): Operand => {
    const copy = host.allocate(operand, "copy");
    launches.push(...copyCalls(operand, copy, caps));
    return copy;
  };
  /** A tensor in memory as a fused kernel reads it. */
  const leafOperand = ({ node, access }: Leaf, loops: readonly number[]): Operand => {
    let operand = operandOf(node);
    if (!isDense(operand)) {
      operand = copyOf(operand);
      operands.set(node, operand);
    }
    return { ...operand, shape: loops, strides: access.strides, offset: operand.offset + access.offset };
  };
  for (const step of steps) {
    const result = step.kind === "op" ? lower(step.node) : undefined;
    const kernel = step.kind === "op" ? step.epilogue : step.kernel;
    if (step.kind === "op") operands.set(step.node, result!.output);
    if (!kernel) {
      launches.push(...result!.calls);
      continue;
    }
    const { loops, leaves, outputs, graph: scalars } = kernel;
    const own = step.kind === "op" ? step.node : undefined;
    const sources = leaves.map((leaf) => (leaf.node === own ? undefined : leafOperand(leaf, loops)));
    for (const y of outputs) {
      const taken = overwritable.get(y);
      operands.set(y, taken ? wholeOperand(y, taken.buffer) : host.allocate(y, y.op.name));
    }
    const targets = outputs.map((y): Operand => ({ ...operandOf(y), ...wholeAccess(loops), shape: loops }));
    if (result) {
      const epilogue = { graph: scalars, inputs: sources, outputs: targets, keepsResult: read.has(own!) };
      launches.push(...withEpilogue(result.calls, result.output, epilogue));
    } else {
      const call = pointwise(scalars, sources as Operand[], targets, { caps, bake: true });
      if (call) launches.push(call);
    }
  }

  const sources = outputSources(graph.outputs.map(operandOf), inputs, takers, copyOf);

  const end = launches.length;
  for (const [k, { bind }] of launches.entries())
    for (const { buffer } of Object.values(bind)) if (buffer instanceof PlannedBuffer) buffer.touch(k);
  for (const { buffer } of sources) if (buffer instanceof PlannedBuffer) buffer.touch(end);
  for (const { node, buffer } of inputs) {
    buffer.touch(-1);
    // What is not given up stays, so that an argument passed again need not be copied again.
    if (!node.donated) buffer.touch(end);
  }

  const outputs = sources.map((operand, j): ProgramOutput => {
    const taker = takers[j];
    const { shape, dtype } = graph.outputs[j];
    if (!taker) return { shape, dtype, operand, takesOver: undefined, inPlace: false };
    const source = operand.buffer as PlannedBuffer;
    const inPlace = source === taker.buffer || source.first > taker.buffer.last;
    if (inPlace) source.home = taker.buffer.home;
    return { shape, dtype, operand, takesOver: taker, inPlace };
  });
  // What nothing touches needs no memory: tensors without elements, results that only an epilogue reads.
  const used = buffers.filter(({ first, last }) => first <= last);
  const lives: Lifetime[] = [...used];
  // A result that is copied into its place at the end needs the place then, whatever used it in between.
  for (const { takesOver, inPlace } of outputs)
    if (takesOver && !inPlace)
      lives.push({ bytes: takesOver.buffer.bytes, first: end, last: end, home: takesOver.buffer.home });
  return { launches, inputs, outputs, buffers: used, plan: planBuffers(lives), lowerBoundBytes: lowerBound(lives) };
}

/** Outputs are copied by range or taken over as whole buffers; what is neither is first copied to a buffer of its own. */
function outputSources(
  results: readonly Operand[],
  inputs: readonly ProgramInput[],
  takers: readonly (ProgramInput | undefined)[],
  copyOf: (operand: Operand) => Operand,
): Operand[] {
  const givenUp = new Set<unknown>(inputs.filter(({ node }) => node.donated).map(({ buffer }) => buffer));
  const claimed = new Set<unknown>(inputs.map(({ buffer }) => buffer));
  return results.map((operand, j) => {
    const { buffer, shape } = operand;
    const taker = takers[j];
    if (!taker) return isDense(operand) && !givenUp.has(buffer) ? operand : copyOf(operand);
    if (!isContiguous(shape, operand)) return copyOf(operand);
    if (buffer === taker.buffer) return operand;
    if (!(buffer instanceof PlannedBuffer) || claimed.has(buffer)) return copyOf(operand);
    claimed.add(buffer);
    return operand;
  });
}

/** Row-major without gaps, from wherever it begins. */
function isDense({ shape, strides }: Operand): boolean {
  return isContiguous(shape, { strides, offset: 0 });
}

function layoutOf({ shape, dtype, strides, offset }: Operand): Omit<Operand, "buffer"> {
  return { shape, dtype, strides, offset };
}

/** A bias and a factor. */
const lightEpilogue = 3;
/** Results of fewer elements gain only a launch. */
const largeResult = 2 ** 16;

/** What the hand-written kernels allow, found by lowering each op once without memory. */
function kernelsOn(caps: Capabilities): Kernels {
  const known = new Map<OpNode, EpilogueRoom | undefined>();
  const find = (node: OpNode): EpilogueRoom | undefined => {
    if (!node.op.launch || sizeOf(node.shape) === 0 || node.dtype !== "f32") return undefined;
    const host: LoweringHost = { caps, allocate: (spec) => wholeOperand(spec, {}) };
    const inputs = node.inputs.map((x) => wholeOperand(x, {}));
    const { calls, output } = lowerOp(node.op, inputs, node.attrs, node, host);
    if (!storesThroughHook(calls, output)) return undefined;
    const bindings = Math.max(...calls.map(({ bind }) => Object.keys(bind).length)) - 1;
    if (!caps.software || !repeatsStores(calls, output)) return { bindings, maxCost: Number.POSITIVE_INFINITY };
    // Software adapters compile for seconds when the code is long and repeated; it has to be worth it.
    return sizeOf(node.shape) < largeResult ? undefined : { bindings, maxCost: lightEpilogue };
  };
  return {
    maxBuffers: caps.maxStorageBuffers,
    epilogue(node) {
      if (!known.has(node)) known.set(node, find(node));
      return known.get(node);
    },
  };
}

/** Outputs of fused kernels that may overwrite the donated input they take over while they are computed: the kernel reads
 *  the input in the order of its own loop and nothing reads it later. */
function overwrites(
  graph: Graph,
  steps: readonly Step[],
  takers: readonly (ProgramInput | undefined)[],
): Map<GraphNode, ProgramInput> {
  const written = new Set<GraphNode>(
    steps.flatMap((s) => (s.kind === "fused" ? s.kernel.outputs : (s.epilogue?.outputs ?? []))),
  );
  const storedIn = (node: GraphNode): GraphNode =>
    node.kind === "op" && node.op.view && !written.has(node) ? storedIn(node.inputs[0]) : node;
  const lastReader = new Map<GraphNode, Step | undefined>();
  for (const step of steps) for (const x of readBy(step)) lastReader.set(storedIn(x), step);
  for (const y of graph.outputs) lastReader.set(storedIn(y), undefined);
  const found = new Map<GraphNode, ProgramInput>();
  for (const [j, y] of graph.outputs.entries()) {
    const taker = takers[j];
    const reader = taker && lastReader.get(taker.node);
    const kernel = reader?.kind === "op" ? reader.epilogue : reader?.kernel;
    if (!kernel) continue;
    const { leaves, outputs, loops } = kernel;
    const reads = leaves.filter(({ node }) => node === taker!.node);
    const whole = wholeAccess(loops);
    // The op before an epilogue reads in an order of its own.
    if (reader!.kind === "op" && reader!.node.inputs.some((x) => storedIn(x) === taker!.node)) continue;
    if ((outputs as readonly GraphNode[]).includes(y) && reads.every(({ access }) => isSame(access, whole)))
      found.set(y, taker!);
  }
  return found;
}

/** For each output, the donated input whose storage it takes over: itself if it is one; else, of the same shape and dtype,
 *  the one whose path ends most alike (a parameter, its moment, the step count), and among equals the last that is free,
 *  since what a step reports comes before what it updates. */
export function matchDonations({ inputs, outputs, outputPaths }: Graph): (number | undefined)[] {
  const match = outputs.map((): number | undefined => undefined);
  const free = new Set(inputs.keys());
  const pairs: { i: number; j: number; score: number }[] = [];
  for (const [i, x] of inputs.entries())
    for (const [j, y] of outputs.entries()) {
      if (!x.donated || x.dtype !== y.dtype || !sameShape(x.shape, y.shape)) continue;
      pairs.push({ i, j, score: x === y ? Number.POSITIVE_INFINITY : commonEnd(x.path, outputPaths[j]) });
    }
  pairs.sort((p, q) => q.score - p.score || q.j - p.j || q.i - p.i);
  for (const { i, j } of pairs) if (match[j] === undefined && free.delete(i)) match[j] = i;
  return match;
}

/** How many keys two paths have in common, counted from the end. */
function commonEnd(a: string, b: string): number {
  const [p, q] = [a.split(".").reverse(), b.split(".").reverse()];
  const differ = p.findIndex((key, i) => key !== q[i]);
  return differ < 0 ? p.length : differ;
}
