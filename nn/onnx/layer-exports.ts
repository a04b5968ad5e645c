/** How each kind of layer is written as ONNX nodes: a new one is a row. Source: the ONNX operators' documentation, operator set 17. */

import type { Padding, Padding1d, Pair } from "../../engine/index.js";
import { windowAttrs } from "../../engine/ops/window.js";
import { type GraphWriter, inside, type Standing, shapeBehind, type WriteLayer } from "./graph-writer.js";
import type { AttributeValue } from "./write.js";

/** One node without parameters. */
const single =
  (op: string, attributes: (options: Options) => Readonly<Record<string, AttributeValue>> = () => ({})): WriteLayer =>
  (graph, at, x) =>
    graph.add(op, [x], at.path, attributes(optionsOf(at)));

/** Settings of all kinds; each row takes its own, with defaults spelled out. */
interface Options {
  readonly alpha: number;
  readonly axes?: readonly number[];
  readonly axis: number;
  readonly beta: number;
  readonly bias: boolean;
  readonly dilation: Pair;
  readonly epsilon: number;
  readonly groups: number;
  readonly padding: Padding;
  readonly shape: readonly number[];
  readonly size: number | readonly [number, number];
  readonly slope: number;
  readonly stride: Pair;
  readonly tokens: boolean;
}
/** Those of conv1d, which has one direction. */
interface SequenceOptions {
  readonly bias: boolean;
  readonly dilation: number;
  readonly groups: number;
  readonly padding: Padding1d;
  readonly size: number;
  readonly stride: number;
}
const optionsOf = ({ layer }: Pick<Standing, "layer">): Options => layer.options as unknown as Options;

const both = (size: Pair): readonly [number, number] => (typeof size === "number" ? [size, size] : size);

const passes: WriteLayer = (_, __, x) => x;

const pool = (op: string): WriteLayer =>
  single(op, ({ size, stride = size }) => ({ kernel_shape: both(size), strides: both(stride) }));

const clipped = (graph: GraphWriter, x: string, path: string): string =>
  graph.add("Clip", [x, graph.number(0, path), graph.number(6, path)], path);

const dense: WriteLayer = (graph, at, x) => {
  const { bias, tokens } = optionsOf(at);
  if (!tokens) {
    const inputs = [x, graph.weight(at, "weight"), ...(bias ? [graph.weight(at, "bias")] : [])];
    return graph.add("Gemm", inputs, at.path, { transB: 1 });
  }
  const y = graph.add("MatMul", [x, graph.weight(at, "weight", true)], at.path);
  return bias ? graph.add("Add", [y, graph.weight(at, "bias")], at.path) : y;
};

const conv2d: WriteLayer = (graph, at, x) => {
  const { bias, size, stride, padding, dilation, groups } = optionsOf(at);
  const window = both(size);
  const image = [at.shape[1], at.shape[2]] as const;
  const attrs = windowAttrs("conv2d", image, window, { stride, padding, dilation });
  const [top, bottom, left, right] = attrs.padding;
  const inputs = [x, graph.weight(at, "weight"), ...(bias ? [graph.weight(at, "bias")] : [])];
  return graph.add("Conv", inputs, at.path, {
    ...{ kernel_shape: window, strides: attrs.stride, dilations: attrs.dilation, group: groups },
    pads: [top, left, bottom, right],
  });
};

const conv1d: WriteLayer = (graph, at, x) => {
  const { bias, size, stride, padding, dilation, groups } = optionsOf(at) as unknown as SequenceOptions;
  const sides = typeof padding === "object" ? ([[0, 0], padding] as const) : padding;
  const attrs = windowAttrs("conv1d", [1, at.shape[1]], [1, size], {
    ...{ stride: [1, stride], dilation: [1, dilation] },
    padding: typeof sides === "number" ? [0, sides] : sides,
  });
  const [, , left, right] = attrs.padding;
  const inputs = [x, graph.weight(at, "weight"), ...(bias ? [graph.weight(at, "bias")] : [])];
  return graph.add("Conv", inputs, at.path, {
    ...{ kernel_shape: [size], strides: [stride], dilations: [dilation], group: groups, pads: [left, right] },
  });
};

