/** Explanations of a row of a table as bars: which features, in which order, what is summed. */
import type { Feature } from "../../nn/index.js";
import { count } from "./picture.js";
import { signed } from "./scale.js";

/** A feature of one row, as a person reads it. */
export interface ShownFeature {
  readonly name: string;
  /** "37", "female", "0.125". */
  readonly value: string;
}

/** What one explainer says about one row. */
export interface RowExplanation {
  /** The explainer's name. */
  readonly name: string;
  /** One per feature, in the order of the features. */
  readonly contributions: ArrayLike<number>;
  /** The output where every feature is absent, for explainers that share out the difference to it. */
  readonly base?: number;
  /** The output that is explained. */
  readonly output?: number;
  /** A few words for the reader: "misses the output by 0.002". */
  readonly note?: string;
}

export interface Bar {
  readonly name: string;
  readonly value: string;
  readonly contribution: number;
}

/** A chart: bars from the most important feature down, the last one perhaps the sum of what is left. */
export interface BarChart {
  readonly title: string;
  readonly bars: readonly Bar[];
  /** Lines under the chart: base value, sum and output, notes. */
  readonly notes: readonly string[];
}

/**
 * Features by importance: the share of |contribution| in its explanation, averaged over the explanations, from the largest down;
 * equal ones in the order of the table. An explanation of zeros has no say.
 * @throws RangeError if explanations differ in length, or a contribution is not finite.
 */
export function featureOrder(explanations: readonly RowExplanation[]): number[] {
  const features = explanations[0]?.contributions.length ?? 0;
  const share = new Float64Array(features);
  for (const explanation of explanations) {
    checkContributions(explanation, features);
    const sizes = Array.from(explanation.contributions, Math.abs);
    const largest = Math.max(...sizes, 0);
    if (largest === 0) continue;
    // Divided twice, so that the sum of very large or very small sizes stays a number.
    const total = sizes.reduce((sum, size) => sum + size / largest, 0);
    sizes.forEach((size, i) => {
      share[i] += size / largest / total;
    });
  }
  return Array.from(share, (_, i) => i).sort((a, b) => share[b] - share[a] || a - b);
}

/** The chart of one explanation: the first `top` features in `order`, the others summed in one bar if they are two or more.
 *  @throws RangeError if the numbers of features do not agree, `top` is no positive whole number or a contribution is not finite. */
export function barChart(
  features: readonly ShownFeature[],
  explanation: RowExplanation,
  { top = 10, order = featureOrder([explanation]) }: { readonly top?: number; readonly order?: readonly number[] } = {},
): BarChart {
  const { name, contributions, note } = explanation;
  checkContributions(explanation, features.length);
  if (!(Number.isInteger(top) && top >= 1)) {
    throw new RangeError(`barChart: top ${top}; a positive whole number of features is needed`);
  }
  const chosen = order.length <= top + 1 ? order : order.slice(0, top);
  const bars: Bar[] = chosen.map((i) => ({ ...features[i], contribution: contributions[i] }));
  const rest = order.slice(chosen.length);
  if (rest.length > 0) {
    const contribution = rest.reduce((sum, i) => sum + contributions[i], 0);
    bars.push({ name: `${rest.length} other features, summed`, value: "", contribution });
  }
  return { title: name, bars, notes: [...balance(explanation), ...(note ? [note] : [])] };
}

/** The output as base value and contributions, and what is missing. */
function balance({ contributions, base, output }: RowExplanation): string[] {
  const sum = Array.from(contributions).reduce((a, b) => a + b, 0);
  const [whole, missing] = [(base ?? 0) + sum, (output ?? 0) - (base ?? 0) - sum];
  const lines: string[] = [];
  if (base !== undefined) lines.push(`base value ${short(base)}`, `contributions ${short(sum)}`);
  if (output !== undefined) lines.push(`output ${short(output)}`);
  // Within rounding of float32 sums nothing is missing.
  const negligible = 1e-4 * Math.max(Math.abs(base ?? 0), Math.abs(whole), Math.abs(output ?? 0));
  if (base !== undefined && output !== undefined && Math.abs(missing) > negligible) {
    lines.push(`not explained ${short(missing)}`);
  }
  return lines;
}

/** The largest |contribution| of a chart's bars. */
export const largestBar = ({ bars }: BarChart): number =>
  Math.max(0, ...bars.map(({ contribution }) => Math.abs(contribution)));

/** Attributions of the elements of a sample, [d], summed over each feature's: one per feature.
 *  @throws RangeError if a feature is at an element that is not there. */
export function featureContributions(features: readonly Feature[], attribution: ArrayLike<number>): Float64Array {
  return Float64Array.from(features, ({ name, at }) =>
    at.reduce((sum, i) => {
      if (!(i < attribution.length)) {
        throw new RangeError(
          `featureContributions: feature "${name}" is element ${i} of a sample; there are ${attribution.length}`,
        );
      }
      return sum + attribution[i];
    }, 0),
  );
}

/** A sample, [d], as a person reads it: categories and binary values by name, numbers in four digits as the network sees them. */
export function shownFeatures(features: readonly Feature[], sample: ArrayLike<number>): ShownFeature[] {
  return features.map(({ name, kind, at, values }) => {
    const elements = at.map((i) => sample[i]);
    const place = elements.length > 1 ? elements.indexOf(Math.max(...elements)) : elements[0] >= 0.5 ? 1 : 0;
    const named = kind === "numeric" ? undefined : values?.[place];
    return { name, value: named ?? elements.map((element) => String(Number(element.toPrecision(4)))).join(", ") };
  });
}

/** As a reader writes it: without a plus. */
const short = (value: number): string => signed(value).replace("+", "");

function checkContributions({ name, contributions }: RowExplanation, features: number): void {
  if (contributions.length !== features || features === 0) {
    throw new RangeError(
      `barChart: ${contributions.length} contributions of ${name} for ${features} features; one for each, and at least one, is needed`,
    );
  }
  const bad = count(contributions, (value) => !Number.isFinite(value));
  if (bad > 0) {
    throw new RangeError(
      `barChart: ${bad} of ${features} contributions of ${name} are NaN or infinite; a chart needs finite ones; look where the network made the first one`,
    );
  }
}
