/** Epilogues: fused ops run where a kernel stores its result. Kernels that allow it store through one function, marked
 *  `//@hook store`, whose body is replaced here; under the flag VECTORS, four neighbours at a time, which a kernel may have
 *  besides. */
import { kernelSources } from "../../shaders/gen/kernels.js";
import { originOf } from "../../shaders/preprocess.js";
import type { GeneratedKernel, KernelCall, Operand } from "../lower.js";
import { computeFunction, describeLoop, Parameters, type PointwiseGraph } from "./codegen.js";
import { type Iteration, planIteration } from "./iteration.js";
import { libraryFor } from "./library.js";

const single = {
  hookLine: /^fn store_result\(index: u32, value: f32\) \{.*\} \/\/@hook store$/m,
  resultLine: /^@group\(0\) @binding\(\d+\) var<storage, read_write> y: array<f32>;$/m,
};
const quads = {
  hookLine: /^fn store_quad\(index: u32, value: vec4f\) \{.*\} \/\/@hook store$/m,
  resultLine: /^@group\(0\) @binding\(\d+\) var<storage, read_write> y: array<vec4f>;$/m,
};
/** In kernels that have the scalar functions already. */
const libraryMark = "//@origin lib/scalar.wgsl";
/** Bindings above those of any kernel file. */
const firstBinding = 32;

const kernels = new Map<string, GeneratedKernel>();

/** Whether the calls store each element of `result` once, through the hook. */
export function storesThroughHook(calls: readonly KernelCall[], result: Operand): boolean {
  const writers = calls.filter(({ bind }) => Object.values(bind).some(({ buffer }) => buffer === result.buffer));
  return (
    writers.length > 0 &&
    writers.every(({ kernel, bind }) => {
      const source = typeof kernel === "string" ? kernelSources[kernel] : "";
      return bind.y?.buffer === result.buffer && single.hookLine.test(source) && single.resultLine.test(source);
    })
  );
}

