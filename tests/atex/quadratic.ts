/** A score that can be written out, f(x) = ½ xᵀAx + bᵀx, whose gradient is Ax + b: metrics are computed a second time on the
 *  host, in float64, one image and one draw at a time. */
import type { Score } from "../../atex/index.js";
import { add, matmul, mul, reshape, sum, type Tensor, tensor } from "../../engine/index.js";
import { gpuTest, referenceTest } from "../executors.js";

export const both = (name: string, body: () => Promise<void>): void => {
  gpuTest(`${name} (GPU)`, body);
  referenceTest(`${name} (reference)`, body);
};

export interface Quadratic {
  readonly A: readonly (readonly number[])[];
  readonly b: readonly number[];
}
export const dot = (u: ArrayLike<number>, v: ArrayLike<number>): number =>
  Array.from(u).reduce((s, a, i) => s + a * v[i], 0);
export const slope = ({ A, b }: Quadratic, x: ArrayLike<number>): number[] => A.map((row, i) => dot(row, x) + b[i]);
export const value = ({ A, b }: Quadratic, x: ArrayLike<number>): number =>
  dot(
    x,
    A.map((row) => dot(row, x) / 2),
  ) + dot(b, x);
export const length = (u: readonly number[]): number => Math.hypot(...u);

export function scoreOf({ A, b }: Quadratic): Score {
  const d = b.length;
  return (x) => {
    const z = reshape(x, [-1, d]);
    const half = mul(matmul(z, tensor(Float64Array.from(A.flat()), [d, d])), 0.5);
    return sum(mul(z, add(half, tensor(Float64Array.from(b), [1, d]))), 1);
  };
}

/** [n,1,h,w] as n lists. */
export async function images(x: Tensor): Promise<number[][]> {
  const data = Array.from(await x.read(), Number);
  const size = x.size / x.shape[0];
  return Array.from({ length: x.shape[0] }, (_, i) => data.slice(i * size, (i + 1) * size));
}

/** Its slope is zero at (½, ½), so that it turns around inside the balls of the tests. */
export const plane: Quadratic = {
  A: [
    [3, 1],
    [1, -2],
  ],
  b: [-2, 0.5],
};
export const twoPixels = (): Tensor => tensor(Float32Array.of(0.3, 0.6, 0.52, 0.5), [2, 1, 1, 2]);
