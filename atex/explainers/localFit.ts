/** Weighted ridge regression per sample, as ops: LIME's local model. */
import {
  abs,
  add,
  argmax,
  argsort,
  concat,
  div,
  expand,
  eye,
  greater,
  less,
  matmul,
  maximum,
  mul,
  oneHot,
  reshape,
  slice,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
  where,
} from "../../engine/index.js";

/** What a local model is fitted to: s perturbed copies of each of n samples, with g features. A side of 1 in place of n means that it
 *  is the same for all samples. */
export interface Design {
  /** [1 or n, s, g] */
  readonly features: Tensor;
  /** How much each copy counts, [1 or n, s]. */
  readonly weights: Tensor;
  /** Scores, [n, s]. */
  readonly values: Tensor;
  /** The regression as a matrix [g, s], where features and weights are known beforehand. */
  readonly solver?: Float64Array;
}

export interface FitOptions {
  /** Penalty of the squared coefficients. */
  readonly alpha: number;
  /** "highest" fits all features first and keeps those with the largest absolute coefficients; "forward" adds the feature that
   *  explains most of what is left, without penalty, again and again. */
  readonly select: "none" | "highest" | "forward";
  /** Features kept by a selection. */
  readonly keep: number;
}

export interface Fit {
  /** [n, g]; 0 for features that were not selected. */
  readonly coefficients: Tensor;
  /** The model's value where all features are 0, [n]. */
  readonly intercept: Tensor;
  /** Share of the weighted variance of the scores that the model explains, [n]; at most 1, and 0 where there is none. */
  readonly r2: Tensor;
}

/** Minimises Σ w (values − intercept − features · β)² + alpha |β|², for each sample. */
export function fitLocal({ features, weights, values, solver }: Design, { alpha, select, keep }: FitOptions): Fit {
  const [n, s] = values.shape;
  const [r, , g] = features.shape;
  const total = sum(weights, 1, { keepDims: true }); // [r, 1]
  const share = div(weights, total);
  const centre = matmul(reshape(share, [r, 1, s]), features); // [r, 1, g]
  const z = sub(features, centre);
  const level = sum(mul(values, share), 1, { keepDims: true }); // [n, 1]
  const y = sub(values, level);

  const coefficients = solver && select === "none" ? matmul(y, tensor(solver, [g, s]), { transposeB: true }) : solve();
  const predicted = reshape(matmul(z, reshape(coefficients, [n, g, 1])), [n, s]);
  const left = sum(mul(square(sub(y, predicted)), share), 1);
  const there = sum(mul(square(y), share), 1);
  const some = greater(there, 0);
  return {
    coefficients,
    intercept: sub(reshape(level, [n]), sum(mul(coefficients, reshape(centre, [r, g])), 1)),
    r2: where(some, sub(1, div(left, where(some, there, 1))), 0),
  };

  function solve(): Tensor {
    const weighted = mul(z, reshape(weights, [r, s, 1]));
    const gram = matmul(z, weighted, { transposeA: true }); // [r, g, g]
    const right = reshape(matmul(weighted, reshape(y, [n, s, 1]), { transposeA: true }), [n, g]);
    if (select === "none" || keep >= g) return solveRidge(gram, right, alpha);
    const kept = select === "forward" ? forward(gram, right, keep) : largest(abs(solveRidge(gram, right, alpha)), keep);
    return solveRidge(gram, right, alpha, kept);
  }
}

/** (gram + alpha I) β = right for the features in `kept`, 0 for the others: gram [1 or n, g, g], right and kept [n, g] → [n, g].
 *  By Gauss-Jordan elimination; positive definite matrices need no pivoting. */
export function solveRidge(gram: Tensor, right: Tensor, alpha: number, kept?: Tensor): Tensor {
  const [n, g] = right.shape;
  const all = expand(gram, [n, g, g]);
  const identity = reshape(eye(g), [1, g, g]);
  let matrix: Tensor;
  if (kept) {
    const both = mul(reshape(kept, [n, g, 1]), reshape(kept, [n, 1, g]));
    const others = mul(identity, sub(1, reshape(kept, [n, g, 1])));
    matrix = add(add(mul(all, both), others), mul(identity, alpha));
  } else matrix = add(all, mul(identity, alpha));
  let rows = concat([matrix, reshape(kept ? mul(right, kept) : right, [n, g, 1])], 2);
  for (let i = 0; i < g; i++) {
    const pivot = slice(rows, [0, i, i], [n, 1, 1]);
    // A feature that never varies has a row of zeros, and gets 0.
    const row = div(slice(rows, [0, i, 0], [n, 1, g + 1]), maximum(pivot, 1e-20));
    const column = sub(slice(rows, [0, 0, i], [n, g, 1]), reshape(slice(eye(g), [0, i], [g, 1]), [1, g, 1]));
    rows = sub(rows, mul(column, row));
  }
  return reshape(slice(rows, [0, 0, g], [n, g, 1]), [n, g]);
}

/** 1 for the `keep` largest of each row, else 0; among equals the first. [n, g] → [n, g] */
function largest(values: Tensor, keep: number): Tensor {
  return less(argsort(argsort(values, { descending: true })), tensor(Int32Array.of(keep)));
}

/** Features chosen one after another: the one that lowers the weighted sum of squares most, b_i² / A_ii with A and b less what the
 *  chosen ones explain. */
function forward(gram: Tensor, right: Tensor, keep: number): Tensor {
  const [n, g] = right.shape;
  let a = expand(gram, [n, g, g]);
  let b = right;
  let chosen = mul(right, 0);
  const scale = maximum(diagonal(a), 1e-20);
  for (let k = 0; k < keep; k++) {
    // What the chosen ones explain of a feature leaves a variance of 0 and a rounding error.
    const free = mul(sub(1, chosen), greater(div(diagonal(a), scale), 1e-6));
    const gain = where(free, div(square(b), where(free, diagonal(a), 1)), sub(-1, chosen));
    const pick = oneHot(argmax(gain, 1), g);
    const column = matmul(a, reshape(pick, [n, g, 1])); // [n, g, 1]
    const row = reshape(column, [n, 1, g]);
    const pivot = maximum(sum(mul(reshape(column, [n, g]), pick), 1, { keepDims: true }), 1e-20);
    b = sub(b, mul(reshape(column, [n, g]), div(sum(mul(b, pick), 1, { keepDims: true }), pivot)));
    a = sub(a, div(mul(column, row), reshape(pivot, [n, 1, 1])));
    chosen = add(chosen, pick);
  }
  return chosen;
}

/** [n,g,g] → [n,g] */
function diagonal(a: Tensor): Tensor {
  return sum(mul(a, reshape(eye(a.shape[1]), [1, a.shape[1], a.shape[1]])), 2);
}
