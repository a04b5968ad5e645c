/** A captured graph as a program. Pure: the same for every device with the same capabilities, and testable without one. */
import type { PlanOptions } from "../executor.js";
import { wholeAccess } from "../graph/access.js";
import type { EpilogueRoom, Kernels } from "../graph/budget.js";
import { fixedNodes } from "../graph/fixed.js";
import { fuse as fuseGraph } from "../graph/fuse.js";
import type { Leaf } from "../graph/kernel.js";
import { hoistLaunches, shareLaunches } from "../graph/launches.js";
import { type Lifetime, lowerBound, planBuffers } from "../graph/plan.js";
import { eachOp, readBy, type Step } from "../graph/schedule.js";
import { bytesOf, type Capabilities, type Launch, type Operand, type TensorSpec } from "../lower.js";
import { sizeOf } from "../shape.js";
import type { Graph, GraphNode, OpNode } from "../trace.js";
import { pointwise } from "./codegen.js";
import { isSlowToCompile, isTiled, readsLightly, storesThroughHook, withEpilogue } from "./epilogue.js";
import { copyCalls, type Lowering, type LoweringHost, lowerOp, wholeOperand } from "./lowering.js";
import { ConstantBuffer, PlannedBuffer, type Program, type ProgramInput, type ProgramOutput } from "./planned.js";
import { loadsThroughHook, withPrologue } from "./prologue.js";
import { isDense, matchDonations, outputSources, overwrites } from "./results.js";

/** A buffer more than this many times as large as the result in it is not handed out with it. */
const maxExcess = 2;

