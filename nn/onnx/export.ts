/** A network made of layers as an ONNX model, so that it goes back to where it is used. */

import type { Tree } from "../../engine/index.js";
import { aFlag, aShape, aTree } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { aLayer, anyObject } from "../kinds.js";
import type { Layer, SampleShape } from "../layer.js";
import { GraphWriter, type Standing, shapeBehind } from "./graph-writer.js";
import { LAYER_EXPORTS } from "./layer-exports.js";
import { modelProto, nodeProto, tensorProto, valueInfoProto } from "./write.js";

/** What an exported ONNX file holds besides the network. */
export interface ExportOptions {
  /** Add a softmax at the end, so that the model gives probabilities; default false, logits. */
  readonly softmax?: boolean;
  /** What the file is to say of itself (metadata_props): names of classes, how it was trained. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const EXPORT_OPTIONS: KindsOf<ExportOptions> = { softmax: aFlag, metadata: anyObject };

/** Operator set of 2021: everything that layers need is in it, and runtimes of today read it. */
const OPSET = 17;

/**
 * The bytes of an ONNX model (operator set 17) of a network at rest, for samples of one shape and batches of any size: input `x` [n, ...shape],
 * output `logits` [n, ...], or `probabilities` with a softmax. Parameters have the names that layers and files of weights give them.
 * @throws TypeError naming a kind of layer that is not written (`embedding`, attention and what goes with it, layers written by hand), or a setting that
 * ONNX does not have.
 */
export async function exportOnnx(
  network: Layer,
  params: Tree,
  shape: SampleShape,
  options: ExportOptions = {},
): Promise<Uint8Array> {
  requireArguments("exportOnnx", { network: [network, aLayer], params: [params, aTree], shape: [shape, aShape] });
  const { softmax = false, metadata = {} } = checkedOptions("exportOnnx", options, EXPORT_OPTIONS);
  const graph = new GraphWriter(LAYER_EXPORTS);
  const whole: Standing = { layer: network, params, shape, path: "" };
  const last = graph.layer(whole, "x");
  const output = softmax ? "probabilities" : "logits";
  graph.nodes.push(
    softmax ? nodeProto("Softmax", [last], output, { axis: -1 }) : nodeProto("Identity", [last], output),
  );
  const weights: Uint8Array[] = [];
  for (const { name, tensor, transposed } of graph.weights) {
    const data = await tensor.read();
    const [rows, columns] = tensor.shape;
    weights.push(
      transposed
        ? tensorProto(name, [columns, rows], turned(data, rows, columns))
        : tensorProto(name, tensor.shape, data),
    );
  }
  return modelProto({
    opset: OPSET,
    nodes: graph.nodes,
    initialisers: [...weights, ...graph.constants],
    input: valueInfoProto("x", ["n", ...shape]),
    output: valueInfoProto(output, ["n", ...shapeBehind(whole)]),
    metadata,
  });
}

function turned(data: ArrayLike<number>, rows: number, columns: number): Float32Array {
  return Float32Array.from({ length: rows * columns }, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]);
}