const batchNorm: WriteLayer = (graph, at, x) => {
  const inputs = ["weight", "bias", "running_mean", "running_var"].map((key) => graph.weight(at, key));
  return graph.add("BatchNormalization", [x, ...inputs], at.path, { epsilon: { float: optionsOf(at).epsilon } });
};

const layerNorm: WriteLayer = (graph, at, x) => {
  const { axes, epsilon } = optionsOf(at);
  const rank = at.shape.length;
  const sides = (axes ?? at.shape.map((_, i) => i))
    .map((axis) => (axis < 0 ? axis + rank : axis))
    .sort((a, b) => a - b);
  if (sides.some((side, i) => side !== rank - sides.length + i))
    throw new TypeError(
      `exportOnnx: layerNorm (${at.path}) normalises over sides ${sides.join(", ")} of ${rank}; ONNX has the last ones only`,
    );
  const inputs = [x, graph.weight(at, "weight"), graph.weight(at, "bias")];
  return graph.add("LayerNormalization", inputs, at.path, { axis: sides[0] + 1, epsilon: { float: epsilon } });
};

/** log(1 + exp(beta x)) / beta; ONNX's own has no sharpness. */
const softplus: WriteLayer = (graph, { layer, path }, x) => {
  const { beta } = optionsOf({ layer });
  if (beta === 1) return graph.add("Softplus", [x], path);
  const sharpness = graph.number(beta, path);
  const y = graph.add("Softplus", [graph.add("Mul", [x, sharpness], path)], path);
  return graph.add("Div", [y, sharpness], path);
};

/** x (1 + erf(x / √2)) / 2; an operator of its own since operator set 20. */
const gelu: WriteLayer = (graph, { path }, x) => {
  const erf = graph.add("Erf", [graph.add("Mul", [x, graph.number(Math.SQRT1_2, path)], path)], path);
  const cumulative = graph.add("Add", [erf, graph.number(1, path)], path);
  return graph.add("Mul", [graph.add("Mul", [x, cumulative], path), graph.number(0.5, path)], path);
};

const sequential: WriteLayer = (graph, at, x) => {
  let [y, shape] = [x, at.shape];
  for (const one of inside(at)) {
    const standing = { ...one, shape };
    y = graph.layer(standing, y);
    shape = shapeBehind(standing);
  }
  return y;
};

/** What every layer inside gives for one input. */
const branches = (graph: GraphWriter, at: Standing, x: string): string[] =>
  inside(at).map((one) => graph.layer({ ...one, shape: at.shape }, x));

export const LAYER_EXPORTS: Readonly<Record<string, WriteLayer>> = {
  sequential,
  residual(graph, at, x) {
    const [body, shortcut = x] = branches(graph, at, x);
    return graph.add("Add", [body, shortcut], at.path);
  },
  concatenate(graph, at, x) {
    const { axis } = optionsOf(at);
    return graph.add("Concat", branches(graph, at, x), at.path, { axis: axis < 0 ? axis : axis + 1 });
  },
  dense,
  conv2d,
  conv1d,
  avgPool: pool("AveragePool"),
  maxPool: pool("MaxPool"),
  globalAvgPool: (graph, { path }, x) =>
    graph.add("Flatten", [graph.add("GlobalAveragePool", [x], path)], path, { axis: 1 }),
  flatten: single("Flatten", () => ({ axis: 1 })),
  reshape(graph, at, x) {
    const { shape } = optionsOf(at);
    return graph.add("Reshape", [x, graph.list([0, ...shape], at.path)], at.path);
  },
  // At rest.
  dropout: passes,
  batchNorm,
  layerNorm,
  softplus,
  relu: single("Relu"),
  tanh: single("Tanh"),
  sigmoid: single("Sigmoid"),
  gelu,
  silu: (graph, { path }, x) => graph.add("Mul", [x, graph.add("Sigmoid", [x], path)], path),
  leakyRelu: single("LeakyRelu", ({ slope }) => ({ alpha: { float: slope } })),
  elu: single("Elu", ({ alpha }) => ({ alpha: { float: alpha } })),
  relu6: (graph, { path }, x) => clipped(graph, x, path),
  hardSwish: (graph, { path }, x) => {
    const up = clipped(graph, graph.add("Add", [x, graph.number(3, path)], path), path);
    return graph.add("Div", [graph.add("Mul", [x, up], path), graph.number(6, path)], path);
  },
  identity: passes,
};
