/** A network small enough to differentiate by hand, in plain float64: logits = W₂ softplus(W₁ x + b₁) + b₂. */
import { type Tensor, type Tree, tensor } from "../../engine/index.js";
import { dense, flatten, type Sequential, sequential, softplus } from "../../nn/index.js";
import { generator } from "../values.js";

export type Vector = readonly number[];
export type Matrix = readonly Vector[];

export interface Mlp {
  readonly w1: Matrix;
  readonly b1: Vector;
  readonly w2: Matrix;
  readonly b2: Vector;
}

/** Side lengths of an image, [c,h,w]. */
export const image = [1, 2, 3] as const;
export const pixels = 6;
export const classes = 3;
const hidden = 5;

export const dot = (a: Vector, b: Vector): number => a.reduce((s, v, i) => s + v * b[i], 0);
export const combine = (a: Vector, b: Vector, f: (p: number, q: number) => number): number[] =>
  a.map((v, i) => f(v, b[i]));
export const squared = (a: Vector): number => dot(a, a);
export const average = (a: Vector): number => a.reduce((s, v) => s + v, 0) / a.length;

/** A network of seeded parameters. */
export function mlp(seed: number): Mlp {
  const next = generator(seed);
  const vector = (n: number, scale: number): number[] => Array.from({ length: n }, () => (2 * next() - 1) * scale);
  return {
    w1: Array.from({ length: hidden }, () => vector(pixels, 1.5)),
    b1: vector(hidden, 0.5),
    w2: Array.from({ length: classes }, () => vector(hidden, 1.5)),
    b2: vector(classes, 0.5),
  };
}

/** m + t d, parameter by parameter. */
export function moved(m: Mlp, d: Mlp, t: number): Mlp {
  const go = (a: Vector, b: Vector): number[] => combine(a, b, (p, q) => p + t * q);
  return {
    w1: m.w1.map((row, i) => go(row, d.w1[i])),
    b1: go(m.b1, d.b1),
    w2: m.w2.map((row, i) => go(row, d.w2[i])),
    b2: go(m.b2, d.b2),
  };
}

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
const before = (m: Mlp, x: Vector): number[] => m.w1.map((row, h) => dot(row, x) + m.b1[h]);

export function logits(m: Mlp, x: Vector): number[] {
  const a = before(m, x).map((z) => Math.log1p(Math.exp(-Math.abs(z))) + Math.max(z, 0));
  return m.w2.map((row, c) => dot(row, a) + m.b2[c]);
}

/** ∂ logit c / ∂ x. */
export function explanation(m: Mlp, x: Vector, c: number): number[] {
  const slope = before(m, x).map(sigmoid);
  return Array.from({ length: pixels }, (_, i) => m.w2[c].reduce((s, w, h) => s + w * slope[h] * m.w1[h][i], 0));
}

/** ∂² logit c / ∂ x ∂ x. */
export function hessian(m: Mlp, x: Vector, c: number): Matrix {
  const bend = before(m, x).map((z) => sigmoid(z) * (1 - sigmoid(z)));
  return Array.from({ length: pixels }, (_, i) =>
    Array.from({ length: pixels }, (_, j) => m.w2[c].reduce((s, w, h) => s + w * bend[h] * m.w1[h][i] * m.w1[h][j], 0)),
  );
}

export function softmax(z: Vector): number[] {
  const top = Math.max(...z);
  const e = z.map((v) => Math.exp(v - top));
  const total = e.reduce((s, v) => s + v, 0);
  return e.map((v) => v / total);
}

export const crossEntropy = (m: Mlp, x: Vector, y: number): number => -Math.log(softmax(logits(m, x))[y]);

/** ∂ cross-entropy / ∂ x = Jᵀ (p − e_y). */
export function lossSlope(m: Mlp, x: Vector, y: number): number[] {
  const p = softmax(logits(m, x));
  const rows = p.map((_, c) => explanation(m, x, c));
  return Array.from({ length: pixels }, (_, i) => p.reduce((s, v, c) => s + (v - (c === y ? 1 : 0)) * rows[c][i], 0));
}

export const model: Sequential = sequential([flatten, dense(hidden), softplus(), dense(classes)]);

/** The parameters of `model`. */
export function parameters(m: Mlp): Tree {
  const layer = (weight: Matrix, bias: Vector): Tree => ({ weight: tensor(weight), bias: tensor(bias) });
  return [null, layer(m.w1, m.b1), null, layer(m.w2, m.b2)];
}

/** ⟨gradient, d⟩ of a tree like the parameters. */
export async function along(gradient: Tree, d: Mlp): Promise<number> {
  const parts: [Tensor, Vector][] = [
    [gradient[1].weight, d.w1.flat()],
    [gradient[1].bias, d.b1],
    [gradient[3].weight, d.w2.flat()],
    [gradient[3].bias, d.b2],
  ];
  let total = 0;
  for (const [g, v] of parts) total += dot([...(await g.read())], v);
  return total;
}
