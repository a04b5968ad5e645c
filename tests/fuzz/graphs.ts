/** Random expression graphs: ops are drawn one by one and kept where the reference says that they are finite, of moderate size and away
 *  from kinks, so that float64 and f32 can be compared. */
import { withExecutor } from "../../engine/executor.js";
import * as h from "../../engine/index.js";
import type { Draw } from "../../engine/op.js";
import { layerNorm } from "../../engine/ops/norm.js";
import { ReferenceExecutor } from "../../engine/reference.js";
import { broadcastShapes, sizeOf } from "../../engine/shape.js";
import type { Tensor } from "../../engine/tensor.js";
import { generator, seededDraw } from "../values.js";
import { type Problem, threeOrders } from "./compare.js";

type Values = ArrayLike<number>;
const every = (values: Values, test: (v: number) => boolean): boolean => Array.from(values).every(test);
const apartFrom =
  (kink: number, gap = 0.03) =>
  (values: Values) =>
    every(values, (v) => Math.abs(v - kink) > gap);
const between = (low: number, high: number) => (values: Values) => every(values, (v) => v > low && v < high);
/** No two elements are close. */
const distinct = (values: Values): boolean => {
  const sorted = Array.from(values).sort((a, b) => a - b);
  return sorted.every((v, i) => i === 0 || v - sorted[i - 1] > 0.01);
};
const anything = (): boolean => true;

/** Functions of one tensor, with what its elements must be. */
const unary: Readonly<Record<string, readonly [f: (x: Tensor) => Tensor, needs: (values: Values) => boolean]>> = {
  tanh: [h.tanh, anything],
  sigmoid: [h.sigmoid, anything],
  sin: [h.sin, anything],
  cos: [h.cos, anything],
  exp: [h.exp, between(-8, 2.5)],
  log: [h.log, between(0.2, 1e3)],
  log1p: [h.log1p, between(-0.7, 1e3)],
  expm1: [h.expm1, between(-8, 2.5)],
  sqrt: [h.sqrt, between(0.2, 1e3)],
  rsqrt: [h.rsqrt, between(0.3, 1e3)],
  square: [h.square, between(-5, 5)],
  reciprocal: [h.reciprocal, apartFrom(0, 0.4)],
  atan: [h.atan, anything],
  erf: [h.erf, anything],
  gelu: [h.gelu, anything],
  silu: [h.silu, anything],
  neg: [h.neg, anything],
  "times 0.7": [(x) => h.mul(x, 0.7), anything],
  "plus 0.3": [(x) => h.add(x, 0.3), anything],
  "1 minus": [(x) => h.sub(1, x), anything],
  softplus: [(x) => h.softplus(x, 2), anything],
  relu: [h.relu, apartFrom(0)],
  abs: [h.abs, apartFrom(0)],
  elu: [(x) => h.elu(x, 0.8), apartFrom(0)],
  leakyRelu: [(x) => h.leakyRelu(x, 0.1), apartFrom(0)],
  clamp: [(x) => h.clamp(x, -0.9, 1.1), (v) => apartFrom(-0.9)(v) && apartFrom(1.1)(v)],
  cube: [(x) => h.pow(x, 3), between(-3, 3)],
  where: [(x) => h.where(h.greater(x, 0.1), h.mul(x, x), h.sin(x)), apartFrom(0.1)],
};

const binary: Readonly<
  Record<string, readonly [f: (a: Tensor, b: Tensor) => Tensor, needs: (a: Values, b: Values) => boolean]>
> = {
  add: [h.add, anything],
  sub: [h.sub, anything],
  mul: [h.mul, anything],
  div: [h.div, (_, b) => apartFrom(0, 0.4)(b)],
  pow: [h.pow, (a, b) => between(0.3, 3)(a) && between(-2.5, 2.5)(b)],
};

