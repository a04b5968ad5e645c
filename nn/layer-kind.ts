/** What makes layers of one kind: its settings as a schema, its parts, and the functions that follow from them. */
import type { Tree } from "../engine/index.js";
import { aFunction, aKey, aName, anObject, aShape } from "../engine/kinds.js";
import { isList, isRecord, requireArguments, shown } from "../engine/options.js";
import { isTensor } from "../engine/tensor.js";
import { fanInUniform } from "./init.js";
import { type Initialiser, initialisers, nameOfInitialiser } from "./initialiser-names.js";
import { aLayer, anyObject } from "./kinds.js";
import type { Layer, LayerOptions, LayerParts } from "./layer.js";
import { nearest } from "./nearest.js";
import { ConfigError, type Fields, type Read, type Schema } from "./schema.js";

/** How many layers a part holds. */
export type PartCount = "one" | "optional" | "list";
type PartCounts = Readonly<Record<string, PartCount>>;

type PartsOf<P extends PartCounts> = {
  readonly [K in keyof P]: P[K] extends "list" ? readonly Layer[] : P[K] extends "one" ? Layer : Layer | undefined;
};

/** The functions of a layer, and what else its kind has to show. */
type Behaviour = Omit<Layer, "kind" | "name" | "options" | "parts" | "withParts">;

interface KindSpec<F extends Fields, P extends PartCounts> {
  /** What files and rules call it: "conv2d". */
  readonly kind: string;
  /** One line for people. */
  readonly about: string;
  readonly options: F;
  readonly parts?: P;
  make(settings: Read<F>, parts: PartsOf<P>): Behaviour;
}

/** A row of the table of layer kinds: all that files of architecture, help and generated tests need. */
export interface LayerKind<F extends Fields = Fields, P extends PartCounts = PartCounts> {
  readonly kind: string;
  readonly about: string;
  readonly options: F;
  readonly parts: P;
  /** A layer of this kind; settings left out have their defaults.
   *  @throws RangeError for a setting that is unknown or out of range, TypeError for parts that are no layers. */
  layer(settings: Readonly<Record<string, unknown>>, parts?: Readonly<Record<string, unknown>>): Layer;
}

const SPEC = anObject("a description of a kind of layer", { kind: aName, options: anyObject, make: aFunction });

/** A kind of layer, and with it the function that makes its layers. Its row belongs into the table (`LAYER_KINDS`), or into the
 *  list that is given to `layerFromJson`. */
export function layerKind<const F extends Fields, const P extends PartCounts = Record<never, never>>(
  spec: KindSpec<F, P>,
): LayerKind<F, P> {
  requireArguments("layerKind", { spec: [spec, SPEC] });
  const { kind, about, options } = spec;
  const parts = spec.parts ?? ({} as P);
  const layer = (
    settings: Readonly<Record<string, unknown>>,
    inside: Readonly<Record<string, unknown>> = {},
  ): Layer => {
    const read = readSettings(kind, options, settings);
    const held = readParts(kind, parts, inside);
    const made: Layer = { ...guarded(kind, spec.make(read, held as PartsOf<P>)), kind, options: asData(read) };
    if (Object.keys(parts).length === 0) return made;
    return { ...made, parts: held, withParts: (others) => layer(read, others) };
  };
  return { kind, about, options, parts, layer };
}

/** The functions of a layer, which look at what they are given. Parameters are the business of each kind. */
function guarded(kind: string, { init, apply, ...others }: Behaviour): Behaviour {
  return {
    ...others,
    init(key, shape) {
      requireArguments(`${kind}.init`, { key: [key, aKey], shape: [shape, aShape] });
      return init(key, shape);
    },
    apply(params, x, context) {
      if (!isTensor(x))
        throw new TypeError(
          `${kind}.apply: x is ${shown(x)}; a tensor of samples is needed, after the parameters: apply(params, x)`,
        );
      if (context !== undefined) requireArguments(`${kind}.apply`, { context: [context, anyObject] });
      return apply(params, x, context);
    },
  };
}

