/** Agreement of a result with the float64 truth, from a summary small enough to keep in the repository. */

/** What is kept of one array of n numbers. */
export interface ArraySummary {
  /** Number of entries, n. */
  readonly size: number;
  /** Euclidean norm. */
  readonly norm: number;
  /** Inner product with fixed pseudo-random weights in [-1, 1): an error anywhere moves it. */
  readonly projection: number;
  /** Entries at fixed pseudo-random places. */
  readonly samples: readonly number[];
}

/** Summaries of a case's results, by name. */
export type Summary = Readonly<Record<string, ArraySummary>>;

/** Where a result departs most from the truth. */
export interface Disagreement {
  readonly relativeError: number;
  readonly where: string;
  readonly got: number;
  readonly truth: number;
}

/** Relative error beyond which a result counts as wrong. */
export const tolerance = 1e-3;

const sampleCount = 12;
const scatter = (i: number) => Math.imul(i + 1, 0x9e3779b1) >>> 0;

/** Summary of an array in row-major order. */
export function summarise(values: ArrayLike<number>): ArraySummary {
  let squares = 0;
  let projection = 0;
  for (let i = 0; i < values.length; i++) {
    squares += values[i] * values[i];
    projection += values[i] * (scatter(i) / 2 ** 31 - 1);
  }
  const count = Math.min(sampleCount, values.length);
  const samples = Array.from(
    { length: count },
    (_, k) => values[values.length <= sampleCount ? k : scatter(k) % values.length],
  );
  return { size: values.length, norm: Math.sqrt(squares), projection, samples };
}

/**
 * The largest disagreement of a case's results with the truth: norm and projection relative to the true norm, samples
 * relative to the larger of the true entry and the root mean square of the true array.
 *
 * @throws if a result is missing or its size differs.
 */
export function compare(got: Summary, truth: Summary): Disagreement {
  let worst: Disagreement = { relativeError: -1, where: "", got: 0, truth: 0 };
  for (const [name, expected] of Object.entries(truth)) {
    const actual = got[name];
    if (actual?.size !== expected.size) {
      throw new Error(
        `compare: ${name} has ${actual?.size ?? "no"} entries ; ${expected.size} are needed ; return it whole`,
      );
    }
    const meet = (where: string, value: number, wanted: number, scale: number) => {
      const difference = Math.abs(value - wanted);
      // NaN disagrees without bound; exact agreement with a zero is agreement.
      const relativeError = Number.isFinite(difference) ? (difference === 0 ? 0 : difference / scale) : Infinity;
      if (relativeError > worst.relativeError)
        worst = { relativeError, where: `${name} ${where}`, got: value, truth: wanted };
    };
    meet("norm", actual.norm, expected.norm, expected.norm);
    meet("projection", actual.projection, expected.projection, expected.norm);
    const typical = expected.norm / Math.sqrt(expected.size);
    expected.samples.forEach((wanted, k) => {
      meet(`sample ${k}`, actual.samples[k], wanted, Math.max(Math.abs(wanted), typical));
    });
  }
  return worst;
}
