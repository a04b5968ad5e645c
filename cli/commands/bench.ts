/** `holdfast bench`: how fast the engine is here, next to others, and whether its results are right. */
import { formatAtex, formatCurves } from "../../bench/atexReport.js";
import { compareReports, formatComparison } from "../../bench/compare.js";
import { formatExplainers } from "../../bench/explainersReport.js";
import { formatGpu, type Peak } from "../../bench/gpu.js";
import { openBench, versions } from "../../bench/holdfast.js";
import { type CaseName, type NetworkCase, networkCaseNames } from "../../bench/inputs.js";
import { amdDriver, isaPage, measureIsa } from "../../bench/isa.js";
import type { Waiting } from "../../bench/measure.js";
import { formatOnnx } from "../../bench/onnxReport.js";
import { formatPeers } from "../../bench/peers.js";
import { type CaseProfile, formatCaseProfile, profileCase } from "../../bench/profile.js";
import { formatReport, isRight, loadReport, originOf, type Report, type Row, saveReport } from "../../bench/report.js";
import { measureSizes, peerVersions, sizesPage } from "../../bench/sizes.js";
import { formatSoak, soak } from "../../bench/soak.js";
import { specialValuesPage } from "../../bench/specialValues.js";
import { filesOf, writeSpeedPage } from "../../bench/speedPage.js";
import { caseSuites, measuredSuites, runSuite, withOrigin } from "../../bench/suite.js";
import { isSound, sweep, sweepPage } from "../../bench/sweep.js";
import { formatTune, type TuneResult, tableOf, tuneTask, tuneTasks } from "../../bench/tune.js";
import type { AdapterIdentity } from "../../engine/tuning.js";
import { tuningPath } from "../../engine/tuning.node.js";
import { unknown } from "../arguments.js";
import { type Arguments, defineCommand, numberOption, UsageError } from "../command.js";
import { dataName, dataOptions } from "../data.js";
import { writeOutput } from "../files.js";

const options = {
  json: { type: "boolean", help: "print one JSON object" },
  case: { type: "string", value: "name", help: "only this case; several with commas" },
  wait: { type: "string", value: "spin|nap", help: "only this way of waiting; both if not given" },
  runs: { type: "string", value: "n", help: "timed runs per case; else as many as suit the suite" },
  adapter: { type: "string", value: "name", help: "part of the adapter's name" },
  small: { type: "boolean", help: "smaller sizes in scale and gpu, for software adapters" },
  quick: { type: "boolean", help: "explainers: only whether all of it works, in seconds" },
  data: { type: "string", value: "name", help: "explainers: data set of the network (default shapes)" },
  "data-dir": dataOptions["data-dir"],
  peak: { type: "string", value: "GFLOP/s,GB/s", help: "what the card can do at most in fp32, for gpu" },
  steps: { type: "string", value: "n", default: "10000", help: "training steps of soak" },
  save: { type: "boolean", help: "also write the report to bench/results/<suite>.json" },
} as const;
type Given = Arguments<typeof options>["values"];

const suites = [
  ...Object.keys(measuredSuites),
  "profile",
  "tune",
  "soak",
  "compare",
  "page",
  "special-values",
  "sizes",
  "sweep",
  "isa",
];

function progress(row: Row): void {
  const time = row.error ?? (row.medianMs === undefined ? row.note : `${row.medianMs.toFixed(1)} ms`);
  console.error(`${row.case} ${row.wait}: ${row.checked ? time : `WRONG ${row.error ?? ""}`}`);
}

function print(given: Given, value: unknown, text: () => string): void {
  console.log(given.json ? JSON.stringify(value, null, 1) : text());
}

function runsOf({ runs }: Given): number | undefined {
  return runs === undefined ? undefined : numberOption("runs", runs, { min: 1, integer: true });
}

function casesOf(suite: string, text: string | undefined): readonly string[] | undefined {
  const known = measuredSuites[suite] ?? [];
  const names = text?.split(",");
  const stranger = names?.find((name) => !known.includes(name));
  if (stranger !== undefined)
    throw known.length > 0 ? unknown("case", stranger, known) : new UsageError(`${suite} has no cases to choose from`);
  return names;
}

const formats: Readonly<Record<string, (report: Report) => string>> = {
  ...{
    peers: formatPeers,
    networks: formatPeers,
    gpu: formatGpu,
    atex: formatAtex,
    "atex-curves": formatCurves,
    explainers: formatExplainers,
    onnx: formatOnnx,
  },
};