/** Lowers every op of the graph and plans the memory. */
export function compile(graph: Graph, caps: Capabilities, { fuse }: PlanOptions): Program {
  let launches: Launch[] = [];
  const buffers: PlannedBuffer[] = [];
  const planned = (spec: TensorSpec, name: string): PlannedBuffer => {
    const buffer = new PlannedBuffer(name, bytesOf(spec));
    buffers.push(buffer);
    return buffer;
  };
  const host: LoweringHost = { caps, allocate: (spec, what) => wholeOperand(spec, planned(spec, what)) };
  const operands = new Map<GraphNode, Operand>();
  // Kernels that go by it round otherwise than an op alone does.
  const fixedOnes = fuse ? fixedNodes(graph) : new Set<GraphNode>();
  const isFixed = (node: GraphNode): boolean => fixedOnes.has(node);
  const operandOf = (node: GraphNode): Operand => {
    let operand = operands.get(node);
    if (!operand) {
      if (node.kind !== "constant") throw new Error("internal: an op is lowered before its inputs");
      const value = node.value as unknown as Operand;
      operand = { ...layoutOf(value), buffer: new ConstantBuffer(value), fixed: isFixed(node) };
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
  const steps = fuse ? fuseGraph(graph, kernelsOn(caps, isFixed)) : eachOp(graph);
  const overwritable = overwrites(graph, steps, takers);
  const read = new Set([...graph.outputs, ...steps.flatMap(readBy)]);
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
  const lower = ({ node, prologue }: Extract<Step, { kind: "op" }>): Lowering => {
    const { op, attrs } = node;
    if (!prologue) return lowerOp(op, node.inputs.map(operandOf), attrs, node, host);
    const [x, ...others] = node.inputs;
    const isStored = read.has(x);
    if (isStored) operands.set(x, { ...host.allocate(x, (x as OpNode).op.name), fixed: isFixed(x) });
    // What is not stored never lies in memory.
    const made = isStored ? operandOf(x) : wholeOperand(x, {});
    const { calls, output } = lowerOp(op, [made, ...others.map(operandOf)], attrs, node, host);
    const { graph, loops, leaves } = prologue;
    const inputs = leaves.map((leaf) => leafOperand(leaf, loops));
    return { calls: withPrologue(calls, made, { shape: loops, graph, inputs, isStored }), output };
  };
  for (const step of steps) {
    const result = step.kind === "op" ? lower(step) : undefined;
    const kernel = step.kind === "op" ? step.epilogue : step.kernel;
    if (step.kind === "op") operands.set(step.node, { ...result!.output, fixed: isFixed(step.node) });
    if (!kernel) {
      launches.push(...result!.calls);
      continue;
    }
    const { loops, leaves, outputs, graph: scalars } = kernel;
    const own = step.kind === "op" ? step.node : undefined;
    const sources = leaves.map((leaf) => (leaf.node === own ? undefined : leafOperand(leaf, loops)));
    for (const y of outputs) {
      const taken = overwritable.get(y);
      const operand = taken ? wholeOperand(y, taken.buffer) : host.allocate(y, y.op.name);
      operands.set(y, { ...operand, fixed: isFixed(y) });
    }
    const targets = outputs.map((y): Operand => ({ ...operandOf(y), ...wholeAccess(loops), shape: loops }));
    if (result) {
      const epilogue = { graph: scalars, inputs: sources, outputs: targets, keepsResult: read.has(own!) };
      launches.push(...withEpilogue(result.calls, result.output, epilogue));
    } else {
      // What runs once is not worth a pipeline of its own for each size.
      const call = pointwise(scalars, sources as Operand[], targets, { caps, bake: !outputs.every(isFixed) });
      if (call) launches.push(call);
    }
  }

  const given = new Set<unknown>(inputs.map(({ buffer }) => buffer));
  const isScratch = (buffer: unknown): boolean => buffer instanceof PlannedBuffer && !given.has(buffer);
  const shared = shareLaunches(launches, isScratch);
  const { once, fixed, ...rest } = hoistLaunches(shared.launches, (b) => b instanceof ConstantBuffer, isScratch);
  // A software adapter compiles tiles for too long to do so for each shape.
  const baked = (call: Launch): Launch => (!caps.software && isTiled(call) ? { ...call, bake: true } : call);
  const stays = new Set<unknown>(inputs.filter(({ node }) => !node.donated).map(({ buffer }) => buffer));
  const packed = hoistLaunches(
    rest.launches,
    (b) => b instanceof ConstantBuffer || fixed.has(b) || stays.has(b),
    isScratch,
    ({ packs }) => packs === true,
  );
  launches = [...packed.once, ...packed.launches].map(baked);
  const results = graph.outputs
    .map(operandOf)
    .map((y) => ({ ...y, buffer: shared.standsFor.get(y.buffer) ?? y.buffer }));
  const sources = outputSources(results, inputs, fixed, takers, copyOf);

  const end = launches.length;
  for (const [k, { bind }] of launches.entries())
    for (const { buffer } of Object.values(bind)) if (buffer instanceof PlannedBuffer) buffer.touch(k);
  for (const { buffer } of sources) if (buffer instanceof PlannedBuffer) buffer.touch(end);
  for (const { node, buffer } of inputs) {
    buffer.touch(-1);
    // What is not given up stays, so that an argument passed again need not be copied again.
    if (!node.donated) buffer.touch(end);
  }

  for (const buffer of packed.fixed as ReadonlySet<PlannedBuffer>) {
    buffer.touch(-1);
    buffer.touch(end);
  }

  const outputs = sources.map((operand, j): ProgramOutput => {
    const taker = takers[j];
    const { shape, dtype } = graph.outputs[j];
    const { buffer } = operand;
    let inPlace: boolean;
    if (taker) {
      const source = buffer as PlannedBuffer;
      inPlace = source === taker.buffer || source.first > taker.buffer.last;
      if (inPlace) source.home = taker.buffer.home;
    } else if (buffer instanceof PlannedBuffer && !fixed.has(buffer)) {
      inPlace = !given.has(buffer) && buffer.bytes <= maxExcess * bytesOf({ shape, dtype });
      if (inPlace) buffer.home ??= `output ${j}`;
    } else inPlace = true;
    return { shape, dtype, operand, takesOver: taker, inPlace };
  });
  // What nothing touches needs no memory: tensors without elements, results that only an epilogue reads.
  const used = buffers.filter((buffer) => buffer.isUsed && !fixed.has(buffer));
  const lives: Lifetime[] = [...used];
  // A result that is copied into its place at the end needs the place then, whatever used it in between.
  for (const { takesOver, inPlace } of outputs)
    if (takesOver && !inPlace)
      lives.push({ bytes: takesOver.buffer.bytes, first: end, last: end, home: takesOver.buffer.home });
  return {
    ...{
      once: once.map(baked),
      fixed: buffers.filter((buffer) => fixed.has(buffer)),
      launches,
      packing: packed.once.length,
      inputs,
      outputs,
      buffers: used,
    },
    ...{ plan: planBuffers(lives), lowerBoundBytes: lowerBound(lives) },
  };
}

function layoutOf({ shape, dtype, strides, offset }: Operand): Omit<Operand, "buffer"> {
  return { shape, dtype, strides, offset };
}

/** Additions' worth of code that a kernel slow to compile may store with, on a software adapter, four neighbours at a time: a normalisation and its
 *  activation. More takes longer to compile than a pass over the result. */
const heaviestEpilogue = 100;
/** And one by one, with an address to work out for each: a bias and a factor. */
const lightEpilogue = 3;
/** Results of fewer elements gain only a launch, which is not worth one more pipeline that is slow to compile. */
const largeResult = 2 ** 16;

/** What the hand-written kernels allow, found by lowering each op once without memory. */
function kernelsOn(caps: Capabilities, isFixed: (node: GraphNode) => boolean): Kernels {
  const known = new Map<OpNode, EpilogueRoom | undefined>();
  const host: LoweringHost = { caps, allocate: (spec) => wholeOperand(spec, {}) };
  const find = (node: OpNode): EpilogueRoom | undefined => {
    if (!node.op.launch || sizeOf(node.shape) === 0 || node.dtype !== "f32") return undefined;
    const inputs = node.inputs.map((x) => ({ ...wholeOperand(x, {}), fixed: isFixed(x) }));
    const { calls, output } = lowerOp(node.op, inputs, node.attrs, node, host);
    if (!storesThroughHook(calls, output)) return undefined;
    const bindings = Math.max(...calls.map(({ bind }) => Object.keys(bind).length)) - 1;
    const stores = (call: Launch): boolean => call.bind.y?.buffer === output.buffer;
    if (!caps.software || !calls.some((call) => stores(call) && isSlowToCompile(call)))
      return { bindings, maxCost: () => Number.POSITIVE_INFINITY };
    if (sizeOf(node.shape) < largeResult) return undefined;
    return {
      bindings,
      maxCost: ({ loops, leaves }) =>
        readsLightly(
          calls,
          output,
          loops,
          leaves.map(({ access }) => access),
        )
          ? heaviestEpilogue
          : lightEpilogue,
    };
  };
  return {
    maxBuffers: caps.maxStorageBuffers,
    epilogue(node) {
      if (!known.has(node)) known.set(node, find(node));
      return known.get(node);
    },
    prologue(node, isStored) {
      const [x] = node.inputs;
      if (!node.op.launch || x?.dtype !== "f32" || sizeOf(x.shape) * sizeOf(node.shape) === 0) return false;
      // One more pipeline on a software adapter has to be worth it. A GPU would store in an order that is not that of its memory.
      if (caps.software ? sizeOf(x.shape) < largeResult : isStored) return false;
      const inputs = node.inputs.map((input) => wholeOperand(input, {}));
      return loadsThroughHook(lowerOp(node.op, inputs, node.attrs, node, host).calls, inputs[0]);
    },
  };
}
