/** `bench <suite>`: the suite's report, and whether all of it is right. */
import { execFileSync } from "node:child_process";
import { availableParallelism, loadavg } from "node:os";
import { shutdown } from "../engine/index.js";
import type { DatasetName } from "../nn/index.js";
import { type AtexCase, atexCases, runAtex, runAtexCurves } from "./atex.js";
import { runEngine } from "./engine.js";
import { explainerCases, runExplainers } from "./explainers.js";
import { type Peak, runGpu } from "./gpu.js";
import { type Bench, openBench, versions } from "./holdfast.js";
import { type CaseName, type CheckedCase, caseNames, networkCaseNames } from "./inputs.js";
import { type LoopCase, runLoops } from "./loops.js";
import type { Waiting } from "./measure.js";
import { onnxCases, runOnnx } from "./onnx.js";
import { joinReports, runPeers } from "./peers.js";
import type { Report, Row } from "./report.js";
import { type RunOptions, runCases, runNetworks } from "./run.js";
import { runScale, scaleCases } from "./scale.js";
import { runSmoke } from "./smoke.js";

/** Suites of the cases of inputs.ts. */
export const caseSuites: Readonly<Record<string, readonly CaseName[]>> = {
  kernels: caseNames.slice(0, caseNames.indexOf("train-step")),
  train: ["train-step"],
  explain: ["input-gradient"],
  attack: ["second-order"],
  peers: caseNames,
};

/** Loops of some of these suites, measured beside their cases. */
const loopSuites: Readonly<Record<string, readonly LoopCase[]>> = {
  explain: ["smoothgrad-100", "integrated-gradients-50"],
  attack: ["attack-200"],
};

/** Every suite of `runSuite`, with the cases a caller may choose from. */
export const measuredSuites: Readonly<Record<string, readonly string[]>> = {
  engine: [],
  ...Object.fromEntries(
    Object.entries(caseSuites).map(([suite, names]) => [suite, [...names, ...(loopSuites[suite] ?? [])]]),
  ),
  atex: atexCases,
  "atex-curves": [],
  scale: scaleCases,
  explainers: explainerCases,
  networks: networkCaseNames,
  gpu: [],
  onnx: onnxCases,
  smoke: [],
};

export interface SuiteOptions {
  /** Only these cases of the suite. */
  readonly cases?: readonly string[];
  readonly waits?: readonly Waiting[];
  readonly runs?: number;
  /** Smaller sizes, where the suite has them. */
  readonly small?: boolean;
  /** Whether all works and no more, where the suite has that. */
  readonly quick?: boolean;
  /** Data set that the suite of explainers trains its network on, and where its files are; for the suite of ONNX files, where they are. */
  readonly data?: DatasetName;
  readonly dataDir?: string;
  /** The card's peak, for the suite of GPUs. */
  readonly peak?: Peak;
  /** Part of the adapter's name. */
  readonly adapter?: string;
  readonly onRow?: (row: Row) => void;
}

/** Runs a suite on an engine of its own. @throws DeviceError where there is no GPU. */
export async function runSuite(suite: string, options: SuiteOptions): Promise<Report> {
  const on = await openBench(options.adapter);
  const about = { adapter: on.adapter, versions: versions() };
  try {
    if (suite === "engine") return { ...about, results: await runEngine(on, options) };
    const atexOptions = { ...options, cases: options.cases as readonly AtexCase[] | undefined };
    if (suite === "atex") return { ...about, ...(await runAtex(on, atexOptions)) };
    if (suite === "atex-curves") return { ...about, ...(await runAtexCurves(on, options)) };
    if (suite === "smoke") return await runSmoke(on, { ...about, results: [] }, options.onRow);
    if (suite === "gpu") return await runGpu(on, { ...about, results: [] }, options);
    if (suite === "onnx") {
      // Processes of their own must not share the processor with an open device.
      shutdown();
      return { ...about, ...(await runOnnx(options)) };
    }
    if (suite === "explainers") return { ...about, ...(await runExplainers(on, options)) };
    if (suite === "scale") return { ...about, ...(await runScale(on, options)) };
    const wanted = (name: string): boolean => options.cases?.includes(name) ?? true;
    if (suite === "networks") {
      // Runs of seconds: three, and only with the way of waiting that leaves a software adapter both cores.
      const few = {
        ...options,
        runs: options.runs ?? 3,
        waits: options.waits ?? ([on.software ? "nap" : "spin"] as const),
      };
      return await runBesidePeers(on, about, networkCaseNames.filter(wanted), few, runNetworks);
    }
    const names = caseSuites[suite].filter(wanted);
    if (suite === "peers") return await runBesidePeers(on, about, names, options, runCases);
    const rows = await runCases(on, names, options);
    const loops = await runLoops(on, (loopSuites[suite] ?? []).filter(wanted), options);
    return { ...about, results: [...rows, ...loops] };
  } finally {
    shutdown();
  }
}

/** Case by case, first here and then in every peer, so that all systems meet a case under much the same conditions. */
async function runBesidePeers<C extends CheckedCase>(
  on: Bench,
  about: Pick<Report, "adapter" | "versions">,
  names: readonly C[],
  options: SuiteOptions,
  run: (on: Bench, names: readonly C[], options: RunOptions) => Promise<Row[]>,
): Promise<Report> {
  const parts: Report[] = [];
  for (const name of names) {
    const here = parts.length === 0 ? on : await openBench(options.adapter);
    const ours = { ...about, results: await run(here, [name], options) };
    // The peers must not share the processor with an open device.
    shutdown();
    parts.push(joinReports(ours, await runPeers({ ...options, cases: [name] })));
  }
  const leftOut = parts.flatMap((part) => part.leftOut ?? []);
  return {
    ...parts[0],
    results: parts.flatMap(({ results }) => results),
    ...(leftOut.length > 0 && { leftOut }),
  };
}

/** A report with what is needed to judge it later: the commit, the date, the processors and their load. */
export function withOrigin(report: Report): Report {
  const git = (...args: string[]) => execFileSync("git", args, { encoding: "utf8" }).trim();
  const made = {
    commit: git("rev-parse", "--short=12", "HEAD") + (git("status", "--porcelain", "-uno") ? " with changes" : ""),
    date: new Date().toISOString().slice(0, 10),
    processors: availableParallelism(),
    load: loadavg()[0],
  };
  return { ...report, made };
}
