/** A network that was dropped as an ONNX file. */
import { importOnnx } from "holdfast/nn";
import type { Network } from "./networks.js";

/** The file as a network of pictures, and a sentence about it. @throws DataError for a file that cannot be used, RangeError for one whose
 *  inputs are no pictures. */
export async function networkFromOnnx(
  bytes: Uint8Array,
  name: string,
): Promise<{ readonly network: Network; readonly words: string }> {
  const net = await importOnnx(bytes, { logits: true });
  const [, ...sample] = net.input.shape;
  const shape = sample.map((side) => side ?? 0);
  const isPicture = shape.length === 3 && [1, 3].includes(shape[0]) && shape.every((side) => side > 0);
  if (!isPicture || net.classes === undefined || net.classes < 2)
    throw new RangeError(
      `${name}: inputs [${sample.map((side) => side ?? "?")}] and ${net.classes ?? "no"} classes came; a classifier of pictures ` +
        "[1 or 3,height,width] of a fixed size is needed here; the command holdfast explain --model takes others",
    );
  const network: Network = {
    title: name,
    classifier: net.classifier,
    classes: Array.from({ length: net.classes }, (_, i) => `class ${i}`),
    shape,
    layer: net,
    params: net.params,
  };
  const words =
    `${name}: ${net.parameterCount} parameters, pictures of ${shape[1]}×${shape[2]}, ${net.classes} classes` +
    `${net.output.leftOut ? `; its ${net.output.leftOut} at the end is left out` : ""}.`;
  return { network, words };
}
