/** Right calls of what nn exports. */
import * as h from "../../engine/index.js";
import * as nn from "../../nn/index.js";
import { makePng } from "../nn/make-png.js";
import type { Row } from "./row.js";
import { TREES } from "./zoo.js";

const key = () => h.random.key(1);
const logits = () =>
  h.tensor([
    [1, 2],
    [3, 4],
  ]);
const labels = () => h.tensor(Int32Array.of(0, 1));
const layer = nn.dense(2);
const params = () => ({
  weight: h.tensor([
    [1, 2],
    [3, 4],
  ]),
  bias: h.tensor([0, 0]),
});
const split: nn.Split = {
  shape: [2],
  samples: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
  labels: Int32Array.of(0, 1, 0, 1),
};
const arrays = { samples: split.samples as Float32Array, labels: split.labels };
const resident = (): nn.ResidentData => fake();
const csv = "a,b,y\n1,u,no\n2,v,yes\n3,u,no\n4,v,yes\n5,u,no\n6,v,yes\n";
const text = nn.readCsv(csv);
const table = nn.tableDataset(text, { target: "y" });
const png = makePng({ width: 2, height: 2, depth: 8, colourType: 0, channels: 1, sample: (x, y) => 10 * x + y });
const pixels: nn.Pixels = { width: 2, height: 2, channels: 1, data: Float32Array.of(0, 0.1, 0.2, 0.3) };
const tensors = new Map([["w", { dtype: "f32" as const, shape: [2], data: Float32Array.of(1, 2) }]]);
const file = nn.writeSafetensors(tensors);
const npy = (() => {
  const header = `${"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }".padEnd(117)}\n`;
  return Uint8Array.from([
    0x93,
    ...new TextEncoder().encode("NUMPY"),
    1,
    0,
    118,
    0,
    ...new TextEncoder().encode(header),
    0,
    0,
    128,
    63,
  ]);
})();
const card = { network: "tiny", activation: "relu", beta: 1, classes: ["a", "b"] } as nn.ModelCard;
const optimiser = nn.sgd({ lr: 0.1 });
const state = (): nn.TrainState => ({
  epoch: 0,
  step: 0,
  params: params(),
  optimiser: { step: h.tensor(0), velocity: null },
});
const plain = { 0: ["{}"] };
const preset = (args: object): Row => ({ args: () => [args], takes: plain });
const elsewhere = "it reads files; tests of its own";
const TREE = [...TREES, "null"];
/** A limit may be any positive number. */
const wide = ["0.5", "Infinity", "-1"];

