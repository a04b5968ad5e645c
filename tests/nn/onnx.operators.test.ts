/** What changed between operator sets, by hand: ONNX's own tests end at set 17 and hold the newest form of each operator only. */
import { dispose, tensor } from "../../engine/index.js";
import { importOnnx } from "../../nn/index.js";
import { OPERATORS } from "../../nn/onnx/operators/table.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { int, ints, text } from "./onnx/cases.js";
import { layerCases } from "./onnx/cases.layers.js";
import { shapeCases } from "./onnx/cases.shapes.js";
import { INT64, model, single, tensor as stored, valueInfo } from "./onnx/encode.js";

for (const { op, opset, x, sides, y, shape, attributes, more } of [...shapeCases, ...layerCases])
  referenceTest(
    `${op} of operator set ${opset}: ${JSON.stringify(attributes ?? {})} ${JSON.stringify(more ?? []).slice(0, 90)}`,
    async () => {
      const net = await importOnnx(single(op, [1, ...sides], opset, attributes, more));
      const out = net.classifier(tensor(Float32Array.from(x), [1, ...sides]));
      check.equal(out.shape, [1, ...shape]);
      check.close([...(await out.read())], y, { rtol: 1e-6, atol: 1e-9 });
      dispose(net.params);
    },
  );

referenceTest("splits of every set", async () => {
  for (const [opset, attributes, more] of [
    [2, { axis: int(1), split: ints(1, 2) }, []],
    [13, { axis: int(1) }, [stored("sizes", [2], [1, 2], INT64)]],
  ] as const) {
    const bytes = model({
      opset,
      nodes: [
        { op: "Split", inputs: ["x", ...(more.length > 0 ? ["sizes"] : [])], outputs: ["a", "b"], attributes },
        { op: "ReduceMax", inputs: ["b"], outputs: ["y"], attributes: { axes: ints(1) } },
      ],
      inputs: [valueInfo("x", [1, 3])],
      outputs: ["y"],
      initialisers: more,
    });
    const net = await importOnnx(bytes);
    check.equal([...(await net.classifier(tensor([[9, 4, 5]])).read())], [5], `operator set ${opset}`);
  }
});

referenceTest("operators that do not exist yet in a set are not supported in it", async () => {
  for (const [op, opset] of [
    ["Gelu", 19],
    ["LayerNormalization", 16],
    ["Einsum", 11],
    ["GroupNormalization", 17],
    ["Relu", 26],
  ] as const)
    await check.rejects(
      () => importOnnx(single(op, [1, 2], opset)),
      new RegExp(`1 node is not supported: ${op} "only" \\(opset ${opset}\\)`),
    );
});

referenceTest("attributes that would change the result and are not known are refused", async () => {
  await check.rejects(
    () =>
      importOnnx(
        single("BatchNormalization", [1, 2], 7, { spatial: int(0) }, [
          ["s", [2], [2, 1]],
          ["b", [2], [1, -1]],
          ["m", [2], [3, 1]],
          ["v", [2], [4, 9]],
        ]),
      ),
    /spatial is 0/,
  );
  await check.rejects(
    () => importOnnx(single("Elu", [1, 2], 7, { alpha: int(2) })),
    /alpha is of another kind; a float/,
  );
  await check.rejects(() => importOnnx(single("Concat", [1, 2], 7)), /attribute axis is missing; an integer is needed/);
  await check.rejects(
    () => importOnnx(single("Pad", [1, 2], 7, { pads: ints(0, 1, 0, 0), mode: text("odd") })),
    /mode is odd/,
  );
});

test("no two rows of the table answer for one operator in one set", () => {
  for (const [i, a] of OPERATORS.entries()) {
    check.ok(a.since <= a.until, a.name);
    for (const b of OPERATORS.slice(i + 1))
      if (a.name === b.name && a.domain === b.domain)
        check.ok(a.until < b.since || b.until < a.since, `${a.name} from ${a.since} and from ${b.since}`);
  }
});
