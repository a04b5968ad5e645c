/**
 * Pointwise kernels, generated: a small graph of scalar expressions over broadcast operands becomes one WGSL kernel.
 * Eager code passes sizes and strides as parameters, so that few pipelines serve all shapes; captured code bakes them
 * in as literals, which spares the divisions by variables.
 */
import { type Binding, type Kernel, originLine } from "../../shaders/kernel.js";
import { libraryFor, operationsIn } from "../expression.js";
import type { Capabilities, DType, Launch, Operand } from "../lower.js";
import { isContiguous, sizeOf } from "../shape.js";
import { type Addressing, describeLoop, Parameters } from "./addressing.js";
import { type Iteration, planIteration } from "./iteration.js";

/** One value, from earlier ones. Values are numbered: the inputs first, then the steps in order. */
export interface PointwiseStep {
  readonly dtype: DType;
  readonly args: readonly number[];
  expression(args: readonly string[]): string;
}

export interface PointwiseGraph {
  readonly name: string;
  readonly steps: readonly PointwiseStep[];
  /** Numbers of the values that are written, one per output. */
  readonly results: readonly number[];
}

export interface PointwiseOptions {
  readonly caps: Capabilities;
  /** For kernels that are prepared once: sizes and strides as literals where the index is taken apart, and every buffer
   *  bound once, so that an output may overwrite an input. */
  readonly bake?: boolean;
}

const workgroupSize = 64;
/** Code that is longer is not repeated for each of four elements: it takes longer to compile than it saves. */
const mostInQuads = 400;

/** A call but for its operands. */
interface Prepared extends Pick<Launch, "kernel" | "params" | "grid"> {
  /** The variable each input is read from. */
  readonly sources: readonly string[];
}

/** By everything a call depends on: the same op on the same shapes comes again and again. */
const prepared = new Map<string, Prepared>();
const maxPrepared = 16_384;
/** By source, so that equal kernels share a pipeline. */
const kernels = new Map<string, Kernel>();

/** The call that computes `graph` for every element of the outputs, which have one shape; inputs broadcast to it. An
 *  output must be contiguous from 0 in a buffer padded to 16 bytes, or it is written element by element.
 *  `undefined` when there are no elements. */
export function pointwise(
  graph: PointwiseGraph,
  inputs: readonly Operand[],
  outputs: readonly Operand[],
  { caps, bake = false }: PointwiseOptions,
): Launch | undefined {
  if (sizeOf(outputs[0].shape) === 0) return undefined;
  const texts = stepTexts(graph, inputs);
  let key = `${graph.name}|${caps.maxWorkgroupsPerDimension}|${caps.software}|${bake}|${graph.results}`;
  texts.forEach((text, i) => {
    key += `|${graph.steps[i].dtype}${text}`;
  });
  for (const o of [...inputs, ...outputs]) key += `|${o.dtype}${o.shape};${o.strides};${o.offset}`;
  if (bake) key += `|${inputs.map((x) => [...outputs, ...inputs].findIndex((o) => o.buffer === x.buffer))}`;
  let call = prepared.get(key);
  if (!call) {
    if (prepared.size >= maxPrepared) prepared.clear();
    call = prepare(graph, texts, inputs, outputs, caps, bake);
    prepared.set(key, call);
  }
  const bind: Record<string, Operand> = {};
  inputs.forEach((x, i) => {
    if (call.sources[i] === `in${i}`) bind[`in${i}`] = x;
  });
  outputs.forEach((y, i) => {
    bind[`out${i}`] = y;
  });
  return { kernel: call.kernel, bind, params: call.params, grid: call.grid };
}

/** Captured kernels bind each buffer once: for several inputs in it, and for an input that an output overwrites in
 *  place, because WebGPU does not bind a buffer for reading and for writing at once. */
function sourcesOf(inputs: readonly Operand[], outputs: readonly Operand[], { operands }: Iteration): string[] {
  return inputs.map((x, i) => {
    const out = outputs.findIndex((y) => y.buffer === x.buffer);
    if (out >= 0) return `out${out}`;
    return `in${inputs.findIndex((o, j) => o.buffer === x.buffer && operands[j].vector === operands[i].vector)}`;
  });
}

