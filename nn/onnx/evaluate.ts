/** Runs a program: what is known on the host by the float64 reference, the rest on the current executor. One function per operator
 *  serves both. */
import { withExecutor } from "../../engine/executor.js";
import { label, ReferenceExecutor, ShapeError, scope } from "../../engine/index.js";
import type { HostTensor } from "../../engine/op.js";
import { DataError } from "../data/error.js";
import { asValues, type Batch, Call, isEngineError } from "./operator.js";
import { type Compiled, type Program, printable, type Step } from "./program.js";
import type { GraphProto } from "./proto.js";
import { hostValue, isArray, requireSmall, shapeOfValue, type Value } from "./value.js";

/** Values by name; graphs inside nodes see those outside. */
export class Names {
  readonly #values = new Map<string, Value>();
  constructor(readonly outside?: Names) {}

  get(name: string): Value | undefined {
    return this.#values.get(name) ?? this.outside?.get(name);
  }
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }
  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }
}

/** Nodes of all rounds of loops together. */
const MAX_ROUNDS = 10_000;
/** Loops on the host, at import and in each run, may not hold it up. */
const MAX_STEPS = 200_000;

/** One run of the programs of a model. */
export class Run {
  #rounds = 0;
  #steps = 0;

  constructor(
    readonly compiled: Compiled,
    readonly batch: Batch,
  ) {}

  /** Values of the outputs. `names` holds the inputs and whatever is known before. */
  program(program: Program, names: Names): Value[] {
    for (const step of program.steps) this.step(step, names);
    return program.outputs.map((name) => names.get(name)!);
  }

  step(step: Step, names: Names): void {
    if (step.outputs.every((name) => name === "" || names.has(name))) return;
    if (++this.#steps > MAX_STEPS)
      throw new DataError(`onnx: a run takes more than ${MAX_STEPS} nodes, loops included`);
    try {
      const values = this.#values(step, names);
      for (const [i, name] of step.outputs.entries()) {
        if (name === "") continue;
        if (!values[i]) throw new DataError(`result ${i} is asked for; ${values.length} are made here`);
        names.set(name, values[i]);
      }
    } catch (error) {
      throw named(error, step);
    }
  }

  #values(step: Step, names: Names): Value[] {
    const inputs = step.inputs.map((name) => (name === "" ? undefined : names.get(name)));
    const { row, attributes } = step;
    const call = new Call(
      inputs,
      step.opset,
      step.outputs.map((name) => name !== ""),
      {
        node: step,
        batch: this.batch,
        subgraph: (graph, given) => this.#inner(graph, given, names),
        round: () => {
          if (++this.#rounds > MAX_ROUNDS) throw new DataError(`loops run more than ${MAX_ROUNDS} rounds`);
        },
      },
    );
    const run = (): Value[] =>
      label(step.label, () => asValues(row.run(call, attributes as Record<string, unknown>), () => call.type(0)));
    return row.control || row.ofShape || !inputs.every((value) => value === undefined || isKnown(value))
      ? run()
      : onHost(run, inputs);
  }

  #inner(graph: GraphProto, given: readonly Value[], outside: Names): Value[] {
    const program = this.compiled.inner.get(graph)!;
    if (program.inputs.length !== given.length)
      throw new DataError(`its graph has ${program.inputs.length} inputs; ${given.length} are needed`);
    const names = new Names(outside);
    for (const [name, value] of program.constants) names.set(name, value);
    for (const [i, name] of program.inputs.entries()) names.set(name, given[i]);
    return this.program(program, names);
  }
}

/** Whether all of a value is at hand. */
export function isKnown(value: Value): boolean {
  return value.kind === "list" ? value.items.every(isKnown) : value.kind !== "device";
}

/** Runs a row on constants, in float64. */
function onHost(run: () => Value[], inputs: readonly (Value | undefined)[]): Value[] {
  for (const value of inputs) if (value && isArray(value)) requireSmall(shapeOfValue(value));
  return withExecutor(new ReferenceExecutor(), () => {
    let results: Value[] = [];
    scope(() => {
      results = run().map(toHost);
      return null;
    }, "constants");
    return results;
  });
}

function toHost(value: Value): Value {
  if (value.kind === "list") return { kind: "list", items: value.items.map((item) => toHost(item) as typeof item) };
  if (value.kind !== "device") return value;
  const { tensor, type } = value;
  requireSmall(tensor.shape);
  const { data } = tensor.valueOn(tensor.executor, "onnx") as HostTensor;
  return hostValue(type, tensor.shape, Float64Array.from(data));
}

/** The error with the node's name before it, on one line: a broken file may bring any text along. */
function named(error: unknown, { title, opset }: Step): unknown {
  const isOurs = error instanceof DataError;
  if ((!isOurs && !isEngineError(error)) || error.message.startsWith("onnx: ")) return error;
  const sentence = `onnx: node ${title} (opset ${opset}): ${printable(error.message, 400)}`;
  return isOurs ? new DataError(sentence, { cause: error }) : new ShapeError(sentence, { cause: error });
}
