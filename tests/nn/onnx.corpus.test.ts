/** ONNX's own 1 072 tests against a list of those that pass, which can only grow. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
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
