/** The attack beside the authors' attack: what each leaves, and whether ours is at least as strong. */
import {
  AUTHORS_ATTACK,
  PUBLISHED,
  type Quantity,
  type ReproduceConfig,
  select,
  valuesOf,
} from "../../atex/experiments/index.js";
import { formatted, metricTitle, type TableData } from "./format.js";

const METRICS = ["topK", "spearman"] as const;

/** What attacks leave on a relu network of the authors' architecture, beside what theirs left on the weights they published. */
export function referenceTable(data: string, all: readonly Quantity[], { k }: ReproduceConfig): TableData {
  const published = data === "fashion-mnist" ? PUBLISHED : [];
  const attacks = all.filter((q) => q.metric === METRICS[0]);
  const rows = valuesOf<number>(all, "eps").flatMap((eps) => [
    ...published
      .filter((p) => p.eps === eps)
      .map((p) => [
        String(eps),
        "authors' attack, published weights",
        "200",
        "500",
        ...METRICS.map((m) => p[m].toFixed(3)),
      ]),
    ...attacks
      .filter(({ conditions }) => conditions.eps === eps)
      .map(({ conditions, count }) => [
        String(eps),
        `${conditions.attack}, this network`,
        String(conditions.steps),
        String(count),
        ...METRICS.map((metric) => formatted(select(all, { metric, conditions })[0])),
      ]),
  ]);
  const verdicts = [
    verdict("the reference", all, (eps, metric) => published.find((p) => p.eps === eps)?.[metric]),
    verdict("the authors' settings on this network", all, (eps, metric) => leastOf(all, eps, metric, true)),
  ].filter((sentence) => sentence !== undefined);
  const accuracy = formatted(select(all, { metric: "accuracy" })[0]);
  const source =
    "The reference was measured by us on the weights the authors published, with their attack corrected (200 steps of 0.002); this " +
    "network is another one of the same architecture, whose maps may be easier or harder to change.";
  return {
    title: `${data}: the attack against the authors' attack`,
    header: ["eps1", "attack", "steps", "images", metricTitle("topK", k), "Spearman"],
    rows,
    caption: [
      ...verdicts,
      ...(published.length > 0 ? [source] : []),
      `Lower is stronger; the network classifies ${accuracy} % correctly.`,
    ].join(" "),
  };
}

type Metric = (typeof METRICS)[number];

/** What the strongest attack leaves, the authors' settings alone or all others. */
function leastOf(all: readonly Quantity[], eps: number, metric: Metric, authors: boolean): number | undefined {
  const left = select(all, { metric, conditions: { eps } })
    .filter(({ conditions }) => (conditions.attack === AUTHORS_ATTACK) === authors)
    .map(({ estimate }) => estimate.mean);
  return left.length === 0 ? undefined : Math.min(...left);
}

/** Whether the strongest of the attacks leaves no more than `bound` of any number; undefined where nothing can be compared. */
function verdict(
  than: string,
  all: readonly Quantity[],
  bound: (eps: number, metric: Metric) => number | undefined,
): string | undefined {
  const least = valuesOf<number>(all, "eps").flatMap((eps) =>
    METRICS.flatMap((metric) => {
      const [ours, theirs] = [leastOf(all, eps, metric, false), bound(eps, metric)];
      return ours === undefined || theirs === undefined ? [] : [ours <= theirs];
    }),
  );
  if (least.length === 0) return undefined;
  const held = least.filter(Boolean).length;
  return `At least as strong as ${than}: ${held === least.length ? "yes" : "no"} (${held} of ${least.length} numbers are at most as large under the strongest attack).`;
}
