/** `holdfast import net.onnx`: what an ONNX file holds, whether its outputs are right here, and its parameters as safetensors. */
import { basename } from "node:path";
import { openScope, tensor } from "../../engine/index.js";
import { sha256 } from "../../nn/data/sha256.js";
import {
  compareOutput,
  forwardBytes,
  type OnnxNetwork,
  openOnnx,
  readNpy,
  sampleSize,
  writeSafetensors,
} from "../../nn/index.js";
import { columns } from "../arguments.js";
import { defineCommand, numberOption, UsageError } from "../command.js";
import { cpuOption, withEngine } from "../engine.js";
import { parsing, readInput, writeOutput } from "../files.js";
import { Live } from "../live.js";
import { onnxOptions } from "../sources/onnx.js";
import { classNames, sampleShape } from "../sources/onnx-input.js";
import { hostParameters, ONNX_KEY } from "../sources/onnx-parameters.js";
import { requireWritable } from "../writable.js";

const help = (text: string): string => text.replace("of --model: ", "");

const options = {
  shape: { ...onnxOptions.shape, help: help(onnxOptions.shape.help) },
  classes: { ...onnxOptions.classes, help: help(onnxOptions.classes.help) },
  logits: {
    ...onnxOptions.logits,
    help: "the value of the graph that is the output (default its first output of floats), and is compared by --check",
  },
  check: {
    type: "string",
    value: "inputs> <outputs",
    help: "compare with what another runtime gave for the same inputs: two files, .npy or raw float32 (.f32), a sample after the other; exit with status 1 where they differ",
  },
  tolerance: {
    type: "string",
    default: "1e-4",
    value: "number",
    help: "of --check: how far an output may be off, absolutely plus relatively",
  },
  out: {
    type: "string",
    value: "file.safetensors",
    help: "write the parameters by their names in the file; they need the ONNX file beside them: --model net.onnx --weights file.safetensors",
  },
  ...cpuOption,
} as const;

export const command = defineCommand({
  summary: "say what an ONNX file holds, compare its outputs with another runtime's, write its parameters",
  options,
  positionals: "<net.onnx>",
  async run({ values, positionals }) {
    const [path, expected, further] = positionals;
    if (path === undefined) throw new UsageError("no file is given; pass one, such as net.onnx");
    if ((values.check === undefined) !== (expected === undefined) || further !== undefined)
      throw new UsageError(
        `${further ?? expected ?? `--check ${values.check}`}: --check takes two files, of inputs and of outputs, after the network: import net.onnx --check inputs.npy outputs.npy`,
      );
    if (values.out !== undefined && !values.out.endsWith(".safetensors"))
      throw new UsageError(`--out ${values.out}: a name that ends in .safetensors is needed`);
    if (values.out !== undefined) await requireWritable("out", values.out);
    const bytes = await readInput("model", path);
    const names = await classNames(values.classes);
    const shape = sampleShape(values.shape);
    const tolerance = numberOption("tolerance", values.tolerance, { min: 0, max: 1 });
    const files =
      values.check === undefined ? undefined : [await readNumbers(values.check), await readNumbers(expected)];
    return withEngine({ cpu: values.cpu, withoutAdapter: "refuse" }, async (place) => {
      using here = openScope("import");
      const net = await here.wait(
        parsing(path, () => openOnnx(path, { shape: shape ?? files?.[0].shape, output: values.logits })),
      );
      new Live().print(`${path}\n${summary(net, names)}`);
      if (values.out !== undefined) {
        const about = { [ONNX_KEY]: basename(path), "onnx-sha256": await here.wait(sha256(bytes)) };
        await here.wait(
          writeOutput(
            values.out,
            writeSafetensors(await here.wait(hostParameters(net.params)), new Map(Object.entries(about))),
          ),
        );
        new Live().print(
          `${values.out}: the parameters; the graph stays in ${basename(path)}, which commands need beside them`,
        );
      }
      if (!files) return 0;
      return (await here.wait(agree(net, files, { tolerance, path, on: place.name }))) ? 0 : 1;
    });
  },
});

