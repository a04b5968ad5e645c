/** Epilogues: fused ops run where a kernel stores its result. Kernels that allow it store through one function, marked
 *  `//@hook store`, whose body is replaced here; under the flag VECTORS, four neighbours at a time, which a kernel may have
 *  besides. */
import { type Binding, hasHook, type Kernel, replaceHook } from "../../shaders/kernel.js";
import type { Channels, Launch, Layout, Operand } from "../lower.js";
import { describeLoop, Parameters } from "./addressing.js";
import { computeFunction, declarationOf, isGuarded, type PointwiseGraph, stepTexts, unknownZero } from "./codegen.js";
import { bindingsOf, DerivedKernels, generatedFor, sourcesOf } from "./derived.js";
import { type Iteration, isByChannel, planIteration } from "./iteration.js";

/** The functions through which kernels store, by how many elements at a time. */
const hooks = { 1: "store_result", 4: "store_quad" } as const;
/** What kernels call that go through the results channel by channel, before the first of each. */
const channelHook = "begin_channel";
/** Kernels that paste these keep a tile in registers. */
const tiling = ["lib/registers.wgsl", "lib/tiles.wgsl"];
/** Kernels that paste these are long. */
const unrolled = [...tiling, "lib/fourier.wgsl"];
/** Bindings above those of any kernel file. */
const firstBinding = 32;

const kernels = new DerivedKernels();

/** Whether the calls store each element of `result` once, through the hook. */
export function storesThroughHook(calls: readonly Launch[], result: Operand): boolean {
  const writers = calls.filter(({ bind }) => Object.values(bind).some(({ buffer }) => buffer === result.buffer));
  return (
    writers.length > 0 &&
    writers.every((call) => call.bind.y?.buffer === result.buffer && hasHook(call.kernel.source, hooks[1]))
  );
}

/** Whether a launch's kernel takes long to compile. */
export function isSlowToCompile(call: Launch): boolean {
  return pastes(call, unrolled);
}

/** Whether an epilogue of the calls works out no address for each element it reads: it reads once for all of a channel, in vectors of four or in
 *  the order of the result. */
export function readsLightly(
  calls: readonly Launch[],
  result: Operand,
  loops: readonly number[],
  read: readonly Layout[],
): boolean {
  const own = calls.filter(({ bind }) => bind.y?.buffer === result.buffer);
  const others = read
    .filter(({ strides }) => !own.every(({ channels }) => channels && isByChannel(loops, strides, channels)))
    .map((layout) => ({ ...layout, shape: loops }));
  if (own.every(({ spec }) => spec?.VECTORS === true)) return planIteration(loops, others).width === 4;
  return planIteration(loops, others, 1).operands.every(({ access }) => access !== "strided");
}

/** Whether a launch makes tiles: the large products and convolutions. */
export function isTiled(call: Launch): boolean {
  return pastes(call, tiling);
}

function pastes({ kernel }: Launch, files: readonly string[]): boolean {
  return kernel.includes?.some((file) => files.includes(file)) === true;
}

export interface Epilogue {
  readonly graph: PointwiseGraph;
  /** All over the same loops, whose row-major order is that of the result; undefined for the result itself. */
  readonly inputs: readonly (Operand | undefined)[];
  readonly outputs: readonly Operand[];
  /** Whether the result itself is stored too. */
  readonly keepsResult: boolean;
}

/** The calls with the epilogue where they store `result`. */
export function withEpilogue(calls: readonly Launch[], result: Operand, epilogue: Epilogue): Launch[] {
  return calls.map((call) => {
    if (call.bind.y?.buffer !== result.buffer) return call;
    const quad = call.spec?.VECTORS === true ? new Store(epilogue, 4, call.channels) : undefined;
    const store = quad?.isPossible ? quad : new Store(epilogue, 1, call.channels);
    const { y: _, ...others } = call.bind;
    const spec = quad ? { ...call.spec, VECTORS: store === quad } : call.spec;
    const bind = { ...(epilogue.keepsResult ? call.bind : others), ...store.bind };
    return { ...call, kernel: store.into(call.kernel), spec, bind };
  });
}

/** The function that stores, one element or four neighbours at a time, in the order in which the kernel happens to. */
class Store {
  readonly #loop: Iteration;
  /** Whether each input is read once for all of a channel. */
  readonly #byChannel: readonly boolean[];
  /** What each input is read from; "" for the result itself. */
  readonly #sources: readonly string[];
  readonly bind: Readonly<Record<string, Operand>>;
  readonly #bindings: readonly Binding[];
  readonly #vectors: ReadonlyMap<string, boolean>;

