/** How cases become rows and reports; smoke.test.ts runs all suites. */
import { caseOf, upload } from "../../bench/cases.js";
import { compareReports, formatComparison } from "../../bench/compare.js";
import { benchOn, versions } from "../../bench/holdfast.js";
import { failureOf, ran } from "../../bench/onnx.js";
import { formatPeers, joinReports } from "../../bench/peers.js";
import { profileCase } from "../../bench/profile.js";
import { formatReport, isRight, type Report, type Row } from "../../bench/report.js";
import { checkedCase, runCases, runEntries, runNetworks } from "../../bench/run.js";
import { growthOf, type MemorySample, soak } from "../../bench/soak.js";
import { caseSuites } from "../../bench/suite.js";
import { executor } from "../../engine/executor.js";
import { capture, square, type Tensor } from "../../engine/index.js";
import { gpuTest } from "../executors.js";
import { check, test } from "../harness.js";

const once = { runs: 1, waits: ["nap"] } as const;

function row(system: string, name: string, ms: number, more: Partial<Row> = {}): Row {
  return { case: name, system, wait: "nap", medianMs: ms, minMs: ms, workerCpuMs: ms, checked: true, ...more };
}

function reportOf(...results: Row[]): Report {
  return { adapter: { device: "a", description: "An adapter" }, versions: { holdfast: "1" }, results };
}

gpuTest("small cases run, are right and are reported", async () => {
  const on = benchOn(executor());
  const names = ["matmul-512", "sum-4m"] as const;
  const rows = await runCases(on, names, once);
  const report = { adapter: on.adapter, versions: versions(), results: rows };
  check.equal(
    rows.map((r) => [r.case, r.checked, r.error]),
    names.map((name) => [name, true, undefined]),
  );
  check.ok(rows.every((r) => r.minMs! > 0 && r.dispatches! > 0));
  check.ok(isRight(report));
  check.match(formatReport(report), /matmul-512 +holdfast +nap .* yes/);
});

gpuTest("a wrong result is not timed and fails the report", async () => {
  const wrong = () =>
    caseOf(
      capture((x: Tensor) => ({ sum: square(x) })),
      [upload({ shape: [], data: Float32Array.of(3) })],
    );
  const rows = await runEntries(benchOn(executor()), [checkedCase("sum-4m", wrong)], once);
  check.is(rows[0].checked, false);
  check.is(rows[0].medianMs, undefined);
  check.is(isRight(reportOf(...rows)), false);
});

gpuTest("a case that throws is a row with its error", async () => {
  const broken = () => {
    throw new Error("no such thing");
  };
  const [first] = await runEntries(benchOn(executor()), [checkedCase("sum-4m", broken)], once);
  check.equal([first.checked, first.error], [false, "no such thing"]);
});

test("of a script that a signal ended the report names the signal, of another its last line", async () => {
  const script = (end: string) => ran(["-e", `process.stderr.write("first\\nlast\\n", () => ${end})`]);
  check.is(failureOf(await script(`process.kill(process.pid, "SIGSEGV")`)), "ended by SIGSEGV");
  check.is(failureOf(await script("process.exit(3)")), "last");
  check.is(failureOf(await ran(["-e", "process.exit(3)"])), "exit code 3");
});

gpuTest("a profile names the launches of a case", async () => {
  const { checked, dispatches, kernels, plan } = await profileCase(benchOn(executor()), "conv1", 1);
  check.ok(checked);
  // Windows that come again are not packed again.
  check.is(dispatches, 1);
  check.ok(kernels.length === 1 && kernels[0].ms > 0);
  check.match(plan, /2 launches, 1 submit/);
});

gpuTest("a short soak trains and samples memory", async () => {
  const { steps, samples } = await soak({ steps: 150 });
  check.is(steps, 200);
  check.equal(
    samples.map((s) => s.step),
    [100, 200],
  );
  check.is(samples[0].liveBytes, samples[1].liveBytes);
});

test("growth is seen over the last half alone", () => {
  const at = (step: number, rssBytes: number): MemorySample => ({
    ...{ step, rssBytes, liveBytes: 10, pooledBytes: 0, peakBytes: 10 },
  });
  check.equal(growthOf([at(1, 50), at(2, 100), at(3, 110)]), { liveBytes: 0, rssBytes: 110 / 100 - 1 });
  check.is(growthOf([at(1, 50), at(2, 100), at(3, 100)]).rssBytes, 0);
});

test("every suite has cases", () => {
  check.ok(Object.values(caseSuites).every((names) => names.length > 0));
});

test("peers stand beside Holdfast with their multiple of its time", () => {
  const ours = reportOf(row("holdfast", "conv1", 10));
  const theirs = reportOf(row("tfjs", "conv1", 35), row("torch-cpu", "conv1", 5, { wait: "none" }));
  const text = formatPeers(joinReports(ours, theirs));
  check.match(text, /conv1 +nap +10 +35 \(3\.5x\) +5 \(0\.5x\)/);
  check.match(formatPeers(reportOf(...ours.results, row("tfjs", "conv1", 35, { checked: false }))), /WRONG/);
});

test("what a peer cannot do is said below the tables", () => {
  const theirs = { ...reportOf(row("jax-js", "conv1", 35)), leftOut: ["lrp in jax-js: no such explainer"] };
  const report = joinReports(reportOf(row("holdfast", "conv1", 10)), theirs);
  check.equal(report.leftOut, ["lrp in jax-js: no such explainer"]);
  check.match(formatPeers(report), /left out:\nlrp in jax-js: no such explainer$/);
});

gpuTest("cases with networks run and are right", async () => {
  const rows = await runNetworks(benchOn(executor()), ["mlp-tabular", "grad-cam"], once);
  check.equal(
    rows.map((r) => [r.case, r.checked, r.error]),
    [
      ["mlp-tabular", true, undefined],
      ["grad-cam", true, undefined],
    ],
  );
});

test("reports of different adapters are not joined", () => {
  const other = { ...reportOf(row("tfjs", "conv1", 1)), adapter: { device: "b" } };
  check.throws(() => joinReports(reportOf(row("holdfast", "conv1", 1)), other), /they ran on b, Holdfast on a/);
});

test("two reports are compared by worker CPU, and what is wrong or missing is named", () => {
  const before = reportOf(row("holdfast", "conv1", 10), row("holdfast", "conv2", 10));
  const after = reportOf(
    row("holdfast", "conv1", 20, { workerCpuMs: 5 }),
    row("holdfast", "conv2", 1, { checked: false }),
  );
  check.equal(
    compareReports(before, after).map((c) => [c.case, c.ratio]),
    [["conv1", 0.5]],
  );
  check.match(formatComparison(before, after), /not in both, or wrong in one: conv2 holdfast nap/);
});
