/** Every suite at its smallest: about a minute that says whether everything works, and nothing about speed. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runAtex, runAtexCurves } from "./atex.js";
import { compareReports } from "./compare.js";
import { runEngine } from "./engine.js";
import { runExplainers } from "./explainers.js";
import { runGpu } from "./gpu.js";
import type { Bench } from "./holdfast.js";
import { caseNames, matmulInputs } from "./inputs.js";
import { runLoops } from "./loops.js";
import { onnxSmoke } from "./onnxSmoke.js";
import { runPeers } from "./peers.js";
import { profileCase } from "./profile.js";
import type { Report, Row } from "./report.js";
import { runCases, runNetworks } from "./run.js";
import { runScale } from "./scale.js";
import { soak } from "./soak.js";
import { formatSection, savedReports } from "./speedPage.js";
import { product, tuneTask } from "./tune.js";

const smallSetting = { batch: 2, samples: 2, side: 8 };
const once = { runs: 1, warmUps: 0, waits: ["nap"] } as const;
const peersFolder = fileURLToPath(new URL("../../bench/peers/node_modules", import.meta.url));

/** What a suite came to: rows, or why it could not run here. */
type Outcome = readonly Row[] | { readonly leftOut: string };

function passed(name: string, checked: boolean, note?: string): Row[] {
  return [{ case: name, system: "holdfast", wait: "none", checked, ...(note !== undefined && { note }) }];
}

/** Suites in the order in which they run: `gpu` closes the engine. */
const parts: Readonly<Record<string, (on: Bench, about: Report) => Promise<Outcome>>> = {
  engine: (on) => runEngine(on, { runs: 1 }),
  kernels: (on) => runCases(on, caseNames.slice(0, caseNames.indexOf("train-step")), once),
  train: (on) => runCases(on, ["train-step"], once),
  explain: (on) => runLoops(on, ["smoothgrad-100", "integrated-gradients-50"], { small: true }),
  attack: (on) => runLoops(on, ["attack-200"], { small: true }),
  atex: async (on) => (await runAtex(on, { setting: smallSetting, runs: 1 })).results,
  "atex-curves": async (on) => (await runAtexCurves(on, { settings: [smallSetting], runs: 1 })).results,
  async scale(on) {
    const sizes = [
      { batch: 1, side: 14 },
      { batch: 8, side: 20 },
    ];
    return (await runScale(on, { sizes, runs: 1 })).results;
  },
  explainers: async (on) => (await runExplainers(on, { quick: true })).results,
  networks: (on) => runNetworks(on, ["mlp-tabular", "lrp", "grad-cam"], once),
  async onnx() {
    return onnxSmoke();
  },
  async tune(on) {
    const { a, b } = matmulInputs(64);
    const { rows } = await tuneTask(on, "product of 64", product(a, b, { transA: false, transB: true }), 1);
    const wrong = rows.filter(({ checked }) => !checked);
    return wrong.length > 0 ? wrong : passed("product of 64", rows.length > 1, `${rows.length} variants`);
  },
  async profile(on) {
    const { checked, dispatches, kernels } = await profileCase(on, "conv1", 1);
    return passed("conv1", checked && kernels.length > 0, `${dispatches} dispatches, ${kernels.length} kernels`);
  },
  async soak() {
    const { samples } = await soak({ steps: 200 });
    return passed("200 steps", samples.length === 2 && samples[0].liveBytes === samples[1].liveBytes);
  },
  async page(_, about) {
    const report = { ...about, results: passed("conv1", true) };
    const changes = compareReports(report, report);
    return passed("saved reports", changes.length === 1 && formatSection(savedReports(".")).length > 0);
  },
  async peers() {
    if (!existsSync(peersFolder)) return { leftOut: "not installed ; (cd bench/peers && npm ci) does it" };
    return (await runPeers({ cases: ["sum-4m"], runs: 1 })).results;
  },
  async gpu(on, about) {
    return (await runGpu(on, about, { small: true, runs: 1 })).results;
  },
};

/** The suites that run, in their order. */
export const smokeSuites = Object.keys(parts);

/** Runs every suite at its smallest and closes the engine. Rows are named by suite and case. */
export async function runSmoke(on: Bench, about: Report, onRow?: (row: Row) => void): Promise<Report> {
  const results: Row[] = [];
  const leftOut: string[] = [];
  for (const [suite, run] of Object.entries(parts)) {
    const outcome = await run(on, about).catch((error: Error): Row[] => [
      { case: "-", system: "holdfast", wait: "none", checked: false, error: error.message },
    ]);
    if ("leftOut" in outcome) leftOut.push(`${suite}: ${outcome.leftOut}`);
    else
      for (const row of outcome) {
        const named = { ...row, case: `${suite}: ${row.case}` };
        results.push(named);
        onRow?.(named);
      }
  }
  return { ...about, results, leftOut };
}
