/** An ONNX model as an ordinary differentiable network. */
import {
  cast,
  concat,
  describe,
  keep,
  ShapeError,
  scope,
  shapeOf,
  slice,
  type Tensor,
  type Tree,
  tensor,
  zeros,
} from "../../engine/index.js";
import { DataError } from "../data/error.js";
import type { Layer, SampleShape } from "../layer.js";
import { batchOf, type ScaledSides, scaledSides, watchedShape } from "./batch.js";
import { type ElementType, elementFormat } from "./element-types.js";
import { isKnown, Names, Run } from "./evaluate.js";
import { type ExternalFiles, externalPlace, type ReadExternal } from "./initialiser.js";
import { type Batch, isEngineError } from "./operator.js";
import { parametersOf } from "./parameters.js";
import { type Compiled, compileModel, type Program, type Step, shorten } from "./program.js";
import { type GraphProto, type ModelProto, readModelProto, type TensorProto, type ValueInfoProto } from "./proto.js";
import { deviceValue, type HostValue } from "./value.js";

export interface OnnxOptions {
  /** Shape of a sample, without the batch side, where the file leaves sides open; it is then checked at import. */
  readonly shape?: SampleShape;
  /** The value that is the network's output; default the graph's first output. Any value of the graph may be named. */
  readonly output?: string;
  /** Leave out a softmax at the end, so that the output is logits. Default false. */
  readonly logits?: boolean;
  /** Reads files beside the model, for weights that are external data. Only names that the model gives are asked for. */
  readonly readExternal?: ReadExternal;
}

/** What a model file says of its input. */
export interface OnnxInput {
  readonly name: string;
  /** All sides with the batch first; undefined where the file leaves one open. */
  readonly shape: readonly (number | undefined)[];
  /** What the file calls its elements; integers may come as i32 or as whole numbers in f32. */
  readonly type: ElementType;
}

/** A layer with its parameters; `apply` is a pure function of parameters and input, made of ops, one label per node. */
export interface OnnxNetwork extends Layer {
  /** Kept tensors by the names that the file gives them. */
  readonly params: Readonly<Record<string, Tensor>>;
  /** x [n, ...] → [n, ...]: the network with its parameters. */
  readonly classifier: (x: Tensor) => Tensor;
  readonly input: OnnxInput;
  readonly output: {
    readonly name: string;
    /** Of one sample; undefined while the shape of the input is open. */
    readonly shape?: SampleShape;
    /** The last operator is a softmax. */
    readonly probabilities: boolean;
  };
  /** Whether a batch goes through at once; false where the graph is bound to the file's batch, and samples follow each other. */
  readonly batched?: boolean;
  /** Side of an output of one side; undefined for others. */
  readonly classes?: number;
  /** Version of ONNX's own operator set. */
  readonly opset: number;
  /** How often each operator comes, in the order of their names; what was folded away at import does not count. */
  readonly operators: Readonly<Record<string, number>>;
  /** Elements of all parameters. */
  readonly parameterCount: number;
  readonly producer: string;
}

/**
 * The network in an ONNX file. Float initialisers (and constants of more than one element) are its parameters; running statistics of batch
 * normalisation among them get no gradient. What follows from constants alone is folded now, what follows from shapes in each run. A batch of
 * any size may come, also where the file was made for one: where its shapes cannot be scaled, samples go through one after another.
 * @throws DataError for bytes that are no such model, for unsupported nodes (all of them in one sentence), or for a graph that makes no sense.
 */
export async function importOnnx(bytes: Uint8Array, options: OnnxOptions = {}): Promise<OnnxNetwork> {
  const model = readModelProto(bytes);
  const files = await readExternals(model, options.readExternal);
  return networkFrom(model, files, options);
}

async function readExternals(model: ModelProto, read: ReadExternal | undefined): Promise<ExternalFiles> {
  const files = new Map<string, Uint8Array>();
  for (const proto of tensorsOf(model.graph)) {
    const place = externalPlace(proto);
    if (!place || files.has(place.location) || !read) continue;
    files.set(place.location, await read(place.location));
  }
  return files;
}

function tensorsOf(graph: GraphProto | undefined): TensorProto[] {
  if (!graph) return [];
  const inNodes = graph.node.flatMap(({ attribute }) =>
    attribute.flatMap(({ t, g }) => [...(t ? [t] : []), ...tensorsOf(g)]),
  );
  return [...graph.initializer, ...inNodes];
}

