/** An ONNX model as an ordinary differentiable network. */

import { keep, type Tensor, type Tree, tensor } from "../../engine/index.js";
import { aFlag, aFunction, aShape, aText, byteArray, wordOf } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import type { Layer, SampleShape } from "../layer.js";
import { batchOf } from "./batch.js";
import { elementFormat, isFloat } from "./element-types.js";
import { isKnown, Names, Run } from "./evaluate.js";
import { atImport, GraphFunction, type ParameterGroup } from "./graph-function.js";
import { type ExternalFiles, externalPlace, type ReadExternal } from "./initialiser.js";
import { inputOf, type OnnxInput } from "./input.js";
import { groupsOf, parametersOf, shuffled } from "./parameters.js";
import { type Compiled, compileModel, type Program, type Step } from "./program.js";
import { type GraphProto, type ModelProto, readModelProto, type TensorProto } from "./proto.js";
import type { HostValue } from "./value.js";

/** How an ONNX file is read as a network. */
export interface OnnxOptions {
  /** Shape of a sample, without the batch side, where the file leaves sides open; it is then checked at import. */
  readonly shape?: SampleShape;
  /** The value that is the network's output; default the graph's first output of floats, else its first. Any value of the graph may be named. */
  readonly output?: string;
  /** Leave out a softmax or a sigmoid at the end, so that the output is logits. Default false. */
  readonly logits?: boolean;
  /** Reads files beside the model, for weights that are external data. Only names that the model gives are asked for. */
  readonly readExternal?: ReadExternal;
  /** What parameters of type float16 become: f32 (default), or f16, which takes half the memory and is unpacked where it is used. */
  readonly halves?: "f32" | "f16";
}

const ONNX_OPTIONS: KindsOf<OnnxOptions> = {
  shape: aShape,
  output: aText,
  logits: aFlag,
  readExternal: aFunction,
  halves: wordOf("f32", "f16"),
};

/** A layer with its parameters; `apply` is a pure function of parameters and input, made of ops, one label per node. `init` gives fresh
 *  parameters: the learnt ones, the elements of each shuffled by the key. */
