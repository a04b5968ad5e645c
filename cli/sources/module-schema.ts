/** What a module with a network has to give: one schema, checked when it is opened. */
import { describe, leaves, Tensor, type Tree } from "../../engine/index.js";
import {
  type Domain,
  type Feature,
  readPreparation,
  sampleSize,
  type TablePreparation,
  tableDomain,
  usualRange,
} from "../../nn/index.js";
import { ConfigError, type Infer, list, natural, object, oneOf, optional, type Schema, text } from "../../nn/schema.js";

/** A value in a few words. */
export function inWords(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null || typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  if (typeof value === "function") return "a function";
  if (value instanceof Promise) return "a promise";
  if (Array.isArray(value) && value.length <= 4 && value.every((v) => typeof v === "number"))
    return `[${value.join(", ")}]`;
  return Array.isArray(value) ? `a list of ${value.length}` : `an object (${value.constructor?.name ?? "of no class"})`;
}

/** A schema of what JSON does not know. */
function kind<T>(needed: string, fits: (value: unknown) => boolean): Schema<T> {
  return {
    json: {},
    read(value, path) {
      if (!fits(value)) throw new ConfigError(`${path}: ${inWords(value)} came; ${needed} is needed`);
      return value as T;
    },
  };
}

const isCallable = (value: unknown): boolean => typeof value === "function";
const isNumbers = (value: unknown): boolean =>
  typeof value === "number"
    ? !Number.isNaN(value)
    : Array.isArray(value) && value.every((v) => typeof v === "number" && !Number.isNaN(v));

const bound = kind<number | readonly number[]>(
  "a number, or a list of numbers, one for each element of a sample,",
  isNumbers,
);

const feature = object({
  name: text,
  kind: oneOf("numeric", "binary", "categorical"),
  at: list(natural),
  values: optional(list(text)),
});

/** A name stands for a numeric column. */
const features: Schema<readonly Feature[]> = {
  json: {},
  read(value, path) {
    if (!Array.isArray(value) || value.length === 0)
      throw new ConfigError(`${path}: ${inWords(value)} came; a list of names, or of { name, kind, at }, is needed`);
    return value.map((one, i) =>
      typeof one === "string"
        ? { name: one, kind: "numeric", at: [i] }
        : (feature.read(one, `${path}[${i}]`) as Feature),
    );
  },
};

const classes: Schema<readonly string[]> = {
  json: {},
  read(value, path) {
    if (Number.isInteger(value) && (value as number) >= 2)
      return Array.from({ length: value as number }, (_, i) => `${i}`);
    if (Array.isArray(value) && value.length >= 2 && value.every((name) => typeof name === "string")) return value;
    throw new ConfigError(
      `${path}: ${inWords(value)} came; a list of two or more names, or how many there are, is needed`,
    );
  },
};

const shape = kind<readonly number[]>(
  "[channels, height, width] of images or [columns] of rows",
  (value) =>
    Array.isArray(value) &&
    (value.length === 1 || value.length === 3) &&
    value.every((side) => Number.isInteger(side) && side >= 1),
);

/** The module's network, by fields. */
const fields = {
  name: optional(kind<string>("a text", (v) => typeof v === "string")),
  classifier: optional(kind<(x: Tensor) => Tensor>("a function, x => logits,", isCallable)),
  shape: optional(shape),
  classes,
  range: optional(object({ low: bound, high: bound })),
  features: optional(features),
  preparation: optional(
    kind<object | string>(
      "the preparation of a table, as loadDataset gives it,",
      (v) => typeof v === "string" || (typeof v === "object" && v !== null),
    ),
  ),
  background: optional(kind<Tensor>("a tensor of samples, f32[m, ...shape],", (v) => v instanceof Tensor)),
  params: optional(kind<Tree>("a tree (objects and lists) with tensors in it", (v) => leaves(v).length > 0)),
  network: optional(kind<(params: Tree, x: Tensor) => Tensor>("a function, (params, x) => logits,", isCallable)),
  init: optional(kind<(key: Tensor) => Tree>("a function, key => params,", isCallable)),
};
const moduleSchema = object(fields);

export type ModuleNetwork = Omit<Infer<typeof moduleSchema>, "shape" | "range" | "features" | "preparation"> & {
  readonly domain: Domain;
  readonly preparation?: TablePreparation;
};

