/** ONNX's own tests, as Debian's package libonnx-testdata brings them: models with inputs and expected outputs. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { callerScope } from "../../../engine/index.js";
import { DataError } from "../../../nn/data/error.js";
import { batchOf } from "../../../nn/onnx/batch.js";
import { Names, Run } from "../../../nn/onnx/evaluate.js";
import { readTensor } from "../../../nn/onnx/initialiser.js";
import { type Compiled, compileModel } from "../../../nn/onnx/program.js";
import { readModelProto, readTensorProto } from "../../../nn/onnx/proto.js";
import { deviceValue, type HostValue, isArray, shapeOfValue, toTensor, type Value } from "../../../nn/onnx/value.js";
import { skip } from "../../harness.js";

const PLACES = ["/usr/share/libonnx-testdata/data"];

/** The folder with node, pytorch-converted, pytorch-operator and simple; skips the running test where there is none. */
export function corpusFolder(): string {
  const given = process.env.HOLDFAST_ONNX_TESTS;
  const found = [...(given ? [given] : []), ...PLACES].find((folder) => existsSync(join(folder, "node")));
  return (
    found ?? skip("no ONNX tests; install Debian's libonnx-testdata, or set HOLDFAST_ONNX_TESTS to its folder data")
  );
}

/** `node/test_relu`, ... */
export function corpusModels(folder: string): string[] {
  return ["node", "pytorch-converted", "pytorch-operator", "simple"].flatMap((part) =>
    readdirSync(join(folder, part))
      .sort()
      .filter((name) => existsSync(join(folder, part, name, "model.onnx")))
      .map((name) => `${part}/${name}`),
  );
}

export interface Outcome {
  readonly ok: boolean;
  /** Why not. */
  readonly reason: string;
}

const RTOL = 1e-3;

/** Runs a model on its inputs and compares with its outputs: element types, shapes, and elements to 1e-3, which are the margins of
 *  ONNX's own runner; and `atol`, because what cancels to 0 there may not do so here. */
export async function tryModel(folder: string, name: string, atol = 1e-5): Promise<Outcome> {
  const here = callerScope();
  const place = join(folder, name);
  const sets = readdirSync(place).filter((set) => set.startsWith("test_data_set"));
  try {
    const model = readModelProto(readFileSync(join(place, "model.onnx")));
    const outputs = model.graph!.output.map(({ name: output = "" }) => output);
    const compiled = compileModel(model, new Map(), outputs);
    for (const set of sets) {
      using _ = here.open("corpus");
      const inputs = readAll(join(place, set), "input");
      const results = evaluate(compiled, inputs);
      const expected = readAll(join(place, set), "output");
      for (const [i, wanted] of expected.entries()) {
        const problem = await here.wait(difference(results[i], wanted, atol));
        if (problem) return { ok: false, reason: `${outputs[i]}: ${problem}` };
      }
    }
    return { ok: true, reason: "" };
  } catch (error) {
    if (error instanceof DataError || error instanceof Error) return { ok: false, reason: error.message };
    throw error;
  }
}

function readAll(folder: string, kind: "input" | "output"): HostValue[] {
  const files = readdirSync(folder).filter((file) => file.startsWith(`${kind}_`));
  return Array.from({ length: files.length }, (_, i) =>
    readTensor(readTensorProto(readFileSync(join(folder, `${kind}_${i}.pb`)))),
  );
}

/** Inputs that operators must know before the run stay on the host, the others are tensors. */
export function evaluate(compiled: Compiled, inputs: readonly HostValue[]): Value[] {
  const { main } = compiled;
  const names = new Names();
  for (const [name, value] of main.constants) names.set(name, value);
  const known = new Set(main.steps.flatMap(({ row, inputs }) => inputs.filter((_, i) => row.host.includes(i))));
  for (const [i, name] of main.inputs.entries()) {
    const value = inputs[i];
    names.set(name, known.has(name) ? value : deviceValue(value.type, toTensor(value)));
  }
  return new Run(compiled, batchOf(1, 1, new Map())).program(main, names);
}

async function difference(value: Value, wanted: HostValue, atol: number): Promise<string | undefined> {
  if (!isArray(value)) return `a ${value.kind} came; a tensor is needed`;
  const data = value.kind === "host" ? value.data : await value.tensor.read();
  const shape = shapeOfValue(value);
  if (value.type !== wanted.type || shape.join() !== wanted.shape.join())
    return `${value.type} [${shape}] came; ${wanted.type} [${wanted.shape}] is needed`;
  const off = wanted.data.findIndex((v: number, i: number) => !isClose(data[i], v, atol));
  return off < 0 ? undefined : `element ${off} is ${data[off]}; ${wanted.data[off]} is needed`;
}

function isClose(actual: number, wanted: number, atol: number): boolean {
  if (Object.is(actual, wanted) || actual === wanted) return true;
  return Math.abs(actual - wanted) <= atol + RTOL * Math.abs(wanted);
}
