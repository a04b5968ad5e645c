/** Pooling in one, two and three directions. */
import {
  abs,
  add,
  cast,
  floor,
  max,
  maximum,
  maxPool2d,
  mean,
  mul,
  pad,
  poolIndices,
  pow,
  reshape,
  slice,
  sub,
  sum,
  type Tensor,
  tensor,
  windowSum,
} from "../../../engine/index.js";
import { flag, float, int, ints, text } from "../attributes.js";
import { type Call, type Operator, operator, type Result, refuse } from "../operator.js";
import { deviceValue } from "../value.js";
import { flat, lowered, raised, tail } from "./convolution.js";
import { positionsOf, reach, spatialOf, type Windows, windowsOf } from "./windows.js";

const poolAttributes = {
  auto_pad: text("NOTSET"),
  ceil_mode: flag(false),
  dilations: ints(undefined),
  kernel_shape: ints(),
  pads: ints(undefined),
  strides: ints(undefined),
};

const pair = (list: readonly number[]): [number, number] => [list[0], list[1]];

const optionsOf = ({ size, stride, before, after }: Windows) => ({
  size: pair(size),
  stride: pair(stride),
  padding: [
    [before[0], after[0]],
    [before[1], after[1]],
  ] as const,
});

/** f on the slices of a volume over its last two sides, then along its depth. */
function byParts(x: Tensor, w: Windows, f: (x: Tensor, w: Windows) => Tensor): Tensor {
  const [n, c, d, h, width] = x.shape;
  const flatParts = f(reshape(x, [n, c * d, h, width]), tail(w));
  const [, , oh, ow] = flatParts.shape;
  const columns = f(reshape(flatParts, [n, c, d, oh * ow]), {
    size: [w.size[0], 1],
    stride: [w.stride[0], 1],
    dilation: [w.dilation[0], 1],
    before: [w.before[0], 0],
    after: [w.after[0], 0],
  });
  return reshape(columns, [n, c, columns.shape[2], oh, ow]);
}

/** In any number of directions by what f does in two. */
function anyRank(x: Tensor, w: Windows, f: (x: Tensor, w: Windows) => Tensor): Tensor {
  if (x.rank === 3) return lowered(f(raised(x), flat(w)));
  if (x.rank === 5) return byParts(x, w, f);
  return x.rank > 5 ? refuse(`input 0 has shape [${x.shape}]; one to three sides besides [n,c] are pooled`) : f(x, w);
}

function maxOf(x: Tensor, w: Windows): Tensor {
  return w.dilation.every((d) => d === 1) ? maxPool2d(x, optionsOf(w)) : dilatedMax(x, w);
}

/** The largest of shifted images. */
function dilatedMax(x: Tensor, w: Windows): Tensor {
  const sides = x.shape.slice(2);
  const [oh, ow] = positionsOf(sides, w);
  const wide = pad(
    x,
    [
      [0, 0],
      [0, 0],
      [w.before[0], w.after[0]],
      [w.before[1], w.after[1]],
    ],
    -Infinity,
  );
  const taps: Tensor[] = [];
  for (let r = 0; r < w.size[0]; r++)
    for (let s = 0; s < w.size[1]; s++) {
      const starts = [0, 0, r * w.dilation[0], s * w.dilation[1]];
      taps.push(slice(wide, starts, [x.shape[0], x.shape[1], oh, ow], [1, 1, ...w.stride]));
    }
  return taps.reduce((a, b) => maximum(a, b));
}

/** Sums over windows that may be dilated. */
function sumOf(x: Tensor, w: Windows): Tensor {
  if (w.dilation.every((d) => d === 1)) return windowSum(x, optionsOf(w));
  const [oh, ow] = positionsOf(x.shape.slice(2), w);
  const wide = pad(x, [
    [0, 0],
    [0, 0],
    [w.before[0], w.after[0]],
    [w.before[1], w.after[1]],
  ]);
  const taps: Tensor[] = [];
  for (let r = 0; r < w.size[0]; r++)
    for (let s = 0; s < w.size[1]; s++) {
      const starts = [0, 0, r * w.dilation[0], s * w.dilation[1]];
      taps.push(slice(wide, starts, [x.shape[0], x.shape[1], oh, ow], [1, 1, ...w.stride]));
    }
  return taps.reduce(add);
}

/** How many pixels each window holds along one side; `counted` is how far padding counts before and after. */
function countsAlong(side: number, w: Windows, i: number, counted: readonly [number, number]): number[] {
  const positions = Math.floor((side + w.before[i] + w.after[i] - reach(w.size[i], w.dilation[i])) / w.stride[i]) + 1;
  return Array.from({ length: positions }, (_, o) => {
    let count = 0;
    for (let t = 0; t < w.size[i]; t++) {
      const at = o * w.stride[i] - w.before[i] + t * w.dilation[i];
      if (at >= -counted[0] && at < side + counted[1]) count++;
    }
    return count;
  });
}