export interface OnnxNetwork extends Layer {
  /** Kept tensors: for each node with parameters, in the order of the nodes, those that it is the first to use, by their names in the file. */
  readonly params: readonly Readonly<Record<string, Tensor>>[];
  /** x [n, ...] → [n, ...]: the network with its parameters. */
  readonly classifier: (x: Tensor) => Tensor;
  readonly input: OnnxInput;
  readonly output: {
    readonly name: string;
    /** Of one sample; undefined while the shape of the input is open. */
    readonly shape?: SampleShape;
    /** The last operator is a softmax. */
    readonly probabilities: boolean;
    /** What `logits` left out at the end; undefined where there was nothing, or nothing was asked for. */
    readonly leftOut?: "Softmax" | "LogSoftmax" | "Sigmoid";
  };
  /** Whether a batch goes through at once; false where the graph is bound to the file's batch, and samples follow each other. */
  readonly batched?: boolean;
  /** Why they follow each other: the node in the way. */
  readonly unbatched?: string;
  /** Side of an output of one side; undefined for others. */
  readonly classes?: number;
  /** Version of ONNX's own operator set. */
  readonly opset: number;
  /** How often each operator comes, in the order of their names; what was folded away at import does not count. */
  readonly operators: Readonly<Record<string, number>>;
  /** Elements of all parameters. */
  readonly parameterCount: number;
  readonly producer: string;
  /** What the file says of itself (metadata_props). */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * The network in an ONNX file. Float initialisers (and constants of more than one element) are its parameters; running statistics of batch
 * normalisation among them get no gradient. What follows from constants alone is folded now, what follows from shapes in each run. A batch of
 * any size may come, also where the file was made for one: where its shapes cannot be scaled, samples go through one after another.
 * @throws DataError for bytes that are no such model, for unsupported nodes (all of them in one sentence), or for a graph that makes no sense.
 */
export async function importOnnx(bytes: Uint8Array, options: OnnxOptions = {}): Promise<OnnxNetwork> {
  requireArguments("importOnnx", { bytes: [bytes, byteArray] });
  checkedOptions("importOnnx", options, ONNX_OPTIONS);
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
  const wanted = options.output ?? firstOfFloats(model.graph);
  const whole = compileModel(model, files, wanted === undefined ? undefined : [wanted]);
  const { name: output, leftOut } = options.logits ? beforeSoftmax(whole.main) : { name: whole.main.outputs[0] };
  const compiled = output === whole.main.outputs[0] ? whole : compileModel(model, files, [output]);
  const { main } = compiled;
  const input = inputOf(model, main, options.shape);
  const weights = parametersOf(main);
  const folded = foldConstants(compiled, weights);
  const steps = main.steps.filter(
    ({ outputs }) => !outputs.every((name) => name === "" || folded.has(name) || weights.has(name)),
  );
  // What runs holds on to no bytes of the file: the weights are tensors by then.
  const groups = groupsOf(main, weights);
  const graph = new GraphFunction(
    { inner: compiled.inner, main: { ...main, steps, constants: new Map() } },
    folded,
    input,
    groups.map((names) => new Map(names.map((name) => [name, weights.get(name)!] as const))).map(withoutData),
  );
  const open = input.shape.slice(1).some((side) => side === undefined);
  const layout = open ? undefined : graph.layoutFor(input.shape.slice(1) as number[]);
  const shape = layout?.output;
  const upload = (name: string): Tensor => {
    const { type, shape, data } = weights.get(name)!;
    return tensor(data, shape, type === "float16" ? (options.halves ?? "f32") : "f32");
  };
  const params = keep(groups.map((names) => Object.fromEntries(names.map((name) => [name, upload(name)]))));
  const last = steps.find(({ outputs }) => outputs.includes(output));
  const apply = (given: Tree, x: Tensor): Tensor => graph.apply(given, x);
  return {
    kind: "onnx",
    init(key, sample) {
      graph.requireInput(`samples [${sample}]`, [1, ...sample]);
      return { params: shuffled(params, key), shape: graph.layoutFor(sample).output };
    },
    apply,
    params,
    classifier: (x) => apply(params, x),
    input,
    output: { name: output, shape, probabilities: last?.row.name === "Softmax", ...(leftOut && { leftOut }) },
    batched: layout && layout.sides !== undefined,
    ...(layout?.unbatched !== undefined && { unbatched: layout.unbatched }),
    classes: shape?.length === 1 ? shape[0] : undefined,
    opset: model.opset_import.find(({ domain = "" }) => domain === "" || domain === "ai.onnx")?.version ?? 0,
    operators: countsOf(steps),
    parameterCount: [...weights.values()].reduce((sum, { data }) => sum + data.length, 0),
    producer: [model.producer_name, model.producer_version].filter(Boolean).join(" "),
    metadata: new Map(model.metadata_props.map(({ key = "", value = "" }) => [key, value])),
  };
}

function withoutData(group: ReadonlyMap<string, HostValue>): ParameterGroup {
  return new Map([...group].map(([name, { type, shape }]) => [name, { type, shape }]));
}

/** Classifiers of tables give a label before the scores. */
function firstOfFloats(graph: GraphProto | undefined): string | undefined {
  return graph?.output.find(({ type }) => {
    const format = elementFormat(type?.tensor_type?.elem_type);
    return typeof format !== "string" && isFloat(format.type);
  })?.name;
}

function countsOf(steps: readonly Step[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of steps.map(({ row }) => row.name).sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

const SQUASHES = ["Softmax", "LogSoftmax", "Sigmoid"] as const;
type Squash = (typeof SQUASHES)[number];

/** The value before a softmax or a sigmoid at the end, and which it was. */
function beforeSoftmax({ steps, outputs: [output] }: Program): { name: string; leftOut?: Squash } {
  let name = output;
  let leftOut: Squash | undefined;
  for (;;) {
    const step = steps.find(({ outputs }) => outputs[0] === name);
    const squash = SQUASHES.find((one) => one === step?.row.name);
    // One only: below a sigmoid, a softmax is a hidden layer.
    if (!step || (squash ? leftOut : step.row.name !== "Identity")) return { name, leftOut };
    leftOut ??= squash;
    name = step.inputs[0];
  }
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
