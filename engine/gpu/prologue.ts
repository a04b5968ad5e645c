/** Prologues: fused ops run where a kernel reads an operand, so that the operand lies in memory only if something else reads it. Kernels that
 *  read each element of `x` once do so through functions marked `//@hook load`, of one element or, under the flag QUADS, of four neighbours. */
import { type Binding, hasHook, type Kernel, replaceHook } from "../../shaders/kernel.js";
import type { Launch, Operand } from "../lower.js";
import { contiguousStrides, type Shape } from "../shape.js";
import { describeLoop, Parameters } from "./addressing.js";
import { computeFunction, declarationOf, type PointwiseGraph, readInput, stepTexts, unknownZero } from "./codegen.js";
import { bindingsOf, DerivedKernels, generatedFor, sourcesOf } from "./derived.js";
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
  /** Whether the operand is written besides, for others to read. */
  readonly isStored: boolean;
}

const kernels = new DerivedKernels();

/** Whether one call alone reads the operand, each element once, through the hook. */
export function loadsThroughHook(calls: readonly Launch[], { buffer }: Operand): boolean {
  const readers = calls.flatMap(({ kernel, bind }) =>
    Object.entries(bind).flatMap(([name, x]) => (x.buffer === buffer ? [{ name, kernel }] : [])),
  );
  return readers.length === 1 && readers[0].name === "x" && hasHook(readers[0].kernel.source, hooks[1]);
}

/** The calls with the prologue where they read `operand`, which is contiguous. */
export function withPrologue(calls: readonly Launch[], operand: Operand, prologue: Prologue): Launch[] {
  return calls.map((call) => {
    const { x, ...others } = call.bind;
    if (x?.buffer !== operand.buffer) return call;
    const { bind, bindings, text, scalarFunctions } = loading(
      prologue,
      operand,
      call.spec?.QUADS === true ? 4 : 1,
      call.kernel,
    );
    const kernel = kernels.get(call.kernel, text, () => {
      const own = call.kernel.bindings.filter(({ name }) => name !== "x");
      const source = Object.values(hooks).reduce(
        (pieces, hook) => replaceHook(pieces, hook, ({ next }) => text + next),
        call.kernel.source,
      );
      const name = `${prologue.graph.name}+${call.kernel.name}`;
      return { ...call.kernel, file: undefined, name, source, bindings: [...own, ...bindings], scalarFunctions };
    });
    return { ...call, kernel, bind: { ...others, ...bind } };
  });
}

/** The function that reads one element or four neighbours, and what it binds. */
function loading(
  { shape, graph, inputs, isStored }: Prologue,
  operand: Operand,
  width: 1 | 4,
  file: Kernel,
): { bind: Record<string, Operand>; bindings: Binding[]; text: string; scalarFunctions: readonly string[] } {
  // What is made comes in its own order, whatever the order of what it is made from.
  const made = { shape, strides: contiguousStrides(shape), offset: 0 };
  const loop = planIteration(shape, [...inputs.map((x) => ({ ...x, gathers: true })), made], width);
  const { coordinates, indices } = describeLoop(loop, loop.count, 0, new Parameters(true));
  const { operands } = loop;
  const oneByOne = loop.width < width;
  /** Read before four elements that are made one by one. */
  const isGiven = (i: number): boolean =>
    oneByOne && (operands[i].access === "scalar" || (operands[i].access === "linear" && inputs[i].offset % 4 === 0));
  const isVector = (i: number): boolean => operands[i].vector || (isGiven(i) && operands[i].access === "linear");
  const sources = sourcesOf("load_in", inputs, isVector);
  const bind: Record<string, Operand> = Object.fromEntries(sources.map((name, i) => [name, inputs[i]]));
  if (isStored) bind.made = operand;
  const bindings = bindingsOf(bind, firstBinding, (name) => name === "made");
  const texts = stepTexts(graph, inputs);
  // Hidden from the compiler like every value that an op hands to another: it might contract the last product into the sum.
  const value = (lane: string): string => {
    const args = inputs.map((_, i) => `x${i}${!oneByOne && (isVector(i) || operands[i].lanes) ? lane : ""}`);
    return `opaque(compute_load(${[unknownZero, ...args].join(", ")}), ${unknownZero})`;
  };
  const quad = [".x", ".y", ".z", ".w"];
  const rest = inputs.flatMap((x, i) =>
    isGiven(i) ? [] : readInput(i, x.dtype, sources[i], indices[i], operands[i].lanes),
  );
  const one = [...coordinates.map((c) => `  ${c}`), ...rest];
  const given = [...inputs.keys()].filter(isGiven);
  const begin = ["  let i = index;", `  let ${unknownZero} = p.${countOf(file)} >> 31u;`];
  const finish = (result: string): string[] => [
    `  let value = ${result};`,
    ...(isStored ? ["  made[i] = value;"] : []),
    "  return value;",
    "}",
  ];
  const ofFour = (values: readonly string[]): string => `vec4f(${values.join(", ")})`;
  const lines = [
    ...bindings.map((b) => declarationOf(b, b.name === "made" ? width === 4 : isVector(sources.indexOf(b.name)))),
    ...computeFunction("compute_load", graph, texts, inputs, [{ dtype: "f32" }], true),
  ];
  if (oneByOne) {
    const taken = given.map((i) => `, x${i}: ${inputs[i].dtype}`).join("");
    const handed = (lane: string): string => given.map((i) => `, x${i}${isVector(i) ? lane : ""}`).join("");
    lines.push(
      ...[`fn load_one(${unknownZero}: u32, i: u32${taken}) -> f32 {`, ...one, `  return ${value("")};`, "}"],
      ...["fn load_quad(index: u32) -> vec4f {", ...begin],
      ...given.map((i) => `  let x${i} = ${sources[i]}[${isVector(i) ? `i + ${inputs[i].offset / 4}u` : indices[i]}];`),
      ...finish(ofFour(quad.map((lane, k) => `load_one(${unknownZero}, 4u * i + ${k}u${handed(lane)})`))),
    );
  } else
    lines.push(
      width === 4 ? "fn load_quad(index: u32) -> vec4f {" : "fn load_element(index: u32) -> f32 {",
      ...[...begin, ...one, ...finish(width === 4 ? ofFour(quad.map(value)) : value(""))],
    );
  return { bind, bindings, ...generatedFor(file, graph.name, [...texts, "opaque(0, 0)"], lines) };
}
