import { aNumber, numbers } from "../../../engine/kinds.js";
import { requireArguments } from "../../../engine/options.js";
/** Eigenvectors of small symmetric matrices, on the host in float64. */

export interface Eigen {
  /** From the largest to the smallest, [n]. */
  readonly values: Float64Array;
  /** Orthonormal, one a row in the order of the values, [n,n]. */
  readonly vectors: Float64Array;
}

/** Sweeps after which it gives up; a handful is usual. */
const SWEEPS = 60;

/** Eigenvalues and eigenvectors of a symmetric matrix [n,n], of which the upper triangle is read, by cyclic Jacobi rotations.
 *  Source: Golub, Van Loan 2013, sec. 8.5. @throws RangeError for a size that does not fit and for numbers that are not finite. */
export function symmetricEigen(matrix: ArrayLike<number>, n: number): Eigen {
  requireArguments("symmetricEigen", { matrix: [matrix, numbers], n: [n, aNumber] });
  if (!Number.isInteger(n) || n < 1 || matrix.length !== n * n)
    throw new RangeError(`symmetricEigen: ${matrix.length} numbers for ${n} rows; ${n * n} are needed`);
  const a = Float64Array.from({ length: n * n }, (_, i) => {
    const [row, column] = [Math.floor(i / n), i % n];
    return matrix[Math.min(row, column) * n + Math.max(row, column)];
  });
  if (!a.every(Number.isFinite)) throw new RangeError("symmetricEigen: the matrix holds NaN or an infinity");
  const rows = Float64Array.from({ length: n * n }, (_, i) => Number(i % (n + 1) === 0));
  const scale = Math.sqrt(a.reduce((sum, v) => sum + v * v, 0));
  for (let sweep = 0; sweep < SWEEPS && offDiagonal(a, n) > 1e-15 * scale; sweep++)
    for (let p = 0; p < n - 1; p++) for (let q = p + 1; q < n; q++) rotate(a, rows, n, p, q);
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[j * n + j] - a[i * n + i]);
  return {
    values: Float64Array.from(order, (i) => a[i * n + i]),
    vectors: Float64Array.from({ length: n * n }, (_, i) => rows[order[Math.floor(i / n)] * n + (i % n)]),
  };
}

function offDiagonal(a: Float64Array, n: number): number {
  let total = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) total += 2 * a[i * n + j] ** 2;
  return Math.sqrt(total);
}

/** Makes element p,q zero by a rotation of rows and columns p and q. */
function rotate(a: Float64Array, rows: Float64Array, n: number, p: number, q: number): void {
  const apq = a[p * n + q];
  if (apq === 0) return;
  const tau = (a[q * n + q] - a[p * n + p]) / (2 * apq);
  // The smaller of the two angles.
  const t = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.hypot(1, tau));
  const c = 1 / Math.hypot(1, t);
  const s = t * c;
  const mix = (m: Float64Array, i: number, j: number): void => {
    const [u, v] = [m[i], m[j]];
    m[i] = c * u - s * v;
    m[j] = s * u + c * v;
  };
  for (let k = 0; k < n; k++) mix(a, k * n + p, k * n + q);
  for (let k = 0; k < n; k++) mix(a, p * n + k, q * n + k);
  for (let k = 0; k < n; k++) mix(rows, p * n + k, q * n + k);
}