function networkFrom(model: ModelProto, files: ExternalFiles, options: OnnxOptions): OnnxNetwork {
  const whole = compileModel(model, files, options.output === undefined ? undefined : [options.output]);
  const output = options.logits ? beforeSoftmax(whole.main) : whole.main.outputs[0];
  const compiled = output === whole.main.outputs[0] ? whole : compileModel(model, files, [output]);
  const { main } = compiled;
  const input = inputOf(model, main, options.shape);
  const weights = parametersOf(main);
  const folded = foldConstants(compiled, weights);
  const evaluator = new Evaluator(compiled, folded, input, weights);
  const open = input.shape.slice(1).some((side) => side === undefined);
  const layout = open ? undefined : evaluator.layoutFor(input.shape.slice(1) as number[]);
  const shape = layout?.output;
  const params = keep(
    Object.fromEntries([...weights].map(([name, { data, shape }]) => [name, tensor(data, shape, "f32")])),
  );
  const steps = main.steps.filter(({ outputs }) => !outputs.every((name) => name === "" || folded.has(name)));
  const last = steps.find(({ outputs }) => outputs.includes(output));
  const apply = (given: Tree, x: Tensor): Tensor => evaluator.apply(given, x);
  return {
    kind: "onnx",
    init(_, sample) {
      return { params, shape: evaluator.layoutFor(sample).output };
    },
    apply,
    params,
    classifier: (x) => apply(params, x),
    input,
    output: { name: output, shape, probabilities: last?.row.name === "Softmax" },
    batched: layout && layout.sides !== undefined,
    classes: shape?.length === 1 ? shape[0] : undefined,
    opset: model.opset_import.find(({ domain = "" }) => domain === "" || domain === "ai.onnx")?.version ?? 0,
    operators: countsOf(steps.filter(({ row }) => row.name !== "Constant")),
    parameterCount: [...weights.values()].reduce((sum, { data }) => sum + data.length, 0),
    producer: [model.producer_name, model.producer_version].filter(Boolean).join(" "),
  };
}

function countsOf(steps: readonly Step[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of steps.map(({ row }) => row.name).sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** The value before a softmax at the end. */
function beforeSoftmax({ steps, outputs: [output] }: Program): string {
  let name = output;
  for (;;) {
    const step = steps.find(({ outputs }) => outputs[0] === name);
    if (!step || !["Softmax", "LogSoftmax", "Identity"].includes(step.row.name)) return name;
    name = step.inputs[0];
  }
}

/** The one input that the outputs need. @throws DataError for none, several, or one that is no tensor of known rank. */
function inputOf(model: ModelProto, main: Program, given: SampleShape | undefined): OnnxInput {
  const used = new Set(main.steps.flatMap(({ inputs, captures }) => [...inputs, ...captures]));
  const names = main.inputs.filter((name) => used.has(name));
  if (names.length !== 1)
    throw new DataError(
      `onnx: the output ${shorten(main.outputs[0])} depends on ${names.length} inputs${names.length > 0 ? ` (${names.slice(0, 8).map(shorten).join(", ")})` : ""}; a network of one input is needed`,
    );
  const info = model.graph!.input.find(({ name }) => name === names[0])!;
  return { name: names[0], shape: sidesOf(info, given), type: typeIn(info) };
}

function typeIn({ name = "", type }: ValueInfoProto): ElementType {
  const format = elementFormat(type?.tensor_type?.elem_type);
  if (typeof format === "string")
    throw new DataError(
      `onnx: the input ${shorten(name)} is no tensor of numbers but of ${format}; floats or integers are needed`,
    );
  return format.type;
}

function sidesOf({ name = "", type }: ValueInfoProto, given: SampleShape | undefined): (number | undefined)[] {
  const dims = type?.tensor_type?.shape?.dim;
  const declared = dims?.map(({ dim_value }) => dim_value);
  if (!declared && !given)
    throw new DataError(
      `onnx: the file says nothing of the shape of its input ${shorten(name)}; pass the shape of a sample`,
    );
  const sides = declared ?? [undefined, ...given!];
  if (
    sides.length < 1 ||
    sides.length > 8 ||
    sides.some((side) => side !== undefined && !(side >= 1 && side < 2 ** 31))
  )
    throw new DataError(
      `onnx: the input ${shorten(name)} has shape [${sides.slice(0, 9)}]; one to eight sides of 1 or more, the batch first, are needed`,
    );
  if (!given) return sides;
  const fits = given.length === sides.length - 1 && given.every((side, i) => (sides[i + 1] ?? side) === side);
  if (!fits)
    throw new DataError(
      `onnx: samples of shape [${given}] for the input ${shorten(name)} of shape [${sides.map((side) => side ?? "?")}], the batch first; they do not fit`,
    );
  return [sides[0], ...given];
}

/** Runs what follows from constants alone. */
function foldConstants(compiled: Compiled, weights: ReadonlyMap<string, HostValue>): Names {
  const { main } = compiled;
  const names = new Names();
  for (const [name, value] of main.constants) if (!weights.has(name)) names.set(name, value);
  const run = new Run(compiled, batchOf(1, 1, new Map()));
  for (const step of main.steps) {
    if (step.outputs.some((name) => weights.has(name))) continue;
    const needs = [...step.inputs, ...step.captures].filter((name) => name !== "");
    if (needs.every((name) => names.has(name) && isKnown(names.get(name)!))) atImport(() => run.step(step, names));
  }
  return names;
}

/** What a file brings about is the file's fault. */
function atImport<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!isEngineError(error)) throw error;
    throw new DataError(`${error.message.startsWith("onnx: ") ? "" : "onnx: "}${error.message.slice(0, 500)}`, {
      cause: error,
    });
  }
}

