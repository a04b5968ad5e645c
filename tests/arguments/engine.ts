/** Right calls of what the engine exports; those of plain ops come from the op table's samples. */
import * as h from "../../engine/index.js";
import type { Row } from "./row.js";

const m = () =>
  h.tensor([
    [1, 2],
    [3, 4],
  ]);
const v = () => h.tensor([1, 2]);
const image = () =>
  h.tensor(
    Float32Array.from({ length: 16 }, (_, i) => i),
    [1, 1, 4, 4],
  );
const window = () => h.tensor(new Float32Array(4).fill(1), [1, 1, 2, 2]);
const words = () => h.tensor(Uint32Array.of(1, 2));
const indices = () => h.tensor(Int32Array.of(0, 1));
const key = () => h.random.key(1);
const total = (x: h.Tensor): h.Tensor => h.sum(x);
const anyTree = { 0: ["any"] };
/** A number may stand for either operand. */
const operand = ["-numbers"];

export const ENGINE: Readonly<Record<string, Row>> = {
  ...Object.fromEntries(
    ["add", "sub", "mul", "div", "multiplyNoNan", "maximum", "minimum", "pow"].map((name) => [
      name,
      { args: () => [m(), v()], takes: { 0: operand, 1: operand } },
    ]),
  ),
  ...Object.fromEntries(
    ["equal", "notEqual", "less", "lessEqual", "greater", "greaterEqual"].map((name) => [
      name,
      { args: () => [m(), v()], takes: { 0: operand, 1: operand } },
    ]),
  ),
  logicalNot: { args: () => [m()] },
  logicalAnd: { args: () => [m(), m()] },
  logicalOr: { args: () => [m(), m()] },
  bitAnd: { args: () => [words(), 1], takes: { 1: ["an i32 tensor", "a u32 tensor", "a number as tensor"] } },
  shiftRight: { args: () => [words(), 1], takes: { 1: ["an i32 tensor", "a u32 tensor", "a number as tensor"] } },
  constant: { args: () => [1.5, "f32"], takes: { 0: ["NaN"] } },
  clamp: { args: () => [m(), 0, 1], takes: { 1: ["-1", "0.5"], 2: ["0.5", "Infinity"] } },
  where: { args: () => [m(), v(), 0.5], takes: { 1: operand, 2: [...operand, "an i32 tensor", "a number as tensor"] } },
  softplus: { args: () => [m(), 2], takes: { 1: ["0.5", "Infinity"] } },
  leakyRelu: { args: () => [m(), 0.1] },
  elu: { args: () => [m(), 0.1] },
  cast: { args: () => [m(), "i32"] },
  concat: { args: () => [[v(), v()], 0], takes: { 1: ["-1"] } },
  stack: { args: () => [[v(), v()], 0], takes: { 1: ["-1"] } },
  conv2d: { args: () => [image(), window(), { stride: 1, padding: 0, dilation: 1, groups: 1 }], takes: { 2: ["{}"] } },
  conv2dInput: { args: () => [h.ones([1, 1, 3, 3]), window(), { image: [4, 4], stride: 1 }] },
  conv2dFilter: { args: () => [image(), h.ones([1, 1, 3, 3]), { window: [2, 2], stride: 1 }] },
  convTranspose2d: { args: () => [image(), window(), { stride: 2, outputPadding: 1 }], takes: { 2: ["{}"] } },
  maxPool2d: { args: () => [image(), { size: 2, stride: 2, padding: 0 }] },
  avgPool2d: { args: () => [image(), { size: 2, stride: 1, padding: 0, countIncludePad: true }] },
  globalAvgPool2d: { args: () => [image()] },
  windowSum: { args: () => [image(), { size: 2 }] },
  windowSpread: { args: () => [h.ones([1, 1, 2, 2]), { size: 2, image: [4, 4] }] },
  poolIndices: { args: () => [image(), { size: 2 }] },
  gatherPool: { args: () => [image(), h.poolIndices(image(), { size: 2 }), { size: 2 }] },
  scatterPool: {
    args: () => [h.ones([1, 1, 2, 2]), h.poolIndices(image(), { size: 2 }), { size: 2, image: [4, 4] }],
  },
  arange: {
    args: () => [0, 4, 1, "f32"],
    takes: { 0: ["-1", "0.5"], 1: ["undefined", "-1", "0.5"], 2: ["-1", "0.5", "Infinity"] },
  },
  eye: { args: () => [2, 3] },
  full: { args: () => [[2, 3], 0.5, "f32"], takes: { 1: ["NaN"] } },
  zeros: { args: () => [[2, 3], "f32"] },
  ones: { args: () => [[2, 3], "f32"] },
  zerosLike: { args: () => [m()], takes: { 0: ["a freed tensor", "a tensor of another executor"] } },
  onesLike: { args: () => [m()], takes: { 0: ["a freed tensor", "a tensor of another executor"] } },
  linspace: { args: () => [0.5, 1.5, 3] },
  oneHot: { args: () => [indices(), 3] },
  cumsum: { args: () => [m(), 0, { reverse: true }], takes: { 1: ["-1"], 2: ["{}"] } },
  argmax: { args: () => [m(), 0], takes: { 1: ["-1"] } },
  argmin: { args: () => [m(), 0], takes: { 1: ["-1"] } },
  ...Object.fromEntries(
    ["max", "min", "sum", "mean", "prod", "logSumExp"].map((name) => [
      name,
      { args: () => [m(), 0, { keepDims: true }], takes: { 1: ["-1", "[]", "undefined"], 2: ["{}"] } },
    ]),
  ),
  variance: { args: () => [m(), 0, { ddof: 1, keepDims: true }], takes: { 1: ["-1", "[]", "undefined"], 2: ["{}"] } },
  norm: { args: () => [m(), 0, { p: 2, keepDims: true }], takes: { 1: ["-1", "[]", "undefined"], 2: ["{}"] } },
  gather: { args: () => [m(), indices(), 0], takes: { 2: ["-1"] } },
  gatherAlong: { args: () => [v(), indices(), 0], takes: { 2: ["-1"] } },
  scatterAdd: { args: () => [m(), indices(), 3, 0] },
  scatterAlong: { args: () => [v(), indices(), 3, 0], takes: { 3: ["-1"] } },
  matmul: { args: () => [m(), m(), { transposeA: true, transposeB: false }], takes: { 2: ["{}"] } },
  dot: { args: () => [v(), v()] },
  outer: { args: () => [v(), v()] },
  reshape: { args: () => [m(), [4]] },
  expand: { args: () => [v(), [3, 2]] },
  layerNorm: { args: () => [m(), { axes: -1, epsilon: 1e-5, scale: v(), shift: v() }], takes: { 1: ["{}"] } },
  groupNorm: { args: () => [m(), 1, { epsilon: 1e-5, scale: v(), shift: v() }], takes: { 2: ["{}"] } },
  batchNorm: {
    args: () => [m(), h.batchStatistics(m()), { epsilon: 1e-5, scale: v(), shift: v() }],
    takes: { 2: ["{}"] },
  },
  batchStatistics: { args: () => [m()] },
  resize2d: { args: () => [image(), [2, 2], { mode: "nearest" }], takes: { 2: ["{}"] } },
  resample: { args: () => [v(), 0, [[[0, 1]], [[1, 0.5]]]], takes: { 1: ["-1"] } },
  pad: { args: () => [v(), [[1, 1]], 0.5], takes: { 2: ["NaN"] } },
  slice: { args: () => [m(), [0, 0], [1, -1], [1, 1]], optional: [3] },
  split: { args: () => [m(), 2, 0], takes: { 1: ["[]"], 2: ["-1"] } },
  softmax: { args: () => [m(), 1], takes: { 1: ["-1"] } },
  logSoftmax: { args: () => [m(), 1], takes: { 1: ["-1"] } },
  argsort: { args: () => [m(), { axis: 0, descending: true }], takes: { 1: ["{}"] } },
  sort: { args: () => [m(), { axis: 0, descending: true }], takes: { 1: ["{}"] } },
  topK: { args: () => [m(), 1, { axis: 0, smallest: true }], takes: { 2: ["{}"] } },
  topKMask: { args: () => [m(), 1] },
  tril: { args: () => [m(), 0], takes: { 1: ["-1"] } },
  triu: { args: () => [m(), 0], takes: { 1: ["-1"] } },
  causalMask: { args: () => [3] },
  ravel: { args: () => [m()] },
  einsum: { args: () => ["ij,j->i", m(), v()] },
  conv1d: {
    args: () => [h.ones([1, 1, 4]), h.ones([1, 1, 2]), { stride: 1, padding: 0, dilation: 1, groups: 1 }],
    takes: { 2: ["{}"] },
  },
  jvp: { args: () => [total, v(), v()] },
  quantile: { args: () => [m(), 0.3, { axis: 0 }], takes: { 2: ["{}"] } },
  median: { args: () => [m(), { axis: 0 }], takes: { 1: ["{}"] } },
  flip: { args: () => [m(), 0], takes: { 1: ["-1", "[]", "undefined"] } },
  squeeze: { args: () => [h.ones([1, 2]), 0], takes: { 1: ["-1", "[]", "undefined"] } },
  unsqueeze: { args: () => [m(), 0], takes: { 1: ["-1"] } },
  transpose: { args: () => [m(), [1, 0]], optional: [1] },
  tensor: {
    args: () => [[1, 2], [2], "f32"],
    takes: { 0: ["Float32Array", "-numbers", "Uint8Array"], 1: ["undefined"], 2: ["undefined"] },
  },

  grad: { args: () => [total, { argument: 0 }], takes: { 1: ["{}"] } },
  valueAndGrad: { args: () => [total, { argument: 0 }], takes: { 1: ["{}"] } },
  valueAuxAndGrad: { args: () => [(x: h.Tensor) => [h.sum(x), x], { argument: 0 }], takes: { 1: ["{}"] } },
  vjp: { args: () => [h.square, m(), m()] },
  hvp: { args: () => [(x: h.Tensor) => h.sum(h.square(x)), m(), m()] },
  jacobian: { args: () => [h.square] },
  hessian: { args: () => [total] },
  stopGradient: { args: () => [() => m()] },
  customVjp: { args: () => [h.square, (g: h.Tensor) => [g], "mine"] },
  capture: { args: () => [h.square, { donate: [0], fuse: true }], takes: { 1: ["{}"] } },
  checkGrads: {
    args: () => [h.square, [m()], { order: 1, eps: 1e-6, rtol: 1, atol: 1, seed: 1 }],
    takes: { 2: ["{}"] },
  },
  detectAnomalies: { args: () => [() => m()] },
  inspect: { args: () => [h.relu, m(), () => 1] },
  label: { args: () => ["a", () => 1] },
  isWithin: { args: () => ["a.b", "a"] },
  currentLabel: { args: () => [] },
  withOps: { args: () => [{ relu: ([x]: h.Tensor[]) => h.square(x) }, () => h.relu(m())], takes: { 0: ["{}"] } },
  scope: { args: () => [() => m(), "name"] },
  openScope: {
    args: () => ["name", { enter: false }],
    notCalled: "whoever opens a scope has to close it; tests/engine/scope.test.ts",
    takes: { 0: ['""', '"x"', '"12"'], 1: ["{}"] },
  },
  callerScope: { args: () => [] },
  keep: {
    args: () => [{ a: null }],
    takes: anyTree,
    without: ["an i32 tensor", "a u32 tensor", "an f16 tensor", "a number as tensor", "a tensor of rank 5"],
  },
  dispose: { args: () => [m()], takes: anyTree },
  leaves: { args: () => [[m()]], takes: anyTree },
  entries: { args: () => [[m()]], takes: anyTree },
  structureOf: { args: () => [[m()]], takes: anyTree },
  mapTree: { args: () => [[m()], h.square], takes: { 0: ["any"] } },
  zipTrees: { args: () => [h.add, [m()], [m()]], takes: { 1: ["any"], 2: ["any"] } },
  sameShape: {
    args: () => [[2], [2]],
    takes: {
      0: ["nested lists", "a list of texts", "a list of itself"],
      1: ["nested lists", "a list of texts", "a list of itself"],
    },
  },
  shapeOf: { args: () => [() => m()] },
  describe: {
    args: () => [m()],
    takes: { 0: ["a freed tensor", "a tensor of another executor", "a proxy of a tensor"] },
  },
  formatProfile: { args: () => [[{ kernel: "k", calls: 1, ms: 1, gflops: 1, gbps: 1 }]] },
  profile: {
    args: () => [() => 1],
    notCalled: "the reference has no kernels; tests/engine/gpu.test.ts",
  },
  memory: { args: () => [] },
  init: {
    args: () => [{ executor: "reference" }],
    notCalled: "it opens the engine; tests/engine/init.test.ts",
    without: ["undefined", "{}"],
  },
  reopen: { args: () => [], notCalled: "it opens the engine; tests/engine/init.test.ts" },
  stop: { args: () => [], notCalled: "it closes the engine" },
  shutdown: { args: () => [], notCalled: "it closes the engine" },

  "random.key": { args: () => [1] },
  "random.split": { args: () => [key(), 2] },
  "random.fold": {
    args: () => [key(), 2],
    takes: { 1: ["a u32 tensor", "a number as tensor", "an i32 tensor", "a tensor of rank 5"] },
  },
  "random.bits": { args: () => [key(), [2]] },
  "random.uniform": { args: () => [key(), [2], { low: 0.5, high: 1.5 }], takes: { 2: ["{}"] } },
  "random.normal": { args: () => [key(), [2], { mean: 0.5, deviation: 1.5 }], takes: { 2: ["{}"] } },
  "random.bernoulli": { args: () => [key(), [2], 0.3] },
  "random.randint": { args: () => [key(), [2], 0, 3], takes: { 2: ["-1"] } },
  "random.permutation": { args: () => [key(), 3] },
  "random.dropoutMask": { args: () => [key(), [2], 0.3] },
};
