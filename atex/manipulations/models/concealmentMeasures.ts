/** What concealed unfairness is measured by, beside what all manipulations are. */
import { argmax, callerScope, scope, softmax, type Tensor, tensor } from "../../../engine/index.js";
import { type Feature, hostSamples, type Split, sampleSize, sampleTensor } from "../../../nn/index.js";
import { mean } from "../../experiments/statistics.js";
import { fairness } from "../../metrics/fairness.js";
import type { Classifier } from "../../score.js";
import { featureImportance, featuresOf, ranksOf } from "../columns.js";
import { attributionsOf } from "../explaining.js";
import type { ManipulationWorld, Measured } from "../manipulation.js";
import { finiteMean } from "../study.js";
import type { ConcealedNetworks } from "./concealment.js";

type Name = keyof ConcealedNetworks;
const NAMES: readonly Name[] = ["honest", "control", "concealed"];

/** Ranks that are told one by one; those after are told together. */
const TOLD = 3;

export interface RankOptions {
  /** The feature in question. */
  readonly column: number;
  readonly explainers: readonly string[];
  /** Rows of the test part. */
  readonly rows: readonly number[];
}

/** How often the column has which rank, under each explainer and in each network, of the class that the network predicts. */
export async function ranksUnder(
  networks: ConcealedNetworks,
  world: ManipulationWorld,
  { column, explainers, rows }: RankOptions,
): Promise<Measured[]> {
  const here = callerScope();
  const { domain, explainer: make, test } = world;
  const features = featuresOf(domain).length;
  const x = sampleTensor(test, rows);
  const found: Measured[] = [];
  for (const explainer of explainers) {
    world.say(`ranks under ${explainer}`);
    const ranks = {} as Record<Name, number[]>;
    for (const name of NAMES) {
      const attribution = await here.wait(attributionsOf(make, explainer, { classifier: networks[name], x }));
      const importance = scope(() => featureImportance(attribution, domain));
      ranks[name] = ranksOf(await here.wait(importance.read()), features, column);
    }
    for (const name of NAMES) {
      const of = (conditions: Measured["conditions"], metric: string, values: readonly number[]): Measured => ({
        ...{ metric, value: mean(values), count: values.length },
        conditions: { network: name, explainer, ...conditions },
      });
      found.push({ ...of({}, "mean rank", ranks[name]), ...finiteMean(ranks[name]) });
      if (name === "control") continue;
      for (let rank = 1; rank <= TOLD; rank++)
        found.push(
          of(
            { rank },
            "share of rows",
            ranks[name].map((r) => Number(r === rank)),
          ),
        );
      found.push(
        of(
          { rank: "later" },
          "share of rows",
          ranks[name].map((r) => Number(r > TOLD)),
        ),
      );
    }
    found.push(...departures(ranks, explainer));
  }
  return found;
}

/** Of the rows where the honest network names the column first, the share where another does not; nothing where there are none. */
export function departures(ranks: Readonly<Record<Name, readonly number[]>>, explainer: string): Measured[] {
  const firsts = ranks.honest.flatMap((rank, i) => (rank === 1 ? [i] : []));
  if (firsts.length === 0) return [];
  return (["control", "concealed"] as const).map((network) => ({
    metric: "left the first rank",
    value: mean(firsts.map((i) => Number(ranks[network][i] > 1))),
    ...{ count: firsts.length, conditions: { network, explainer } },
  }));
}

/** Who belongs to the group in question: of a binary feature those with the second value, of a numeric one those above the training
 *  median, of a categorical one all but the most frequent category. Zeros and ones for the rows of `split`. */
export function groupsBy({ kind, at }: Feature, train: Split, split: Split): number[] {
  const width = sampleSize(split.shape);
  const values = (of: Split, element: number): number[] =>
    Array.from({ length: of.labels.length }, (_, i) => of.samples[i * width + element]);
  if (kind === "categorical") {
    const counts = at.map((element) => values(train, element).reduce((sum, v) => sum + v, 0));
    return values(split, at[counts.indexOf(Math.max(...counts))]).map((v) => 1 - v);
  }
  if (kind === "binary") return values(split, at[0]).map((v) => Number(v > 0.5));
  const sorted = values(train, at[0]).sort((a, b) => a - b);
  const median = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
  return values(split, at[0]).map((v) => Number(v > median));
}

async function predictionsOf(classifier: Classifier, x: Tensor): Promise<number[]> {
  return Array.from(await scope(() => argmax(classifier(x), 1)).read());
}

/** Fairness metrics of each network on the test part, and how many predictions differ from the honest one's. */
export async function fairnessOf(
  networks: ConcealedNetworks,
  { train, test }: ManipulationWorld,
  { feature, favourable }: { readonly feature: Feature; readonly favourable: number },
): Promise<Measured[]> {
  const here = callerScope();
  const { labels } = test;
  const groups = groupsBy(feature, train, test);
  const x = sampleTensor(
    test,
    Array.from(labels, (_, i) => i),
  );
  const honest = await here.wait(predictionsOf(networks.honest, x));
  const found: Measured[] = [];
  for (const network of NAMES) {
    const predictions = network === "honest" ? honest : await here.wait(predictionsOf(networks[network], x));
    const values = fairness({ predictions, labels, groups, favourable });
    const mismatch = mean(predictions.map((c, i) => Number(c !== honest[i])));
    const all = network === "honest" ? values : { "prediction mismatch": mismatch, ...values };
    for (const [metric, value] of Object.entries(all))
      if (Number.isFinite(value)) found.push({ metric, value, count: labels.length, conditions: { network } });
  }
  return found;
}

/** How much each network uses the column, whatever its slopes say: the largest change of a probability when each row gets the column of
 *  another row, mean over rows. Source: Breiman 2001, sec. 10 (permuted columns), with the probability in place of the error. */
export async function useOf(networks: ConcealedNetworks, test: Split, { at }: Feature): Promise<Measured[]> {
  const here = callerScope();
  const n = test.labels.length;
  const width = sampleSize(test.shape);
  const own = hostSamples(
    test,
    Array.from({ length: n }, (_, i) => i),
  );
  const changed = own.slice();
  for (let i = 0; i < n; i++) for (const e of at) changed[i * width + e] = own[((i + 1) % n) * width + e];
  const [x, z] = [own, changed].map((values) => tensor(values, [n, ...test.shape]));
  const found: Measured[] = [];
  for (const network of NAMES) {
    const p = (of: Tensor): Promise<ArrayLike<number>> => scope(() => softmax(networks[network](of))).read();
    const [before, after] = [await here.wait(p(x)), await here.wait(p(z))];
    const classes = before.length / n;
    const shift = (i: number): number => {
      let largest = 0;
      for (let c = i * classes; c < (i + 1) * classes; c++) largest = Math.max(largest, Math.abs(after[c] - before[c]));
      return largest;
    };
    const value = mean(Array.from({ length: n }, (_, i) => shift(i)));
    found.push({
      metric: "change of probabilities with another row's column",
      value,
      count: n,
      conditions: { network },
    });
  }
  return found;
}
