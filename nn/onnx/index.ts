/** ONNX models as differentiable networks. */

export type { ReadExternal } from "./initialiser.js";
export { importOnnx, type OnnxInput, type OnnxNetwork, type OnnxOptions } from "./network.js";
export { openOnnx } from "./open.js";
