/** Epilogues: fused ops run where a kernel stores its result. Kernels that allow it store through one function, marked
 *  `//@hook store`, whose body is replaced here. */
import { kernelSources } from "../../shaders/gen/kernels.js";
import { originOf } from "../../shaders/preprocess.js";
import type { GeneratedKernel, KernelCall, Operand } from "../lower.js";
import { sizeOf } from "../shape.js";
import { describeLoop, Parameters, type PointwiseGraph } from "./codegen.js";
import { planIteration } from "./iteration.js";
import { libraryFor } from "./library.js";

const hookLine = /^fn store_result\(index: u32, value: f32\) \{.*\} \/\/@hook store$/m;
const resultLine = /^@group\(0\) @binding\(\d+\) var<storage, read_write> y: array<f32>;$/m;
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
      return bind.y?.buffer === result.buffer && hookLine.test(source) && resultLine.test(source);
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
  const { inputs, outputs, graph, keepsResult } = epilogue;
  const sources = inputs.map((x, i) => {
    if (!x) return "";
    const out = outputs.findIndex((y) => y.buffer === x.buffer);
    return out >= 0 ? `fused_out${out}` : `fused_in${inputs.findIndex((o, j) => j <= i && o?.buffer === x.buffer)}`;
  });
  const extra: Record<string, Operand> = {};
  inputs.forEach((x, i) => {
    if (x && sources[i] === `fused_in${i}`) extra[sources[i]] = x;
  });
  outputs.forEach((y, i) => {
    extra[`fused_out${i}`] = y;
  });
  const declarations = Object.entries(extra).map(([name, { dtype }], i) => {
    const access = name.startsWith("fused_out") ? "read_write" : "read";
    return `@group(0) @binding(${firstBinding + i}) var<storage, ${access}> ${name}: array<${dtype}>;`;
  });
  const body = storeFunction(epilogue, sources);
  const library = libraryFor(body);
  return calls.map((call) => {
    if (call.bind.y?.buffer !== result.buffer) return call;
    const { y: _, ...others } = call.bind;
    const name = call.kernel as string;
    const source = kernelSources[call.kernel as keyof typeof kernelSources];
    const next = originOf(source, source.slice(0, source.search(hookLine)).split("\n").length + 1);
    const wgsl = source
      .replace(
        hookLine,
        () => `${source.includes(libraryMark) ? "" : library}${body}\n//@origin ${next.file} ${next.line}`,
      )
      .replace(resultLine, (line) => [...(keepsResult ? [line] : []), ...declarations].join("\n"));
    const key = `${wgsl}${JSON.stringify(call.spec)}`;
    let kernel = kernels.get(key);
    if (!kernel) {
      kernel = { name: `${name}+${graph.name}`, wgsl };
      kernels.set(key, kernel);
    }
    return { ...call, kernel, bind: { ...(keepsResult ? call.bind : others), ...extra } };
  });
}

function storeFunction({ graph, inputs, outputs, keepsResult }: Epilogue, sources: readonly string[]): string {
  const { shape } = outputs[0];
  const operands = [...inputs.filter((x) => x !== undefined), ...outputs];
  // One element at a time, in the order in which the kernel happens to store.
  const loop = planIteration(shape, operands, 1);
  const { coordinates, indices } = describeLoop(loop, sizeOf(shape), 0, new Parameters(true));
  let at = 0;
  const n = inputs.length;
  const value = (v: number): string => (v < n ? `x${v}` : `t${v - n}`);
  const texts = graph.steps.map((step) => step.expression(step.args.map(value)));
  const lines = [
    "fn store_result(index: u32, value: f32) {",
    "  let i = index;",
    ...coordinates.map((c) => `  ${c}`),
    ...inputs.map((x, i) => `  let x${i} = ${x ? `${sources[i]}[${indices[at++]}]` : "value"};`),
    ...texts.map((text, i) => `  let t${i}: ${graph.steps[i].dtype} = ${text};`),
    ...(keepsResult ? ["  y[index] = value;"] : []),
    ...outputs.map((_, i) => `  fused_out${i}[${indices[at++]}] = ${value(graph.results[i])};`),
    "}",
  ];
  return `//@origin generated:${graph.name} 1\n${lines.join("\n")}`;
}