/** The parameters of a layer by name. @throws TypeError where one is missing. */
export function requireParams(kind: string, params: Tree, names: readonly string[]): void {
  const held = isRecord(params) ? (params as Readonly<Record<string, unknown>>) : {};
  const missing = names.find((name) => !isTensor(held[name]));
  if (missing !== undefined)
    throw new TypeError(
      `${kind}.apply: the parameters are ${shown(params)}; ${names.join(", ")} are needed, as init gives them: apply(params, x)`,
    );
}

/** The options of a function that makes layers, with what it takes by position. @throws TypeError for options that are no object. */
export function withSettings(
  kind: string,
  options: object,
  own: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  requireArguments(kind, { options: [options, anyObject] });
  return { ...options, ...own };
}

/** Settings with their defaults. @throws RangeError naming the nearest setting for an unknown one. */
export function readSettings<F extends Fields>(
  where: string,
  fields: F,
  settings: Readonly<Record<string, unknown>>,
): Read<F> {
  if (typeof settings !== "object" || settings === null)
    throw new TypeError(`${where}: settings are ${shown(settings)}; an object is needed`);
  const stranger = Object.keys(settings).find((name) => !Object.hasOwn(fields, name) && settings[name] !== undefined);
  if (stranger !== undefined) throw new RangeError(unknownWord(where, "setting", stranger, Object.keys(fields)));
  const read = Object.entries(fields).map(([name, schema]) => {
    const value = settings[name];
    if (value === undefined && schema.absent) return [name, schema.absent.value];
    try {
      return [name, schema.read(value, `${where}.${name}`)];
    } catch (error) {
      if (error instanceof ConfigError) throw new RangeError(error.message);
      throw error;
    }
  });
  return Object.fromEntries(read.filter(([, value]) => value !== undefined)) as Read<F>;
}

/** The sentence for a word that is none of those known. */
export function unknownWord(where: string, what: string, word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  const list = known.length === 0 ? "there are none" : `there is ${known.join(", ")}`;
  return `${where}: no ${what} "${word}"; ${near === undefined ? list : `did you mean ${near}?`}`;
}

function readParts(kind: string, counts: PartCounts, given: Readonly<Record<string, unknown>>): LayerParts {
  const held = Object.entries(counts).flatMap(([part, count]) => {
    const value = given[part];
    if (value === undefined && count === "optional") return [];
    const all = count === "list" ? value : [value];
    if (!isList(all) || !all.every(isLayer))
      throw new TypeError(`${kind}: ${part} must be ${count === "list" ? "a list of layers" : "a layer"}`);
    return [[part, value]];
  });
  return Object.fromEntries(held) as LayerParts;
}

function isLayer(value: unknown): value is Layer {
  return aLayer.fits(value);
}

/** Settings without functions: an initialiser becomes its name, and one that has none stays out. */
function asData(settings: Readonly<Record<string, unknown>>): LayerOptions {
  const data = Object.entries(settings).map(([name, value]) => [
    name,
    typeof value === "function" ? nameOfInitialiser(value as Initialiser) : value,
  ]);
  return Object.fromEntries(data.filter(([, value]) => value !== undefined));
}

/** Where weights start: an initialiser, or its name in `initialisers`; default PyTorch's, U(±1/√fan_in). A function of one's own
 *  is no data: a network that is built again from a file starts with the default. */
export const initialWeights: Schema<Initialiser> = {
  json: { enum: Object.keys(initialisers), default: "fanInUniform", description: "where the weights start" },
  absent: { value: fanInUniform },
  read(value, path) {
    if (typeof value === "function") return value as Initialiser;
    if (typeof value === "string" && Object.hasOwn(initialisers, value)) return initialisers[value];
    throw new ConfigError(
      `${path}: ${shown(value)} came; a function or one of ${Object.keys(initialisers).join(", ")} is needed`,
    );
  },
};
