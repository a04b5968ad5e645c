/** Reductions that make what they read: their first input lies in memory only for others. */
import { executor } from "../../engine/executor.js";
import type { GpuExecutor } from "../../engine/gpu/executor.js";
import {
  abs,
  add,
  capture,
  exp,
  expand,
  max,
  mean,
  mul,
  prod,
  reshape,
  slice,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
  transpose,
} from "../../engine/index.js";
import { sizeOf } from "../../engine/shape.js";
import { gpuTest } from "../executors.js";
import { check } from "../harness.js";
import { generator } from "../values.js";

/** Numbers from -1 to 1. */
function values(shape: readonly number[]): Float32Array {
  const random = generator(sizeOf(shape));
  return Float32Array.from({ length: sizeOf(shape) }, () => 2 * random() - 1);
}

type Made = (...given: Tensor[]) => Tensor;

/** Large enough that a software adapter has prologues too; whole vectors and odd rows, operands in order, across it and broadcast. */
const cases: readonly { name: string; shapes: number[][]; of: Made; plan: RegExp }[] = [
  {
    name: "all of a product, in parts",
    ...{
      shapes: [
        [300, 400],
        [300, 400],
      ],
      of: (x, y) => sum(mul(x, y)),
      plan: /mul\+reduce /,
    },
  },
  {
    name: "rows, with a broadcast operand in vectors",
    ...{ shapes: [[300, 400], [400]], of: (x, b) => sum(square(sub(x, b)), 1), plan: /sub_square\+reduce / },
  },
  {
    name: "rows, with an operand that is the same along them",
    ...{
      shapes: [
        [300, 400],
        [300, 1],
      ],
      of: (x, b) => sum(square(sub(x, b)), 1),
      plan: /sub_square\+reduce /,
    },
  },
  {
    name: "columns, with an epilogue",
    ...{ shapes: [[400, 300], [300]], of: (x, b) => sqrt(sum(mul(x, b), 0)), plan: /mul\+reduce\+sqrt / },
  },
  {
    name: "odd sides",
    ...{ shapes: [[301, 403], [403]], of: (x, b) => sum(abs(add(x, b)), 1), plan: /add_abs\+reduce / },
  },
  {
    name: "odd sides, columns",
    ...{ shapes: [[301, 403], [403]], of: (x, b) => sum(abs(add(x, b)), 0), plan: /add_abs\+reduce / },
  },
  {
    name: "an operand across the order of the sum",
    ...{
      shapes: [
        [300, 400],
        [400, 300],
      ],
      of: (x, y) => sum(mul(x, transpose(y)), 0),
      plan: /mul\+reduce /,
    },
  },
  {
    name: "one operand in vectors, and its first column",
    ...{
      shapes: [[300, 400]],
      of: (x) => sum(square(sub(x, slice(x, [0, 0], [300, 1]))), 1),
      plan: /sub_square\+reduce /,
    },
  },
  {
    name: "two passes, of which the first alone reads",
    ...{
      shapes: [
        [40, 30, 80],
        [30, 1],
      ],
      of: (x, b) => mean(mul(x, b), [0, 2]),
      plan: /mul\+reduce /,
    },
  },
  {
    name: "the largest",
    ...{ shapes: [[300, 400], [400]], of: (x, b) => max(mul(x, b), 1), plan: /mul\+reduce / },
  },
  {
    name: "a product",
    ...{ shapes: [[9000, 8]], of: (x) => prod(add(x, 1), 1), plan: /add\+reduce / },
  },
];

for (const { name, shapes, of, plan } of cases)
  gpuTest(`prologue: ${name}`, async () => {
    const given = shapes.map((shape) => tensor(values(shape), shape));
    const step = capture(of);
    const y = step(...given);
    check.match(step.describe(), plan);
    const expected = await of(...given).read();
    check.close(await y.read(), expected, { atol: 1e-5 * Math.max(...expected.map(Math.abs)) }, name);
    step.dispose();
  });

