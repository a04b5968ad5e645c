/** The table: people made up (or a file of the reader's), a model that judges by one column, and the scaffold that hides it from LIME. */
import {
  argmax,
  callerScope,
  dispose,
  equal,
  mean,
  openScope,
  random,
  scope,
  slice,
  type Tensor,
  tensor,
} from "holdfast";
import {
  type Classifier,
  classScore,
  featureAttribution,
  featureImportance,
  featureIndex,
  featuresOf,
  gridsOf,
  limeQueries,
  makeExplainer,
  ranksOf,
  ruleClassifier,
  ruleOf,
  scaffolded,
  trainDetector,
  unrelatedColumns,
} from "holdfast/atex";
import { type Dataset, featureValues, hostSamples, openTable, type Split, type TablePreparation } from "holdfast/nn";
import { peopleCsv, SENSITIVE, TARGET } from "./people.js";
import type { Settings } from "./settings.js";

/** A table of the reader's. */
export interface TableFile {
  readonly csv: string;
  readonly name: string;
  /** The column that is predicted, and the one by which nobody should be judged. */
  readonly target: string;
  readonly sensitive: string;
}

export interface PersonAnswer {
  readonly name: string;
  readonly sensitive: string;
  /** The column that the explanation shows instead. */
  readonly shownInstead: string;
  readonly features: readonly string[];
  /** The person's values, in words. */
  readonly values: readonly string[];
  /** What the model says of the person, with and without the scaffold: the same. */
  readonly verdicts: readonly [honest: string, scaffolded: string];
  /** LIME's coefficient of each feature for that person. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Shares of `count` people for whom the sensitive column is LIME's first. */
  readonly first: readonly [before: number, after: number];
  /** Share of all test rows judged alike with and without the scaffold. */
  readonly alike: number;
  readonly count: number;
  readonly milliseconds: number;
}

/** People explained at once. */
const EXPLAINED = 40;
const LIME_SAMPLES = 400;
const COPIES = 4;

const rowsIn = (split: Split, count = split.labels.length): Float32Array =>
  hostSamples(
    split,
    Int32Array.from({ length: count }, (_, i) => i),
  );

/** A value in its column's own units, without what is left of rounding: it comes back from a multiple of the deviation in float32. */
function shownValue(value: string | number, { columns }: TablePreparation, name: string): string {
  if (typeof value === "string") return value;
  const column = columns.find((one) => one.name === name);
  const step = column?.kind === "numeric" ? 1e-5 * column.deviation : 0;
  return String(Math.abs(value) < step ? 0 : +value.toPrecision(4));
}

/** The data set of a table. @throws DataError for a table that cannot be used, RangeError for an unknown column. */
export function datasetOf(settings: Settings, file?: TableFile): Dataset & { readonly sensitive: string } {
  const { csv, name, target, sensitive } = file ?? {
    csv: peopleCsv({ count: settings.people, seed: settings.seed }),
    ...{ name: "people made up", target: TARGET, sensitive: SENSITIVE },
  };
  return { ...openTable(csv, { name, target, seed: settings.seed }), sensitive };
}

/** Slack's scaffold around a model that judges by the sensitive column alone, and what LIME says of it. Nothing stays alive.
 *  Source: Slack et al. 2020. */
export async function explainPerson(
  settings: Settings,
  file: TableFile | undefined,
  tell: (words: string) => void,
): Promise<PersonAnswer> {
  const began = performance.now();
  const { seed } = settings;
  const { name, domain, classes, train, test, preparation, sensitive } = datasetOf(settings, file);
  const at = featureIndex(domain, sensitive);
  const [unrelated] = unrelatedColumns(sensitive, train, domain, { classes: classes.length, count: 1 });
  const honest = ruleClassifier(ruleOf([sensitive], train, domain, classes.length));
  const innocuous = ruleClassifier(ruleOf([unrelated], train, domain, classes.length));
  const [width] = domain.shape;
  const rows = rowsIn(train);
  tell("The detector of LIME’s questions is being trained.");
  const here = openScope("table");
  try {
    const detector = await here.wait(
      trainDetector({
        ...{
          rows,
          queries: limeQueries(rows, { domain, copies: COPIES, noise: 1, seed }),
          grids: gridsOf(rows, width),
        },
        ...{ width, hidden: [32, 32], epochs: 6, batch: 512, learningRate: 0.01, seed },
      }),
    );
    const hidden = scaffolded(honest, innocuous, detector.score);
    tell("LIME explains.");
    const count = Math.min(EXPLAINED, test.labels.length);
    const x = tensor(rowsIn(test, count), [count, width]);
    const background = tensor(rows, [train.labels.length, width]);
    const person = settings.person % count;
    const lime = makeExplainer("lime", { samples: LIME_SAMPLES }, { domain, background, key: random.key(seed), seed });
    const explained = async (classifier: Classifier) => {
      const here = callerScope();
      const [coefficients, importance, predicted] = scope((): Tensor[] => {
        const classes = argmax(classifier(x), 1);
        const attribution = lime(classScore(classifier, classes), x);
        return [featureAttribution(attribution, domain), featureImportance(attribution, domain), classes];
      });
      const features = featuresOf(domain).length;
      const ranks = ranksOf(await here.wait(importance.read()), features, at);
      const own = await here.wait(scope(() => slice(coefficients, [person, 0], [1, features])).read());
      return {
        coefficients: Array.from(own),
        first: ranks.filter((rank) => rank === 1).length / count,
        verdict: classes[(await here.wait(predicted.read()))[person]],
      };
    };
    const [before, after] = [await here.wait(explained(honest)), await here.wait(explained(hidden))];
    const all = tensor(rowsIn(test), [test.labels.length, width]);
    const same = scope(() => mean(equal(argmax(honest(all), 1), argmax(hidden(all), 1))));
    const alike = await here.wait(same.item());
    dispose(detector.params);
    const values = featureValues(preparation!, rowsIn(test).subarray(person * width, (person + 1) * width));
    return {
      ...{ name, sensitive, shownInstead: unrelated, count, alike },
      features: featuresOf(domain).map((feature) => feature.name),
      values: Object.entries(values).map(([column, value]) => shownValue(value, preparation!, column)),
      verdicts: [before.verdict, after.verdict],
      ...{ before: before.coefficients, after: after.coefficients, first: [before.first, after.first] },
      milliseconds: performance.now() - began,
    };
  } finally {
    here.close();
  }
}