interface Layout {
  /** Of one sample. */
  readonly output: SampleShape;
  /** undefined where samples go through by the file's own batch. */
  readonly sides?: ScaledSides;
}

/** Runs the graph for any batch. */
class Evaluator {
  readonly #layouts = new Map<string, Layout>();
  readonly #base: number;

  constructor(
    readonly compiled: Compiled,
    readonly known: Names,
    readonly input: OnnxInput,
    readonly weights: ReadonlyMap<string, HostValue>,
  ) {
    this.#base = input.shape[0] ?? 1;
  }

  apply(params: Tree, x: Tensor): Tensor {
    const sides = this.input.shape;
    if (x.rank !== sides.length || sides.some((side, i) => i > 0 && side !== undefined && side !== x.shape[i]))
      throw new ShapeError(
        `onnx: ${describe(x)} given for the input ${shorten(this.input.name)}; [n${sides
          .slice(1)
          .map((side) => `,${side ?? "?"}`)
          .join("")}] is needed`,
      );
    const layout = this.layoutFor(x.shape.slice(1));
    const n = x.shape[0];
    return scope(() => {
      if (layout.sides) return this.#run(params, x, batchOf(this.#base, n, layout.sides));
      if (n % this.#base !== 0)
        throw new ShapeError(
          `onnx: ${describe(x)} given; this model takes batches of ${this.#base} or multiples of it`,
        );
      const own = batchOf(this.#base, this.#base, new Map());
      const rest = x.shape.slice(1);
      const parts = Array.from({ length: n / this.#base }, (_, i) =>
        this.#run(params, slice(x, [i * this.#base, ...rest.map(() => 0)], [this.#base, ...rest]), own),
      );
      return parts.length === 1 ? parts[0] : concat(parts);
    }, "onnx");
  }

  /** What samples of one shape come to. @throws DataError where they do not fit the graph. */
  layoutFor(sample: SampleShape): Layout {
    const key = sample.join();
    const known = this.#layouts.get(key);
    if (known) return known;
    const layout = atImport(() => this.#layout(sample));
    this.#layouts.set(key, layout);
    return layout;
  }

  #layout(sample: SampleShape): Layout {
    const output = this.#trace(sample, batchOf(this.#base, this.#base, new Map()));
    if (output[0] !== this.#base)
      throw new DataError(
        `onnx: the output has shape [${output}] for a batch of ${this.#base}; its first side must be the batch`,
      );
    const rest = output.slice(1);
    try {
      const sides = scaledSides(this.#base, (batch) => {
        const shape = this.#trace(sample, batch);
        if (shape.join() !== [batch.count, ...rest].join())
          throw new DataError("the output does not grow with the batch");
      });
      return { output: rest, sides };
    } catch (error) {
      if (!(error instanceof DataError) && !isEngineError(error)) throw error;
      return { output: rest };
    }
  }

  #trace(sample: SampleShape, batch: Batch): readonly number[] {
    const body = (): Tensor => {
      const params = Object.fromEntries([...this.weights].map(([name, { shape }]) => [name, zeros(shape)]));
      return this.#run(params, zeros([batch.count, ...sample]), batch);
    };
    return batch.count === this.#base ? shapeOf(body).shape : watchedShape(body);
  }

  #run(params: Tree, x: Tensor, batch: Batch): Tensor {
    const names = new Names(this.known);
    for (const [name, { type }] of this.weights) names.set(name, deviceValue(type, parameter(params, name)));
    names.set(this.input.name, deviceValue(this.input.type, cast(x, "f32")));
    const [result] = new Run(this.compiled, batch).program(this.compiled.main, names);
    if (result.kind !== "device")
      throw new DataError(
        `onnx: the output ${shorten(this.compiled.main.outputs[0])} does not depend on the input; a network is needed`,
      );
    return result.tensor;
  }
}

function parameter(params: Tree, name: string): Tensor {
  const found: unknown = params?.[name];
  if (found === undefined)
    throw new TypeError(
      `onnx: the parameters have no ${shorten(name)}; pass those of the network, or a tree like them`,
    );
  return found as Tensor;
}
