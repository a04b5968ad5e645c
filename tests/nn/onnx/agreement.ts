/**
 * Compares imported networks with PyTorch in float64: `node dist/tests/nn/onnx/agreement.js FOLDER [NAME ...]`, where FOLDER was made by
 * tests/nn/onnx/torch/export.py. Prints a row for each: largest error of the output (needed: 1e-4 of the largest element), of the input
 * gradient (1e-3), and, where it was made, of the gradient of its squared norm (1e-3), then times. Exits 1 if one is off.
 *
 * A ReLU whose input is within rounding of 0 may go the other way in f32, which shows in the gradient of one sample at some of its pixels:
 * HOLDFAST_EXECUTOR=reference runs the same in float64 and tells that from a mistake.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  dispose,
  grad,
  init,
  mul,
  openScope,
  shutdown,
  square,
  sum,
  type Tensor,
  tensor,
} from "../../../engine/index.js";
import { importOnnx } from "../../../nn/onnx/index.js";

interface About {
  readonly opset: number;
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
  readonly second: boolean;
}

function numbers(path: string): Float64Array {
  const bytes = readFileSync(path);
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/** The largest deviation as a share of the largest element. */
function error(actual: ArrayLike<number>, wanted: Float64Array): number {
  let worst = 0;
  let scale = 0;
  for (let i = 0; i < wanted.length; i++) {
    worst = Math.max(worst, Math.abs(actual[i] - wanted[i]));
    scale = Math.max(scale, Math.abs(wanted[i]));
    if (!Number.isFinite(actual[i])) return Infinity;
  }
  return worst / scale;
}

async function compare(folder: string, name: string): Promise<boolean> {
  using here = openScope("agreement");
  const about = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as About;
  const file = (part: string): Float64Array => numbers(join(folder, `${name}.${part}.f64`));
  const start = performance.now();
  const net = await here.wait(importOnnx(readFileSync(join(folder, `${name}.onnx`))));
  const imported = performance.now();
  const x = tensor(Float32Array.from(file("input")), about.inputShape);
  const size = about.outputShape.reduce((a, b) => a * b, 1);
  const weights = tensor(
    Float32Array.from({ length: size }, (_, i) => -1 + (2 * i) / (size - 1)),
    about.outputShape,
  );
  const gradient = grad((input: Tensor) => sum(mul(net.classifier(input), weights)));
  const errors = [error(await here.wait(net.classifier(x).read()), file("output"))];
  const ran = performance.now();
  errors.push(error(await here.wait(gradient(x).read()), file("gradient")));
  const differentiated = performance.now();
  if (about.second)
    errors.push(
      error(await here.wait(grad((input: Tensor) => sum(square(gradient(input))))(x).read()), file("second")),
    );
  dispose(net.params);
  const times = [imported - start, ran - imported, differentiated - ran].map((ms) => `${(ms / 1000).toFixed(1)} s`);
  const good = errors.every((e, i) => e <= (i === 0 ? 1e-4 : 1e-3));
  console.log(
    [
      name,
      `opset ${about.opset}`,
      `${net.parameterCount} parameters`,
      ...errors.map((e) => e.toExponential(1)),
      ...times,
      good ? "ok" : "OFF",
    ].join(" | "),
  );
  return good;
}

const [folder, ...names] = process.argv.slice(2);
const { HOLDFAST_EXECUTOR } = process.env;
await init(HOLDFAST_EXECUTOR === "reference" ? { executor: "reference" } : { tuning: false });
const all = readdirSync(folder).flatMap((file) => (file.endsWith(".json") ? [file.slice(0, -".json".length)] : []));
console.log("network | opset | parameters | output | gradient | second order | import | forward | gradient");
let off = 0;
for (const name of names.length > 0 ? names : all)
  try {
    if (!(await compare(folder, name))) off++;
  } catch (cause) {
    off++;
    console.log(`${name}: ${String(cause).slice(0, 400)}`);
  }
shutdown();
process.exitCode = off > 0 ? 1 : 0;
