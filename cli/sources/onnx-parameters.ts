/** Parameters of a network in an ONNX file, in a file of their own. */
import { keep, type Tensor, tensor } from "../../engine/index.js";
import { type HostTensor, type OnnxNetwork, readSafetensors, type SafetensorsFile } from "../../nn/index.js";
import { UsageError } from "../command.js";
import { parsing, readInput } from "../files.js";

type Params = OnnxNetwork["params"];

/** Metadata that says which ONNX file parameters are of. */
export const ONNX_KEY = "onnx";

export async function readParameters(path: string): Promise<SafetensorsFile> {
  const bytes = await readInput("weights", path);
  return parsing(path, () => readSafetensors(bytes));
}

/** Parameters like those of the network, with the numbers of a file; commands write names with the number of a layer before them.
 *  @throws UsageError unless it has all of them, in the same shapes. */
export function parametersFrom({ tensors }: SafetensorsFile, like: Params, path: string): Params {
  const short = new Map([...tensors].map(([name, t]) => [name.replace(/^\d+\./, ""), t]));
  const read = (name: string, { shape }: Tensor): Tensor => {
    const found: HostTensor | undefined = tensors.get(name) ?? short.get(name);
    if (!found)
      throw new UsageError(
        `--weights ${path}: there is no ${name}, which --model has; give parameters of this network`,
      );
    if (String(found.shape) !== String(shape) || found.dtype !== "f32")
      throw new UsageError(
        `--weights ${path}: ${name} is ${found.dtype}[${found.shape}]; f32[${shape}] is needed, as in --model`,
      );
    const bad = found.data.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0)
      throw new UsageError(
        `--weights ${path}: ${name} holds ${found.data[bad]} at element ${bad}; finite numbers are needed`,
      );
    return tensor(found.data as Float32Array, shape, "f32");
  };
  return keep(like.map((group) => Object.fromEntries(Object.entries(group).map(([name, t]) => [name, read(name, t)]))));
}

/** The parameters by their names in the ONNX file. */
export async function hostParameters(params: Params): Promise<Map<string, HostTensor>> {
  const all = params.flatMap((group) => Object.entries(group));
  const read = async ([name, t]: [string, Tensor]): Promise<[string, HostTensor]> => [
    name,
    { dtype: "f32", shape: t.shape, data: Float32Array.from(await t.read()) },
  ];
  return new Map(await Promise.all(all.map(read)));
}
