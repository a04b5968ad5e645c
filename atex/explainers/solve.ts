/** Small symmetric systems on the host, in float64. */

/** The inverse of a symmetric positive definite matrix of `n` rows, or undefined where it is not one to working precision.
 *  By Cholesky's factor L: A⁻¹ = L⁻ᵀ L⁻¹. */
export function inverseOf(matrix: Float64Array, n: number): Float64Array | undefined {
  const factor = matrix.slice();
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, matrix[i * n + i]);
  for (let j = 0; j < n; j++) {
    let pivot = factor[j * n + j];
    for (let k = 0; k < j; k++) pivot -= factor[j * n + k] ** 2;
    if (!(pivot > 1e-13 * largest)) return undefined;
    const root = Math.sqrt(pivot);
    factor[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let v = factor[i * n + j];
      for (let k = 0; k < j; k++) v -= factor[i * n + k] * factor[j * n + k];
      factor[i * n + j] = v / root;
    }
  }
  // L⁻¹, column by column; kept by rows of its transpose, so that the product below runs along rows.
  const columns = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    const at = j * n;
    columns[at + j] = 1 / factor[j * n + j];
    for (let i = j + 1; i < n; i++) {
      let v = 0;
      for (let k = j; k < i; k++) v -= factor[i * n + k] * columns[at + k];
      columns[at + i] = v / factor[i * n + i];
    }
  }
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let v = 0;
      for (let k = i; k < n; k++) v += columns[i * n + k] * columns[j * n + k];
      inverse[i * n + j] = v;
      inverse[j * n + i] = v;
    }
  return inverse;
}

/** The matrix that gives the coefficients of a weighted ridge regression from the values: for features Z [s,g], weights w [s] that
 *  stand beside each row, and an intercept without penalty, (Zc'WZc + alpha I)⁻¹ Zc'W with Zc = Z less its weighted mean,
 *  [g,s]. Undefined where that inverse is not there. */
export function ridgeSolver(
  z: Float64Array,
  weights: ArrayLike<number>,
  g: number,
  alpha: number,
): Float64Array | undefined {
  const s = weights.length;
  const mean = new Float64Array(g);
  let total = 0;
  for (let r = 0; r < s; r++) {
    total += weights[r];
    for (let i = 0; i < g; i++) mean[i] += weights[r] * z[r * g + i];
  }
  const centred = Float64Array.from(z, (v, at) => v - mean[at % g] / total);
  const gram = new Float64Array(g * g);
  for (let r = 0; r < s; r++)
    for (let i = 0; i < g; i++) {
      const v = weights[r] * centred[r * g + i];
      for (let j = 0; j <= i; j++) gram[i * g + j] += v * centred[r * g + j];
    }
  for (let i = 0; i < g; i++) {
    gram[i * g + i] += alpha;
    for (let j = 0; j < i; j++) gram[j * g + i] = gram[i * g + j];
  }
  const inverse = inverseOf(gram, g);
  if (!inverse) return undefined;
  const solver = new Float64Array(g * s);
  for (let i = 0; i < g; i++)
    for (let r = 0; r < s; r++) {
      let v = 0;
      for (let j = 0; j < g; j++) v += inverse[i * g + j] * centred[r * g + j];
      solver[i * s + r] = v * weights[r];
    }
  return solver;
}