/** Whether a kernel keeps a tile in registers, so that what it stores with is compiled once per register. */
export function repeatsStores(calls: readonly KernelCall[], result: Operand): boolean {
  return calls.some(
    ({ kernel, bind }) =>
      typeof kernel === "string" &&
      bind.y?.buffer === result.buffer &&
      /^\/\/@origin lib\/(registers|tiles)\.wgsl/m.test(kernelSources[kernel]),
  );
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
export function withEpilogue(calls: readonly KernelCall[], result: Operand, epilogue: Epilogue): KernelCall[] {
  return calls.map((call) => {
    if (call.bind.y?.buffer !== result.buffer) return call;
    const quad = call.spec?.VECTORS === true ? new Store(epilogue, 4) : undefined;
    const store = quad?.isPossible ? quad : new Store(epilogue, 1);
    const { y: _, ...others } = call.bind;
    const name = call.kernel as string;
    const wgsl = store.into(kernelSources[call.kernel as keyof typeof kernelSources]);
    const spec = quad ? { ...call.spec, VECTORS: store === quad } : call.spec;
    const key = `${wgsl}${JSON.stringify(spec)}`;
    let kernel = kernels.get(key);
    if (!kernel) {
      kernel = { name: `${name}+${epilogue.graph.name}`, wgsl };
      kernels.set(key, kernel);
    }
    return { ...call, kernel, spec, bind: { ...(epilogue.keepsResult ? call.bind : others), ...store.bind } };
  });
}

/** The function that stores, one element or four neighbours at a time, in the order in which the kernel happens to. */
class Store {
  readonly #loop: Iteration;
  /** What each input is read from; "" for the result itself. */
  readonly #sources: readonly string[];
  readonly bind: Readonly<Record<string, Operand>>;
  readonly #vectors: ReadonlyMap<string, boolean>;

  constructor(
    readonly epilogue: Epilogue,
    readonly width: 1 | 4,
  ) {
    const { inputs, outputs } = epilogue;
    // The result is an output as far as its order goes.
    const operands = [...inputs.map((x) => x ?? outputs[0]), ...outputs];
    this.#loop = planIteration(outputs[0].shape, operands, width);
    const isVector = (at: number): boolean => this.#loop.operands[at].vector;
    this.#sources = inputs.map((x, i) => {
      if (!x) return "";
      const out = outputs.findIndex((y) => y.buffer === x.buffer);
      if (out >= 0) return `fused_out${out}`;
      return `fused_in${inputs.findIndex((o, j) => o?.buffer === x.buffer && isVector(j) === isVector(i))}`;
    });
    const names = [...this.#sources, ...outputs.map((_, i) => `fused_out${i}`)];
    this.bind = Object.fromEntries(names.flatMap((name, i) => (name === "" ? [] : [[name, operands[i]]])));
    this.#vectors = new Map(names.map((name, i) => [name, isVector(i)]));
  }

  /** Whether four at a time fit every operand. */
  get isPossible(): boolean {
    const written = this.#loop.operands.filter((_, i) => !this.#sources[i]?.startsWith("fused_in"));
    return this.#loop.width === this.width && written.every(({ vector, access }) => vector && access === "linear");
  }

  into(source: string): string {
    const { hookLine, resultLine } = this.width === 4 ? quads : single;
    const body = this.#function();
    const library = source.includes(libraryMark) ? "" : libraryFor(body);
    const next = originOf(source, source.slice(0, source.search(hookLine)).split("\n").length + 1);
    const declarations = Object.entries(this.bind).map(([name, { dtype }], i) => {
      const access = name.startsWith("fused_out") ? "read_write" : "read";
      const element = this.#vectors.get(name) ? `vec4<${dtype}>` : dtype;
      return `@group(0) @binding(${firstBinding + i}) var<storage, ${access}> ${name}: array<${element}>;`;
    });
    return source
      .replace(
        hookLine,
        () =>
          `${library}//@origin generated:${this.epilogue.graph.name} 1\n${body}\n//@origin ${next.file} ${next.line}`,
      )
      .replace(resultLine, (line) => [...(this.epilogue.keepsResult ? [line] : []), ...declarations].join("\n"));
  }

  #function(): string {
    const { graph, inputs, outputs, keepsResult } = this.epilogue;
    const { operands, count } = this.#loop;
    const { coordinates, indices } = describeLoop(this.#loop, count, 0, new Parameters(true));
    const n = inputs.length;
    const texts = graph.steps.map((step) => step.expression(step.args.map((v) => (v < n ? `x${v}` : `t${v - n}`))));
    const lanes = this.width === 4 ? [".x", ".y", ".z", ".w"] : [""];
    const args = (lane: string): string => inputs.map((_, i) => `x${i}${operands[i].vector ? lane : ""}`).join(", ");
    const values = outputs.map(({ dtype }, o) => {
      const of = lanes.map((_, l) => (outputs.length === 1 ? `r${l}` : `r${l}.y${o}`));
      return this.width === 4 ? `vec4<${dtype}>(${of.join(", ")})` : of[0];
    });
    return [
      ...computeFunction(
        graph,
        texts,
        inputs.map((x) => x ?? outputs[0]),
        outputs,
      ),
      this.width === 4
        ? "fn store_quad(index: u32, value: vec4f) {\n  let i = index / 4u;"
        : "fn store_result(index: u32, value: f32) {\n  let i = index;",
      ...coordinates.map((c) => `  ${c}`),
      ...inputs.map((x, i) => `  let x${i} = ${x ? `${this.#sources[i]}[${indices[i]}]` : "value"};`),
      ...lanes.map((lane, l) => `  let r${l} = compute(${args(lane)});`),
      ...(keepsResult ? ["  y[i] = value;"] : []),
      ...outputs.map((_, o) => `  fused_out${o}[${indices[n + o]}] = ${values[o]};`),
      "}",
    ].join("\n");
  }
}
