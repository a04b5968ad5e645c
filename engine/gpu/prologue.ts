/** Prologues: fused ops run where a kernel reads an operand, so that the operand never lies in memory. Kernels that read each element
 *  of `x` once do so through functions marked `//@hook load`, of one element or, under the flag QUADS, of four neighbours. */
import { type Binding, hasHook, type Kernel, originLine, replaceHook } from "../../shaders/kernel.js";
import { libraryFor } from "../expression.js";
import type { Launch, Operand } from "../lower.js";
import type { Shape } from "../shape.js";
import { describeLoop, Parameters } from "./addressing.js";
import { computeFunction, declarationOf, type PointwiseGraph, stepTexts, unknownZero } from "./codegen.js";
import { bindingsOf, DerivedKernels, sourcesOf } from "./derived.js";
import { countOf } from "./epilogue.js";
import { planIteration } from "./iteration.js";

const hooks = { 1: "load_element", 4: "load_quad" } as const;
/** Bindings above those of kernel files and epilogues. */
const firstBinding = 64;

export interface Prologue {
  /** The shape of the operand in place of which it runs. */
  readonly shape: Shape;
  readonly graph: PointwiseGraph;
  /** All over `shape`. */
  readonly inputs: readonly Operand[];
}

const kernels = new DerivedKernels();

/** Whether one call alone reads the operand, each element once, through the hook. */
export function loadsThroughHook(calls: readonly Launch[], { buffer }: Operand): boolean {
  const readers = calls.flatMap(({ kernel, bind }) =>
    Object.entries(bind).flatMap(([name, x]) => (x.buffer === buffer ? [{ name, kernel }] : [])),
  );
  return readers.length === 1 && readers[0].name === "x" && hasHook(readers[0].kernel.source, hooks[1]);
}

/** The calls with the prologue where they read `operand`. */
export function withPrologue(calls: readonly Launch[], operand: Operand, prologue: Prologue): Launch[] {
  return calls.map((call) => {
    const { x, ...others } = call.bind;
    if (x?.buffer !== operand.buffer) return call;
    const { bind, bindings, text } = loading(prologue, call.spec?.QUADS === true ? 4 : 1, call.kernel);
    const kernel = kernels.get(call.kernel, text, () => {
      const own = call.kernel.bindings.filter(({ name }) => name !== "x");
      const source = Object.values(hooks).reduce(
        (pieces, hook) => replaceHook(pieces, hook, ({ next }) => text + next),
        call.kernel.source,
      );
      const name = `${prologue.graph.name}+${call.kernel.name}`;
      return { ...call.kernel, file: undefined, name, source, bindings: [...own, ...bindings] };
    });
    return { ...call, kernel, bind: { ...others, ...bind } };
  });
}

/** The function that reads one element or four neighbours, and what it binds. */
function loading(
  { shape, graph, inputs }: Prologue,
  width: 1 | 4,
  file: Kernel,
): { bind: Record<string, Operand>; bindings: Binding[]; text: string } {
  const loop = planIteration(shape, inputs, width);
  const isVector = (i: number): boolean => loop.operands[i].vector;
  const sources = sourcesOf("load_in", inputs, isVector);
  const bind = Object.fromEntries(sources.map((name, i) => [name, inputs[i]]));
  const bindings = bindingsOf(bind, firstBinding);
  const texts = stepTexts(graph, inputs);
  const { coordinates, indices } = describeLoop(loop, loop.count, 0, new Parameters(true));
  // Hidden from the compiler like every value that an op hands to another: it might contract the last product into the sum.
  const value = (lane: string): string => {
    const args = inputs.map((_, i) => `x${i}${isVector(i) ? lane : ""}`);
    return `opaque(compute_load(${[unknownZero, ...args].join(", ")}), ${unknownZero})`;
  };
  const quads = loop.width === 4;
  const values = quads ? [".x", ".y", ".z", ".w"].map(value).join(", ") : value("");
  const lines = [
    ...bindings.map((b) => declarationOf(b, isVector(sources.indexOf(b.name)))),
    ...computeFunction("compute_load", graph, texts, inputs, [{ dtype: "f32" }], true),
    quads ? "fn load_quad(index: u32) -> vec4f {" : "fn load_element(index: u32) -> f32 {",
    "  let i = index;",
    `  let ${unknownZero} = p.${countOf(file)} >> 31u;`,
    ...coordinates.map((c) => `  ${c}`),
    ...inputs.map((_, i) => `  let x${i} = ${sources[i]}[${indices[i]}];`),
    `  return ${quads ? `vec4f(${values})` : values};`,
    "}",
  ];
  if (width === 4 && !quads)
    lines.push(
      "fn load_quad(index: u32) -> vec4f {",
      `  return vec4f(${[0, 1, 2, 3].map((k) => `load_element(4u * index + ${k}u)`).join(", ")});`,
      "}",
    );
  const library = file.includes?.includes("lib/scalar.wgsl") ? "" : libraryFor([...texts, "opaque(0, 0)"]);
  return { bind, bindings, text: `${library}${originLine(`generated:${graph.name}`, 1)}${lines.join("\n")}\n` };
}