/** What a module gives, checked. @throws ConfigError with one sentence. */
export function readModuleNetwork(value: unknown): ModuleNetwork {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ConfigError(`${inWords(value)} came; an object with classifier, shape and classes is needed`);
  const { shape, range, features, preparation: prepared, ...rest } = moduleSchema.read(withMethods(value), "");
  if (!rest.classifier && !rest.network)
    throw new ConfigError("classifier: nothing came; a function, x => logits, is needed, or network and params");
  if ((rest.network === undefined) !== (rest.params === undefined))
    throw new ConfigError(`${rest.network ? "params" : "network"}: nothing came; network and params go together`);
  if (rest.init && !rest.params)
    throw new ConfigError("init: it makes params anew, and there are none; give params and network, or leave init out");
  const inputs =
    prepared === undefined
      ? plainInputs({ shape, range, features })
      : preparedInputs(prepared, { shape, range, features });
  const { background } = rest;
  if (background && (background.dtype !== "f32" || String(background.shape.slice(1)) !== String(inputs.domain.shape)))
    throw new ConfigError(`background: ${describe(background)} came; f32[m,${inputs.domain.shape}] is needed`);
  return { ...rest, ...inputs };
}

/** The fields of an object, among them methods, its own or its class's, which keep their `this`. */
function withMethods(value: object): Readonly<Record<string, unknown>> {
  const all = value as Readonly<Record<string, unknown>>;
  const methods = Object.keys(fields).flatMap((name) => {
    const field = all[name];
    return typeof field === "function" ? [[name, field.bind(value)]] : [];
  });
  return { ...all, ...Object.fromEntries(methods) };
}

type Inputs = Pick<ModuleNetwork, "domain" | "preparation">;

/** Inputs of which the module says what they are. */
function plainInputs({ shape, range, features }: Partial<Domain>): Inputs {
  if (shape === undefined)
    throw new ConfigError("shape: nothing came; [channels, height, width] of images or [columns] of rows is needed");
  checkRange(range, shape);
  if (features) checkFeatures(features, shape);
  return { domain: { shape, range: range ?? usualRange(shape), ...(features && { features }) } };
}

/** Rows of a table of which the preparation says what they are. */
function preparedInputs(given: object | string, { shape, range, features }: Partial<Domain>): Inputs {
  const preparation = readPreparation(typeof given === "string" ? given : JSON.stringify(given));
  const domain = tableDomain(preparation);
  if (range || features)
    throw new ConfigError(`${range ? "range" : "features"}: the preparation says it; leave it out`);
  if (shape && String(shape) !== String(domain.shape))
    throw new ConfigError(`shape: [${shape}] came, the preparation makes [${domain.shape}]; leave it out`);
  return { domain, preparation };
}

/** @throws ConfigError for bounds that do not fit a sample, or pixels beyond 0 to 1. */
function checkRange(range: Domain["range"] | undefined, shape: readonly number[]): void {
  if (range === undefined) return;
  const size = sampleSize(shape);
  for (const [name, numbers] of Object.entries(range))
    if (typeof numbers !== "number" && numbers.length !== size)
      throw new ConfigError(
        `range.${name}: ${numbers.length} numbers came; one, or ${size} for the elements of a sample, are needed`,
      );
  const at = (numbers: number | readonly number[], i: number): number =>
    typeof numbers === "number" ? numbers : numbers[i];
  for (let i = 0; i < size; i++) {
    const [low, high] = [at(range.low, i), at(range.high, i)];
    if (low >= high) throw new ConfigError(`range: low ${low} and high ${high} came; low below high is needed`);
    if (shape.length === 3 && (low < 0 || high > 1))
      throw new ConfigError(
        `range: ${low} to ${high} came; pixels are read as 0 to 1, so scale them inside the network`,
      );
  }
}

/** @throws ConfigError unless the features share out the elements of a sample. */
function checkFeatures(features: readonly Feature[], shape: readonly number[]): void {
  if (shape.length !== 1)
    throw new ConfigError(`features: samples are images [${shape}]; features are of rows, leave them out`);
  const at = features.flatMap((one) => one.at).sort((a, b) => a - b);
  if (at.length !== shape[0] || at.some((element, i) => element !== i))
    throw new ConfigError(
      `features: they are at elements ${at.join(", ")}; each of 0 to ${shape[0] - 1} is needed once`,
    );
}