function peakOf({ peak }: Given): Peak | undefined {
  if (peak === undefined) return undefined;
  const numbers = peak.split(",").map(Number);
  if (numbers.length !== 2 || !numbers.every((value) => value > 0))
    throw new UsageError(`--peak: ${peak} came ; two positive numbers, GFLOP/s and GB/s, are needed, like 19500,1555`);
  return { gflops: numbers[0], gbPerSecond: numbers[1], source: "--peak" };
}

async function measured(suite: string, given: Given): Promise<number> {
  if (given.wait !== undefined && given.wait !== "spin" && given.wait !== "nap")
    throw unknown("way of waiting", given.wait, ["spin", "nap"]);
  const cases = casesOf(suite, given.case);
  if ((suite === "smoke" || given.quick) && given.save)
    throw new UsageError(
      `${suite === "smoke" ? "smoke" : "--quick"}: its figures say nothing about speed ; leave out --save`,
    );
  const runs = runsOf(given);
  const waits: Waiting[] | undefined = given.wait === undefined ? undefined : [given.wait];
  const report = await runSuite(suite, {
    cases,
    waits,
    runs,
    adapter: given.adapter,
    small: given.small,
    ...{ quick: given.quick, data: given.data === undefined ? undefined : dataName(given.data) },
    dataDir: given["data-dir"],
    peak: peakOf(given),
    onRow: progress,
  });
  print(given, report, () => (formats[suite] ?? formatReport)(report));
  if (given.save) {
    const saved = withOrigin(report);
    console.error(`written to ${saveReport(suite, saved)}`);
    for (const [path, text] of Object.entries(filesOf({ [suite]: saved }))) {
      await writeOutput(path, text);
      console.error(`written to ${path}`);
    }
  }
  return isRight(report) ? 0 : 1;
}

async function profiled(given: Given): Promise<number> {
  const known: readonly string[] = [...caseSuites.peers, ...networkCaseNames];
  const names = given.case?.split(",") ?? caseSuites.peers;
  const stranger = names.find((name) => !known.includes(name));
  if (stranger !== undefined) throw unknown("case", stranger, known);
  const runs = runsOf(given);
  const on = await openBench(given.adapter);
  const results: CaseProfile[] = [];
  for (const name of names as readonly (CaseName | NetworkCase)[]) results.push(await profileCase(on, name, runs));
  print(given, { adapter: on.adapter, versions: versions(), results }, () =>
    results.map(formatCaseProfile).join("\n\n"),
  );
  return results.every(({ checked }) => checked) ? 0 : 1;
}

async function tuned(given: Given): Promise<number> {
  const known = Object.keys(tuneTasks);
  const names = given.case?.split(",") ?? known;
  const stranger = names.find((name) => !known.includes(name));
  if (stranger !== undefined) throw unknown("case", stranger, known);
  const runs = runsOf(given);
  // Variants are compared with the model's choice, not with that of an older table.
  const on = await openBench(given.adapter, { tuning: false });
  const results: TuneResult[] = [];
  for (const name of names) {
    const result = await tuneTask(on, name, tuneTasks[name](), runs);
    results.push(result);
    const best = result.rows.reduce((a, b) => ((b.gflops ?? 0) > (a.gflops ?? 0) ? b : a));
    console.error(`${name}: ${best.variant}, ${best.gflops?.toFixed(1)} GFLOP/s${best.chosen ? ", as chosen" : ""}`);
  }
  const report = { adapter: on.adapter, versions: versions(), results: results.flatMap(({ rows }) => rows) };
  print(given, report, () => formatTune(report.results));
  if (given.save) console.error(`written to ${saveReport("tune", withOrigin(report))}`);
  if (!isRight(report)) return 1;
  if (given.case === undefined) await keepTuning(on.adapter as unknown as AdapterIdentity, results);
  return 0;
}

/** Writes what was measured where engines on this adapter look for it. */
async function keepTuning(adapter: AdapterIdentity, results: readonly TuneResult[]): Promise<void> {
  const table = tableOf(adapter, results, new Date().toISOString().slice(0, 10));
  const path = await tuningPath(adapter);
  await writeOutput(path, `${JSON.stringify(table, null, 1)}\n`);
  const better = table.choices.filter(({ choice }) => choice).length;
  console.error(
    `written to ${path}: for ${better} of ${table.choices.length} shapes another kernel than the built-in choice ; the engine ` +
      "goes by it on this adapter from now on, until the file is removed",
  );
}

