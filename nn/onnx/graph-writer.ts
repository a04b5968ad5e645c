/** An ONNX graph while layers are written into it. */

import { shapeOf, type Tensor, type Tree, zeros } from "../../engine/index.js";
import { shown } from "../../engine/options.js";
import { isTensor } from "../../engine/tensor.js";
import { type Layer, placesOf, type SampleShape } from "../layer.js";
import { type AttributeValue, nodeProto, tensorProto } from "./write.js";

/** A layer where it stands. */
export interface Standing {
  readonly layer: Layer;
  readonly params: Tree;
  /** Of a sample that comes in. */
  readonly shape: SampleShape;
  /** Names of the layers around it and its own, with dots. */
  readonly path: string;
}

/** Writes one layer on the value x; the name of its output. */
export type WriteLayer = (graph: GraphWriter, at: Standing, x: string) => string;

/** A graph that grows. */
export class GraphWriter {
  readonly nodes: Uint8Array[] = [];
  readonly weights: { readonly name: string; readonly tensor: Tensor; readonly transposed: boolean }[] = [];
  readonly constants: Uint8Array[] = [];
  readonly #names = new Set<string>();

  /** `kinds`: how layers of each kind are written. */
  constructor(readonly kinds: Readonly<Record<string, WriteLayer>>) {}

  /** A node with one output; its name, made from `path`. */
  add(
    op: string,
    inputs: readonly string[],
    path: string,
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): string {
    const name = this.#unique(`${path}/${op}`);
    this.nodes.push(nodeProto(op, inputs, name, attributes));
    return name;
  }

  /** A parameter, by its name in the layer; a matrix may be turned. */
  weight({ params, path }: Standing, key: string, transposed = false): string {
    const name = this.#unique(path === "" ? key : `${path}.${key}`);
    const tensor = (params as Readonly<Record<string, unknown>> | null | undefined)?.[key];
    if (!isTensor(tensor))
      throw new TypeError(
        `exportOnnx: the parameters at ${path === "" ? "the top" : path} are ${shown(params)}; ${key} is needed, as init gives it`,
      );
    this.weights.push({ name, tensor, transposed });
    return name;
  }

  /** A single number. */
  number(value: number, path: string): string {
    const name = this.#unique(`${path}/number`);
    this.constants.push(tensorProto(name, [], [value]));
    return name;
  }

  /** A list of whole numbers, as shapes are. */
  list(values: readonly number[], path: string): string {
    const name = this.#unique(`${path}/shape`);
    this.constants.push(tensorProto(name, [values.length], values, "int64"));
    return name;
  }

  /** Writes a layer on the value x; the name of its output. @throws TypeError for a kind that ONNX is not written of. */
  layer(standing: Standing, x: string): string {
    const { kind } = standing.layer;
    const write = Object.hasOwn(this.kinds, kind) ? this.kinds[kind] : undefined;
    if (!write)
      throw new TypeError(
        `exportOnnx: a layer of kind "${kind}"${standing.path ? ` (${standing.path})` : ""} is not written; those that are: ${Object.keys(this.kinds).join(", ")}`,
      );
    return write(this, standing, x);
  }

  #unique(wanted: string): string {
    let name = wanted.replace(/^\//, "");
    for (let i = 2; this.#names.has(name); i++) name = `${wanted.replace(/^\//, "")}_${i}`;
    this.#names.add(name);
    return name;
  }
}

/** The layers inside a container, with their parameters. */
export function inside({ layer, params, path }: Standing): Omit<Standing, "shape">[] {
  const places = placesOf(layer);
  const labels = places.map(({ label }) => label);
  return places.map((place, i) => {
    const own = labels.indexOf(place.label) === i && labels.lastIndexOf(place.label) === i ? place.label : place.at;
    const tree = (params as Readonly<Record<string, Tree>> | null | undefined)?.[place.at] ?? null;
    return { layer: place.layer, params: tree, path: path === "" ? own : `${path}.${own}` };
  });
}

/** The shape of a sample behind a layer. */
export function shapeBehind({ layer, params, shape }: Standing): SampleShape {
  return shapeOf(() => layer.apply(params, zeros([1, ...shape]))).shape.slice(1);
}
