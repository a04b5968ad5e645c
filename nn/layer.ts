/**
 * A layer is a pair of pure functions: `init` makes its parameters, `apply` uses them. Parameters are plain trees, so "the
 * gradient with respect to the parameters" is an argument position. Shapes in `init` are those of one sample, without the
 * batch side.
 */
import { describe, label, random, ShapeError, scope, type Tensor, type Tree } from "../engine/index.js";

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

export interface Initialised {
  readonly params: Tree;
  /** Shape of one output sample. */
  readonly shape: SampleShape;
}

export interface Layer {
  /** What it is, for people and for rules that go by kind (LRP, `replaceLayers`): "conv2d", "dense", "relu", ... */
  readonly kind: string;
  /** Name given by `named`, for methods that ask for a layer (Grad-CAM). */
  readonly name?: string;
  /** Parameters for inputs of one shape, and the shape of the output. @throws ShapeError when the input does not fit. */
  init(key: Tensor, shape: SampleShape): Initialised;
  /** x [n, ...shape] → [n, ...]. */
  apply(params: Tree, x: Tensor, context?: ApplyContext): Tensor;
}

/** A chain of layers; `params` is the list of the layers' parameters. */
export interface Sequential extends Layer {
  readonly kind: "sequential";
  readonly layers: readonly Layer[];
  /** The output of every layer in turn: `[after layer 0, after layer 1, ...]`. */
  activations(params: Tree, x: Tensor, context?: ApplyContext): Tensor[];
}

/** Applies layers one after the other. What each does is labelled with its name, or its number where it has none, so that a
 *  look inside (`inspect`) finds "conv2" or "block1.conv2". */
export function sequential(layers: readonly Layer[]): Sequential {
  const activations = (params: Tree, x: Tensor, context: ApplyContext = {}): Tensor[] => {
    // Trailing layers without parameters may be missing, as in a tree read from a file.
    if (!Array.isArray(params) || params.length > layers.length)
      throw new TypeError(
        `sequential: the parameters are ${Array.isArray(params) ? `a list of ${params.length}` : `no list`}; ` +
          `one entry for each of the ${layers.length} layers is needed, as init gives them`,
      );
    const keys = context.key ? random.split(context.key, Math.max(1, layers.length)) : [];
    const out: Tensor[] = [];
    let h = x;
    for (const [i, layer] of layers.entries()) {
      const path = context.path ? `${context.path}.${i}` : String(i);
      h = label(layer.name ?? String(i), () => layer.apply(params[i], h, { ...context, key: keys[i], path }));
      out.push(h);
    }
    return out;
  };
  return {
    kind: "sequential",
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

/** The same layer under a name, for methods that ask for one. */
export function named(name: string, layer: Layer): Layer {
  return { ...layer, name };
}

/** The same model with every layer of one kind replaced (relu by softplus, say); parameters stay valid as long as the
 *  replacement has the same ones. @throws RangeError when no layer matches. */
export function replaceLayers(model: Sequential, kind: string | Layer, by: Layer): Sequential {
  const wanted = typeof kind === "string" ? kind : kind.kind;
  let replaced = 0;
  const under = (layer: Layer, other: Layer): Layer => (layer.name === undefined ? other : named(layer.name, other));
  const walk = (m: Sequential): Sequential =>
    sequential(
      m.layers.map((layer) => {
        if (isSequential(layer)) return under(layer, walk(layer));
        if (layer.kind !== wanted) return layer;
        replaced++;
        return under(layer, by);
      }),
    );
  const result = walk(model);
  if (replaced === 0)
    throw new RangeError(
      `replaceLayers: no layer of kind "${wanted}" in [${model.layers.map((l) => l.kind).join(", ")}]`,
    );
  return result;
}

export function isSequential(layer: Layer): layer is Sequential {
  return layer.kind === "sequential";
}

/** @throws ShapeError unless a sample has `rank` sides. */
export function requireRank(kind: string, shape: SampleShape, rank: number, letters: string): void {
  if (shape.length !== rank)
    throw new ShapeError(`${kind}: samples are ${describe({ shape, dtype: "f32" })}, ${letters} is needed`);
}