function compared(given: Given, files: readonly string[]): number {
  if (files.length !== 2) throw new UsageError(`compare: ${files.length} files came, two saved reports are needed`);
  const [before, after]: Report[] = files.map(loadReport);
  print(given, compareReports(before, after), () => formatComparison(before, after));
  return 0;
}

async function soaked(given: Given): Promise<number> {
  const steps = numberOption("steps", given.steps, { min: 1000, integer: true });
  const on = await openBench(given.adapter);
  const onSample = ({ step }: { step: number }) => {
    if (step % 1000 === 0) console.error(`step ${step}`);
  };
  const report = await soak({ steps, onSample });
  print(given, { adapter: on.adapter, versions: versions(), ...report }, () => formatSoak(report));
  return report.flat ? 0 : 1;
}

/** Every op of the table against its bound. */
async function swept(given: Given): Promise<number> {
  const on = await openBench(given.adapter, { tuning: false });
  const result = await sweep(on, {
    runs: runsOf(given),
    names: given.case?.split(","),
    onRow: ({ op, note, checked, times, error }) =>
      console.error(
        `${op} ${note ?? ""}: ${checked ? `${times?.toFixed(1)} times its bound` : `WRONG ${error ?? ""}`}`,
      ),
  });
  const report = withOrigin({ adapter: on.adapter, versions: versions(), results: [] });
  print(given, { ...report, results: [result] }, () => sweepPage(result, originOf(report)));
  if (given.save) {
    if (given.case !== undefined) throw new UsageError("--save: the page holds every op ; leave out --case");
    const path = "bench/results/sweep.md";
    await writeOutput(path, sweepPage(result, originOf(report)));
    console.error(`written to ${path}`);
  }
  return isSound(result) ? 0 : 1;
}

/** What a GPU's compiler makes of the kernels, as a page. */
async function compiled(given: Given): Promise<number> {
  const driver = amdDriver();
  if (driver === undefined)
    throw new Error(
      "isa: Mesa's AMD driver is missing ; install it, on Debian with mesa-vulkan-drivers, or set HOLDFAST_RADV to its manifest",
    );
  const rows = measureIsa(driver);
  print(given, rows, () => isaPage(rows));
  if (given.save) {
    const path = "bench/results/isa.md";
    await writeOutput(path, isaPage(rows));
    console.error(`written to ${path}`);
  }
  return rows.some(({ error }) => error !== undefined) ? 1 : 0;
}

export const command = defineCommand({
  summary: `measure speed: ${suites.join(", ")}`,
  options,
  positionals: "<suite> [report A] [report B]",
  async run({ values, positionals: [suite, ...files] }) {
    if (suite === undefined) throw new UsageError(`a suite is needed: ${suites.join(", ")}`);
    if (!suites.includes(suite)) throw unknown("suite", suite, suites);
    if (suite !== "compare" && files.length > 0) throw new UsageError(`${files[0]}: only compare takes files`);
    for (const [option, takers] of [
      ["quick", ["explainers"]],
      ["data", ["explainers"]],
      ["data-dir", ["explainers", "onnx"]],
    ] as const)
      if (values[option] && !takers.some((one) => one === suite))
        throw new UsageError(`--${option}: only ${takers.join(" and ")} takes it ; leave it out`);
    if (suite === "compare") return compared(values, files);
    if (suite === "page") {
      for (const path of writeSpeedPage(".")) console.error(`written to ${path}`);
      return 0;
    }
    if (suite === "special-values") {
      const [page, path] = [await specialValuesPage(), "bench/results/special-values.md"];
      if (values.save) await writeOutput(path, page);
      if (values.save) console.error(`written to ${path}`);
      else process.stdout.write(page);
      return 0;
    }
    if (suite === "sizes") {
      const rows = await measureSizes();
      const [page, path] = [sizesPage(rows, peerVersions()), "bench/results/sizes.md"];
      if (values.save) await writeOutput(path, page);
      if (values.save) console.error(`written to ${path}`);
      else print(values, rows, () => page);
      return 0;
    }
    if (suite === "isa") return compiled(values);
    const run =
      { soak: soaked, profile: profiled, tune: tuned, sweep: swept }[suite] ??
      ((given: Given) => measured(suite, given));
    const code = await run(values);
    // Dawn aborts at random when the event loop ends by itself.
    await new Promise((written) => process.stdout.write("", written));
    process.exit(code);
  },
});
