import { readModelFile } from "#onnx-files";
import { aFlag, aName, aShape, aText, wordOf } from "../../engine/kinds.js";
import { checkedOptions, requireArguments } from "../../engine/options.js";
import { importOnnx, type OnnxNetwork, type OnnxOptions } from "./network.js";

/** The network in an ONNX file at a path, with external data from its folder. In Node only.
 *  @throws DataError as `importOnnx`, and for files that are missing or lie outside the model's folder. */
export async function openOnnx(path: string, options: Omit<OnnxOptions, "readExternal"> = {}): Promise<OnnxNetwork> {
  requireArguments("openOnnx", { path: [path, aName] });
  checkedOptions("openOnnx", options, { shape: aShape, output: aText, logits: aFlag, halves: wordOf("f32", "f16") });
  const { bytes, readExternal } = await readModelFile(path);
  return importOnnx(bytes, { ...options, readExternal });
}
