/** All manipulations beside each other, from numbers by hand. */
import {
  type CellOutcome,
  criteriaTables,
  detectorMatrices,
  quantities,
  type ReproduceConfig,
} from "../../atex/experiments/index.js";
import { check, test } from "../harness.js";

const config = {
  experiments: {
    "heo-location": { title: "Location fooling", data: ["fashion-mnist"] },
    "ghorbani-topk": { title: "Top-k attack", data: ["fashion-mnist", "compas"] },
    strength: { title: "No manipulation", data: ["fashion-mnist"] },
    later: { title: "Not yet run", data: ["compas"] },
  },
  schemes: { normal: { title: "normal training" }, soft: { title: "softplus" } },
} as unknown as ReproduceConfig;

type Number_ = readonly [metric: string, value: number, conditions?: Record<string, string>, scheme?: string];

const outcome = (
  experiment: string,
  seed: number,
  data: "fashion-mnist" | "compas",
  ...numbers: Number_[]
): CellOutcome => ({
  cell: { id: `${experiment}-${data}-${seed}`, experiment, data, seed },
  measurements: numbers.map(([metric, value, conditions = {}, scheme = "normal"]) => ({
    ...{ metric, value, conditions, scheme, count: 10 },
  })),
});

const made = (explainer: string) => ({ explainer, samples: "made for" });
const held = (explainer: string) => ({ explainer, samples: "held out" });

const heo = (seed: number, fooled: number, accuracy: number): CellOutcome =>
  outcome(
    ...(["heo-location", seed, "fashion-mnist"] as const),
    // What a manipulation measures besides, under more conditions.
    ["fooled", 0, { ...made("lrp"), layer: "conv1" }],
    ["fooled", 0, { ...made("gradient"), layer: "conv1" }],
    ["fooled", fooled, made("lrp")],
    ["fooled before", 0.05, made("lrp")],
    ["fooled before", 0.5, made("gradient")],
    ["fooled", 0.25, made("smoothgrad")],
    ["fooled", 0.5, made("gradient")],
    ["fooled", 0.75, held("lrp")],
    ["prediction as wanted", 1, { samples: "made for" }],
    ["prediction as wanted", 0.5, { samples: "held out" }],
    ["accuracy before", 0.9],
    ["accuracy", accuracy],
    ["cost: seconds", 12.34],
    ["noticed (AUROC)", 0.9, { detector: "aopc" }],
    ["noticed (AUROC)", 0.6, { detector: "smoothgrad" }],
    ["fooled in spite of it", 0.125, { detector: "smoothgrad" }],
  );

const all = quantities([
  heo(0, 0.8, 0.88),
  heo(1, 1, 0.88),
  outcome(
    ...(["ghorbani-topk", 0, "fashion-mnist"] as const),
    ["fooled", 0.4, made("gradient")],
    ["fooled", 0.3, { explainer: "gradient", samples: "other networks" }],
    ["largest change of the input", 0.05, { samples: "made for" }],
    ["noticed (AUROC)", 0.7, { detector: "agreement" }],
    ["fooled", 0.1, made("gradient"), "soft"],
  ),
  outcome("ghorbani-topk", 0, "compas", ["fooled", 0.2, made("lime")]),
  outcome("strength", 0, "fashion-mnist", ["spearman", 0.4, { eps: "1" }]),
]);

const plain = (rows: readonly (readonly string[])[]): string[][] =>
  rows.map((row) => row.map((text) => text.replaceAll("\u00a0", " ")));

test("manipulation × detector: what was not asked is a dash, what is no manipulation has no row", () => {
  const [noticed, undone] = detectorMatrices(config, all);
  check.equal(noticed.header, ["manipulation", "data", "network", "aopc", "smoothgrad", "agreement"]);
  check.equal(plain(noticed.rows), [
    ["Location fooling", "fashion-mnist", "normal training", "0.90 ± 0.00", "0.60 ± 0.00", "–"],
    ["Top-k attack", "fashion-mnist", "normal training", "–", "–", "0.70"],
    ["Top-k attack", "fashion-mnist", "softplus", "–", "–", "–"],
    ["Top-k attack", "compas", "normal training", "–", "–", "–"],
  ]);
  check.equal(undone.header, ["manipulation", "data", "network", "before", "after", "smoothgrad"]);
  // Two seeds: t₀.₉₇₅(1) = 12.706 · 0.1414 / √2.
  check.equal(plain(undone.rows)[0].slice(2), ["normal training", "0.05 ± 0.00", "0.90 ± 1.27", "0.13 ± 0.00"]);
  check.equal(plain(undone.rows)[1].slice(2), ["normal training", "–", "0.40", "–"]);
  check.match(noticed.caption, /0\.5 is guessing.* 1 to 2 seeds, 10 images each/);
  check.equal(detectorMatrices(config, []), []);
});

test("the four criteria of each manipulation", () => {
  const [table, ...others] = criteriaTables(config, all);
  check.is(others.length, 0);
  const [location, topK, soft, compas] = plain(table.rows);
  for (const row of table.rows) check.is(row.length, table.header.length);
  const of = (row: string[], title: string): string => row[table.header.indexOf(title)];
  check.is(of(location, "made for"), "lrp");
  check.is(of(location, "fooled before"), "0.05 ± 0.00");
  check.is(of(location, "fooled"), "0.90 ± 1.27");
  check.is(of(location, "prediction as wanted"), "1.00 ± 0.00");
  check.is(of(location, "points of accuracy lost"), "2.00 ± 0.00");
  check.is(of(location, "largest change of the input"), "–");
  check.is(of(location, "seconds"), "12.3 ± 0.0");
  check.is(of(location, "fooled under other explainers"), "gradient 0.50, smoothgrad 0.25");
  check.is(of(location, "smallest and largest over seeds"), "0.80 to 1.00 (2 seeds)");
  check.is(of(location, "held-out samples"), "0.75 ± 0.00");
  check.is(of(location, "other networks"), "–");
  check.is(of(topK, "made for"), "gradient");
  check.is(of(topK, "points of accuracy lost"), "–");
  check.is(of(topK, "largest change of the input"), "0.050");
  check.is(of(topK, "fooled under other explainers"), "–");
  check.is(of(topK, "smallest and largest over seeds"), "0.40 (one seed)");
  check.is(of(topK, "other networks"), "0.30");
  check.equal([of(soft, "network"), of(soft, "fooled")], ["softplus", "0.10"]);
  check.equal([of(compas, "data"), of(compas, "made for"), of(compas, "fooled")], ["compas", "lime", "0.20"]);
  check.equal(criteriaTables(config, []), []);
  check.equal(criteriaTables(config, quantities([outcome("strength", 0, "fashion-mnist", ["spearman", 0.4])])), []);
});
