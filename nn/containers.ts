/** Layers made of layers. Each passes path, key and label on to what it contains (`applyPlace`). */

import {
  add,
  concat,
  describe,
  random,
  ShapeError,
  sameShape,
  scope,
  type Tensor,
  type Tree,
} from "../engine/index.js";
import { isList, requireArguments } from "../engine/options.js";
import { aLayer } from "./kinds.js";
import {
  type ApplyContext,
  applyPlace,
  type Initialised,
  type Layer,
  type ParamsOf,
  placesOf,
  type SampleShape,
} from "./layer.js";
import { layerKind, withSettings } from "./layer-kind.js";
import { number, setting } from "./schema.js";

/** A chain of layers; `params` is the list of the layers' parameters. */
export interface Sequential<P extends Tree = Tree> extends Layer<P> {
  readonly kind: "sequential";
  readonly layers: readonly Layer[];
  /** The output of every layer in turn: `[after layer 0, after layer 1, ...]`. */
  activations(params: P, x: Tensor, context?: ApplyContext): Tensor[];
}

/** The kind of layer that `sequential` makes: its settings, checked, and how a stored network is built from them. */
export const sequentialKind = layerKind({
  kind: "sequential",
  about: "layers one after the other",
  options: {},
  parts: { layers: "list" },
  make: (_, { layers }) => chain(layers),
});

/** Applies layers one after the other. What each does is labelled with its name, or its number where it has none, so that a
 *  look inside (`inspect`) finds "conv2" or "block1.conv2". */
export function sequential<const L extends readonly Layer[]>(layers: L): Sequential<ParamsOf<L>> {
  return sequentialKind.layer({}, { layers }) as Sequential<ParamsOf<L>>;
}

/** Whether a layer was made by `sequential`, so that its `layers` can be looked at. @throws TypeError for what is no layer. */
export function isSequential(layer: Layer): layer is Sequential {
  requireArguments("isSequential", { layer: [layer, aLayer] });
  return layer.kind === "sequential";
}

function chain(layers: readonly Layer[]): Omit<Sequential, "kind"> {
  const places = placesOf({ parts: { layers } });
  const activations = (params: Tree, x: Tensor, context: ApplyContext = {}): Tensor[] => {
    const inside = requireList("sequential", "layers", params, layers.length, context);
    const keys = keysFor(context, layers.length);
    const out: Tensor[] = [];
    let h = x;
    for (const [i, place] of places.entries()) {
      h = applyPlace(place, inside[i], h, context, keys[i]);
      out.push(h);
    }
    return out;
  };
  return {
    layers,
    init: (key, shape) =>
      scope(() => {
        const keys = random.split(key, Math.max(1, layers.length));
        const params: Tree[] = [];
        let at = shape;
        for (const [i, layer] of layers.entries()) {
          const made = layer.init(keys[i], at);
          params.push(made.params);
          at = made.shape;
        }
        return { params, shape: at };
      }, "init"),
    activations,
    apply: (params, x, context) => activations(params, x, context).at(-1) ?? x,
  };
}

/** The kind of layer that `residual` makes: its settings, checked, and how a stored network is built from them. */
export const residualKind = layerKind({
  kind: "residual",
  about: "the sum of what two layers give for one input; the shortcut is the input itself unless told otherwise",
  options: {},
  parts: { body: "one", shortcut: "optional" },
  make(_, { body, shortcut }) {
    const places = placesOf({ parts: shortcut ? { body, shortcut } : { body } });
    return {
      init: (key, shape) =>
        scope(() => {
          const [first, second] = random.split(key, 2);
          const inner = body.init(first, shape);
          const outer: Initialised = shortcut ? shortcut.init(second, shape) : { params: null, shape };
          if (!sameShape(inner.shape, outer.shape))
            throw new ShapeError(
              `residual: the body gives ${sampleOf(inner.shape)} for ${sampleOf(shape)}, the shortcut ${sampleOf(outer.shape)}; ` +
                "both must have the same shape; a shortcut such as conv2d(filters, 1, { stride }) adapts it",
            );
          const params = shortcut ? { body: inner.params, shortcut: outer.params } : { body: inner.params };
          return { params, shape: inner.shape };
        }, "init"),
      apply(params, x, context = {}) {
        const keys = keysFor(context, 2);
        const [inner, outer] = places.map((place, i) => applyPlace(place, params?.[place.at], x, context, keys[i]));
        return add(inner, outer ?? x);
      },
    };
  },
});

