/** ATEX against naive training: the suites' path at small sizes, and how their reports read. */
import { type CurveName, curvePoint, curveSettings, curves, liesOn, runAtex, runAtexCurves } from "../../bench/atex.js";
import { formatAtex, formatCurves, plotCurves } from "../../bench/atexReport.js";
import { benchOn } from "../../bench/holdfast.js";
import { medianInterval, ratioOf } from "../../bench/ratio.js";
import type { Report, Row } from "../../bench/report.js";
import { runCases } from "../../bench/run.js";
import { executor } from "../../engine/executor.js";
import { gpuTest } from "../executors.js";
import { check, test } from "../harness.js";

const small = { batch: 2, samples: 2, side: 8 };

gpuTest("steps agree with the float64 reference and are measured in the same rounds", async () => {
  const on = benchOn(executor());
  const cases = ["atex-step", "naive-step", "naive-hessian-step"] as const;
  const { results, ratios } = await runAtex(on, { cases, setting: small, runs: 2, waits: ["nap"] });
  check.equal(
    results.map((row) => [row.case, row.checked, row.error, row.each?.length]),
    cases.map((name) => [name, true, undefined, 2]),
  );
  check.equal(
    ratios!.map((ratio) => [ratio.case, ratio.over, ratio.rounds]),
    cases.slice(1).map((name) => [name, "atex-step", 2]),
  );
  const text = formatAtex({ adapter: on.adapter, versions: {}, results, ratios });
  check.match(text, /naive-step +atex-step +nap/);
  check.match(text, "multiplied by 64 pixels and by 3 for the samples");
});

gpuTest("the steps that peers run too agree with PyTorch", async () => {
  const rows = await runCases(benchOn(executor()), ["naive-step", "atex-step"], {
    runs: 1,
    warmUps: 0,
    waits: ["nap"],
  });
  check.equal(
    rows.map((r) => [r.case, r.checked, r.error]),
    [
      ["naive-step", true, undefined],
      ["atex-step", true, undefined],
    ],
  );
});

gpuTest("the whole Hessian is not counted without the step it comes on top of", async () => {
  const { results } = await runAtex(benchOn(executor()), { cases: ["naive-hessian-step"], setting: small, runs: 1 });
  check.equal(
    results.map((row) => row.checked),
    [false],
  );
  check.match(results[0].error!, "measure that too");
});

gpuTest("a point of the curves is both steps at its setting", async () => {
  const { results, ratios } = await runAtexCurves(benchOn(executor()), { settings: [small], runs: 1 });
  check.equal(results.map(curvePoint), [
    { name: "atex-step", setting: small },
    { name: "naive-step", setting: small },
  ]);
  check.is(ratios!.length, 1);
});

function row(name: string, ...each: (readonly [ms: number, cpuMs: number | null])[]): Row {
  const runs = each.map(([ms, cpuMs]) => ({ ms, cpuMs }));
  return { case: name, system: "holdfast", wait: "nap", medianMs: each[0][0], each: runs, checked: true };
}

test("intervals of a median are those of the sign test", () => {
  const upTo = (n: number) => Array.from({ length: n }, (_, i) => n - i);
  check.equal(medianInterval([3]), { median: 3, low: 3, high: 3, level: 0 });
  check.equal(medianInterval(upTo(5)), { median: 3, low: 1, high: 5, level: 1 - 2 / 32 });
  check.equal(medianInterval(upTo(6)), { median: 3.5, low: 1, high: 6, level: 1 - 2 / 64 });
  check.equal(medianInterval(upTo(9)), { median: 5, low: 2, high: 8, level: 1 - 20 / 512 });
});

test("costs are compared round by round, worker CPU on software adapters alone", () => {
  const [naive, ours] = [row("naive-step", [20, 40], [60, 44]), row("atex-step", [10, 20], [20, 20])];
  const { wall, workerCpu, rounds } = ratioOf(naive, ours, true)!;
  check.equal([rounds, wall.median, wall.low, wall.high], [2, 2.5, 2, 3]);
  check.equal([workerCpu!.low, workerCpu!.high], [2, 2.2]);
  check.is(ratioOf(naive, ours, false)!.workerCpu, undefined);
  check.is(ratioOf(row("naive-step", [20, null]), ours, true)!.workerCpu, undefined);
  check.is(ratioOf({ ...naive, each: undefined }, ours, true), undefined);
});

test("each curve goes through all its values, and no setting is measured twice", () => {
  const settings = curveSettings();
  check.is(new Set(settings.map((s) => JSON.stringify(s))).size, settings.length);
  for (const [curve, values] of Object.entries(curves) as [CurveName, readonly number[]][])
    check.equal(
      settings
        .filter((s) => liesOn(curve, s))
        .map((s) => s[curve])
        .sort((a, b) => a - b),
      [...values],
    );
});

test("curves are a table with both steps in a line, and a plot with a panel for each", () => {
  const results = curveSettings().flatMap(({ batch, samples, side }) =>
    ["atex-step", "naive-step"].map((name, i) =>
      row(`${name} batch ${batch}, ${samples} samples, side ${side}`, [batch * samples * (i + 1), null]),
    ),
  );
  const ratios = results.flatMap((r, i) => (i % 2 === 1 ? (ratioOf(r, results[i - 1], true) ?? []) : []));
  const report: Report = { adapter: { device: "a" }, versions: {}, results, ratios };
  check.match(formatCurves(report), /16 +8 +28 +nap +128 +256 +2\.00 \(2\.00 to 2\.00\)/);
  const svg = plotCurves(report);
  check.is(svg.match(/<polyline/g)?.length, 6);
  check.ok(!/NaN|undefined/.test(svg));
});
