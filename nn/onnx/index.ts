/** ONNX models as differentiable networks. */

export { type ExportOptions, exportOnnx } from "./export.js";
export type { ReadExternal } from "./initialiser.js";
export type { OnnxInput } from "./input.js";
export { type Agreement, compareOutput, forwardBytes, type Margins } from "./measure.js";
export { importOnnx, type OnnxNetwork, type OnnxOptions } from "./network.js";
export { openOnnx } from "./open.js";