/** Without a shortcut it has no parameters. */
export interface ResidualParams<B extends Tree = Tree, S extends Tree = Tree> {
  readonly body: B;
  readonly shortcut?: S;
}

/** body(x) + shortcut(x); without a shortcut body(x) + x. Parameters { body, shortcut }; labels "body" and "shortcut", or the
 *  names of the two. Source: He et al. 2016, eq. 1 and 2. @throws ShapeError from `init` when the two differ in shape. */
export function residual<B extends Tree, S extends Tree = undefined>(
  body: Layer<B>,
  shortcut?: Layer<S>,
): Layer<ResidualParams<B, S>> {
  return residualKind.layer({}, { body, shortcut });
}

/** The kind of layer that `concatenate` makes: its settings, checked, and how a stored network is built from them. */
export const concatenateKind = layerKind({
  kind: "concatenate",
  about: "what several layers give for one input, side by side",
  options: {
    axis: setting(number({ whole: true }), 0, "axis of a sample to join along: 0 for channels, -1 for the last"),
  },
  parts: { branches: "list" },
  make({ axis }, { branches }) {
    if (branches.length === 0) throw new TypeError("concatenate: no branches given; at least one is needed");
    const places = placesOf({ parts: { branches } });
    return {
      init: (key, shape) =>
        scope(() => {
          const keys = random.split(key, branches.length);
          const made = branches.map((branch, i) => branch.init(keys[i], shape));
          return {
            params: made.map(({ params }) => params),
            shape: joined(
              made.map((m) => m.shape),
              axis,
            ),
          };
        }, "init"),
      apply(params, x, context = {}) {
        const inside = requireList("concatenate", "branches", params, branches.length, context);
        const keys = keysFor(context, branches.length);
        const out = places.map((place, i) => applyPlace(place, inside[i], x, context, keys[i]));
        return concat(out, axis < 0 ? axis : axis + 1);
      },
    };
  },
});

/** Options of `concatenate`. */
export interface ConcatenateOptions {
  /** Axis of a sample, without the batch side; default 0, the channels. */
  readonly axis?: number;
}

/** What each branch gives for the same input, joined along the channels: [n,c1,h,w], [n,c2,h,w] → [n,c1+c2,h,w]. Parameters are
 *  a list; labels are the branches' names or numbers. @throws ShapeError from `init` when other sides differ. */
export function concatenate<const L extends readonly Layer[]>(
  branches: L,
  options: ConcatenateOptions = {},
): Layer<ParamsOf<L>> {
  return concatenateKind.layer(withSettings("concatenate", options), { branches });
}

/** The shape of samples side by side. */
function joined(shapes: readonly SampleShape[], axis: number): SampleShape {
  const rank = shapes[0].length;
  const at = axis < 0 ? axis + rank : axis;
  const fits = shapes.every((s) => s.length === rank && s.every((side, i) => i === at || side === shapes[0][i]));
  if (!(at >= 0 && at < rank) || !fits)
    throw new ShapeError(
      `concatenate: the branches give ${shapes.map(sampleOf).join(", ")} and are joined along axis ${axis}; ` +
        "all other sides must be equal",
    );
  return shapes[0].map((side, i) => (i === at ? shapes.reduce((sum, s) => sum + s[i], 0) : side));
}

const sampleOf = (shape: SampleShape): string => describe({ shape, dtype: "f32" });

const keysFor = ({ key }: ApplyContext, count: number): Tensor[] => (key ? random.split(key, Math.max(1, count)) : []);

/** Trailing layers without parameters may be missing, as in a tree read from a file, and inside another container all may. */
function requireList(kind: string, part: string, params: Tree, count: number, { path }: ApplyContext): readonly Tree[] {
  if (path !== undefined && (params === null || params === undefined)) return [];
  if (isList(params) && params.length <= count) return params;
  throw new TypeError(
    `${kind}: the parameters are ${isList(params) ? `a list of ${params.length}` : "no list"}; ` +
      `one entry for each of the ${count} ${part} is needed, as init gives them`,
  );
}
