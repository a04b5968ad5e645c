/** The suite of explainers: its path on a few of them (smoke.test.ts runs all), and how its report reads. */

import { EXPLAINER_TABLE } from "../../atex/index.js";
import { departure, type ExplainersReport, runExplainers } from "../../bench/explainers.js";
import { meansOf } from "../../bench/explainersAttack.js";
import { explainersMarkdown, formatExplainers } from "../../bench/explainersReport.js";
import { measuredSettings, settingsLine, whole } from "../../bench/explainersWorld.js";
import { benchOn } from "../../bench/holdfast.js";
import type { Row } from "../../bench/report.js";
import { shapleyErrors } from "../../bench/shapleyErrors.js";
import { filesOf } from "../../bench/speedPage.js";
import { executor } from "../../engine/executor.js";
import { readSettings } from "../../nn/schema.js";
import { holdfast } from "../cli/holdfast.js";
import { gpuTest } from "../executors.js";
import { check, root, test } from "../harness.js";

gpuTest("explainers are compared, timed and attacked, each with the settings it is reported with", async () => {
  const cases = ["gradient", "sparsified-smoothgrad", "kernel-shap"];
  const { results, explained } = await runExplainers(benchOn(executor()), { cases, quick: true });
  check.equal(
    results.map((row) => [row.case, row.checked, row.error]),
    [...cases, ...cases.map((name) => `${name} attack`), "kernel-shap error, 10 features"].map((name) => [
      ...[name, true, undefined],
    ]),
  );
  check.ok(results.slice(0, 6).every((row) => row.medianMs! > 0));
  const { explainers, shapley } = explained!;
  check.equal(
    explainers.map(({ batch }) => batch),
    [
      { settings: "defaults", inputs: 1 },
      { settings: "samples 3", inputs: 3 },
      // 18 coalitions, none and all.
      { settings: "samples 18, baseline 0, patch 10", inputs: 20 },
    ],
  );
  check.match(explainers[1].attack!.settings, "form relaxed");
  for (const { agreement, attack } of explainers) {
    check.ok(agreement!.error < 1e-3);
    for (const { spearman, topK, ssim } of [attack!.attacked, attack!.control])
      check.ok([spearman, topK, ssim].every((v) => v <= 1.001));
  }
  check.equal(
    shapley.map(({ samples, complete }) => [samples, complete]),
    [
      [64, false],
      [1022, true],
    ],
  );
});

gpuTest("with all coalitions KernelSHAP is exact but for rounding, with few it is not", async () => {
  const size = { players: [6], samples: [16, 62], rows: 3, background: 2, seeds: 2 };
  const { errors, verdicts } = await shapleyErrors(size);
  check.ok(verdicts[6].checked);
  check.ok(errors[0].mean > 1e-3 && errors[0].max >= errors[0].mean);
  check.ok(errors[1].complete && errors[1].max < 1e-4);
});

test("a departure is a share of the largest true value, and what is missing or not finite departs without bound", () => {
  const near = departure("a", [1, 2.5, -4], [1, 2, -5]);
  check.equal([near.relativeError, near.got, near.truth], [0.2, -4, -5]);
  check.is(departure("a", [0, 0], [0, 0]).relativeError, 0);
  check.is(departure("a", [1e-3, 0], [0, 0]).relativeError, Infinity);
  check.is(departure("a", [1, Number.NaN], [1, 2]).relativeError, Infinity);
  check.is(departure("a", [1], [1, 2]).relativeError, Infinity);
});

test("settings of the measurement are those of explainers that there are", () => {
  const entries = Object.entries(measuredSettings);
  check.ok(entries.length > 0);
  for (const [name, uses] of entries) {
    const entry = EXPLAINER_TABLE.find((e) => e.name === name);
    check.ok(entry !== undefined, name);
    for (const settings of Object.values(uses)) readSettings(entry!, settings);
  }
  check.is(settingsLine("smoothgrad", {}), "samples 50");
});

test("images whose maps have no ranks are left out of the mean correlation, and counted", () => {
  const left = meansOf({ spearman: [0.5, Number.NaN, 0.25], topK: [1, 0, 0.5], ssim: [1, 0, 0.5] });
  check.equal(left, { spearman: 0.375, topK: 0.5, ssim: 0.5, withoutRanks: 1 });
  check.equal(Object.keys(meansOf({ spearman: [1], topK: [1], ssim: [1] })), ["spearman", "topK", "ssim"]);
});

const attack = {
  ...{ seconds: 312, cutTo: 19, settings: "samples 8" },
  attacked: { spearman: 0.5, topK: 0.25, ssim: 0.125 },
  control: { spearman: 0.75, topK: 0.625, ssim: 0.875, withoutRanks: 2 },
};

function row(name: string, more: Partial<Row> = {}): Row {
  return { case: name, system: "holdfast", wait: "nap", checked: true, ...more };
}

const report: ExplainersReport = {
  adapter: { device: "a", description: "An adapter" },
  versions: { holdfast: "1.2.3" },
  made: { commit: "abc", date: "2026-01-02", processors: 2, load: 0.25 },
  results: [
    row("gradient", { medianMs: 64, workerCpuMs: 128, dispatches: 7, runs: 3 }),
    row("gradient attack", { medianMs: 312000 }),
    row("lime", { checked: false, disagreement: { relativeError: 2, where: "here", got: 1, truth: 3 } }),
    row("kernel-shap error, 10 features"),
  ],
  explained: {
    ...{ size: whole, network: "a network", data: "shapes", accuracy: 0.5 },
    explainers: [
      {
        ...{ name: "gradient", title: "gradient", agreement: { settings: "few", error: 1.25e-6 } },
        ...{ batch: { settings: "defaults", inputs: 1 }, attack },
      },
      { name: "lime", title: "LIME" },
    ],
    shapley: [
      { players: 10, samples: 64, complete: false, mean: 0.05, max: 0.5 },
      { players: 10, samples: 1024, complete: true, mean: 1e-7, max: 2e-7 },
    ],
  },
};

test("the page has costs per image, agreements beside their controls, and what was extrapolated or is wrong", () => {
  const page = explainersMarkdown(report);
  check.match(page, "An adapter, 2 processors on 2026-01-02 at commit abc, load 0.25 (holdfast 1.2.3)");
  check.match(page, "| gradient | 1 | 2 | 7 | 1 | defaults | 1.3e-6 (few) |");
  check.match(page, "| gradient | 312 *19 | 0.500 | 0.750 (−2) | 0.250 | 0.625 | 0.125 | 0.875 | samples 8 |");
  check.match(page, "WRONG: here is 1, not 3");
  check.match(page, "| lime | - | - | - | - | - | - | - | no slope to attack by |");
  check.match(page, "| 1024 | 1.0e-7 (all) | 2.0e-7 |");
  check.match(formatExplainers(report), /gradient +312 \*19 +0\.500/);
  check.equal(filesOf({ explainers: report }), { "bench/results/explainers.md": page });
});

test("a smoke run is not saved, and other suites know no data", async () => {
  const saved = await holdfast(root, ["bench", "explainers", "--quick", "--save"]);
  check.is(saved.code, 2);
  check.match(saved.err, "--quick: its figures say nothing about speed");
  const other = await holdfast(root, ["bench", "train", "--data", "mnist"]);
  check.is(other.code, 2);
  check.match(other.err, "--data: only explainers takes it");
});
