/** A small convolutional network as an ONNX file, with parameters drawn once. */
import { generator } from "../../values.js";
import { model, type NodeSpec, tensor, valueInfo } from "./encode.js";

export const SIDE = 8;
export const CLASSES = 3;

function draw(count: number, seed: number, low = -0.5, high = 0.5): number[] {
  const random = generator(seed);
  return Array.from({ length: count }, () => low + (high - low) * random());
}

/** Conv, BatchNormalization, Relu, MaxPool, Conv, Relu, GlobalAveragePool, Reshape to a constant batch of 1, Gemm, Softmax. */
export function smallNet({ batch = 1 as number | string, softmax = true, opset = 13 } = {}): Uint8Array {
  const nodes: NodeSpec[] = [
    {
      op: "Conv",
      inputs: ["x", "conv1.weight"],
      outputs: ["a"],
      attributes: { pads: { ints: [1, 1, 1, 1] }, kernel_shape: { ints: [3, 3] } },
      name: "conv1",
    },
    {
      op: "BatchNormalization",
      inputs: ["a", "bn.weight", "bn.bias", "bn.mean", "bn.var"],
      outputs: ["b"],
      attributes: { epsilon: { float: 1e-3 } },
      name: "bn",
    },
    { op: "Relu", inputs: ["b"], outputs: ["c"], name: "relu1" },
    {
      op: "MaxPool",
      inputs: ["c"],
      outputs: ["d"],
      attributes: { kernel_shape: { ints: [2, 2] }, strides: { ints: [2, 2] } },
      name: "pool",
    },
    { op: "Conv", inputs: ["d", "conv2.weight", "conv2.bias"], outputs: ["e"], name: "conv2" },
    { op: "Relu", inputs: ["e"], outputs: ["f"], name: "relu2" },
    { op: "GlobalAveragePool", inputs: ["f"], outputs: ["g"], name: "gap" },
    { op: "Reshape", inputs: ["g", "flat"], outputs: ["h"], name: "flatten" },
    {
      op: "Gemm",
      inputs: ["h", "fc.weight", "fc.bias"],
      outputs: ["logits"],
      attributes: { transB: { int: 1 } },
      name: "fc",
    },
    ...(softmax ? [{ op: "Softmax", inputs: ["logits"], outputs: ["y"], name: "softmax" }] : []),
  ];
  return model({
    opset,
    nodes,
    inputs: [valueInfo("x", [batch, 2, SIDE, SIDE])],
    outputs: [softmax ? "y" : "logits"],
    initialisers: [
      tensor("conv1.weight", [4, 2, 3, 3], draw(72, 1)),
      tensor("bn.weight", [4], draw(4, 2, 0.5, 1.5)),
      tensor("bn.bias", [4], draw(4, 3)),
      tensor("bn.mean", [4], draw(4, 4)),
      tensor("bn.var", [4], draw(4, 5, 0.5, 1.5)),
      tensor("conv2.weight", [5, 4, 3, 3], draw(180, 6)),
      tensor("conv2.bias", [5], draw(5, 7)),
      tensor("flat", [2], [1, 5], 7),
      tensor("fc.weight", [CLASSES, 5], draw(15, 8, -2, 2)),
      tensor("fc.bias", [CLASSES], draw(3, 9)),
    ],
  });
}

export function samples(count: number, seed = 11): Float64Array {
  return Float64Array.from(draw(count * 2 * SIDE * SIDE, seed, 0, 1));
}
