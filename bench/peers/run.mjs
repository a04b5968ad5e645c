/**
 * Measures the peers: node bench/peers/run.mjs [tfjs] [jax-js] [torch-cpu] [torch-cuda] [torch-cuda-graph] [--cases a,b] [--runs 10] [--wait nap] [--adapter llvmpipe]
 *
 * Prints one JSON object {adapter, versions, results, leftOut} on standard output, progress and agreement on standard error. Every
 * WebGPU peer runs in a process of its own; a peer that cannot run is named with the reason and fails the command, except
 * PyTorch, which is optional; its cases run one op after the other, in torch-cuda-graph as CUDA graphs. What a peer cannot do at all is
 * in leftOut.
 */
import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { checkResults } from "../../dist/bench/goldens.js";
import { caseNames, largeCase, networkCaseNames } from "../../dist/bench/inputs.js";
import { median, spread, typicalCpuMs } from "../../dist/bench/measure.js";
import { missingTorch, runTorch } from "./pytorch.mjs";

const webgpuPeers = { tfjs: "tfjs.mjs", "jax-js": "jaxjs.mjs" };
/** @type {Record<string, {device: "cpu" | "cuda", graph?: boolean}>} */
const torchSystems = {
  "torch-cpu": { device: "cpu" },
  "torch-cuda": { device: "cuda" },
  "torch-cuda-graph": { device: "cuda", graph: true },
};
/** Minutes that a WebGPU peer has for each of its cases, its pipelines' compilation and all runs. */
const mostMinutes = 30;
const systems = [...Object.keys(webgpuPeers), ...Object.keys(torchSystems)];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...{ cases: { type: "string" }, runs: { type: "string", default: "10" } },
    ...{ wait: { type: "string" }, adapter: { type: "string" } },
  },
});
const known = [...caseNames, largeCase, ...networkCaseNames];
const wanted = {
  systems: pick("system", positionals, systems),
  cases: values.cases === undefined ? caseNames : pick("case", values.cases.split(","), known),
};
const waits = pick("way of waiting", values.wait?.split(","), ["spin", "nap"]);
const runs = Number(values.runs);
if (!Number.isInteger(runs) || runs < 1)
  throw new Error(`--runs: ${values.runs} came ; a whole number from 1 is needed`);

/** @type {Record<string, string> | undefined} */
let adapter;
/** @type {Record<string, string>} */
const versions = { node: process.versions.node };
/** @type {import("./worker.mjs").Row[]} */
const results = [];
/** @type {string[]} */
const leftOut = [];
for (const system of wanted.systems) {
  if (system in torchSystems) measureTorch(system);
  else await measureWebgpu(system);
}
console.log(JSON.stringify({ adapter, versions, results, leftOut }, null, 1));

function pick(what, names, known) {
  if (names === undefined || names.length === 0) return [...known];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`${what}: ${unknown} came ; one of ${known.join(", ")} is needed`);
  return names;
}

/** @param {string} reason */
function fail(reason) {
  console.error(reason);
  process.exitCode = 1;
}

/** @param {import("./worker.mjs").Row} row */
function add(row) {
  results.push(row);
  const name = `${row.system} ${row.case} ${row.wait}`.padEnd(40);
  if (row.error !== undefined) return fail(`${name} ${row.error}`);
  const { where, got, truth, relativeError } = row.disagreement;
  // What is without bound comes as null.
  const agreement = `worst error ${relativeError?.toExponential(1) ?? "without bound"} at ${where}`;
  const cpu = row.workerCpuMs === null ? "" : `, ${row.workerCpuMs.toFixed(1)} ms of worker CPU`;
  console.error(`${name} median ${row.medianMs.toFixed(1)} ms${cpu}; ${agreement}`);
  if (!row.checked) fail(`${name} DISAGREES: ${where} is ${got}, float64 gives ${truth}`);
}

function measureWebgpu(system) {
  if (!existsSync(new URL("node_modules", import.meta.url))) {
    return fail(`${system}: not installed ; run \`npm ci\` in bench/peers`);
  }
  return new Promise((resolve) => {
    const options = JSON.stringify({ cases: wanted.cases, runs, waits, adapter: values.adapter });
    const script = fileURLToPath(new URL(webgpuPeers[system], import.meta.url));
    // The libraries' own messages must not mix with the JSON.
    const child = fork(script, [options], { stdio: ["ignore", process.stderr, process.stderr, "ipc"] });
    child.on("message", ({ about, row, leftOut: reason }) => {
      if (row !== undefined) return add(row);
      if (reason !== undefined) return leftOut.push(reason);
      Object.assign(versions, about.versions);
      adapter ??= about.adapter;
      if (adapter.device !== about.adapter.device)
        fail(`${system}: ran on ${about.adapter.device}, others on ${adapter.device}`);
    });
    const limit = mostMinutes * wanted.cases.length;
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, limit * 60_000);
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      if (isLate) {
        const done = results.filter((row) => row.system === system).map((row) => row.case);
        const open = wanted.cases.filter((name) => !done.includes(name));
        leftOut.push(`${open.join(", ")} in ${system}: not measured within ${limit} minutes`);
      } else if (code !== 0) fail(`${system}: its process ended with ${signal ?? code}`);
      resolve(undefined);
    });
  });
}

function measureTorch(system) {
  const where = torchSystems[system];
  const missing = missingTorch(where.device);
  if (missing !== undefined) {
    console.error(`${system} is left out: ${missing}`);
    return;
  }
  const visit = (name, outputs, { wall, cpu, inARow, error }) => {
    const row = { case: name, system, wait: "none" };
    if (error !== undefined) return add({ ...row, checked: false, error });
    add({
      ...row,
      medianMs: median(wall),
      minMs: Math.min(...wall),
      spread: spread(wall),
      // PyTorch's main thread computes too: all threads count. On a GPU they only issue.
      workerCpuMs: where.device === "cpu" ? typicalCpuMs(cpu) : null,
      ...(inARow.length > 0 ? { inARowMs: median(inARow) } : {}),
      runs,
      ...checkResults(name, outputs),
    });
  };
  const torch = runTorch(wanted.cases, "float32", runs, visit, where);
  versions.torch = torch.versions.torch;
  if (torch.versions.blas !== null) versions.torch += ` with ${torch.versions.blas}`;
  if (torch.device === undefined) versions.torch += `, ${torch.threads} threads`;
  else versions[system] = `CUDA ${torch.versions.cuda} on ${torch.device}`;
}
