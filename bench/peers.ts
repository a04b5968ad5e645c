/** The peers of bench/peers beside Holdfast, on one adapter. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { CheckedCase } from "./inputs.js";
import type { Waiting } from "./measure.js";
import { figure, formatAbout, isRight, type Report, type Row, table } from "./report.js";

export interface PeersOptions {
  readonly cases: readonly CheckedCase[];
  /** Only these; all that are installed if not given. */
  readonly systems?: readonly string[];
  readonly runs?: number;
  /** Default both. */
  readonly waits?: readonly Waiting[];
  readonly adapter?: string;
}

const script = fileURLToPath(new URL("../../bench/peers/run.mjs", import.meta.url));

/** Measures every installed peer; what fails is in the report and on standard error.
 *  @throws Error outside a checkout, or when the peers' process gives no report. */
export async function runPeers({ cases, systems = [], runs = 10, waits, adapter }: PeersOptions): Promise<Report> {
  if (!existsSync(script)) throw new Error(`peers: ${script} is missing ; a checkout of the repository is needed`);
  const args = [script, ...systems, "--cases", cases.join(","), "--runs", String(runs)];
  if (waits !== undefined) args.push("--wait", waits.join(","));
  if (adapter !== undefined) args.push("--adapter", adapter);
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  try {
    const report = JSON.parse(text) as Report;
    if (code === 0 || !isRight(report)) return report;
    const error = `exit code ${code}, see the messages above`;
    return {
      ...report,
      results: [...report.results, { case: "-", system: "peers", wait: "none", checked: false, error }],
    };
  } catch {
    throw new Error(`peers: no report came, exit code ${code} ; see the messages above`);
  }
}

/** One report of both. @throws Error when they ran on different adapters. */
export function joinReports(ours: Report, theirs: Report): Report {
  // Without a WebGPU peer there is no adapter to compare.
  if (theirs.adapter && theirs.adapter.device !== ours.adapter.device)
    throw new Error(`peers: they ran on ${theirs.adapter.device}, Holdfast on ${ours.adapter.device} ; give --adapter`);
  return {
    adapter: ours.adapter,
    versions: { ...ours.versions, ...theirs.versions },
    results: [...ours.results, ...theirs.results],
    leftOut: [...(ours.leftOut ?? []), ...(theirs.leftOut ?? [])],
  };
}

/** The row of a system for a way of waiting; PyTorch, which blocks, has one for both. */
function rowOf(rows: readonly Row[], system: string, name: string, wait: string): Row | undefined {
  return rows.find((r) => r.system === system && r.case === name && (r.wait === wait || r.wait === "none"));
}

/** Per case and way of waiting: the median of each system, and in brackets its multiple of Holdfast's. A second table has the
 *  worker CPU, which other work on the machine hardly moves. */
export function formatPeers(report: Report): string {
  const { results, leftOut = [] } = report;
  const systems = [...new Set(results.map((row) => row.system))];
  const names = [...new Set(results.map((row) => row.case))];
  const waits = ["spin", "nap"].filter((wait) => results.some((row) => row.wait === wait));
  const cell = (row: Row | undefined, ours: Row | undefined, key: "medianMs" | "workerCpuMs"): string => {
    if (!row) return "-";
    if (!row.checked) return "WRONG";
    const [value, own] = [row[key], ours?.[key]];
    const ratio = row !== ours && ours?.checked && value && own ? ` (${figure(value / own)}x)` : "";
    return figure(value) + ratio;
  };
  const tableOf = (key: "medianMs" | "workerCpuMs", title: string) => {
    const rows = names.flatMap((name) =>
      waits.map((wait) => {
        const ours = rowOf(results, "holdfast", name, wait);
        return [name, wait, ...systems.map((system) => cell(rowOf(results, system, name, wait), ours, key))];
      }),
    );
    return `${title}\n${table(["case", "wait", ...systems], rows)}`;
  };
  return [
    formatAbout(report),
    tableOf("medianMs", "Wall time, median ms (times Holdfast's)"),
    tableOf("workerCpuMs", "Worker CPU, median ms (times Holdfast's)"),
    ...(leftOut.length > 0 ? [`left out:\n${leftOut.join("\n")}`] : []),
  ].join("\n\n");
}
