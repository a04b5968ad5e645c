/** A network that another framework exported, in an ONNX file. */
import { basename } from "node:path";
import { concat, dispose, entries, openScope, type Tensor, type Tree, tensor, zeros } from "../../engine/index.js";
import {
  type Layer,
  type OnnxNetwork,
  openOnnx,
  PIXEL_RANGE,
  readClasses,
  type SafetensorsFile,
  sampleSize,
} from "../../nn/index.js";
import { UsageError } from "../command.js";
import { parsing, readInput } from "../files.js";
import { classNames, type ImageInput, type ImageValues, imageInput, imageOptions, sampleShape } from "./onnx-input.js";
import { ONNX_KEY, parametersFrom, readParameters } from "./onnx-parameters.js";
import { type TableInput, type TableValues, tableInput } from "./onnx-table.js";
import type { LoadedModel, NetworkSource, Parametrised } from "./source.js";
import { permuted } from "./written.js";

export const onnxOptions = {
  model: {
    type: "string",
    value: "net.onnx",
    help: "a classifier that another framework exported as ONNX; a softmax or sigmoid at its end is left out",
  },
  classes: {
    type: "string",
    value: "names",
    help: "of --model: names of the classes in the order of its outputs, with commas, or a file with a name in each line (default numbers from 0)",
  },
  shape: { type: "string", value: "c,h,w", help: "of --model: shape of a sample, where the file leaves it open" },
  logits: {
    type: "string",
    value: "name",
    help: "of --model: the value of its graph that is the logits (default its first output of floats)",
  },
  ...imageOptions,
} as const;

export interface OnnxValues extends ImageValues, TableValues {
  readonly model?: string;
  readonly classes?: string;
  readonly shape?: string;
  readonly logits?: string;
  /** Parameters in place of the file's. */
  readonly weights?: string;
}

/** Names of the options that go with --model alone. */
export const ONNX_OPTIONS = Object.keys(onnxOptions).filter((name) => name !== "model");

/** @throws UsageError when there is no such file, or an option makes no sense. */
export async function readOnnx(path: string, values: OnnxValues): Promise<NetworkSource> {
  await readInput("model", path);
  const names = await classNames(values.classes);
  const shape = sampleShape(values.shape);
  const weights = values.weights === undefined ? undefined : await readParameters(values.weights);
  return { open: () => openModel(path, values, { names, shape, weights }) };
}

interface Told {
  readonly names?: readonly string[];
  readonly shape?: readonly number[];
  readonly weights?: SafetensorsFile;
}

async function openModel(path: string, values: OnnxValues, told: Told): Promise<LoadedModel> {
  const origin = `--model ${path}`;
  const net = await parsing(origin, () => openOnnx(path, { shape: told.shape, output: values.logits, logits: true }));
  let { params } = net;
  try {
    if (told.weights) {
      params = parametersFrom(told.weights, net.params, values.weights!);
      dispose(net.params);
    }
    return await modelOf(net, params, values, { ...told, path, origin });
  } catch (error) {
    dispose(params);
    throw error;
  }
}

async function modelOf(
  net: OnnxNetwork,
  params: OnnxNetwork["params"],
  values: OnnxValues,
  { names, path, origin }: Told & { readonly path: string; readonly origin: string },
): Promise<LoadedModel> {
  const sides = net.input.shape.slice(1);
  if (sides.some((side) => side === undefined))
    throw new UsageError(
      `${origin}: samples of [${sides.map((side) => side ?? "?")}], some sides are open; give them with --shape`,
    );
  const score = logitsOf(net, origin);
  // A file that `holdfast export` wrote says what a file of weights says.
  const about = net.producer.startsWith("holdfast") ? net.metadata : new Map<string, string>();
  const called = names ?? (await parsing(origin, () => readClasses(about.get("classes"))));
  const classes = called ?? Array.from({ length: score.classes }, (_, i) => `${i}`);
  const numbered = called === undefined;
  if (classes.length !== score.classes)
    throw new UsageError(
      `${names ? "--classes" : origin}: ${classes.length} names came; ${path} has ${score.classes} classes`,
    );
  const told = { origin, classes, numbered, stored: about.get("preparation") };
  const input = await inputOf(sides as number[], values, told);
  const apply = (given: Tree, x: Tensor): Tensor => score.logits(net.apply(given, input.prepare(x)));
  const model = {
    ...{ domain: input.domain, preparation: input.preparation, origin, title: basename(path), card: { classes } },
    metadata: new Map([...about, [ONNX_KEY, basename(path)]]),
    classifier: (x: Tensor) => apply(params, x),
    ...(numbered && { numbered }),
  };
  await trial(model);
  return { ...model, parametrised: await parametrisedOf(params, apply, score.classes) };
}

type Input = Pick<LoadedModel, "domain" | "preparation"> & { prepare(x: Tensor): Tensor };

