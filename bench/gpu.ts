/** What a person with a GPU runs (gpu.md): correctness of all ops there, kernels against the card's peak, steps beside PyTorch. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { matmul, shutdown } from "../engine/index.js";
import { cases, pure } from "./cases.js";
import type { Bench } from "./holdfast.js";
import { caseNames, convInputs, flops, largeCase, type MeasuredCase, matmulInputs } from "./inputs.js";
import { joinReports, runPeers } from "./peers.js";
import { figure, formatAbout, type Report, type Row, table } from "./report.js";
import { checkedCase, runEntries } from "./run.js";

/** What a card can do at most in fp32, without matrix units. */
export interface Peak {
  readonly gflops: number;
  readonly gbPerSecond: number;
  /** Where the figures come from. */
  readonly source: string;
}

export interface GpuReport extends Report {
  /** Not there where the card is not known. */
  readonly peak?: Peak;
}

export interface GpuOptions {
  readonly runs?: number;
  readonly adapter?: string;
  /** Leaves out what a software adapter takes minutes for; for a look whether everything works. */
  readonly small?: boolean;
  /** The card's peak, where the table does not have it or has it wrong. */
  readonly peak?: Peak;
  readonly onRow?: (row: Row) => void;
}

/** A card by a part of the adapter's name, with its TFLOP/s, its GB/s and the public page they were read from. */
type Card = readonly [name: RegExp, tflops: number, gbPerSecond: number, source: string];

/** Read on 2026-11-22 from pages that give the maker's figures; the data sheets themselves could not be opened then. */
const cards: readonly Card[] = [
  [/RTX 4090(?! *(D|Laptop))/i, 82.58, 1008, "https://waredb.com/processor/nvidia-geforce-rtx-4090"],
  [/RTX 3090(?! *Ti)/i, 35.58, 936.2, "https://cuttingedgegamer.com/2022/12/"],
  [/A100-SXM4-80GB/i, 19.5, 2039, "https://glennklockwood.com/garden/processors/A100"],
  [/A100-SXM4-40GB/i, 19.5, 1555, "https://glennklockwood.com/garden/processors/A100"],
  [/H100 80GB HBM3/i, 66.9, 3350, "https://glennklockwood.com/garden/processors/h100"],
  // 66.91 TFLOP/s: hmc-tech.com/gpu/nvidia-h100-vs-nvidia-h200-sxm-vs-nvidia-gb200.
  [/\bH200\b(?! *NVL)/i, 66.9, 4800, "https://www.aiminingco.com/gpu/h200/specs"],
  [/\bL40S\b/i, 91.6, 864, "https://www.mullet.se/product.html?product_id=355414"],
  [/\bL4\b/i, 30.29, 300.1, "https://fpsbench.com/compare/gpu/nvidia-l4-vs-nvidia-tesla-m40"],
  [/Tesla T4/i, 8.141, 320, "https://sysrqmts.com/en/gpus/nvidia/tesla/t4"],
];

/** The peak of an adapter that is in the table. */
export function knownPeak(adapter: Readonly<Record<string, string>>): Peak | undefined {
  const name = `${adapter.device} ${adapter.description}`;
  const card = cards.find(([pattern]) => pattern.test(name));
  return card && { gflops: 1000 * card[1], gbPerSecond: card[2], source: card[3] };
}

const kernelCases: readonly MeasuredCase[] = [...caseNames.slice(0, caseNames.indexOf("train-step")), largeCase];

/** Bytes a kernel case cannot do without: every operand read once, every result written once. */
export function leastBytes(name: MeasuredCase): number {
  if (name.startsWith("matmul")) return 4 * 3 * Number(name.split("-")[1]) ** 2;
  if (name === "softplus-4m") return 4 * 2 * 4096 * 1024;
  if (name === "sum-4m") return 4 * 4096 * 1024;
  // A convolution and its two adjoints read two of these and write the third.
  const { x, w, g } = convInputs(name.startsWith("conv1") ? "conv1" : "conv2");
  return 4 * (x.data.length + w.data.length + g.data.length);
}

const runner = fileURLToPath(new URL("../tests/run.js", import.meta.url));