/** Sum over windows by how many pixels they hold. With `padded`, padding counts, but not what lies beyond it. */
function average(x: Tensor, w: Windows, beyond: readonly number[], padded: boolean): Tensor {
  const sides = x.shape.slice(2);
  const counts = sides.map((side, i) =>
    countsAlong(side, w, i, padded ? [w.before[i], w.after[i] - beyond[i]] : [0, 0]),
  );
  const full = w.size.reduce((a, b) => a * b, 1);
  const total = anyRank(x, w, sumOf);
  if (counts.every((list, i) => list.every((count) => count === w.size[i]))) return mul(total, 1 / full);
  const weights = counts.reduce<number[]>((all, list) => all.flatMap((a) => list.map((b) => a * b)), [1]);
  return mul(
    total,
    tensor(
      weights.map((count) => 1 / count),
      counts.map((list) => list.length),
    ),
  );
}

function averagePool(
  call: Call,
  attributes: Parameters<typeof windowsOf>[2],
  size: readonly number[],
  ceil: boolean,
  padded: boolean,
) {
  const sides = spatialOf(call);
  const windows = windowsOf(sides, size, attributes, ceil);
  const exact = windowsOf(sides, size, attributes);
  const beyond = windows.after.map((p, i) => p - exact.after[i]);
  return average(call.tensor(0), windows, beyond, padded);
}

/** Where each maximum lies in the whole input, row-major or (with `columns`) with the last two sides swapped. */
function maxima(x: Tensor, w: Windows, columns: boolean): Tensor {
  if (x.rank === 3) return lowered(maxima(raised(x), flat(w), false));
  if (x.rank !== FLAT || w.dilation.some((d) => d !== 1))
    refuse("the positions of maxima are asked for; they are given in one or two directions without dilation");
  const [n, c, height, width] = x.shape;
  const at = poolIndices(x, optionsOf(w));
  const row = cast(at, "f32");
  const within = columns ? swapped(row, height, width) : row;
  const planes = Float64Array.from({ length: n * c }, (_, i) => i * height * width);
  return add(within, tensor(planes, [n, c, 1, 1]));
}

const FLAT = 4;

/** Positions row·width + column as column·height + row. */
function swapped(at: Tensor, height: number, width: number): Tensor {
  // Half a position more keeps the rounding of the quotient away from whole numbers.
  const row = floor(mul(add(at, 0.5), 1 / width));
  const column = sub(at, mul(row, width));
  return add(mul(column, height), row);
}

function pNorm(x: Tensor, p: number, total: (x: Tensor) => Tensor): Tensor {
  if (p === 1) return total(abs(x));
  return pow(total(pow(abs(x), p)), 1 / p);
}

const sidesOf = (x: Tensor): number[] => x.shape.flatMap((_, i) => (i < 2 ? [] : [i]));

export const pooling: readonly Operator[] = [
  operator({
    name: "MaxPool",
    attributes: { ...poolAttributes, storage_order: int(0) },
    run(call, { kernel_shape, ceil_mode, storage_order, ...attributes }): readonly Result[] {
      const x = call.tensor(0);
      const windows = windowsOf(spatialOf(call), kernel_shape, attributes, ceil_mode);
      const y = anyRank(x, windows, maxOf);
      return call.wanted[1] ? [y, deviceValue("int64", maxima(x, windows, storage_order === 1))] : [y];
    },
  }),
  operator({
    name: "AveragePool",
    attributes: { ...poolAttributes, count_include_pad: flag(false) },
    run: (call, { kernel_shape, ceil_mode, count_include_pad, ...attributes }) =>
      averagePool(call, attributes, kernel_shape, ceil_mode, count_include_pad),
  }),
  operator({
    name: "LpPool",
    since: 2,
    attributes: { ...poolAttributes, p: int(2) },
    run(call, { kernel_shape, ceil_mode, p, ...attributes }) {
      const windows = windowsOf(spatialOf(call), kernel_shape, attributes, ceil_mode);
      return pNorm(call.tensor(0), p, (x) => anyRank(x, windows, sumOf));
    },
  }),
  operator({
    name: "GlobalAveragePool",
    run(call) {
      const x = call.tensor(0);
      return mean(x, sidesOf(x), { keepDims: true });
    },
  }),
  operator({
    name: "GlobalMaxPool",
    run(call) {
      const x = call.tensor(0);
      return max(x, sidesOf(x), { keepDims: true });
    },
  }),
  operator({
    name: "GlobalLpPool",
    since: 2,
    attributes: { p: int(2) },
    run: (call, { p }) => pNorm(call.tensor(0), p, (x) => sum(x, sidesOf(x), { keepDims: true })),
  }),
  operator({
    name: "LRN",
    attributes: { alpha: float(1e-4), beta: float(0.75), bias: float(1), size: int() },
    run(call, { alpha, beta, bias, size }) {
      const x = call.tensor(0);
      const [n, c] = x.shape;
      const rest = x.size / (n * c);
      const before = Math.floor((size - 1) / 2);
      const squares = reshape(mul(x, x), [n, 1, c, rest]);
      const near = windowSum(squares, {
        size: [size, 1],
        stride: 1,
        padding: [
          [before, size - 1 - before],
          [0, 0],
        ],
      });
      return mul(x, pow(add(mul(reshape(near, x.shape), alpha / size), bias), -beta));
    },
  }),
];
