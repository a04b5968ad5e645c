/** PyTorch through a Python of the system: inputs go out and results come back as raw arrays in a temporary folder. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as inputs from "../../dist/bench/inputs.js";
import { attack, networkInputs, networkJson, networkWorks } from "../../dist/bench/networkInputs.js";

const python = process.env.HOLDFAST_PYTHON ?? "/usr/bin/python3";

/**
 * @param {"cpu" | "cuda"} device
 * @returns {string | undefined} why PyTorch cannot be used on it here
 */
export function missingTorch(device = "cpu") {
  const look = "import torch, numpy";
  const demand = '\nif not torch.cuda.is_available(): raise SystemExit("PyTorch finds no CUDA device")';
  const script = device === "cuda" ? look + demand : look;
  const { error, status, stderr } = spawnSync(python, ["-c", script], { encoding: "utf8" });
  if (error) return `${python}: ${error.message}`;
  if (status !== 0) return `${python}: ${stderr.trim().split("\n").at(-1)}`;
}

/** @returns {Record<string, {shape: readonly number[], data: Float32Array | Int32Array}>} */
function inputsOf(name) {
  if (name in networkWorks) return networkInputs(name);
  if (name in inputs.batchSizes) {
    const { images, labels } = inputs.networkBatch(name);
    const batch = { images, labels: { shape: [labels.length], data: labels } };
    return { ...inputs.networkParameters(), ...batch, ...beside(name) };
  }
  if (name.startsWith("matmul")) return inputs.matmulInputs(Number(name.split("-")[1]));
  if (name.startsWith("conv")) return inputs.convInputs(name.split("-")[0]);
  return name === "softplus-4m" ? inputs.softplusInputs() : inputs.sumInputs();
}

/** What a scheme's case has beside its batch. */
function beside(name) {
  if (name === "naive-step") return { neighbours: inputs.neighbours() };
  return name === "atex-step" ? inputs.lesson() : {};
}

/**
 * Runs cases in PyTorch.
 *
 * @param {readonly import("../inputs.js").CheckedCase[]} cases
 * @param {"float32" | "float64"} dtype
 * @param {number} runs timed runs of each; 0 for results alone
 * @param {(name: string, results: import("./worker.mjs").Results, times: {wall: number[], cpu: number[], inARow: number[], error?: string}) => void} visit
 * @param {{device?: "cpu" | "cuda", graph?: boolean}} [where] on CUDA, runs may be CUDA graphs
 * @returns {{versions: Record<string, string>, threads: number, device?: string}}
 */
export function runTorch(cases, dtype, runs, visit, { device = "cpu", graph = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-torch-"));
  try {
    const manifest = { dtype, device, graph, runs, adam: inputs.adam, around: inputs.around, networks: {}, inputs: {} };
    for (const name of cases) {
      manifest.inputs[name] = writeInputs(folder, name);
      if (!(name in networkWorks)) continue;
      const { network, work } = networkWorks[name];
      manifest.networks[name] = { work, attack, layer: networkJson(network) };
    }
    writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
    const script = fileURLToPath(new URL("pytorch.py", import.meta.url));
    const { status, stderr } = spawnSync(python, [script, folder], { encoding: "utf8" });
    if (status !== 0) throw new Error(`pytorch.py ended with ${status}:\n${stderr}`);
    const answer = JSON.parse(readFileSync(join(folder, "answer.json"), "utf8"));
    for (const [name, { results = {}, ...times }] of Object.entries(answer.cases)) {
      visit(name, readResults(folder, results, dtype), times);
    }
    return answer;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function writeInputs(folder, name) {
  const entries = {};
  for (const [key, { shape, data }] of Object.entries(inputsOf(name))) {
    const file = `${name}.${key}.in`;
    writeFileSync(join(folder, file), data);
    entries[key] = { file, shape, dtype: data instanceof Int32Array ? "int32" : "float32" };
  }
  return entries;
}

function readResults(folder, files, dtype) {
  const Elements = dtype === "float64" ? Float64Array : Float32Array;
  const read = (file) => new Elements(new Uint8Array(readFileSync(join(folder, file))).buffer);
  return Object.fromEntries(Object.entries(files).map(([name, file]) => [name, read(file)]));
}