export const NN: Readonly<Record<string, Row>> = {
  // Layers.
  dense: { args: () => [2, { bias: true, tokens: false, init: nn.initialisers.zeros }], takes: { 1: ["{}"] } },
  conv2d: { args: () => [2, [3, 3], { stride: 1, padding: "same", dilation: 1, groups: 1 }], takes: { 2: ["{}"] } },
  conv1d: { args: () => [2, 3, { stride: 1, padding: "same", dilation: 1, groups: 1 }], takes: { 2: ["{}"] } },
  embedding: { args: () => [4, 3] },
  avgPool: { args: () => [2, 2] },
  maxPool: { args: () => [2, 2] },
  dropout: { args: () => [0.3] },
  reshape: { args: () => [[2, 3]] },
  softplus: preset({ beta: 2 }),
  leakyRelu: preset({ slope: 0.1 }),
  elu: preset({ alpha: 1 }),
  attention: { args: () => [2, { bias: true }], takes: { 1: ["{}"] } },
  patches: { args: () => [2] },
  layerNorm: { args: () => [{ axes: [-1], epsilon: 1e-5 }], takes: { 0: ["{}", "-numbers"] } },
  batchNorm: preset({ epsilon: 1e-5, momentum: 0.1 }),
  sequential: { args: () => [[layer]] },
  residual: { args: () => [layer, layer], optional: [1] },
  concatenate: { args: () => [[layer, layer], { axis: 0 }], takes: { 1: ["{}"] } },
  isSequential: { args: () => [layer] },
  named: { args: () => ["a", layer] },
  placesOf: {
    args: () => [nn.sequential([layer])],
    // Of a layer only the parts are asked for.
    takes: { 0: ["{}", "an object with a strange field"] },
  },
  placesAlong: { args: () => [nn.sequential([layer]), "0.weight"] },
  replaceLayers: { args: () => [nn.sequential([nn.relu]), "relu", nn.tanh] },
  layerKind: { args: () => [{ kind: "mine", about: "x", options: {}, make: () => ({}) }] },
  layerToJson: { args: () => [layer] },
  layerFromJson: { args: () => [nn.layerToJson(layer), nn.LAYER_KINDS] },
  // Networks by name.
  paperNetwork: preset({ classes: 3 }),
  authorsNetwork: preset({ classes: 3 }),
  smallNetwork: preset({ classes: 3 }),
  tinyNetwork: preset({ classes: 3 }),
  residualNetwork: preset({ classes: 3, width: 4, blocks: 1 }),
  mlp: preset({ classes: 3, hidden: [4] }),
  logistic: preset({ classes: 3 }),
  buildNetwork: { args: () => [card] },
  networkOf: { args: () => [card] },
  cardMetadata: { args: () => [card, nn.sequential([layer])], optional: [1] },
  readCard: {
    args: () => [new Map(Object.entries({ network: "tiny", activation: "relu", beta: "1", classes: '["a","b"]' })), {}],
    takes: { 1: ["{}", "an object with a strange field"] },
  },
  readClasses: { args: () => ['["a","b"]'], optional: [0] },
  readNetworkFile: {
    args: () => [file, card],
    notCalled: "it needs the file of a network; tests/nn/networks.test.ts",
    takes: { 1: ["{}", "an object with a strange field"] },
  },
  openNetwork: {
    args: () => [file, card],
    notCalled: "it needs the file of a network; tests/nn/networks.test.ts",
    takes: { 1: ["{}", "an object with a strange field"] },
  },
  shapeIn: { args: () => [new Map([["shape", "[1,2]"]])] },
  usualRange: { args: () => [[1, 8, 8]] },
  // Losses, metrics, optimisers.
  crossEntropy: { args: () => [logits(), labels(), { labelSmoothing: 0.1 }], takes: { 2: ["{}"] } },
  crossEntropyPerSample: { args: () => [logits(), labels(), { labelSmoothing: 0.1 }], takes: { 2: ["{}"] } },
  crossEntropyLoss: {
    args: () => [layer, params(), logits(), labels(), {}],
    takes: { 4: ["undefined", "{}", "an object with a strange field"] },
    optional: [4],
  },
  klDivergence: { args: () => [logits(), logits(), { temperature: 2, studentTemperature: 1 }], takes: { 2: ["{}"] } },
  klDivergencePerSample: {
    args: () => [logits(), logits(), { temperature: 2, studentTemperature: 1 }],
    takes: { 2: ["{}"] },
  },
  huber: { args: () => [logits(), logits(), { delta: 1 }], takes: { 2: ["{}"] } },
  binaryCrossEntropy: { args: () => [logits(), logits()] },
  mse: { args: () => [logits(), logits()] },
  accuracy: { args: () => [logits(), labels()] },
  confusion: { args: () => [logits(), labels()] },
  sgd: { args: () => [{ lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.1 }] },
  adam: preset({ lr: 0.1, beta1: 0.9, beta2: 0.9, epsilon: 1e-8 }),
  rmsProp: preset({ lr: 0.1, decay: 0.9, epsilon: 1e-8, momentum: 0.1, weightDecay: 0.1 }),
  adamW: preset({ lr: 0.1, weightDecay: 0.1 }),
  globalNorm: { args: () => [params()], takes: { 0: TREE } },
  clipByGlobalNorm: { args: () => [params(), 1], takes: { 0: TREE, 1: ["0.5", "Infinity"] } },
  clipByValue: { args: () => [params(), 1], takes: { 0: TREE, 1: ["0.5", "Infinity"] } },
  cosineDecay: { args: () => [0.1, 10, { end: 0.01 }], takes: { 1: wide, 2: ["{}"] } },
  stepDecay: { args: () => [0.1, 10, 0.5], takes: { 1: wide } },
  exponentialDecay: { args: () => [0.1, 10, 0.5], takes: { 1: wide } },
  warmup: { args: () => [10, (step: h.Tensor) => step], takes: { 0: wide } },
  initialState: { args: () => [params(), optimiser], takes: { 0: TREE }, keeps: true },
  train: {
    args: () => [layer, state(), resident(), { optimiser, epochs: 1, batchSize: 2, seed: 1 }],
    notCalled: "it trains; tests/nn/train.test.ts",
  },
  trainThroughLosses: {
    args: () => [
      () => ({ model: layer, start: state(), data: split, options: { optimiser, epochs: 1 } }),
      { losses: 2, onLost: () => {}, reopen: async () => {} },
    ],
    notCalled: "it trains; tests/nn/recovery.test.ts",
    takes: { 1: ["{}"] },
  },
  evaluate: {
    args: () => [layer, params(), resident(), { batchSize: 2 }],
    notCalled: "data stay resident; tests/nn/train.test.ts",
    takes: { 1: TREE, 3: ["{}"] },
  },
  // Data.
  fromArrays: {
    args: () => [{ shape: [2], train: arrays, testShare: 0.5, seed: 1, name: "mine", classes: ["a", "b"] }],
  },
  countOf: { args: () => [split] },
  firstOf: { args: () => [split, 2, "part"], optional: [1] },
  partOf: { args: () => [split, 0, 2] },
  hostSamples: { args: () => [split, [0, 1]], takes: { 1: ["Float32Array", "Uint8Array"] } },
  sampleSize: { args: () => [[2, 3]] },
  sampleTensor: { args: () => [split, [0, 1]], takes: { 1: ["Float32Array", "Uint8Array"] } },
  stratifiedSplit: {
    args: () => [[0, 1, 0, 1], { share: 0.5, seed: 1 }],
    takes: { 0: ["Float32Array", "Uint8Array", "[]"] },
  },
  residentData: {
    args: () => [split, { maxBytes: 1000 }],
    keeps: true,
    notCalled: "what it gives is kept",
    takes: { 1: ["{}"] },
  },
  residentImages: {
    args: () => [new Uint8Array(8), Int32Array.of(0, 1), [1, 2, 2]],
    keeps: true,
    notCalled: "what it gives is kept",
  },
  batchIndices: { args: () => [h.tensor(Int32Array.of(0, 1)), h.tensor(0, [], "i32"), 2] },
  pickSamples: {
    args: () => [
      {
        ...fake(),
        words: [
          h.tensor([
            [1, 2],
            [3, 4],
          ]),
        ],
        labels: labels(),
      },
      labels(),
    ],
  },
  pickImages: {
    args: () => [
      {
        ...fake(),
        words: [
          h.tensor([
            [1, 2],
            [3, 4],
          ]),
        ],
        labels: labels(),
      },
      labels(),
    ],
  },
  shapeBytes: { args: () => [{ count: 2, seed: 1, stream: 0 }] },
  shapes: { args: () => [{ count: 2, seed: 1, stream: 0 }], keeps: true, notCalled: "what it gives is kept" },
  loadDataset: {
    args: () => ["shapes", { trainSize: 10, testSize: 10 }],
    notCalled: elsewhere,
    // All of a data set is much.
    without: ["undefined", "{}"],
  },
  openFolder: {
    args: () => ["folder", { size: [2, 2], channels: 1, name: "mine" }],
    notCalled: elsewhere,
    takes: { 1: ["{}"] },
  },
  openIdx: {
    args: () => [{ trainImages: png, trainLabels: png, testImages: png, testLabels: png }, { trainSize: 1 }],
    notCalled: elsewhere,
    takes: { 1: ["{}"] },
  },
  imageSize: { args: () => [png] },
  readImage: { args: () => [png, 1] },
  readImageAs: { args: () => [png, [1, 2, 2], { resize: true }], takes: { 2: ["{}"] } },
  resizeImage: { args: () => [pixels, [2, 3]] },
  unitPixels: { args: () => [Uint8Array.of(1, 2)] },
  readNpy: { args: () => [npy] },
  readCsv: { args: () => [csv, {}], takes: { 0: ['"x"', '"12"'], 1: ["{}"] } },
  openTable: { args: () => [csv, { target: "y", seed: 1, testShare: 0.5 }] },
  tableDataset: { args: () => [text, { target: "y", seed: 1, testShare: 0.5 }, undefined], optional: [2] },
  tableDomain: { args: () => [table.preparation] },
  prepareRow: { args: () => [table.preparation, { a: "1", b: "u" }, "row"] },
  classOfRow: { args: () => [table.preparation, { y: "no" }, "row"] },
  featureValues: { args: () => [table.preparation, [0, 1]], takes: { 1: ["Float32Array"] } },
  readPreparation: { args: () => [JSON.stringify(table.preparation)] },
  numericShift: { args: () => [table.domain, 0.5] },
  shiftedRange: { args: () => [{ low: 0, high: 1 }, [1]] },
  // Files.
  readSafetensors: { args: () => [file, { halves: "f16" }], takes: { 1: ["{}"] } },
  writeSafetensors: { args: () => [tensors, new Map([["a", "b"]])] },
  packTree: { args: () => [params(), { a: "b" }], takes: { 0: TREE, 1: ["{}"] } },
  unpackTree: {
    args: () => [file, undefined, { alias: (path: string) => path, halves: "f16" }],
    keeps: true,
    notCalled: "what it gives is kept",
    optional: [1],
    takes: { 1: TREE, 2: ["{}"] },
  },
  saveCheckpoint: {
    args: () => [state(), { a: "b" }],
    takes: { 1: ["{}"] },
    notCalled: "optimisers keep their state; tests/nn/checkpoint.test.ts",
  },
  loadCheckpoint: { args: () => [file, state()], notCalled: "tests/nn/checkpoint.test.ts" },
  // ONNX.
  importOnnx: {
    args: () => [Uint8Array.of(0), { logits: true, output: "y", shape: [2], halves: "f16" }],
    notCalled: "tests/nn/onnx.*.test.ts",
    takes: { 1: ["{}"] },
  },
  openOnnx: { args: () => ["a.onnx", { logits: true, halves: "f16" }], notCalled: elsewhere, takes: { 1: ["{}"] } },
  exportOnnx: {
    args: () => [nn.sequential([layer]), [params()], [2], { softmax: true, metadata: {} }],
    takes: { 1: TREE, 3: ["{}"] },
  },
  compareOutput: {
    args: () => [{ classifier: (x: h.Tensor) => x }, logits(), [1, 2, 3, 4], { rtol: 0.1, atol: 0.1 }],
    takes: { 2: ["Float32Array"], 3: ["{}"] },
  },
  forwardBytes: { args: () => [{ classifier: (x: h.Tensor) => h.square(x) }, [2], 1] },

  "initialisers.zeros": { args: () => [key(), [2], { fanIn: 1, fanOut: 1 }], takes: { 0: ["any"], 2: ["any"] } },
  ...Object.fromEntries(
    ["glorotUniform", "glorotNormal", "heUniform", "heNormal", "lecunNormal", "lecunUniform", "fanInUniform"].map(
      (name) => [`initialisers.${name}`, { args: () => [key(), [2], { fanIn: 1, fanOut: 1 }] }],
    ),
  ),
};

function fake(): nn.ResidentData {
  return { count: 2, shape: [2], words: [], labels: labels() };
}