  constructor(
    readonly epilogue: Epilogue,
    readonly width: 1 | 4,
    channels: Channels | undefined,
  ) {
    const { inputs, outputs } = epilogue;
    const loops = outputs[0].shape;
    this.#byChannel = inputs.map(
      (x) =>
        x !== undefined &&
        channels !== undefined &&
        isByChannel(loops, x.strides, channels) &&
        !outputs.some(({ buffer }) => buffer === x.buffer),
    );
    const operands = [...inputs.map((x) => x ?? outputs[0]), ...outputs];
    // As far as order goes, the result is an output, and so is what has none here.
    const loop = planIteration(
      loops,
      operands.map((x, i) => (this.#byChannel[i] ? outputs[0] : x)),
      width,
    );
    this.#loop = { ...loop, operands: loop.operands.map((o, i) => (this.#byChannel[i] ? { ...o, vector: false } : o)) };
    const isVector = (at: number): boolean => this.#loop.operands[at].vector;
    const read = sourcesOf("fused_in", inputs, isVector);
    this.#sources = inputs.map((x, i) => {
      if (!x) return "";
      const out = outputs.findIndex((y) => y.buffer === x.buffer);
      return out >= 0 ? `fused_out${out}` : read[i];
    });
    const names = [...this.#sources, ...outputs.map((_, i) => `fused_out${i}`)];
    this.bind = Object.fromEntries(names.flatMap((name, i) => (name === "" ? [] : [[name, operands[i]]])));
    this.#bindings = bindingsOf(this.bind, firstBinding, (name) => name.startsWith("fused_out"));
    this.#vectors = new Map(names.map((name, i) => [name, isVector(i)]));
  }

  /** Whether four at a time fit every operand. */
  get isPossible(): boolean {
    const written = this.#loop.operands.filter((_, i) => !this.#sources[i]?.startsWith("fused_in"));
    return this.#loop.width === this.width && written.every(({ vector, access }) => vector && access === "linear");
  }

  /** The kernel that stores with this function. */
  into(file: Kernel): Kernel {
    const { graph, keepsResult } = this.epilogue;
    const texts = stepTexts(this.epilogue.graph, this.epilogue.inputs);
    const declarations = this.#bindings.map((b) => declarationOf(b, this.#vectors.get(b.name)!));
    const lines = [...declarations, ...this.#channelFunction, ...this.#function(texts, file)];
    const { text, scalarFunctions } = generatedFor(file, graph.name, texts, lines);
    return kernels.get(file, text, () => {
      // What is not stored needs no binding; that the source still declares it does no harm.
      const own = keepsResult ? file.bindings : file.bindings.filter(({ name }) => name !== "y");
      const stores = replaceHook(file.source, hooks[this.width], ({ next }) => text + next);
      return {
        ...{ ...file, file: undefined },
        name: `${file.name}+${graph.name}`,
        source: this.#byChannel.includes(true) ? replaceHook(stores, channelHook, ({ next }) => next) : stores,
        bindings: [...own, ...this.#bindings],
        scalarFunctions,
      };
    });
  }

  /** What reads once for all of a channel. */
  get #channelFunction(): string[] {
    const read = this.epilogue.inputs.flatMap((x, i) => (x && this.#byChannel[i] ? [{ ...x, i }] : []));
    if (read.length === 0) return [];
    return [
      ...read.map(({ dtype, i }) => `var<private> of_channel${i}: ${dtype};`),
      `fn ${channelHook}(channel: u32) {`,
      ...read.map(({ offset, i }) => `  of_channel${i} = ${this.#sources[i]}[channel + ${offset}u];`),
      "}",
    ];
  }

  #function(texts: readonly string[], file: Kernel): string[] {
    const { graph, inputs, outputs, keepsResult } = this.epilogue;
    const { operands, count } = this.#loop;
    const { coordinates, indices } = describeLoop(this.#loop, count, 0, new Parameters(true));
    const n = inputs.length;
    const lanes = this.width === 4 ? [".x", ".y", ".z", ".w"] : [""];
    const guards = isGuarded(texts);
    const source = (i: number): string => {
      if (this.#byChannel[i]) return `of_channel${i}`;
      return inputs[i] ? `${this.#sources[i]}[${indices[i]}]` : "value";
    };
    const args = (lane: string): string =>
      [...(guards ? [unknownZero] : []), ...inputs.map((_, i) => `x${i}${operands[i].vector ? lane : ""}`)].join(", ");
    const values = outputs.map(({ dtype }, o) => {
      const of = lanes.map((_, l) => (outputs.length === 1 ? `r${l}` : `r${l}.y${o}`));
      return this.width === 4 ? `vec4<${dtype}>(${of.join(", ")})` : of[0];
    });
    return [
      ...computeFunction(
        "compute",
        graph,
        texts,
        inputs.map((x) => x ?? outputs[0]),
        outputs,
      ),
      this.width === 4
        ? "fn store_quad(index: u32, value: vec4f) {\n  let i = index / 4u;"
        : "fn store_result(index: u32, value: f32) {\n  let i = index;",
      ...(guards ? [`  let ${unknownZero} = p.${countOf(file)} >> 31u;`] : []),
      ...coordinates.map((c) => `  ${c}`),
      ...inputs.map((_, i) => `  let x${i} = ${source(i)};`),
      ...lanes.map((lane, l) => `  let r${l} = compute(${args(lane)});`),
      ...(keepsResult ? ["  y[i] = value;"] : []),
      ...outputs.map((_, o) => `  fused_out${o}[${indices[n + o]}] = ${values[o]};`),
      "}",
    ];
  }
}

/** A parameter that is a count, and so below 2³¹: no tensor has as many elements. */
export function countOf({ name, params }: Kernel): string {
  const first = params?.fields[0];
  if (first?.scalar !== "u32" || first.components !== undefined)
    throw new Error(`internal: shader ${name} does not begin its parameters with a count`);
  return first.name;
}
