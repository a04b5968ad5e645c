/** Matrix products. One op with transposition flags: its gradients are matrix products of the same tensors, uncopied. */

import { describe, ShapeError } from "../errors.js";
import { aFlag, requireTensor } from "../kinds.js";
import type { TensorSpec } from "../lower.js";
import { apply, type HostTensor, type OpSpec } from "../op.js";
import { checkedOptions } from "../options.js";
import { broadcastShapes, broadcastStrides, contiguousStrides, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { mul } from "./arithmetic.js";
import { forEachOffset } from "./host.js";
import { matmulCalls } from "./matmul.launch.js";
import { reshape } from "./movement.js";
import { sum } from "./reduce.js";

/** Options of `matmul`. */
export interface MatmulOptions {
  /** Swap the last two axes of an operand; nothing is copied. Not for vectors. */
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

const MATMUL_OPTIONS = { transposeA: aFlag, transposeB: aFlag };

export interface MatmulAttrs {
  readonly transA: boolean;
  readonly transB: boolean;
}

/** Matrix product over the last two axes; the others broadcast. a [...,m,k] · b [...,k,n] → [...,m,n]. A vector on the
 *  left counts as [1,k], on the right as [k,1], and the side of 1 is dropped from the result (as NumPy does).
 *  @throws ShapeError when the inner sides differ or the leading ones do not broadcast. */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { transposeA = false, transposeB = false } = checkedOptions("matmul", options, MATMUL_OPTIONS);
  requireTensor("matmul", a);
  requireTensor("matmul", b);
  if ((a.rank < 2 && transposeA) || (b.rank < 2 && transposeB) || a.rank === 0 || b.rank === 0)
    throw new ShapeError(
      `matmul: ${describe(a)} and ${describe(b)} given; scalars do not multiply and vectors do not transpose; reshape first`,
    );
  if (b.rank === 1) {
    const y = matmul(a, reshape(b, [b.size, 1]), { transposeA });
    return reshape(y, y.shape.slice(0, -1));
  }
  if (a.rank === 1) {
    const y = matmul(reshape(a, [1, a.size]), b, { transposeB });
    return reshape(y, [...y.shape.slice(0, -2), y.shape.at(-1)!]);
  }
  const attrs = { transA: transposeA, transB: transposeB };
  // Rows of a batch times one matrix are one tall product, and the matrix's gradient needs no sum over the batch.
  if (a.rank > 2 && b.rank === 2 && !transposeA) {
    const { shape } = matmulSpec.shape([a, b], attrs);
    return reshape(apply(matmulSpec, [reshape(a, [sizeOf(a.shape.slice(0, -1)), a.shape.at(-1)!]), b], attrs), shape);
  }
  return apply(matmulSpec, [a, b], attrs);
}
export const matmulSpec: OpSpec<MatmulAttrs> = {
  name: "matmul",
  shape: ([a, b], attrs) => {
    const [m, k] = matrixSides(a, attrs.transA);
    const [l, n] = matrixSides(b, attrs.transB);
    if (a.dtype !== "f32" || b.dtype !== "f32")
      throw new ShapeError(`matmul: ${describe(a)} and ${describe(b)} given; f32 is needed; convert with cast()`);
    if (k !== l)
      throw new ShapeError(
        `matmul: ${label(a, attrs.transA)} and ${label(b, attrs.transB)} have inner sides ${k} and ${l}; they must agree`,
      );
    return { shape: [...broadcastShapes("matmul", [a, b].map(leading)), m, n], dtype: "f32" };
  },
  reference: ([a, b], { transA, transB }, y) => {
    const [m, n] = y.shape.slice(-2);
    const k = matrixSides(a, transA)[1];
    const [am, ak] = transA ? [1, m] : [k, 1];
    const [bk, bn] = transB ? [1, k] : [n, 1];
    const batch = y.shape.slice(0, -2);
    forEachOffset(batch, [leadingStrides(a, batch), leadingStrides(b, batch)], (i, [a0, b0]) => {
      for (let row = 0; row < m; row++)
        for (let col = 0; col < n; col++) {
          let total = 0;
          for (let j = 0; j < k; j++) total += a.data[a0 + row * am + j * ak] * b.data[b0 + j * bk + col * bn];
          y.data[(i * m + row) * n + col] = total;
        }
    });
  },
  launch: (context, attrs) => matmulCalls(context, attrs),
  // With A = op(a), B = op(b), Y = AB: dA = G Bᵀ and dB = Aᵀ G; a transposed operand takes the transposed product.
  vjp: (g, { inputs: [a, b], attrs: { transA, transB } }) => [
    () =>
      transA
        ? matmul(b, g, { transposeA: transB, transposeB: true })
        : matmul(g, b, { transposeA: false, transposeB: !transB }),
    () =>
      transB
        ? matmul(g, a, { transposeA: true, transposeB: transA })
        : matmul(a, g, { transposeA: !transA, transposeB: false }),
  ],
  // Of one matrix: those of a stack are not the same for all of the result.
  channels: ([a, b], { transB }) =>
    b.shape.length === 2 ? { made: a.shape.length - 1, weights: transB ? 0 : 1 } : undefined,
  linearIn: [0, 1],
  sums: (terms) => [
    { inputs: [{ shape: [2, terms] }, { shape: [terms, 3] }], call: (a, b) => matmul(a, b), note: "few results" },
    {
      inputs: [{ shape: [terms >> 3, 40] }, { shape: [terms >> 3, 36] }],
      call: (a, b) => matmul(a, b, { transposeA: true }),
    },
  ],
  tolerance: { rtol: 1e-5, atol: 1e-5 },
  samples: () => [
    { inputs: [{ shape: [2, 3] }, { shape: [3, 4] }], call: (a, b) => matmul(a, b) },
    {
      inputs: [{ shape: [3, 2] }, { shape: [4, 3] }],
      call: (a, b) => matmul(a, b, { transposeA: true, transposeB: true }),
    },
    {
      inputs: [{ shape: [2, 1, 3, 2] }, { shape: [3, 2, 4] }],
      call: (a, b) => matmul(a, b),
      note: "batches broadcast",
    },
    { inputs: [{ shape: [2, 2, 3] }, { shape: [3, 2] }], call: (a, b) => matmul(a, b), note: "batch times one matrix" },
    { inputs: [{ shape: [3, 2] }, { shape: [4, 3, 2] }], call: (a, b) => matmul(a, b, { transposeB: true }) },
    { inputs: [{ shape: [3] }, { shape: [2, 3, 4] }], call: (a, b) => matmul(a, b), note: "vector on the left" },
    { inputs: [{ shape: [2, 3, 4] }, { shape: [4] }], call: (a, b) => matmul(a, b), note: "vector on the right" },
    { inputs: [{ shape: [5] }, { shape: [5] }], call: (a, b) => matmul(a, b), note: "two vectors" },
    { inputs: [{ shape: [2, 0] }, { shape: [0, 3] }], call: (a, b) => matmul(a, b), note: "an empty sum is 0" },
  ],
  draw: (d) => {
    const [m, n, k] = [d.int(1, 4), d.int(1, 4), d.int(1, 4)];
    const [transposeA, transposeB] = [d.boolean(), d.boolean()];
    const batch = d.shape({ maxRank: 2, maxSide: 3 });
    const other = batch.map((s) => (d.boolean() ? s : 1)).slice(d.int(0, batch.length));
    return {
      inputs: [
        { shape: [...batch, ...(transposeA ? [k, m] : [m, k])] },
        { shape: [...other, ...(transposeB ? [n, k] : [k, n])] },
      ],
      call: (a, b) => matmul(a, b, { transposeA, transposeB }),
    };
  },
  failures: () => [
    {
      inputs: [{ shape: [2, 3] }, { shape: [2, 3] }],
      call: (a, b) => matmul(a, b),
      message: /matmul: f32\[2,3\] and f32\[2,3\] have inner sides 3 and 2/,
    },
    {
      inputs: [{ shape: [2, 3] }, { shape: [3, 2] }],
      call: (a, b) => matmul(a, b, { transposeA: true }),
      message: /f32\[2,3\] transposed and .* inner sides 2 and 3/,
    },
    {
      inputs: [{ shape: [2, 2, 3] }, { shape: [3, 3, 2] }],
      call: (a, b) => matmul(a, b),
      message: /matmul: f32\[2\] and f32\[3\] do not broadcast/,
    },
    { inputs: [{ shape: [] }, { shape: [2] }], call: (a, b) => matmul(a, b), message: /scalars do not multiply/ },
    {
      inputs: [{ shape: [2, 3], dtype: "i32" }, { shape: [3, 2] }],
      call: (a, b) => matmul(a, b),
      message: /i32\[2,3\] and f32\[3,2\] given; f32 is needed/,
    },
  ],
};

function matrixSides({ shape }: TensorSpec, transposed: boolean): [number, number] {
  const [rows, columns] = shape.slice(-2);
  return transposed ? [columns, rows] : [rows, columns];
}
function leading({ shape, dtype }: TensorSpec): TensorSpec {
  return { shape: shape.slice(0, -2), dtype };
}
function leadingStrides({ shape }: HostTensor, batch: readonly number[]): number[] {
  return broadcastStrides(shape.slice(0, -2), contiguousStrides(shape).slice(0, -2), batch);
}
function label(t: TensorSpec, transposed: boolean): string {
  return transposed ? `${describe(t)} transposed` : describe(t);
}

/** Inner product of two vectors: [k] · [k] → []. @throws ShapeError when the lengths differ. */
export function dot(a: Tensor, b: Tensor): Tensor {
  requireTensor("dot", a);
  requireTensor("dot", b);
  if (a.rank !== 1 || b.rank !== 1 || a.size !== b.size)
    throw new ShapeError(`dot: ${describe(a)} and ${describe(b)} given; two vectors of one length are needed`);
  return sum(mul(a, b));
}

/** Outer product of two vectors: [m], [n] → [m,n]. */
export function outer(a: Tensor, b: Tensor): Tensor {
  requireTensor("outer", a);
  requireTensor("outer", b);
  if (a.rank !== 1 || b.rank !== 1)
    throw new ShapeError(`outer: ${describe(a)} and ${describe(b)} given; two vectors are needed`);
  return mul(reshape(a, [a.size, 1]), reshape(b, [1, b.size]));
}
