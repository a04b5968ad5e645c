/** The op table at middling sizes. Pointwise ops are called on a million elements by their own samples; what has an access pattern
 *  of its own says here at which sizes, and why it is slow where it is. */
import {
  arange,
  argmax,
  argmin,
  argsort,
  cast,
  concat,
  conv2d,
  conv2dFilter,
  conv2dInput,
  cumsum,
  gather,
  gatherAlong,
  logSoftmax,
  matmul,
  max,
  min,
  pad,
  prod,
  scatterAdd,
  scatterAlong,
  softmax,
  sort,
  sum,
  type Tensor,
} from "../engine/index.js";
import type { InputSpec, OpSpec } from "../engine/op.js";
import { windowSpread, windowSum } from "../engine/ops/pool.average.js";
import { gatherPool, poolIndices, scatterPool } from "../engine/ops/pool.max.js";
import { foldKey, randomBits } from "../engine/ops/random.js";
import { averageRank, concordance } from "../engine/ops/rank.js";
import { table } from "../engine/ops/table.js";
import { firstOfRows, topKMask } from "../engine/ops/topK.js";

export interface Sized {
  /** Name in the table of ops. */
  readonly op: string;
  readonly note?: string;
  readonly inputs: readonly InputSpec[];
  /** What the call gets instead of the inputs, made once. */
  readonly prepare?: (...inputs: Tensor[]) => Tensor[];
  readonly call: (...inputs: Tensor[]) => Tensor;
  /** Floating-point operations that no algorithm known to us spares; default none, so that bytes are the bound. */
  readonly flops?: number;
  /** Why it may take more than ten times its bound. */
  readonly reason?: string;
}

const square: InputSpec = { shape: [1024, 1024], low: -1, high: 1 };
const rows: InputSpec = { shape: [64, 4096], low: -1, high: 1 };
const integers = (shape: readonly number[], high: number): InputSpec => ({ shape, dtype: "i32", low: 0, high });
const values = (...shape: number[]): InputSpec => ({ shape, low: -1, high: 1 });
const key: InputSpec = { shape: [2], dtype: "u32", high: 2 ** 32 - 1 };

const pooling = { size: 3, stride: 2 } as const;
const image = [57, 57] as const;
const images = values(4, 32, ...image);
const pooled = values(4, 32, 28, 28);

interface ConvCase {
  readonly note: string;
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly stride?: number;
  readonly groups?: number;
}
const convolutions: readonly ConvCase[] = [
  { note: "3×3", x: [4, 32, 28, 28], w: [32, 32, 3, 3] },
  { note: "3×3 by 2", x: [4, 32, 28, 28], w: [64, 32, 3, 3], stride: 2 },
  { note: "1×1", x: [4, 64, 28, 28], w: [96, 64, 1, 1] },
  { note: "depthwise", x: [4, 64, 56, 56], w: [64, 1, 3, 3], groups: 64 },
  { note: "depthwise by 2", x: [4, 64, 56, 56], w: [64, 1, 3, 3], groups: 64, stride: 2 },
  { note: "32 groups", x: [4, 128, 28, 28], w: [128, 4, 3, 3], groups: 32 },
];

function convolutionCalls({ note, x, w, stride = 1, groups = 1 }: ConvCase): Sized[] {
  const [n, , ...side] = x as [number, number, number, number];
  const [k, c, ...window] = w as [number, number, number, number];
  const options = { stride, groups, padding: (window[0] - 1) / 2 };
  const out = side.map((h) => Math.ceil(h / stride));
  const g = values(n, k, ...out);
  const flops = 2 * n * k * out[0] * out[1] * c * window[0] * window[1];
  return [
    { op: "conv2d", note, inputs: [values(...x), values(...w)], call: (x, w) => conv2d(x, w, options), flops },
    {
      ...{ op: "conv2dInput", note, inputs: [g, values(...w)], flops },
      call: (g, w) => conv2dInput(g, w, { ...options, image: side }),
    },
    {
      ...{ op: "conv2dFilter", note, inputs: [values(...x), g], flops },
      call: (x, g) => conv2dFilter(x, g, { ...options, window }),
    },
  ];
}

const asked =
  "every pixel asks each window that covers it which pixel it chose: two loads with their bounds, four pixels at a time";
const rounds = "ten rounds of 64-bit products for four words, where a copy has no arithmetic";
const words = "every word is loaded by itself, from another row: a software driver loads lane by lane";
const pairs = "every element is compared with every other of its row: the work grows with the square of it";
const network =
  "a sorting network takes log² n passes over pairs of keys and positions, and rows are padded to a power of two";

