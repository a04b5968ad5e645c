/**
 * Gives what `exportOnnx` wrote to another runtime and compares: `node dist/tests/nn/onnx/otherRuntime.js`. Every kind of layer and every preset
 * is exported, run by ONNX Runtime or by the reference evaluator of the Python package onnx (`HOLDFAST_PYTHON`, else python3), and compared with
 * the layers themselves in float64: within 1e-4 plus 1e-4 of each output, since parameters and sums of the other side are float32. Exits 1
 * where one is off, and 3, with the reason, where no such runtime is at hand.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { init, openScope, random, shutdown } from "../../../engine/index.js";
import { exportOnnx, type Layer, presets, type SampleShape } from "../../../nn/index.js";
import { CASES, drawn } from "./export-cases.js";

const BATCH = 3;
const NOT_RUN = 3;

const nets: readonly (readonly [name: string, layer: Layer, shape: SampleShape])[] = [
  ...CASES.map(([layer, shape], i) => [`${i} ${layer.kind}`, layer, shape] as const),
  ...(["paper", "tiny"] as const).map((name) => [name, presets[name]({ classes: 5 }), [1, 28, 28]] as const),
  ["mlp", presets.mlp({ classes: 2 }), [9]] as const,
];

async function main(folder: string): Promise<number> {
  using here = openScope("other runtime");
  const expected: Float32Array[] = [];
  for (const [i, [, layer, shape]] of nets.entries()) {
    const params = drawn(layer, shape);
    const x = random.uniform(random.key(i), [BATCH, ...shape], { low: -2, high: 2 });
    expected.push(Float32Array.from(await here.wait(layer.apply(params, x).read())));
    const path = (end: string): string => join(folder, `${String(i).padStart(3, "0")}.${end}`);
    writeFileSync(path("onnx"), await here.wait(exportOnnx(layer, params, shape)));
    writeFileSync(path("input.f32"), Float32Array.from(await here.wait(x.read())));
    writeFileSync(path("json"), JSON.stringify(x.shape));
  }
  const python = process.env.HOLDFAST_PYTHON ?? "python3";
  const ran = spawnSync(python, ["tests/nn/onnx/runtime/run.py", folder], { encoding: "utf8" });
  if (ran.error || ran.status === NOT_RUN) {
    console.log(`NOT RUN: ${ran.error?.message ?? `${python} has ${ran.stdout.trim()}`}`);
    return NOT_RUN;
  }
  if (ran.status !== 0) {
    console.log(ran.stderr);
    return 1;
  }
  let off = 0;
  for (const [i, [name]] of nets.entries()) {
    const bytes = readFileSync(join(folder, `${String(i).padStart(3, "0")}.output.f32`));
    const given = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    const worst = expected[i].reduce((most, v, at) => Math.max(most, Math.abs(v - given[at]) / (1 + Math.abs(v))), 0);
    const good = given.length === expected[i].length && worst <= 1e-4;
    if (!good) off++;
    console.log(`${name}: ${given.length} outputs, off by ${worst.toExponential(1)}${good ? "" : "  OFF"}`);
  }
  console.log(`${nets.length - off} of ${nets.length} networks agree with ${ran.stdout.trim()}`);
  return off > 0 ? 1 : 0;
}

const folder = mkdtempSync(join(tmpdir(), "holdfast-runtime-"));
await init({ executor: "reference" });
try {
  process.exitCode = await main(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
  shutdown();
}