function prepare(
  graph: PointwiseGraph,
  expressions: readonly string[],
  inputs: readonly Operand[],
  outputs: readonly Operand[],
  caps: Capabilities,
  bake: boolean,
): Prepared {
  const { shape } = outputs[0];
  const operations = bake ? expressions.reduce((sum, text) => sum + operationsIn(text), 0) : 0;
  const loop = planIteration(
    shape,
    [
      ...inputs.map((x) => ({ ...x, gathers: bake })),
      // Scattered stores cost a software adapter no more than others.
      ...outputs.map((o) => ({ ...o, padded: isContiguous(shape, o), gathers: bake && caps.software })),
    ],
    operations > mostInQuads ? 1 : 4,
  );
  // Only divisions gain from literals; without any, one kernel serves every size.
  const literal = bake && loop.operands.some(({ access }) => access === "strided");
  const parameters = new Parameters(literal);
  const span = spanFor(loop.count, caps);
  const addressing = describeLoop(loop, span, inputs.length, parameters);
  const texts = expressions.map((text) => parameters.lift(text));
  const sources = bake ? sourcesOf(inputs, outputs, loop) : inputs.map((_, i) => `in${i}`);
  const bindings = bindingsOf(inputs, outputs, sources);
  const wgsl = source(graph, texts, inputs, outputs, sources, bindings, loop, addressing, parameters);
  let kernel = kernels.get(wgsl);
  if (!kernel) {
    kernel = { name: graph.name, source: [wgsl], bindings, params: parameters.layout(uniformAt(inputs, outputs)) };
    kernels.set(wgsl, kernel);
  }
  return {
    kernel,
    sources,
    params: literal ? undefined : parameters.values,
    grid: [Math.ceil(loop.count / span), 1, 1],
  };
}

/** Indices a workgroup goes through, one after the other: a multiple of its size. A workgroup costs a software adapter
 *  as much as a hundred elements or so: few of them there, but enough to occupy its cores. */
function spanFor(count: number, { software, maxWorkgroupsPerDimension }: Capabilities): number {
  const rounds = Math.ceil(count / workgroupSize);
  const perGroup = software ? Math.min(64, Math.ceil(rounds / 32)) : 1;
  return workgroupSize * Math.max(perGroup, Math.ceil(rounds / maxWorkgroupsPerDimension));
}

/** Inputs that are read as such, then outputs; numbers tell the operands. */
function bindingsOf(inputs: readonly Operand[], outputs: readonly Operand[], sources: readonly string[]): Binding[] {
  const read = inputs.flatMap((x, i): Binding[] =>
    sources[i] === `in${i}` ? [{ name: `in${i}`, binding: i, access: "read", scalar: x.dtype }] : [],
  );
  const written = outputs.map(
    (y, i): Binding => ({ name: `out${i}`, binding: inputs.length + i, access: "read_write", scalar: y.dtype }),
  );
  return [...read, ...written];
}

function uniformAt(inputs: readonly Operand[], outputs: readonly Operand[]): number {
  return inputs.length + outputs.length;
}

function source(
  graph: PointwiseGraph,
  texts: readonly string[],
  inputs: readonly Operand[],
  outputs: readonly Operand[],
  sources: readonly string[],
  bindings: readonly Binding[],
  loop: Iteration,
  addressing: Addressing,
  parameters: Parameters,
): string {
  const vector = (at: number): boolean => loop.operands[at].vector;
  const n = inputs.length;
  const lines: string[] = [];
  if (!parameters.bake) lines.push(parameters.declaration);
  lines.push(...bindings.map((b) => declarationOf(b, vector(b.binding))));
  if (!parameters.bake) lines.push(`@group(0) @binding(${uniformAt(inputs, outputs)}) var<uniform> p: Params;`);
  lines.push("", ...computeFunction("compute", graph, texts, inputs, outputs), "");
  const guards = isGuarded(texts);
  const builtins = ["@builtin(workgroup_id) group: vec3<u32>", "@builtin(local_invocation_index) local: u32"];
  if (guards) builtins.push("@builtin(num_workgroups) groups: vec3<u32>");
  lines.push(
    `@compute @workgroup_size(${workgroupSize})`,
    `fn main(${builtins.join(", ")}) {`,
    // Grids have one row, which is known only when one is dispatched.
    ...(guards ? [`  let ${unknownZero} = groups.y - 1u;`] : []),
    `  let start = group.x * ${addressing.span};`,
    `  let end = min(start + ${addressing.span}, ${addressing.count});`,
    `  for (var i = start + local; i < end; i += ${workgroupSize}u) {`,
    ...addressing.coordinates.map((c) => `    ${c}`),
    ...inputs.flatMap((x, i) => readInput(i, x.dtype, sources[i], addressing.indices[i], loop.operands[i].lanes)),
  );
  const lane = (component: string): string => {
    const values = inputs.map((_, i) => `x${i}${vector(i) || loop.operands[i].lanes ? component : ""}`);
    return `compute(${[...(guards ? [unknownZero] : []), ...values].join(", ")})`;
  };
  const lanes = loop.width === 4 ? [".x", ".y", ".z", ".w"] : [""];
  lines.push(...lanes.map((component, l) => `    let r${l} = ${lane(component)};`));
  outputs.forEach((y, i) => {
    const values = lanes.map((_, l) => (outputs.length === 1 ? `r${l}` : `r${l}.y${i}`));
    lines.push(...write(i, y.dtype, values, addressing.indices[n + i], loop.operands[n + i].lanes));
  });
  lines.push("  }", "}", "");
  return libraryFor(texts).text + originLine(`generated:${graph.name}`, 1) + lines.join("\n");
}

