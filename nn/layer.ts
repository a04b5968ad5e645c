/**
 * A layer is a pair of pure functions: `init` makes its parameters, `apply` uses them. Parameters are plain trees, so "the
 * gradient with respect to the parameters" is an argument position. Shapes in `init` are those of one sample, without the
 * batch side. Beside the functions stands what made them, as data: `kind`, `options` and `parts`.
 */

import { describe, label, ShapeError, type Tensor, type Tree } from "../engine/index.js";
import { anObject, aText, either } from "../engine/kinds.js";
import { identity } from "../engine/ops/movement.js";
import { requireArguments } from "../engine/options.js";
import { aLayer } from "./kinds.js";

/** Shape of one sample, without the batch side: [c,h,w], [t,d], [d]. */
export type SampleShape = readonly number[];

/** What `apply` may need besides parameters and input. */
export interface ApplyContext {
  /** Dropout drops and batch norm uses the batch's statistics; default false. */
  readonly training?: boolean;
  /** Random key, needed by dropout in training. */
  readonly key?: Tensor;
  /** Told about new running statistics (batch norm): path of the layer's parameters, and the entries to replace. */
  readonly onStatistics?: (path: string, update: Readonly<Record<string, Tensor>>) => void;
  /** Path of the layer inside the model's parameter tree; set by containers. */
  readonly path?: string;
}

/** `P` is the type of the parameters, where it is known. */
export interface Initialised<P extends Tree = Tree> {
  readonly params: P;
  /** Shape of one output sample. */
  readonly shape: SampleShape;
}

/** Settings of a layer as plain JSON, with the defaults spelled out. */
export type LayerOptions = Readonly<Record<string, unknown>>;

/** Layers inside a layer, by what they are to it: `{ layers: [...] }`, `{ body, shortcut }`. */
export type LayerParts = Readonly<Record<string, Layer | readonly Layer[]>>;

/** `P` is the type of its parameters: what the functions of this library make knows it, so that a misspelt `params[0].wieght` does not
 *  compile. A plain `Layer` is one of any. */
export interface Layer<P extends Tree = Tree> {
  /** What it is, for people and for rules that go by kind (LRP, `replaceLayers`): "conv2d", "dense", "relu", ... */
  readonly kind: string;
  /** Name given by `named`, for methods that ask for a layer (Grad-CAM). */
  readonly name?: string;
  /** The settings it was made with; missing in a layer that was written by hand, which therefore is no data. */
  readonly options?: LayerOptions;
  /** The layers it contains; missing where it contains none. */
  readonly parts?: LayerParts;
  /** The same container around other layers. */
  withParts?(parts: LayerParts): Layer;
  /** Parameters for inputs of one shape, and the shape of the output. @throws ShapeError when the input does not fit. */
  init(key: Tensor, shape: SampleShape): Initialised<P>;
  /** x [n, ...shape] → [n, ...]. */
  apply(params: P, x: Tensor, context?: ApplyContext): Tensor;
}

/** Parameters of a layer that has a weight and, unless its options say otherwise, a bias. */
export type WeightAndBias<O = object> = { readonly weight: Tensor } & (O extends { readonly bias: false }
  ? unknown
  : O extends { readonly bias?: true }
    ? { readonly bias: Tensor }
    : { readonly bias?: Tensor });

/** The parameters of each layer of a list. */
export type ParamsOf<L extends readonly Layer[]> = { readonly [K in keyof L]: L[K] extends Layer<infer P> ? P : never };

/** The same layer under a name, for methods that ask for one. @throws TypeError for a name that is no label. */
export function named<L extends Layer>(name: string, layer: L): L {
  requireArguments("named", { name: [name, aText], layer: [layer, aLayer] });
  if (!isLayerName(name))
    throw new TypeError(
      `named: ${JSON.stringify(name)} given; a name without dots or spaces at its ends is needed, as label() takes`,
    );
  return { ...layer, name };
}

/** Whether `label` takes it. */
export function isLayerName(name: unknown): name is string {
  return typeof name === "string" && /^[^.\s](.*[^.\s])?$/.test(name);
}