async function inputOf(
  sides: readonly number[],
  values: OnnxValues,
  told: Parameters<typeof tableInput>[2],
): Promise<Input> {
  const { origin } = told;
  if (sides.length === 3) {
    const image: ImageInput = imageInput(sides, values, origin);
    return { domain: { shape: image.shape, range: PIXEL_RANGE }, prepare: image.prepare };
  }
  if (sides.length !== 1)
    throw new UsageError(
      `${origin}: it takes samples of [${sides}]; images [c,h,w] or rows [columns] are needed; wrap it in a --module with openOnnx`,
    );
  const strange = Object.keys(imageOptions).find((name) => values[name as keyof ImageValues]);
  if (strange !== undefined)
    throw new UsageError(`--${strange}: ${origin} takes rows of ${sides[0]} columns as they are; leave it out`);
  const table: TableInput = await tableInput(sides[0], values, told);
  return { ...table, prepare: (x) => x };
}

/** What makes logits of classes of a network's output. One number before a sigmoid is the second of two classes. */
function logitsOf(net: OnnxNetwork, origin: string): { readonly classes: number; logits(y: Tensor): Tensor } {
  const { name, shape, leftOut } = net.output;
  const classes = net.classes;
  if (classes === undefined)
    throw new UsageError(
      `${origin}: the output ${name} is [${["n", ...(shape ?? [])]}]; a logit for each class, [n,classes], is needed; name it with --logits`,
    );
  if (classes > 1 && leftOut === "Sigmoid")
    throw new UsageError(
      `${origin}: its ${classes} outputs are probabilities of their own (a sigmoid); classes that exclude each other are needed`,
    );
  if (classes > 1) return { classes, logits: (y) => y };
  if (leftOut === "Sigmoid") return { classes: 2, logits: (y) => concat([zeros(y.shape), y], 1) };
  throw new UsageError(
    `${origin}: it gives one number for each sample, and no sigmoid; a logit for each of two or more classes is needed`,
  );
}

/** @throws UsageError for outputs that are probabilities: a gradient of those fades where the network is sure. */
async function trial({ classifier, domain, origin }: Pick<LoadedModel, "classifier" | "domain" | "origin">) {
  using here = openScope("trial");
  const size = sampleSize(domain.shape);
  const bound = (bounds: number | readonly number[], i: number): number =>
    typeof bounds === "number" ? bounds : bounds[i];
  const at = (share: number): number[] =>
    Array.from({ length: size }, (_, i) => {
      const [low, high] = [bound(domain.range.low, i), bound(domain.range.high, i)];
      return low + (high - low) * share;
    });
  const y = classifier(tensor(Float32Array.from([...at(0.2), ...at(0.7)]), [2, ...domain.shape]));
  const outputs = Array.from(await here.wait(y.read()));
  const k = outputs.length / 2;
  const sums = [0, 1].map((row) => outputs.slice(row * k, (row + 1) * k).reduce((a, b) => a + b, 0));
  if (outputs.every((v) => v >= 0) && sums.every((sum) => Math.abs(sum - 1) < 1e-4))
    throw new UsageError(
      `${origin}: its outputs are probabilities, made in a way that is not known; name the value before them with --logits`,
    );
}

/** The network as a function of its parameters, of which each node's are a layer. */
async function parametrisedOf(
  own: OnnxNetwork["params"],
  apply: (params: Tree, x: Tensor) => Tensor,
  classes: number,
): Promise<Parametrised> {
  const groups = await layersOf(own);
  const joined = (params: readonly Readonly<Record<string, Tensor>>[]) =>
    groups.map((group) => Object.assign({}, ...group.map((i) => params[i])) as Readonly<Record<string, Tensor>>);
  const asInFile = (params: Tree): Tree => {
    const all = Object.assign({}, ...(params as readonly Record<string, Tensor>[]));
    return own.map((group) => Object.fromEntries(Object.keys(group).map((name) => [name, all[name]])));
  };
  const params = joined(own);
  const fresh = (key: Tensor): Tree => permuted(params, key);
  const layer: Layer = {
    kind: "onnx",
    init: (key) => ({ params: fresh(key), shape: [classes] }),
    apply: (params, x) => apply(asInFile(params), x),
  };
  return {
    ...{ network: layer, params },
    layerTitle: (path) => titleOf(Object.keys(params[Number(path.split(".")[0])] ?? {})) ?? path,
    redrawn: "each tensor's entries in random order, as Quantus has it (Hedström et al. 2023)",
    redraw: async (key) => fresh(key),
  };
}

/** Which nodes make a layer. One whose parameters are all of equal entries joins the one before it: put in another order they stay as they
 *  are, and every explanation would seem blind to them. */
async function layersOf(params: OnnxNetwork["params"]): Promise<number[][]> {
  const layers: number[][] = [];
  let waiting: number[] = [];
  for (const [i, group] of params.entries()) {
    let varied = false;
    for (const [, t] of entries(group)) {
      const values = await t.read();
      varied ||= values.some((v) => v !== values[0]);
    }
    if (varied) {
      layers.push([...waiting, i]);
      waiting = [];
    } else if (layers.length > 0) layers.at(-1)!.push(i);
    else waiting.push(i);
  }
  return layers.length > 0 ? layers : [waiting];
}

/** "conv1.weight" and "conv1.bias" are of "conv1". */
function titleOf([first]: readonly string[]): string | undefined {
  return first?.replace(/[./](weight|bias|kernel|gamma)(:0)?$/, "");
}
