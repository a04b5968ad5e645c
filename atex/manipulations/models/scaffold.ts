/** A model that shows explainers another face than the one it judges people by. */

import { add, div, greater, mul, reshape, slice, sub, tanh, tensor, where } from "../../../engine/index.js";
import { aCount, aNumber, aText, required } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import { type Domain, hostSamples, type Split } from "../../../nn/index.js";
import { aDomain, aSplit } from "../../../nn/kinds.js";
import { aClassifier, aScore, texts } from "../../kinds.js";
import type { Classifier, Score } from "../../score.js";
import { featureIndex, featuresOf } from "../columns.js";
import { aRule } from "../kinds.js";

/** e(x) = honest(x) where the detector says that x is a real row, its value above `threshold`, and innocuous(x) elsewhere. A classifier of
 *  ops like any other: explainers ask it, it can be captured, and gradients pass through the branch that is taken. Logits of both must have
 *  the same shape; detector: x [n, ...] → [n]. Source: Slack et al. 2020, sec. 3.1, eq. 2. */
export function scaffolded(honest: Classifier, innocuous: Classifier, detector: Score, threshold = 0): Classifier {
  requireArguments("scaffolded", {
    honest: [honest, aClassifier],
    innocuous: [innocuous, aClassifier],
    detector: [detector, aScore],
    threshold: [threshold, aNumber],
  });
  return (x) => {
    const real = reshape(greater(detector(x), threshold), [x.shape[0], 1]);
    return where(real, honest(x), innocuous(x));
  };
}

/** Size of a rule's logits, and how steep it is: a binary column's two values give 0.999 of it. */
const [LOGIT, STEEPNESS] = [5, 4];

/** What a rule looks at. */
interface RuleColumn {
  /** Element of a row. */
  readonly at: number;
  readonly threshold: number;
  /** Signed: negative where low values speak for the class `high`. */
  readonly deviation: number;
}

/** A judgement by a few columns, as `ruleOf` finds it and `ruleClassifier` makes a classifier of it. */
export interface Rule {
  readonly columns: readonly RuleColumn[];
  /** The classes that rows above and below the thresholds get. */
  readonly high: number;
  readonly low: number;
  /** Outputs in all; others than `high` and `low` are never predicted. */
  readonly classes: number;
}

/** The rule that looks at the named columns only, in the direction that they have in the rows: above its mean (halfway between the values
 *  of a binary column) each speaks for the class that it goes along with most. Source: Slack et al. 2020, sec. 4.1.
 *  @throws RangeError for an unknown column or one of several elements. */
export function ruleOf(names: readonly string[], rows: Split, domain: Domain, classes: number): Rule {
  requireArguments("ruleOf", {
    names: [names, texts],
    rows: [rows, aSplit],
    domain: [domain, aDomain],
    classes: [classes, aCount],
  });
  if (names.length === 0) throw new RangeError("rule: no column came; at least one is needed");
  const columns = names.map((name) => ({ name, values: columnOf(name, rows, domain) }));
  const gains = Array.from({ length: classes }, (_, c) =>
    correlation(
      columns[0].values,
      Float64Array.from(rows.labels, (label) => Number(label === c)),
    ),
  );
  const [high, low] = [gains.indexOf(Math.max(...gains)), gains.lastIndexOf(Math.min(...gains))];
  const labels = Float64Array.from(rows.labels, (label) => Number(label === high));
  return {
    ...{ high, low, classes },
    columns: columns.map(({ name, values }) => {
      const { kind, at } = featuresOf(domain)[featureIndex(domain, name)];
      const { centre, deviation } = momentsOf(values);
      const direction = correlation(values, labels) < 0 ? -1 : 1;
      return {
        at: at[0],
        threshold: kind === "binary" ? 0.5 : centre,
        deviation: direction * (kind === "binary" ? 0.5 : deviation || 1),
      };
    }),
  };
}

/** The rule as a classifier with steps smooth enough to have a gradient: logits ± 5 tanh(4 (x − threshold) / deviation), the mean over its
 *  columns; other classes get −10. */