interface Numbers {
  readonly path: string;
  readonly data: Float32Array;
  /** Of a sample, where the file says it. */
  readonly shape?: readonly number[];
}

async function readNumbers(path: string): Promise<Numbers> {
  const bytes = await readInput("check", path);
  if (/\.npy$/i.test(path)) {
    const { shape, data } = await parsing(path, () => readNpy(bytes));
    return { path, data, shape: shape.slice(1) };
  }
  if (bytes.length === 0 || bytes.length % 4 !== 0)
    throw new UsageError(
      `--check ${path}: ${bytes.length} bytes; raw float32 has four for each number; .npy is read too`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { path, data: Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true)) };
}

/** Prints how far the outputs are from what was expected. */
async function agree(
  net: OnnxNetwork,
  [inputs, outputs]: readonly Numbers[],
  { tolerance, path, on }: { readonly tolerance: number; readonly path: string; readonly on: string },
): Promise<boolean> {
  const shape = closedShape(net);
  if (!shape) throw new UsageError(`${path}: some sides of a sample are open; give them with --shape to check it`);
  const size = sampleSize(shape);
  const count = inputs.data.length / size;
  if (!Number.isInteger(count) || count === 0)
    throw new UsageError(
      `--check ${inputs.path}: ${inputs.data.length} numbers; samples of [${shape}] have ${size} each`,
    );
  const wide = sampleSize(net.output.shape ?? []);
  if (outputs.data.length !== count * wide)
    throw new UsageError(
      `--check ${outputs.path}: ${outputs.data.length} numbers; ${count} outputs of [${net.output.shape}] have ${count * wide}`,
    );
  const margins = { atol: tolerance, rtol: tolerance };
  const found = await compareOutput(net, tensor(inputs.data, [count, ...shape]), outputs.data, margins);
  const { good, at, given, expected, worst } = found;
  new Live().print(
    good
      ? `check: ${outputs.data.length} outputs of ${count} ${count === 1 ? "sample" : "samples"} agree within ${tolerance}; the largest difference is ${worst.toPrecision(2)}, on ${on}`
      : `check: outputs DIFFER: sample ${Math.floor(at / wide)}, output ${at % wide} is ${given}, ${expected} was expected; the largest difference is ${worst.toPrecision(2)}, on ${on}`,
  );
  return good;
}

function closedShape({ input }: OnnxNetwork): number[] | undefined {
  const sides = input.shape.slice(1);
  return sides.every((side) => side !== undefined) ? (sides as number[]) : undefined;
}

/** What the file holds, a line each. */
function summary(net: OnnxNetwork, names: readonly string[] | undefined): string {
  const { input, output, classes, opset, producer, operators, parameterCount, batched, unbatched } = net;
  const sides = (list: readonly (number | undefined)[]): string => list.map((side) => side ?? "?").join(",");
  const shape = closedShape(net);
  const batch = batched === false ? `; samples go through one by one: ${unbatched}` : "";
  if (names && names.length !== classes)
    throw new UsageError(`--classes: ${names.length} names came; the output has ${classes ?? "no list of"} classes`);
  const all = Object.entries(operators).map(([name, count]) => `${name} ${count}`);
  return columns([
    ["made by", `${producer || "nobody who is named"}, operator set ${opset}`],
    ["input", `${input.name} [n,${sides(input.shape.slice(1))}] ${input.type}${batch}`],
    [
      "output",
      `${output.name} [${["n", ...(output.shape ?? ["?"])]}]${output.probabilities ? ", probabilities (a softmax)" : ""}`,
    ],
    [
      "classes",
      output.shape === undefined
        ? "not known"
        : classes === undefined
          ? "the output is no list of classes"
          : `${classes}${names ? `: ${names.join(", ")}` : ""}`,
    ],
    ["parameters", parameterCount.toLocaleString("en")],
    ["operators", all.join(", ")],
    [
      "memory",
      shape
        ? `${megabytes(forwardBytes(net, shape))} written by a forward pass of one sample, ${megabytes(4 * parameterCount)} of parameters`
        : "not known while sides of a sample are open; give --shape",
    ],
  ]);
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toPrecision(3)} MiB`;