/** The tests of the whole op table in a process of their own, as a row. */
async function testTable({ adapter }: Report, small: boolean): Promise<Row> {
  const row = { case: "op-table", system: "holdfast", wait: "none" } as const;
  if (!existsSync(runner))
    return { ...row, checked: false, error: `${runner} is missing ; a built checkout of the repository is needed` };
  const args = [runner, "--file", "table", ...(small ? ["--only", "softplus"] : [])];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  const said = text.split("\n").filter((line) => /^GPU: |^\d+ passed, /.test(line));
  const note = [...(small ? ["only tests named softplus"] : []), ...said].join("; ");
  // Tests name software by its description and a card by its maker's and its own name.
  const names = [adapter.description, `${adapter.vendor} ${adapter.device || adapter.architecture}`];
  if (code === 0 && names.some((name) => name && note.includes(name))) return { ...row, checked: true, note };
  if (code === 0)
    return { ...row, checked: false, error: `the tests ran on another adapter than ${names[1]}: ${note}` };
  console.error(text);
  return { ...row, checked: false, note, error: `the tests ended with ${code}: ${said.join("; ")}` };
}

/** Everything on one adapter; closes the engine. */
export async function runGpu(on: Bench, about: Report, options: GpuOptions = {}): Promise<GpuReport> {
  const { runs = 10, small = false, onRow, adapter } = options;
  const results: Row[] = [];
  const add = (row: Row): void => {
    results.push(row);
    onRow?.(row);
  };
  add(await testTable(about, small));
  const names: readonly MeasuredCase[] = small ? ["conv1", "sum-4m", "train-step"] : [...caseNames, largeCase];
  const entries = names.map((name) => checkedCase(name, name === largeCase ? largeProduct : cases[name]));
  results.push(...(await runEntries(on, entries, { waits: ["spin"], runs, inARow: true, onRow })));
  // PyTorch must not share the card with an open device.
  shutdown();
  const torch = await runPeers({ cases: names, systems: ["torch-cuda", "torch-cuda-graph"], runs, adapter });
  for (const row of torch.results) onRow?.(row);
  const peak = options.peak ?? knownPeak(about.adapter);
  return { ...joinReports({ ...about, results }, torch), ...(peak && { peak }) };
}

function largeProduct() {
  const { a, b } = matmulInputs(4096);
  return pure((a, b) => ({ c: matmul(a, b) }), [a, b]);
}

const percent = (value: number | undefined, peak: number | undefined): string =>
  value === undefined || peak === undefined ? "unknown" : `${((100 * value) / peak).toFixed(1)} %`;

const verdict = (row: Row): string => row.error ?? (row.checked ? "yes" : `NO: ${row.disagreement?.where}`);

/** The report for people: kernels against the peak, steps beside PyTorch. */
export function formatGpu(report: GpuReport): string {
  const { peak, results } = report;
  const tested = results.find((row) => row.case === "op-table");
  const kernels = results.filter((row) => kernelCases.some((name) => name === row.case));
  const steps = results.filter((row) => row !== tested && !kernels.includes(row));
  const limit = peak
    ? `Peak: ${figure(peak.gflops)} GFLOP/s in fp32, ${figure(peak.gbPerSecond)} GB/s, from ${peak.source}.`
    : "Peak: unknown; --peak GFLOP/s,GB/s tells it.";
  return [
    formatAbout(report),
    `Op table: ${tested ? (tested.error ?? tested.note) : "not tested"}`,
    limit,
    table(
      ["kernel", "system", "ms alone", "ms in a row", "GFLOP/s", "of peak", "GB/s", "of peak", "checked"],
      kernels.map((row) => kernelLine(row, peak)),
    ),
    table(
      ["step", "system", "ms alone", "ms in a row", "host ms", "dispatches", "host µs/dispatch", "checked"],
      steps.map((row) => [
        ...[row.case, row.system, figure(row.medianMs), figure(row.inARowMs), figure(row.hostMs)],
        figure(row.dispatches),
        figure(row.hostMs && row.dispatches ? (1000 * row.hostMs) / row.dispatches : undefined),
        verdict(row),
      ]),
    ),
  ].join("\n\n");
}

function kernelLine(row: Row, peak: Peak | undefined): string[] {
  const name = row.case as MeasuredCase;
  const ms = row.inARowMs ?? row.medianMs;
  const per = (amount: number | null): number | undefined => (amount && ms ? amount / ms / 1e6 : undefined);
  const [gflops, gbPerSecond] = [per(flops[name]), per(leastBytes(name))];
  return [
    ...[name, row.system, figure(row.medianMs), figure(row.inARowMs), figure(gflops)],
    flops[name] === null ? "-" : percent(gflops, peak?.gflops),
    ...[figure(gbPerSecond), percent(gbPerSecond, peak?.gbPerSecond), verdict(row)],
  ];
}