/** What a reduction makes and others read too: window sums' gradients, whose loops are in windows, odd rows, views. */
const stored: readonly { name: string; shapes: number[][]; of: Made; axes: number[] }[] = [
  { name: "whole vectors", ...{ shapes: [[300, 400], [400]], of: mul, axes: [1] } },
  { name: "columns", ...{ shapes: [[400, 300], [300]], of: mul, axes: [0] } },
  {
    name: "odd sides",
    ...{
      shapes: [
        [301, 403],
        [301, 1],
      ],
      of: mul,
      axes: [1],
    },
  },
  { name: "odd sides, columns", ...{ shapes: [[301, 403], [403]], of: mul, axes: [0] } },
  {
    name: "two passes",
    ...{
      shapes: [
        [16, 24, 14, 14],
        [24, 1, 1],
      ],
      of: mul,
      axes: [0, 2, 3],
    },
  },
  {
    name: "windows that are not whole vectors",
    ...{ shapes: [[400, 12, 14], [400, 6, 7]], of: (x, y) => mul(x, spread(y)), axes: [1, 2] }, // biome-ignore format: one line
  },
  {
    name: "windows, two to a vector",
    ...{ shapes: [[400, 12, 28], [400, 6, 14]], of: (x, y) => mul(x, spread(y)), axes: [1, 2] }, // biome-ignore format: one line
  },
  {
    name: "an operand that begins inside a vector",
    ...{ shapes: [[1, 300 * 400 + 1], [400]], of: (x, b) => mul(reshape(slice(x, [0, 1], [1, 300 * 400]), [300, 400]), b), axes: [1] }, // biome-ignore format: one line
  },
  {
    name: "windows, and an operand that begins with a later vector",
    ...{ shapes: [[1, 400 * 12 * 14 + 8], [400, 6, 7]], of: (x, y) => mul(reshape(slice(x, [0, 8], [1, 400 * 12 * 14]), [400, 12, 14]), spread(y)), axes: [1, 2] }, // biome-ignore format: one line
  },
];

/** Every row and every column twice. */
function spread(y: Tensor): Tensor {
  const [n, rows, columns] = y.shape;
  return reshape(expand(reshape(y, [n, rows, 1, columns, 1]), [n, rows, 2, columns, 2]), [n, 2 * rows, 2 * columns]);
}

for (const { name, shapes, of, axes } of stored)
  gpuTest(`prologue that stores: ${name}`, async () => {
    const given = shapes.map((shape) => tensor(values(shape), shape));
    const work = (...xs: Tensor[]): Tensor[] => {
      const made = exp(of(...xs));
      return [sum(made, axes), made];
    };
    const step = capture((...xs: Tensor[]) => work(...xs));
    const results = step(...given);
    const { capabilities } = (executor() as GpuExecutor).device;
    if (capabilities.software) check.match(step.describe(), /exp\+reduce /);
    for (const [i, expected] of work(...given).entries()) {
      const numbers = await expected.read();
      check.close(await results[i].read(), numbers, i === 0 ? { rtol: 1e-5 } : { atol: 0, rtol: 0 }, name);
    }
    step.dispose();
  });

gpuTest("a prologue hands on NaN and infinities, and rounds as its ops do", async () => {
  const shape = [64, 2048];
  const x = values(shape);
  const big = x.map((v) => Math.fround(v + 3e7));
  x[5] = Number.NaN;
  x[2048 + 7] = Number.POSITIVE_INFINITY;
  x[2 * 2048 + 7] = Number.POSITIVE_INFINITY;
  x[2 * 2048 + 8] = Number.NEGATIVE_INFINITY;
  const rows = capture((a: Tensor) => sum(mul(a, 2), 1));
  const sums = await rows(tensor(x, shape)).read();
  check.equal([...sums.slice(0, 3)], [Number.NaN, Number.POSITIVE_INFINITY, Number.NaN]);
  // A driver that takes (x + c) - c for x would keep what the addition rounds away.
  const rounded = capture((a: Tensor) => sum(sub(add(a, 3e7), a), 1));
  const apart = await sum(sub(add(tensor(big, shape), 3e7), tensor(big, shape)), 1).read();
  const together = rounded(tensor(big, shape));
  check.match(rounded.describe(), /add_sub\+reduce /);
  check.close(await together.read(), apart, { atol: 0, rtol: 1e-6 });
  rows.dispose();
  rounded.dispose();
});

gpuTest("what was given up is not overwritten while a prologue may still read it", async () => {
  const [m, b] = [values([512, 512]), values([512])];
  const of = (m: Tensor, b: Tensor): Tensor => add(sum(mul(m, b), 1), b);
  const expected = await of(tensor(m, [512, 512]), tensor(b, [512])).read();
  const step = capture(of, { donate: [1] });
  const y = step(tensor(m, [512, 512]), tensor(b, [512]));
  check.match(step.describe(), /mul\+reduce\+add /);
  check.close(await y.read(), expected, { atol: 1e-4 });
  step.dispose();
});