const sized: readonly Sized[] = [
  { op: "sum", note: "rows", inputs: [square], call: (x) => sum(x, 1) },
  { op: "sum", note: "columns", inputs: [square], call: (x) => sum(x, 0) },
  { op: "sum", note: "all", inputs: [square], call: (x) => sum(x) },
  { op: "packHalf", inputs: [square], call: (x) => cast(x, "f16") },
  { op: "unpackHalf", inputs: [square], prepare: (x) => [cast(x, "f16")], call: (h) => cast(h, "f32") },
  { op: "max", inputs: [square], call: (x) => max(x, 1) },
  { op: "min", inputs: [square], call: (x) => min(x, 0) },
  { op: "prod", inputs: [square], call: (x) => prod(x, 1) },
  { op: "argmax", inputs: [square], call: (x) => argmax(x, 1) },
  { op: "argmin", inputs: [square], call: (x) => argmin(x, 0) },
  { op: "cumsum", note: "rows", inputs: [square], call: (x) => cumsum(x, 1) },
  { op: "cumsum", note: "columns", inputs: [square], call: (x) => cumsum(x, 0) },
  { op: "softmax", note: "rows", inputs: [square], call: (x) => softmax(x) },
  { op: "softmax", note: "columns", inputs: [square], call: (x) => softmax(x, 0) },
  { op: "logSoftmax", inputs: [square], call: (x) => logSoftmax(x) },
  { op: "concat", inputs: [square, values(1024, 511)], call: (x, y) => concat([x, y], 1), reason: words },
  {
    op: "place",
    note: "pad",
    inputs: [square],
    call: (x) =>
      pad(x, [
        [1, 1],
        [1, 1],
      ]),
  },
  { op: "matmul", inputs: [values(512, 512), values(512, 512)], call: (a, b) => matmul(a, b), flops: 2 * 512 ** 3 },
  {
    ...{ op: "matmul", note: "a stack", inputs: [values(64, 64, 64), values(64, 64, 64)], flops: 2 * 64 ** 4 },
    call: (a, b) => matmul(a, b),
  },
  { op: "matmul", note: "a vector", inputs: [values(1024, 1024), values(1024, 1)], call: (a, b) => matmul(a, b) },
  ...convolutions.flatMap(convolutionCalls),
  { op: "gather", inputs: [values(4096, 64), integers([8192], 4095)], call: (x, i) => gather(x, i) },
  {
    op: "gatherAlong",
    inputs: [square, integers([1024, 1024], 1023)],
    call: (x, i) => gatherAlong(x, i),
    reason: words,
  },
  {
    ...{ op: "scatterAdd", inputs: [values(4096, 64), integers([4096], 2047)], reason: network },
    call: (x, i) => scatterAdd(x, i, 2048),
  },
  {
    ...{ op: "scatterAlong", inputs: [rows, integers(rows.shape, 4095)], reason: network },
    call: (x, i) => scatterAlong(x, i, 4096),
  },
  { op: "windowSum", inputs: [images], call: (x) => windowSum(x, pooling) },
  { op: "windowSpread", inputs: [pooled], call: (g) => windowSpread(g, { ...pooling, image }) },
  { op: "poolIndices", inputs: [images], call: (x) => poolIndices(x, pooling) },
  {
    ...{ op: "gatherPool", inputs: [images], prepare: (x: Tensor) => [x, poolIndices(x, pooling)] },
    ...{ call: (x: Tensor, i: Tensor) => gatherPool(x, i, pooling) },
  },
  {
    ...{ op: "scatterPool", inputs: [pooled, images], prepare: (g: Tensor, x: Tensor) => [g, poolIndices(x, pooling)] },
    ...{ call: (g: Tensor, i: Tensor) => scatterPool(g, i, { ...pooling, image }), reason: asked },
  },
  { op: "argsort", inputs: [rows], call: (x) => argsort(x), reason: network },
  { op: "permute", note: "sort", inputs: [rows], call: (x) => sort(x), reason: network },
  {
    ...{ op: "firstOfRows", inputs: [rows], call: (x: Tensor) => firstOfRows(x, 16, true) },
    reason: "a pass over the row for every two bits of the key, with a barrier each",
  },
  {
    ...{ op: "topKMask", inputs: [rows], call: (x: Tensor) => topKMask(x, 64) },
    reason: "a pass over the row for every two bits of the key, with a barrier each",
  },
  { op: "averageRank", inputs: [values(64, 1024)], call: averageRank, reason: pairs },
  { op: "concordance", inputs: [values(64, 1024), values(64, 1024)], call: concordance, reason: pairs },
  { op: "randomBits", inputs: [key], call: (k) => randomBits(k, [1024, 1024]), reason: rounds },
  {
    ...{ op: "foldKey", inputs: [key, { shape: [], dtype: "u32" }], call: foldKey },
    reason: "one key of two words: what is measured is a dispatch",
  },
  { op: "arange", inputs: [], call: () => arange(2 ** 20) },
];

// biome-ignore lint/suspicious/noExplicitAny: attributes differ by op.
function pointwise(op: OpSpec<any>): Sized[] {
  const sample = op.samples().find(({ inputs }) => inputs.length > 0);
  if (!sample) return [];
  const inputs = sample.inputs.map((input) => ({ ...input, shape: square.shape, distinct: undefined }));
  return [{ op: op.name, inputs, call: sample.call }];
}

/** Every op of the table that makes something, at its sizes; and those for which none are given. */
export function sweepCalls(): { readonly calls: readonly Sized[]; readonly missing: readonly string[] } {
  const missing: string[] = [];
  const calls = table.flatMap((op) => {
    const own = sized.filter((one) => one.op === op.name);
    if (own.length > 0) return own;
    // Views cost nothing, and constants are part of what reads them.
    if (op.view || op.name === "constant") return [];
    const generated = op.expression ? pointwise(op) : [];
    if (generated.length === 0) missing.push(op.name);
    return generated;
  });
  return { calls, missing };
}
