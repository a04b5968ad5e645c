/** Scores and backgrounds of tests that need no network of layers. */
import type { Score } from "../../atex/index.js";
import { add, matmul, mul, reshape, sum, type Tensor, tanh, tensor } from "../../engine/index.js";
import type { Domain } from "../../nn/index.js";
import { onReference } from "../executors.js";
import { check } from "../harness.js";
import { generator } from "../values.js";

/** `count` seeded numbers on [-scale, scale] that f32 holds exactly. */
export function numbers(seed: number, count: number, scale = 1): number[] {
  const next = generator(seed);
  return Array.from({ length: count }, () => Math.fround((2 * next() - 1) * scale));
}

/** Seeded samples, [n, ...shape]. */
export function samples(seed: number, n: number, shape: readonly number[], scale = 1): Tensor {
  const d = shape.reduce((a, b) => a * b, 1);
  return tensor(numbers(seed, n * d, scale), [n, ...shape]);
}

/** A curved network with one hidden layer, v · tanh(W x + b), of d inputs. */
export function network(seed: number, d: number, hidden = 8): Score {
  const w = numbers(seed, d * hidden, 1.5);
  const b = numbers(seed + 1, hidden);
  const v = numbers(seed + 2, hidden, 2);
  return (x) => {
    const z = reshape(x, [x.shape[0], d]);
    const h = tanh(add(matmul(z, tensor(w, [d, hidden])), tensor(b, [1, hidden])));
    return sum(mul(h, tensor(v, [1, hidden])), 1);
  };
}

/** w · x */
export function linear(w: readonly number[]): Score {
  return (x) => sum(mul(reshape(x, [x.shape[0], w.length]), tensor(w, [1, w.length])), 1);
}

/** A table: age and income, sex as one number, work in three one-hot elements. */
export const people: Domain = {
  shape: [6],
  range: { low: -4, high: 4 },
  features: [
    { name: "age", kind: "numeric", at: [0] },
    { name: "work", kind: "categorical", at: [1, 2, 4], values: ["farm", "shop", "office"] },
    { name: "sex", kind: "binary", at: [3], values: ["female", "male"] },
    { name: "income", kind: "numeric", at: [5] },
  ],
};

/** Seeded rows of that table, [m, 6]. */
export function peopleRows(seed: number, m: number): Tensor {
  const next = generator(seed);
  const rows = Array.from({ length: m }, () => {
    const work = Math.floor(next() * 3);
    const one = (i: number): number => (work === i ? 1 : 0);
    return [next() * 2 - 1, one(0), one(1), next() < 0.4 ? 1 : 0, one(2), next() * 3 - 1].map(Math.fround);
  });
  return tensor(rows);
}

/** Numeric features without names. */
export const plain = (d: number): Domain => ({ shape: [d], range: { low: -2, high: 2 } });

/** What `body` gives on the current executor agrees with float64. */
export async function likeReference(body: () => Tensor, tolerance: { rtol?: number; atol?: number }): Promise<void> {
  const here = await body().read();
  const exact = await onReference(async () => await body().read());
  check.close(here, exact, tolerance);
}

export const list = async (t: Tensor): Promise<number[]> => Array.from(await t.read(), Number);
