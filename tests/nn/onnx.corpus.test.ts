/** ONNX's own 1 072 tests against a list of those that pass, which can only grow. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { callerScope, dispose, tensor } from "../../engine/index.js";
import { DataError, importOnnx } from "../../nn/index.js";
import { readModelProto } from "../../nn/onnx/proto.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, root } from "../harness.js";
import { corpusFolder, corpusModels, tryModel } from "./onnx/corpus.js";

/** Models with operators of 61 names; see the specification of the importer. */
const BAR = 479;

const listed = readFileSync(join(root, "tests/nn/onnx/corpus-passes.txt"), "utf8").trim().split("\n");

/** float64 models whose numbers f32 does not hold. */
const TOO_LARGE = new Set(
  ["add_broadcast", "add_size1_right_broadcast", "add_size1_singleton_broadcast", "addconstant"].map(
    (name) => `pytorch-operator/test_operator_${name}`,
  ),
);

/** Plain loops take seconds for them; the GPU runs them instead. */
const HEAVY = [
  "pytorch-converted/test_MaxPool1d_stride_padding_dilation",
  "pytorch-converted/test_MaxPool2d_stride_padding_dilation",
  "pytorch-operator/test_operator_conv",
];

referenceTest("all listed models give their outputs in float64, and the list has all that do", async () => {
  const folder = corpusFolder();
  const models = corpusModels(folder);
  const passed = [...HEAVY];
  for (const name of models.filter((model) => !HEAVY.includes(model))) {
    const { ok, reason } = await tryModel(folder, name);
    if (ok) passed.push(name);
    else if (listed.includes(name)) check.fail(`${name}: ${reason}`);
  }
  console.log(`\n    ${passed.length} of ONNX's ${models.length} models give their outputs; the bar is ${BAR}`);
  check.ok(passed.length >= BAR, `${passed.length} models pass`);
  check.equal(
    passed.filter((name) => !listed.includes(name)),
    [],
    "models that pass and are not listed: add them to tests/nn/onnx/corpus-passes.txt",
  );
});

/** For each operator the listed node test with the shortest name. */
function chosen(folder: string): string[] {
  const found = new Map<string, string>();
  for (const name of [...listed].sort((a, b) => a.length - b.length || (a < b ? -1 : 1))) {
    if (!name.startsWith("node/") || TOO_LARGE.has(name)) continue;
    const nodes = readModelProto(readFileSync(join(folder, name, "model.onnx"))).graph?.node ?? [];
    const op = nodes.length === 1 ? (nodes[0].op_type ?? "") : "";
    if (op !== "" && !found.has(op)) found.set(op, name);
  }
  return [...found.values()];
}

gpuTest("a model of each operator gives its outputs on the GPU", async () => {
  const folder = corpusFolder();
  const names = [...chosen(folder), ...HEAVY];
  check.ok(names.length > 130, `${names.length} models`);
  for (const name of names) {
    const { ok, reason } = await tryModel(folder, name, 1e-4);
    if (!ok) check.fail(`${name}: ${reason}`);
    check.ok(ok);
  }
});

/** Elements of a batch of three; larger models would take plain loops too long. */
const MAX_ELEMENTS = 20_000;

referenceTest("a batch gives what its samples give alone, in every model of one input", async () => {
  const here = callerScope();
  const folder = corpusFolder();
  let tried = 0;
  let batched = 0;
  for (const name of corpusModels(folder)) {
    using _ = here.open(name);
    const net = await here.wait(
      importOnnx(readFileSync(join(folder, name, "model.onnx"))).catch((error) => {
        if (!(error instanceof DataError)) check.fail(`${name}: ${String(error)}`);
        return undefined;
      }),
    );
    if (!net) continue;
    try {
      const [base = 1, ...sample] = net.input.shape;
      const size = sample.reduce<number>((a, b) => a * (b ?? Number.NaN), base);
      if (!(3 * size <= MAX_ELEMENTS)) continue;
      const whole = net.input.type.includes("int");
      const data = Float64Array.from({ length: 3 * size }, (_, i) => {
        const v = 1.7 * Math.sin(12.9898 * i) + 0.1;
        return whole ? Math.abs(Math.round(v)) : v;
      });
      const give = (part: Float64Array, n: number) =>
        net.classifier(tensor(part, [n * base, ...(sample as number[])], "f32")).read();
      const together = await here.wait(give(data, 3));
      const alone: number[] = [];
      for (let i = 0; i < 3; i++) alone.push(...(await here.wait(give(data.slice(i * size, (i + 1) * size), 1))));
      check.close(together, alone, { rtol: 1e-9, atol: 1e-9 }, name);
      tried++;
      if (net.batched) batched++;
    } finally {
      dispose(net.params);
    }
  }
  console.log(`\n    ${tried} models of one input, of which ${batched} take a batch at once`);
  check.ok(batched > 300, `${batched} of ${tried}`);
});
