/** Reductions over sides, softmax, and positions of extremes. */
import {
  abs,
  argmax,
  argmin,
  cast,
  flip,
  log,
  logSoftmax,
  logSumExp,
  max,
  mean,
  min,
  norm,
  oneHot,
  prod,
  reshape,
  softmax,
  square,
  sub,
  sum,
  type Tensor,
  topK,
  transpose,
} from "../../../engine/index.js";
import { flag, int, ints } from "../attributes.js";
import { type Call, type Operator, operator, type Result, refuse } from "../operator.js";
import { deviceValue } from "../value.js";

type Reduce = (x: Tensor, axes: readonly number[], options: { readonly keepDims: boolean }) => Tensor;

function reduced(call: Call, f: Reduce, axes: readonly number[] | undefined, keepDims: boolean, noop = false): Tensor {
  const x = call.tensor(0);
  const list = axes ?? [];
  if (list.length === 0 && noop) return x;
  const at = list.length === 0 ? x.shape.map((_, i) => i) : list.map((axis) => call.axis(axis, x.rank));
  return x.rank === 0 ? f(reshape(x, [1]), [0], { keepDims: false }) : f(x, at, { keepDims });
}

/** Axes as an attribute before operator set `moved`, as an input from it on. */
function reduction(name: string, f: Reduce, moved = 18): Operator[] {
  return [
    operator({
      name,
      until: moved - 1,
      attributes: { axes: ints(undefined), keepdims: flag(true) },
      run: (call, { axes, keepdims }) => reduced(call, f, axes, keepdims),
    }),
    operator({
      name,
      since: moved,
      host: [1],
      attributes: { keepdims: flag(true), noop_with_empty_axes: flag(false) },
      run: (call, { keepdims, noop_with_empty_axes }) =>
        reduced(call, f, call.has(1) ? call.numbers(1) : undefined, keepdims, noop_with_empty_axes),
    }),
  ];
}

/** Before operator set 13 the sides from `axis` on were one. */
function normaliser(name: string, f: (x: Tensor, axis: number) => Tensor): Operator[] {
  return [
    operator({
      name,
      until: 12,
      attributes: { axis: int(1) },
      run(call, { axis }) {
        const x = call.tensor(0);
        const at = axis === x.rank ? axis : call.axis(axis, x.rank);
        const [rows, columns] = [x.shape.slice(0, at), x.shape.slice(at)].map((s) => s.reduce((a, b) => a * b, 1));
        return reshape(f(reshape(x, [rows, columns]), 1), x.shape);
      },
    }),
    operator({
      name,
      since: 13,
      attributes: { axis: int(-1) },
      run(call, { axis }) {
        const x = call.tensor(0);
        return f(x, call.axis(axis, x.rank));
      },
    }),
  ];
}

/** 1 at the first largest element along the axis, 0 elsewhere. */
function hardmax(x: Tensor, axis: number): Tensor {
  const marks = oneHot(argmax(x, axis), x.shape[axis]);
  const order = x.shape.map((_, i) => (i < axis ? i : i === axis ? x.rank - 1 : i - 1));
  return transpose(marks, order);
}

/** Where the extreme lies; the last of equals if asked for. */
function position(name: string, f: (x: Tensor, axis: number) => Tensor): Operator {
  return operator({
    name,
    attributes: { axis: int(0), keepdims: flag(true), select_last_index: flag(false) },
    run(call, { axis, keepdims, select_last_index }) {
      const x = call.tensor(0);
      const at = call.axis(axis, x.rank);
      const found = cast(f(select_last_index ? flip(x, at) : x, at), "f32");
      const index = select_last_index ? sub(x.shape[at] - 1, found) : found;
      const kept = x.shape.flatMap((d, i) => (i === at ? (keepdims ? [1] : []) : [d]));
      return deviceValue("int64", reshape(index, kept));
    },
  });
}

function topKOf(call: Call, k: number, axis: number, largest: boolean): readonly Result[] {
  const x = call.tensor(0);
  const at = call.axis(axis, x.rank);
  if (!(Number.isInteger(k) && k >= 0 && k <= x.shape[at])) refuse(`k is ${k} for a side of ${x.shape[at]}`);
  const { values, indices } = topK(x, k, { axis: at, smallest: !largest });
  return [values, deviceValue("int64", cast(indices, "f32"))];
}

export const reductions: readonly Operator[] = [
  ...reduction("ReduceSum", sum, 13),
  ...reduction("ReduceMean", mean),
  ...reduction("ReduceMax", max),
  ...reduction("ReduceMin", min),
  ...reduction("ReduceProd", prod),
  ...reduction("ReduceL1", (x, axes, options) => sum(abs(x), axes, options)),
  ...reduction("ReduceL2", (x, axes, options) => norm(x, axes, options)),
  ...reduction("ReduceSumSquare", (x, axes, options) => sum(square(x), axes, options)),
  ...reduction("ReduceLogSum", (x, axes, options) => log(sum(x, axes, options))),
  ...reduction("ReduceLogSumExp", (x, axes, options) => logSumExp(x, axes, options)),
  ...normaliser("Softmax", softmax),
  ...normaliser("LogSoftmax", logSoftmax),
  ...normaliser("Hardmax", hardmax),
  position("ArgMax", argmax),
  position("ArgMin", argmin),
  operator({
    name: "TopK",
    until: 9,
    attributes: { axis: int(-1), k: int() },
    run: (call, { axis, k }) => topKOf(call, k, axis, true),
  }),
  operator({
    name: "TopK",
    since: 10,
    host: [1],
    attributes: { axis: int(-1), largest: flag(true), sorted: flag(true) },
    run: (call, { axis, largest }) => topKOf(call, call.number(1), axis, largest),
  }),
];
