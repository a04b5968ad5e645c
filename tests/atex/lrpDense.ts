/** The rules of relevance propagation a second time, from their formulas, over dense matrices in plain float64. */
import { add, reshape, sub, type Tensor, tensor, zeros } from "../../engine/index.js";
import { generator } from "../values.js";

/** y = m x + b */
export interface Affine {
  /** [outputs][inputs] */
  readonly m: readonly (readonly number[])[];
  readonly b: readonly number[];
}

/** The matrix of an affine function of samples of `shape`, column by column. */
export async function affineOf(f: (x: Tensor) => Tensor, shape: readonly number[]): Promise<Affine> {
  const n = shape.reduce((a, d) => a * d, 1);
  const at0 = f(zeros([1, ...shape]));
  const b = [...(await at0.read())];
  const units = Float64Array.from({ length: n * n }, (_, i) => Number(Math.floor(i / n) === i % n));
  const y = f(tensor(units, [n, ...shape]));
  const columns = [...(await reshape(sub(y, at0), [n * b.length]).read())];
  return { m: b.map((_, j) => Array.from({ length: n }, (_, i) => columns[i * b.length + j])), b };
}

export interface Rule {
  readonly kind: string;
  readonly epsilon?: number;
  readonly gamma?: number;
  readonly alpha?: number;
}

export interface Around {
  readonly stabiliser: number;
  readonly low?: number;
  readonly high?: number;
}

/** What input i contributes to output j; the bias is an input of value 1, except where the rule knows none. */
type Contribution = (x: number, w: number, z: number) => number;

const plus = (v: number): number => (v > 0 ? v : 0);
const minus = (v: number): number => (v < 0 ? v : 0);

/** Relevance of the inputs x, given that of the outputs. */
export function handBack(
  rule: Rule,
  { m, b }: Affine,
  x: readonly number[],
  r: readonly number[],
  { stabiliser, low = 0, high = 0 }: Around,
): number[] {
  const share = (of: number, part: Contribution, withBias: boolean, epsilon = stabiliser): number[] => {
    const out = x.map(() => 0);
    for (const [j, row] of m.entries()) {
      const z = row.reduce((s, w, i) => s + w * x[i], b[j]);
      const parts = row.map((w, i) => part(x[i], w, z));
      const total = parts.reduce((s, v) => s + v, withBias ? part(1, b[j], z) : 0);
      const denominator = total < 0 ? total - epsilon : total + epsilon;
      for (const i of x.keys()) out[i] += (of * r[j] * parts[i]) / denominator;
    }
    return out;
  };
  const { gamma = 0, alpha = 1 } = rule;
  switch (rule.kind) {
    case "epsilon":
      return share(1, (v, w) => v * w, true, rule.epsilon);
    case "gamma":
      return share(1, (v, w, z) => v * w + gamma * (z > 0 ? plus(v * w) : z < 0 ? minus(v * w) : 0), true);
    case "z-plus":
      return share(1, (v, w) => plus(v * w), true);
    case "alpha-beta": {
      const against = share(1 - alpha, (v, w) => minus(v * w), true);
      return share(alpha, (v, w) => plus(v * w), true).map((v, i) => v + against[i]);
    }
    case "z-box":
      return share(1, (v, w) => v * w - low * plus(w) - high * minus(w), false);
    case "w-squared":
      return share(1, (_, w) => w * w, false);
    case "flat":
      return share(1, (_, w) => Number(w !== 0), false);
    default:
      throw new Error(`no formula for ${rule.kind}`);
  }
}

/** Seeded numbers in [-scale, scale), shifted, that f32 can hold. */
export function drawn(seed: number, shape: readonly number[], scale = 1, shift = 0): Tensor {
  const next = generator(seed);
  const n = shape.reduce((a, d) => a * d, 1);
  return tensor(
    Float32Array.from({ length: n }, () => (2 * next() - 1) * scale + shift),
    shape,
  );
}

export const withBias = (y: Tensor, seed: number): Tensor =>
  add(y, reshape(drawn(seed, [y.shape[1]], 0.5), [y.shape[1], ...y.shape.slice(2).map(() => 1)]));