/** A random function of one tensor that changes its shape or sums, with what its elements must be. */
function structural(x: Tensor, d: Draw): [name: string, f: (x: Tensor) => Tensor, needs: (values: Values) => boolean] {
  const rank = x.rank;
  const axis = d.int(0, Math.max(0, rank - 1));
  const side = x.shape[axis] ?? 1;
  const keepDims = d.boolean();
  const kinds = ["transpose", "flat", "expand", "twice"];
  if (rank > 0) kinds.push("sum", "mean", "variance", "softmax", "logSoftmax", "cumsum", "logSumExp", "layerNorm", "norm", "max", "flip", "pad", "sort", "gather", "prod"); // biome-ignore format: one line
  if (side > 1) kinds.push("slice");
  if (rank >= 2) kinds.push("gram", "gram");
  const kind = d.pick(kinds);
  const picks = Int32Array.from({ length: 3 }, () => d.int(0, side - 1));
  const name = `${kind} ${axis}${keepDims ? " kept" : ""}`;
  switch (kind) {
    case "transpose":
      return [name, (t) => h.transpose(t), anything];
    case "flat":
      return [name, (t) => h.reshape(t, [t.size]), anything];
    case "expand":
      return [name, (t) => h.expand(h.reshape(t, [1, ...t.shape]), [2, ...t.shape]), anything];
    case "twice":
      return [name, (t) => (t.rank === 0 ? h.mul(t, 2) : h.concat([t, h.mul(t, 0.5)], axis)), anything];
    case "sum":
      return [name, (t) => h.sum(t, axis, { keepDims }), anything];
    case "mean":
      return [name, (t) => h.mean(t, axis, { keepDims }), anything];
    case "variance":
      return [name, (t) => h.variance(t, axis, { keepDims }), anything];
    case "softmax":
      return [name, (t) => h.softmax(t, axis), anything];
    case "logSoftmax":
      return [name, (t) => h.logSoftmax(t, axis), anything];
    case "cumsum":
      return [name, (t) => h.cumsum(t, axis, { reverse: keepDims }), anything];
    case "logSumExp":
      return [name, (t) => h.logSumExp(t, axis, { keepDims }), distinct];
    case "layerNorm":
      return [name, (t) => layerNorm(h.add(t, h.mul(h.sin(h.mul(t, 3)), 0.5))), distinct];
    case "norm":
      return [name, (t) => h.norm(t, axis, { keepDims }), apartFrom(0, 0.1)];
    case "max":
      return [name, (t) => h.max(t, axis, { keepDims }), distinct];
    case "flip":
      return [name, (t) => h.flip(t, [axis]), anything];
    case "sort":
      return [name, (t) => h.sort(t, { axis, descending: keepDims }), distinct];
    case "gather":
      return [name, (t) => h.gather(t, h.tensor(picks), axis), anything];
    case "prod":
      return [name, (t) => h.prod(t, axis, { keepDims }), between(-1.8, 1.8)];
    case "slice":
      return [name, (t) => h.slice(t, t.shape.map((_, a) => (a === axis ? 1 : 0)), t.shape.map((s, a) => (a === axis ? s - 1 : s))), anything]; // biome-ignore format: one line
    case "pad":
      return [name, (t) => h.pad(t, t.shape.map((_, a): [number, number] => (a === axis ? [1, 2] : [0, 0]))), anything]; // biome-ignore format: one line
    default:
      return [name, (t) => h.mul(h.matmul(t, t, { transposeB: true }), 0.3), anything];
  }
}

type Step = (values: readonly Tensor[]) => Tensor;
const mostElements = 120;

/** A random scalar function of one to three tensors, with arguments. */
export async function randomGraph(seed: number, most = 10): Promise<Problem> {
  const d = seededDraw(seed);
  const random = generator(seed + 1);
  const shapes = Array.from({ length: d.int(1, 3) }, () => d.shape({ maxRank: 3, maxSide: d.pick([2, 3, 4, 5]) }));
  const data = shapes.map((shape) => new Float32Array(sizeOf(shape)).map(() => 3 * random() - 1.5));
  const on = new ReferenceExecutor();
  const values: Tensor[] = withExecutor(on, () => shapes.map((shape, i) => h.tensor(data[i], shape)));
  const read: Values[] = [...data];
  const steps: Step[] = [];
  const names = shapes.map((shape, i) => `x${i} [${shape}]`);
  const wanted = d.int(2, most);
  for (let tries = 0; steps.length < wanted && tries < 60; tries++) {
    // The newest more often, so that graphs get deep.
    const a = d.boolean() ? values.length - 1 : d.int(0, values.length - 1);
    const b = d.int(0, values.length - 1);
    const kind = d.int(0, 9);
    let [name, step]: [string, Step | undefined] = ["", undefined];
    if (kind < 4) {
      const [op, [f, needs]] = d.pick(Object.entries(unary));
      if (needs(read[a])) [name, step] = [`${op}(${a})`, (v) => f(v[a])];
    } else if (kind < 7) {
      const [op, [f, needs]] = d.pick(Object.entries(binary));
      if (needs(read[a], read[b]) && broadcasts(values[a], values[b]))
        [name, step] = [`${op}(${a}, ${b})`, (v) => f(v[a], v[b])];
    } else {
      const [op, f, needs] = structural(values[a], d);
      if (needs(read[a])) [name, step] = [`${op}(${a})`, (v) => f(v[a])];
    }
    if (!step) continue;
    const y = withExecutor(on, () => h.scope(() => step(values)));
    const result = await y.read();
    if (y.size > mostElements || y.rank > 4 || !every(result, (v) => Math.abs(v) < 30)) continue;
    steps.push(step);
    values.push(y);
    read.push(result);
    names.push(`${values.length - 1} = ${name}`);
  }
  const weights = values.map((y) => new Float32Array(y.size).map(() => 2 * random() - 1));
  // The last and whatever else nothing may have used.
  const used = values.map((_, i) => i).slice(-3);
  const f = (...xs: Tensor[]): Tensor => {
    const all = [...xs];
    for (const step of steps) all.push(step(all));
    return used.map((i) => h.sum(h.mul(all[i], h.tensor(weights[i], all[i].shape)))).reduce((p, q) => h.add(p, q));
  };
  return { text: `seed ${seed}: ${names.join("; ")}`, shapes, data, results: threeOrders(f, shapes.length) };
}

function broadcasts(a: Tensor, b: Tensor): boolean {
  try {
    return sizeOf(broadcastShapes("add", [a, b])) <= mostElements;
  } catch {
    return false;
  }
}