/** A layer inside a container. */
export interface Place {
  /** Where its parameters are in the container's: its number in a list, else the name of the part. */
  readonly at: string;
  /** What its steps are labelled with: its own name, else `at`. */
  readonly label: string;
  readonly layer: Layer;
}

/** The layers directly inside a layer. */
export function placesOf(given: Pick<Layer, "parts">): Place[] {
  requireArguments("placesOf", { given: [given, anObject("an object", {})] });
  const { parts = {} } = given;
  return Object.entries(parts).flatMap(([part, inside]) =>
    isList(inside) ? inside.map((layer, i) => placeOf(String(i), layer)) : [placeOf(part, inside)],
  );
}

/** The layers that a path of parameters leads through, and what of the path is left: the name inside the innermost. */
export function placesAlong(
  layer: Layer,
  path: string,
): { readonly places: readonly Place[]; readonly rest: string[] } {
  requireArguments("placesAlong", { layer: [layer, aLayer], path: [path, aText] });
  const places: Place[] = [];
  const rest = path.split(".");
  for (let at = layer; ; ) {
    const place = placesOf(at).find((inside) => inside.at === rest[0]);
    if (!place) return { places, rest };
    places.push(place);
    rest.shift();
    at = place.layer;
  }
}

function placeOf(at: string, layer: Layer): Place {
  return { at, label: layer.name ?? at, layer };
}

function isList(inside: Layer | readonly Layer[]): inside is readonly Layer[] {
  return Array.isArray(inside);
}

/** Parts with each layer replaced. */
export function mapParts<T>(parts: LayerParts, f: (layer: Layer, place: Place) => T): Record<string, T | T[]> {
  const at = (name: string, layer: Layer): T => f(layer, placeOf(name, layer));
  return Object.fromEntries(
    Object.entries(parts).map(([part, inside]) => [
      part,
      isList(inside) ? inside.map((layer, i) => at(String(i), layer)) : at(part, inside),
    ]),
  );
}

/** Applies one layer of a container under its label, with its own path and key. Where it returns its very input, as dropout at
 *  rest does, the label stands at an identity, so that a look inside finds every layer. */
export function applyPlace(
  { at, label: name, layer }: Place,
  params: Tree,
  x: Tensor,
  context: ApplyContext,
  key?: Tensor,
): Tensor {
  const path = context.path ? `${context.path}.${at}` : at;
  return label(name, () => {
    const y = layer.apply(params, x, { ...context, key, path });
    return y === x ? identity(x) : y;
  });
}

/** The same model with every layer of one kind replaced (relu by softplus, say), in containers of every kind; parameters stay
 *  valid as long as the replacement has the same ones. @throws RangeError when no layer matches. */
export function replaceLayers<M extends Layer>(model: M, kind: string | Layer, by: Layer): M {
  requireArguments("replaceLayers", { model: [model, aLayer], kind: [kind, either(aText, aLayer)], by: [by, aLayer] });
  const wanted = typeof kind === "string" ? kind : kind.kind;
  let replaced = 0;
  const under = (layer: Layer, other: Layer): Layer => (layer.name === undefined ? other : named(layer.name, other));
  const walk = (layer: Layer): Layer => {
    if (!layer.parts || !layer.withParts) return layer;
    const inside = mapParts(layer.parts, (part) => {
      if (part.kind !== wanted) return walk(part);
      replaced++;
      return under(part, by);
    });
    return under(layer, layer.withParts(inside));
  };
  // A container around other layers is one of the same kind.
  const result = walk(model) as M;
  if (replaced === 0)
    throw new RangeError(
      `replaceLayers: no layer of kind "${wanted}" in [${placesOf(model)
        .map(({ layer }) => layer.kind)
        .join(", ")}]`,
    );
  return result;
}

/** @throws ShapeError unless a sample has `rank` sides. */
export function requireRank(kind: string, shape: SampleShape, rank: number, letters: string): void {
  if (shape.length !== rank)
    throw new ShapeError(`${kind}: samples are ${describe({ shape, dtype: "f32" })}, ${letters} is needed`);
}