/** A binding in WGSL: an array of its scalars, or of vectors of four. */
export function declarationOf({ name, binding, access, scalar }: Binding, vector: boolean): string {
  const element = vector ? `vec4<${scalar}>` : scalar;
  return `@group(0) @binding(${binding}) var<storage, ${access}> ${name}: array<${element}>;`;
}

/** Statements that read input `i`: an element, a vector, or one element for each of the thread's lanes. */
export function readInput(i: number, dtype: DType, source: string, index: string, lanes?: readonly number[]): string[] {
  if (!lanes) return [`    let x${i} = ${source}[${index}];`];
  const places = [...new Set(lanes)];
  return [
    `    let at${i} = ${index};`,
    ...places.map((place, k) => `    let x${i}_${k} = ${source}[at${i} + ${place >>> 0}u];`),
    `    let x${i} = vec4<${dtype}>(${lanes.map((place) => `x${i}_${places.indexOf(place)}`).join(", ")});`,
  ];
}

/** Statements that write output `i`: an element, a vector, or an element at each of the places from the index. */
function write(
  i: number,
  dtype: DType,
  values: readonly string[],
  index: string,
  places?: readonly number[],
): string[] {
  if (!places)
    return [`    out${i}[${index}] = ${values.length === 4 ? `vec4<${dtype}>(${values.join(", ")})` : values[0]};`];
  return [
    `    let to${i} = ${index};`,
    ...places.map((place, l) => `    out${i}[to${i} + ${place >>> 0}u] = ${values[l]};`),
  ];
}

/** Name of a 0 that a compiler does not know, in kernels that guard values (see `opaque` of shaders/lib/scalar.wgsl). */
export const unknownZero = "zero";

/** The WGSL of each step; inputs are `x0`, `x1`, ..., steps `t0`, `t1`, ... A value that another step uses is guarded, so that no
 *  compiler simplifies across ops: a fused kernel rounds, and hands on NaN and infinities, as the ops would one by one. So is
 *  an operand that an op has twice. */
export function stepTexts(
  { steps }: PointwiseGraph,
  inputs: readonly (Pick<Operand, "dtype"> | undefined)[],
): string[] {
  const n = inputs.length;
  const used = new Set(steps.flatMap(({ args }) => args));
  const isFloat = (a: number): boolean => (a < n ? (inputs[a]?.dtype ?? "f32") : steps[a - n].dtype) === "f32";
  return steps.map((step, i) => {
    const text = step.expression(
      step.args.map((a, k) => {
        const name = a < n ? `x${a}` : `t${a - n}`;
        return isFloat(a) && step.args.indexOf(a) < k ? `opaque(${name}, ${unknownZero})` : name;
      }),
    );
    return used.has(n + i) && isFloat(n + i) ? `opaque(${text}, ${unknownZero})` : text;
  });
}

/** Whether some step is guarded: `compute` then takes the unknown zero first. */
export function isGuarded(texts: readonly string[]): boolean {
  return texts.some((text) => text.includes(`, ${unknownZero})`));
}

/** The function `name`: the expressions for one element. */
export function computeFunction(
  name: string,
  graph: PointwiseGraph,
  texts: readonly string[],
  inputs: readonly Pick<Operand, "dtype">[],
  outputs: readonly Pick<Operand, "dtype">[],
  guards = isGuarded(texts),
): string[] {
  const n = inputs.length;
  const own = guards ? [`${unknownZero}: u32`] : [];
  const parameters = [...own, ...inputs.map((x, i) => `x${i}: ${x.dtype}`)].join(", ");
  const body = texts.map((text, i) => `  let t${i}: ${graph.steps[i].dtype} = ${text};`);
  const results = graph.results.map((r) => (r < n ? `x${r}` : `t${r - n}`));
  if (outputs.length === 1)
    return [`fn ${name}(${parameters}) -> ${outputs[0].dtype} {`, ...body, `  return ${results[0]};`, "}"];
  return [
    `struct Results { ${outputs.map((y, i) => `y${i}: ${y.dtype}`).join(", ")} }`,
    `fn ${name}(${parameters}) -> Results {`,
    ...body,
    `  return Results(${results.join(", ")});`,
    "}",
  ];
}
