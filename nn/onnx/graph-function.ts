/** A model's graph as a function of parameters and a batch of any size. */
import {
  cast,
  concat,
  describe,
  ShapeError,
  scope,
  shapeOf,
  slice,
  type Tensor,
  type Tree,
  zeros,
} from "../../engine/index.js";
import { isTensor } from "../../engine/tensor.js";
import { DataError } from "../data/error.js";
import type { SampleShape } from "../layer.js";
import { batchOf, type ScaledSides, scaledSides } from "./batch.js";
import { Names, Run } from "./evaluate.js";
import type { OnnxInput } from "./input.js";
import { type Batch, isEngineError } from "./operator.js";
import { type Compiled, shorten } from "./program.js";
import { deviceValue, type HostValue } from "./value.js";

/** What a file brings about is the file's fault. */
export function atImport<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!isEngineError(error)) throw error;
    throw new DataError(`${error.message.startsWith("onnx: ") ? "" : "onnx: "}${error.message.slice(0, 500)}`, {
      cause: error,
    });
  }
}

/** Parameters of one node by name. */
export type ParameterGroup = ReadonlyMap<string, Pick<HostValue, "type" | "shape">>;

/** What samples of one shape come to. */
export interface Layout {
  /** Of one sample. */
  readonly output: SampleShape;
  /** undefined where samples go through by the file's own batch. */
  readonly sides?: ScaledSides;
  /** Why they do. */
  readonly unbatched?: string;
}

/** Runs the graph for any batch. */
export class GraphFunction {
  readonly #layouts = new Map<string, Layout>();
  readonly #base: number;

  constructor(
    readonly compiled: Compiled,
    readonly known: Names,
    readonly input: OnnxInput,
    readonly groups: readonly ParameterGroup[],
  ) {
    this.#base = input.shape[0] ?? 1;
  }

  /** @throws ShapeError unless a batch of this shape, called `given`, is as the file has it. */
  requireInput(given: string, shape: readonly number[]): void {
    const sides = this.input.shape;
    if (shape.length !== sides.length || sides.some((side, i) => i > 0 && side !== undefined && side !== shape[i]))
      throw new ShapeError(
        `onnx: ${given} given for the input ${shorten(this.input.name)}; [${sides.map((side, i) => (i === 0 ? "n" : (side ?? "?")))}] is needed`,
      );
  }

  apply(params: Tree, x: Tensor): Tensor {
    this.requireInput(describe(x), x.shape);
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
    const run = (batch: Batch): Tensor => {
      const params = this.groups.map((group) =>
        Object.fromEntries([...group].map(([name, { shape }]) => [name, zeros(shape)])),
      );
      return this.#run(params, zeros([batch.count, ...sample]), batch);
    };
    const { shape } = shapeOf(() => run(batchOf(this.#base, this.#base, new Map())));
    if (shape[0] !== this.#base)
      throw new DataError(
        `onnx: the output has shape [${shape}] for a batch of ${this.#base}; its first side must be the batch`,
      );
    try {
      return { output: shape.slice(1), sides: scaledSides(this.#base, run) };
    } catch (error) {
      if (!(error instanceof DataError) && !isEngineError(error)) throw error;
      return { output: shape.slice(1), unbatched: (error as Error).message.replace(/^onnx: /, "") };
    }
  }

  #run(params: Tree, x: Tensor, batch: Batch): Tensor {
    const names = new Names(this.known);
    for (const [i, group] of this.groups.entries())
      for (const [name, { type }] of group) names.set(name, deviceValue(type, parameter(params, i, name)));
    names.set(this.input.name, deviceValue(this.input.type, cast(x, "f32")));
    const [result] = new Run(this.compiled, batch).program(this.compiled.main, names);
    if (result.kind !== "device")
      throw new DataError(
        `onnx: the output ${shorten(this.compiled.main.outputs[0])} does not depend on the input; a network is needed`,
      );
    return result.tensor;
  }
}

function parameter(params: Tree, group: number, name: string): Tensor {
  const found: unknown = params?.[group]?.[name];
  if (found === undefined)
    throw new TypeError(
      `onnx: the parameters have no ${shorten(name)}; pass those of the network, or a tree like them`,
    );
  return isTensor(found) && found.dtype === "f16" ? cast(found, "f32") : (found as Tensor);
}
