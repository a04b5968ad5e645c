/** The public surface of the engine; nothing is public that is not exported here. */
export { detectAnomalies } from "./anomaly.js";
export { type Captured, type CaptureOptions, capture } from "./capture.js";
export { type CheckOptions, checkGrads, GradientError } from "./check.js";
export {
  AnomalyError,
  CaptureError,
  DeviceError,
  DeviceLostError,
  describe,
  LifetimeError,
  OutOfMemoryError,
  ShapeError,
} from "./errors.js";
export type { Executor, HostArray, MemoryReport } from "./executor.js";
export * from "./grad.js";
export {
  formatProfile,
  type GpuDeviceLike,
  type InitOptions,
  init,
  type KernelProfile,
  memory,
  profile,
  reopen,
  shutdown,
  stop,
} from "./init.js";
export { type Inside, inspect, type Pulled, type Rule, type Step } from "./inspect.js";
export { jvp } from "./jvp.js";
export { currentLabel, isWithin, label } from "./label.js";
export type { DType, TensorSpec } from "./lower.js";
export { type Substitute, type Substitutes, withOps } from "./op.js";
export { elu, erf, erfinv, gelu, leakyRelu, relu, sigmoid, silu, softplus, step, tanh } from "./ops/activations.js";
export { add, constant, div, mul, multiplyNoNan, neg, sub, type TensorOrNumber } from "./ops/arithmetic.js";
export { clamp, maximum, minimum, pow, where } from "./ops/binary.js";
export { bitAnd, shiftRight } from "./ops/bits.js";
export { cast } from "./ops/cast.js";
export {
  equal,
  greater,
  greaterEqual,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  notEqual,
} from "./ops/compare.js";
export { concat, stack } from "./ops/concat.js";
export {
  type ConvFilterOptions,
  type ConvInputOptions,
  type ConvOptions,
  type ConvTransposeOptions,
  conv2d,
  conv2dFilter,
  conv2dInput,
  convTranspose2d,
} from "./ops/conv.js";
export { type Conv1dOptions, conv1d, type Padding1d } from "./ops/conv1d.js";
export { arange, eye, full, linspace, oneHot, ones, onesLike, zeros, zerosLike } from "./ops/create.js";
export { cumsum } from "./ops/cumsum.js";
export { einsum } from "./ops/einsum.js";
export { argmax, argmin, max, min } from "./ops/extremes.js";
export { gather, gatherAlong, scatterAdd, scatterAlong } from "./ops/gather.js";
export { dot, type MatmulOptions, matmul, outer } from "./ops/matmul.js";
export { expand, reshape } from "./ops/movement.js";
export {
  batchNorm,
  batchStatistics,
  groupNorm,
  type LayerNormOptions,
  layerNorm,
  type NormOptions,
  type Statistics,
} from "./ops/norm.js";
export { type AvgPoolOptions, avgPool2d, globalAvgPool2d, windowSpread, windowSum } from "./ops/pool.average.js";
export { gatherPool, maxPool2d, poolIndices, scatterPool } from "./ops/pool.max.js";
export type { PoolOptions } from "./ops/pool.shapes.js";
export { prod } from "./ops/prod.js";
export { averageRank, concordance } from "./ops/rank.js";
export { mean, type ReduceOptions, sum } from "./ops/reduce.js";
export { type ResizeOptions, resample, resize2d, type Taps } from "./ops/resize.js";
export { pad, slice, split } from "./ops/slice.js";
export { logSoftmax, softmax } from "./ops/softmax.js";
export {
  argsort,
  median,
  type QuantileOptions,
  quantile,
  type SortOptions,
  sort,
  type TopKOptions,
  topK,
} from "./ops/sort.js";
export { logSumExp, norm, type VarianceOptions, type VectorNormOptions, variance } from "./ops/statistics.js";
export { topKMask } from "./ops/topK.js";
export { causalMask, tril, triu } from "./ops/triangle.js";
export {
  abs,
  atan,
  ceil,
  cos,
  exp,
  expm1,
  finiteMask,
  floor,
  log,
  log1p,
  nanMask,
  reciprocal,
  round,
  rsqrt,
  sign,
  sin,
  sqrt,
  square,
} from "./ops/unary.js";
export { flip, ravel, squeeze, transpose, unsqueeze } from "./ops/view.js";
export type { Padding, Pair } from "./ops/window.js";
export * as random from "./random.js";
export { ReferenceExecutor } from "./reference.js";
export { type AsyncPlace, callerScope, dispose, keep, openScope, type Scope, scope } from "./scope.js";
export { sameShape } from "./shape.js";
export { shapeOf } from "./shape-of.js";
export { type NestedNumbers, Tensor, tensor } from "./tensor.js";
export { entries, leaves, mapTree, structureOf, type Tree, zipTrees } from "./tree.js";
export type { TuningTable } from "./tuning.js";
export { type AbortSignalLike, type Done, type LongOptions, Turns } from "./turns.js";