export function ruleClassifier(rule: Rule): Classifier {
  requireArguments("ruleClassifier", { rule: [rule, aRule] });
  const { columns, high, low, classes } = rule;
  const direction = Float32Array.from({ length: classes }, (_, c) => Number(c === high) - Number(c === low));
  const offset = Float32Array.from(direction, (way) => (way === 0 ? -2 * LOGIT : 0));
  return (x) => {
    const n = x.shape[0];
    const sides = columns.map(({ at, threshold, deviation }) =>
      tanh(mul(div(sub(slice(x, [0, at], [n, 1]), threshold), deviation), STEEPNESS)),
    );
    const side = mul(
      sides.reduce((sum, one) => add(sum, one)),
      LOGIT / columns.length,
    );
    return add(mul(side, tensor(direction, [1, classes])), tensor(offset, [1, classes]));
  };
}

const UNRELATED_COLUMNS_OPTIONS: KindsOf<{ readonly classes: number; readonly count: number }> = {
  classes: required(aCount),
  count: required(aCount),
};

/** The columns that go least along with the sensitive one and with the classes: those of the smallest sum of absolute correlations, among
 *  columns of one element that a rule splits no less evenly than 1 to 3 (among all where there are not enough). */
export function unrelatedColumns(
  sensitive: string,
  rows: Split,
  domain: Domain,
  options: { readonly classes: number; readonly count: number },
): string[] {
  requireArguments("unrelatedColumns", {
    sensitive: [sensitive, aText],
    rows: [rows, aSplit],
    domain: [domain, aDomain],
  });
  const { classes, count } = checkedOptions("unrelatedColumns", options, UNRELATED_COLUMNS_OPTIONS);
  const judged = columnOf(sensitive, rows, domain);
  const ones = Array.from({ length: classes }, (_, c) =>
    Float64Array.from(rows.labels, (label) => Number(label === c)),
  );
  const others = featuresOf(domain)
    .filter(({ name, at }) => name !== sensitive && at.length === 1)
    .map(({ name, kind }) => {
      const values = columnOf(name, rows, domain);
      const centre = kind === "binary" ? 0.5 : momentsOf(values).centre;
      const above = values.filter((value) => value > centre).length / values.length;
      const related =
        Math.abs(correlation(values, judged)) +
        Math.max(...ones.map((labels) => Math.abs(correlation(values, labels))));
      return { name, related, even: above >= 0.25 && above <= 0.75 };
    })
    .sort((a, b) => Number(b.even) - Number(a.even) || a.related - b.related);
  if (others.length < count)
    throw new RangeError(`scaffold: ${count} unrelated columns asked for; there are ${others.length} of one element`);
  return others.slice(0, count).map(({ name }) => name);
}

/** The values of a column. @throws RangeError for a category. */
export function columnOf(name: string, rows: Split, domain: Domain): Float64Array {
  const { at } = featuresOf(domain)[featureIndex(domain, name)];
  if (at.length !== 1)
    throw new RangeError(`rule: "${name}" is a category of ${at.length} values; a numeric or binary column is needed`);
  const all = hostSamples(
    rows,
    Int32Array.from(rows.labels, (_, i) => i),
  );
  return Float64Array.from(rows.labels, (_, i) => all[i * domain.shape[0] + at[0]]);
}

function momentsOf(values: Float64Array): { centre: number; deviation: number } {
  const centre = values.reduce((a, b) => a + b, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((s, v) => s + (v - centre) ** 2, 0) / values.length);
  return { centre, deviation };
}

/** Pearson's correlation; 0 where one does not vary. */
export function correlation(a: Float64Array, b: Float64Array): number {
  const [p, q] = [momentsOf(a), momentsOf(b)];
  const spread = p.deviation * q.deviation * a.length;
  return spread === 0 ? 0 : a.reduce((s, v, i) => s + (v - p.centre) * (b[i] - q.centre), 0) / spread;
}
