/** What changed between operator sets, by hand: ONNX's own tests end at set 17 and hold the newest form of each operator only. */
import { dispose, tensor } from "../../engine/index.js";
import { importOnnx } from "../../nn/index.js";
import { OPERATORS } from "../../nn/onnx/operators/table.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { FLOAT, INT64, model, type NodeSpec, single, tensor as stored, valueInfo } from "./onnx/encode.js";

interface Case {
  readonly op: string;
  readonly opset: number;
  readonly x: readonly number[];
  /** Without the batch, which is 1 and comes first. */
  readonly sides: readonly number[];
  readonly y: readonly number[];
  readonly shape: readonly number[];
  readonly attributes?: NodeSpec["attributes"];
  readonly more?: Parameters<typeof single>[4];
}

const count = (n: number, start = 1): number[] => Array.from({ length: n }, (_, i) => start + i);
const ints = (...values: number[]) => ({ ints: values });
const int = (value: number) => ({ int: value });
const float = (value: number) => ({ float: value });
const text = (value: string) => ({ text: value });
const list = (name: string, values: readonly number[]) => [name, [values.length], values, INT64] as const;
const scalar = (name: string, value: number, type = FLOAT) => [name, [], [value], type] as const;

/** [1, ...sides] of one node, one set after the other. */
const cases: readonly Case[] = [
  // Bounds are attributes before 11.
  {
    op: "Clip",
    opset: 6,
    x: [-2, 0.5, 3],
    sides: [3],
    y: [-1, 0.5, 2],
    shape: [3],
    attributes: { min: float(-1), max: float(2) },
  },
  {
    op: "Clip",
    opset: 11,
    x: [-2, 0.5, 3],
    sides: [3],
    y: [-1, 0.5, 2],
    shape: [3],
    more: [scalar("lo", -1), scalar("hi", 2)],
  },
  // The result of bounds that cross is the upper one.
  {
    op: "Clip",
    opset: 13,
    x: [-2, 0.5, 3],
    sides: [3],
    y: [1, 1, 1],
    shape: [3],
    more: [scalar("lo", 2), scalar("hi", 1)],
  },
  // From axis on all is one row before 13; (e, e) and (1, 1) by the last axis later.
  {
    op: "Softmax",
    opset: 11,
    x: [0, 0, 0, Math.log(5)],
    sides: [2, 2],
    y: [1 / 8, 1 / 8, 1 / 8, 5 / 8],
    shape: [2, 2],
  },
  {
    op: "Softmax",
    opset: 13,
    x: [0, 0, 0, Math.log(5)],
    sides: [2, 2],
    y: [1 / 2, 1 / 2, 1 / 6, 5 / 6],
    shape: [2, 2],
  },
  // Axes as an attribute, then as an input.
  {
    op: "ReduceSum",
    opset: 11,
    x: [1, 2, 3, 4],
    sides: [2, 2],
    y: [4, 6],
    shape: [2],
    attributes: { axes: ints(1), keepdims: int(0) },
  },
  {
    op: "ReduceSum",
    opset: 13,
    x: [1, 2, 3, 4],
    sides: [2, 2],
    y: [4, 6],
    shape: [2],
    attributes: { keepdims: int(0) },
    more: [list("axes", [1])],
  },
  {
    op: "ReduceMean",
    opset: 17,
    x: [1, 2, 3, 4],
    sides: [2, 2],
    y: [2, 3],
    shape: [2],
    attributes: { axes: ints(-2), keepdims: int(0) },
  },
  {
    op: "ReduceMean",
    opset: 18,
    x: [1, 2, 3, 4],
    sides: [2, 2],
    y: [2, 3],
    shape: [2],
    attributes: { keepdims: int(0) },
    more: [list("axes", [-2])],
  },
  {
    op: "ReduceMax",
    opset: 18,
    x: [1, 2, 3, 4],
    sides: [2, 2],
    y: [1, 2, 3, 4],
    shape: [2, 2],
    attributes: { noop_with_empty_axes: int(1) },
  },
  { op: "Squeeze", opset: 11, x: [1, 2], sides: [1, 2], y: [1, 2], shape: [2], attributes: { axes: ints(1) } },
  { op: "Squeeze", opset: 21, x: [1, 2], sides: [1, 2], y: [1, 2], shape: [2], more: [list("axes", [1])] },
  { op: "Unsqueeze", opset: 11, x: [1, 2], sides: [2], y: [1, 2], shape: [1, 2, 1], attributes: { axes: ints(1, 3) } },
  { op: "Unsqueeze", opset: 21, x: [1, 2], sides: [2], y: [1, 2], shape: [1, 2, 1], more: [list("axes", [-1, 1])] },
  {
    op: "Slice",
    opset: 9,
    x: count(4),
    sides: [4],
    y: [2, 3],
    shape: [2],
    attributes: { axes: ints(1), starts: ints(1), ends: ints(-1) },
  },
  {
    op: "Slice",
    opset: 13,
    x: count(4),
    sides: [4],
    y: [4, 2],
    shape: [2],
    more: [list("s", [-1]), list("e", [-1000]), list("a", [1]), list("t", [-2])],
  },
  {
    op: "Reshape",
    opset: 1,
    x: count(4),
    sides: [4],
    y: count(4),
    shape: [2, 2],
    attributes: { shape: ints(0, 2, -1) },
  },
  {
    op: "Pad",
    opset: 10,
    x: [1, 2],
    sides: [2],
    y: [9, 1, 2],
    shape: [3],
    attributes: { pads: ints(0, 1, 0, 0), value: float(9) },
  },
  {
    op: "Pad",
    opset: 18,
    x: [1, 2],
    sides: [2],
    y: [9, 1, 2],
    shape: [3],
    more: [list("p", [1, 0]), scalar("v", 9), list("axes", [1])],
  },
  {
    op: "Pad",
    opset: 19,
    x: [1, 2, 3],
    sides: [3],
    y: [2, 3, 1, 2, 3, 1],
    shape: [6],
    attributes: { mode: text("wrap") },
    more: [list("p", [2, 1]), ["", [], []], list("axes", [1])],
  },
  { op: "Pad", opset: 13, x: [1, 2, 3], sides: [3], y: [2, 3], shape: [2], more: [list("p", [0, -1, 0, 0])] },
  // The last part is smaller where the side does not divide.
  {
    op: "Split",
    opset: 18,
    x: count(5),
    sides: [5],
    y: [1, 2, 3],
    shape: [3],
    attributes: { axis: int(1), num_outputs: int(2) },
  },
  {
    op: "Upsample",
    opset: 7,
    x: [1, 2],
    sides: [1, 1, 2],
    y: [1, 1, 2, 2],
    shape: [1, 1, 4],
    attributes: { scales: { floats: [1, 1, 1, 2] } },
  },
  {
    op: "Upsample",
    opset: 9,
    x: [1, 2],
    sides: [1, 1, 2],
    y: [1, 1, 2, 2],
    shape: [1, 1, 4],
    more: [["s", [4], [1, 1, 1, 2]]],
  },
  {
    op: "Resize",
    opset: 10,
    x: [1, 3],
    sides: [1, 1, 2],
    y: [1, 2, 3, 3],
    shape: [1, 1, 4],
    attributes: { mode: text("linear") },
    more: [["s", [4], [1, 1, 1, 2]]],
  },
  // Half pixels: outputs lie at -1/4, 1/4, 3/4, 5/4 of the input.
  {
    op: "Resize",
    opset: 13,
    x: [1, 3],
    sides: [1, 1, 2],
    y: [1, 1.5, 2.5, 3],
    shape: [1, 1, 4],
    attributes: { mode: text("linear") },
    more: [
      ["", [], []],
      ["s", [4], [1, 1, 1, 2]],
    ],
  },
  {
    op: "Resize",
    opset: 18,
    x: [1, 3],
    sides: [1, 1, 2],
    y: [1, 1.5, 2.5, 3],
    shape: [1, 1, 4],
    attributes: { mode: text("linear"), axes: ints(3) },
    more: [
      ["", [], []],
      ["s", [1], [2]],
    ],
  },
  // 3 by a factor of 1.2 are 3; the symmetric mode shifts by (3 − 3.6)/3.6 · 3/2 = 1/4 less.
  {
    op: "Resize",
    opset: 19,
    x: [0, 1, 2],
    sides: [1, 1, 3],
    y: [1 / 6, 1, 11 / 6],
    shape: [1, 1, 3],
    attributes: { mode: text("linear"), axes: ints(3), coordinate_transformation_mode: text("half_pixel_symmetric") },
    more: [
      ["", [], []],
      ["s", [1], [1.2]],
    ],
  },
  {
    op: "Resize",
    opset: 18,
    x: count(8),
    sides: [1, 2, 4],
    y: [1, 3],
    shape: [1, 1, 2],
    attributes: {
      axes: ints(2, 3),
      keep_aspect_ratio_policy: text("not_larger"),
      coordinate_transformation_mode: text("asymmetric"),
      nearest_mode: text("floor"),
    },
    more: [["", [], []], ["", [], []], list("z", [2, 2])],
  },
  { op: "Gelu", opset: 20, x: [1, -1], sides: [2], y: [0.8413447460685429, -0.15865525393145707], shape: [2] },
  {
    op: "Gelu",
    opset: 20,
    x: [1],
    sides: [1],
    y: [0.5 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * 1.044715))],
    shape: [1],
    attributes: { approximate: text("tanh") },
  },
  { op: "Mish", opset: 18, x: [0, 1], sides: [2], y: [0, Math.tanh(Math.log(1 + Math.E))], shape: [2] },
  // Groups of two of the channels 1 3 and 2 6: ±1 each, then one factor per group, or per channel from 21 on.
  {
    op: "GroupNormalization",
    opset: 18,
    x: [1, 3, 2, 6],
    sides: [4, 1],
    y: [-2, 2, -2, 4],
    shape: [4, 1],
    attributes: { num_groups: int(2), epsilon: float(0) },
    more: [
      ["s", [2], [2, 3]],
      ["b", [2], [0, 1]],
    ],
  },
  {
    op: "GroupNormalization",
    opset: 21,
    x: [1, 3, 2, 6],
    sides: [4, 1],
    y: [-1, 2, -2, 4],
    shape: [4, 1],
    attributes: { num_groups: int(2), epsilon: float(0) },
    more: [
      ["s", [4], [1, 2, 3, 4]],
      ["b", [4], [0, 0, 1, 0]],
    ],
  },
  {
    op: "RMSNormalization",
    opset: 23,
    x: [3, 4],
    sides: [2],
    y: [3 / Math.sqrt(12.5), 8 / Math.sqrt(12.5)],
    shape: [2],
    attributes: { epsilon: float(0) },
    more: [["s", [2], [1, 2]]],
  },
  { op: "LpNormalization", opset: 1, x: [3, 4], sides: [2], y: [0.6, 0.8], shape: [2] },
  { op: "LpNormalization", opset: 1, x: [1, -3], sides: [2], y: [0.25, -0.75], shape: [2], attributes: { p: int(1) } },
  {
    op: "LpPool",
    opset: 18,
    x: [3, 4, 0, 5],
    sides: [1, 4],
    y: [5, 4, 5],
    shape: [1, 3],
    attributes: { kernel_shape: ints(2) },
  },
  { op: "GlobalLpPool", opset: 2, x: [3, 4], sides: [1, 2], y: [5], shape: [1, 1] },
  // Windows of the elements 0 and 2, 1 and 3.
  {
    op: "AveragePool",
    opset: 19,
    x: [1, 2, 5, 10],
    sides: [1, 4],
    y: [3, 6],
    shape: [1, 2],
    attributes: { kernel_shape: ints(2), dilations: ints(2) },
  },
  {
    op: "AveragePool",
    opset: 11,
    x: [1, 2, 6],
    sides: [1, 3],
    y: [0.5, 4],
    shape: [1, 2],
    attributes: { kernel_shape: ints(2), strides: ints(2), pads: ints(1, 0), count_include_pad: int(1) },
  },
  // The last window reaches beyond the image: what lies there does not count.
  {
    op: "AveragePool",
    opset: 11,
    x: [1, 2, 6],
    sides: [1, 3],
    y: [1.5, 6],
    shape: [1, 2],
    attributes: { kernel_shape: ints(2), strides: ints(2), ceil_mode: int(1), count_include_pad: int(1) },
  },
  {
    op: "MaxPool",
    opset: 12,
    x: [1, 5, 2],
    sides: [1, 3],
    y: [5, 2],
    shape: [1, 2],
    attributes: { kernel_shape: ints(2), strides: ints(2), ceil_mode: int(1) },
  },
  {
    op: "MaxPool",
    opset: 12,
    x: [1, 5, 2, 4],
    sides: [1, 4],
    y: [2, 5],
    shape: [1, 2],
    attributes: { kernel_shape: ints(2), dilations: ints(2) },
  },
  {
    op: "MaxPool",
    opset: 8,
    x: [1, 2, 3],
    sides: [1, 3],
    y: [1, 3],
    shape: [1, 2],
    attributes: { kernel_shape: ints(2), strides: ints(2), auto_pad: text("SAME_LOWER") },
  },
  {
    op: "MaxPool",
    opset: 8,
    x: [1, 2, 3],
    sides: [1, 3],
    y: [2, 3],
    shape: [1, 2],
    attributes: { kernel_shape: ints(2), strides: ints(2), auto_pad: text("SAME_UPPER") },
  },
  {
    op: "Conv",
    opset: 11,
    x: [1, 2, 3],
    sides: [1, 3],
    y: [2, 8],
    shape: [1, 2],
    attributes: { strides: ints(2), pads: ints(1, 0) },
    more: [
      ["w", [1, 1, 2], [2, 1]],
      ["b", [1], [1]],
    ],
  },
  {
    op: "Dropout",
    opset: 6,
    x: [1, 2],
    sides: [2],
    y: [1, 2],
    shape: [2],
    attributes: { ratio: float(0.9), is_test: int(1) },
  },
  { op: "Dropout", opset: 13, x: [1, 2], sides: [2], y: [1, 2], shape: [2], more: [scalar("ratio", 0.9)] },
  {
    op: "BatchNormalization",
    opset: 6,
    x: [5, 1],
    sides: [2],
    y: [3, -1],
    shape: [2],
    attributes: { epsilon: float(0), is_test: int(1), consumed_inputs: ints(0, 0, 0, 1, 1) },
    more: [
      ["s", [2], [2, 1]],
      ["b", [2], [1, -1]],
      ["m", [2], [3, 1]],
      ["v", [2], [4, 9]],
    ],
  },
  {
    op: "BatchNormalization",
    opset: 15,
    x: [5, 1],
    sides: [2],
    y: [3, -1],
    shape: [2],
    attributes: { epsilon: float(0) },
    more: [
      ["s", [2], [2, 1]],
      ["b", [2], [1, -1]],
      ["m", [2], [3, 1]],
      ["v", [2], [4, 9]],
    ],
  },
  {
    op: "PRelu",
    opset: 6,
    x: [-1, 2, -3, 4],
    sides: [2, 2],
    y: [-0.5, 2, -6, 4],
    shape: [2, 2],
    more: [["slope", [2], [0.5, 2]]],
  },
  {
    op: "PRelu",
    opset: 9,
    x: [-1, 2, -3, 4],
    sides: [2, 2],
    y: [-0.5, 2, -1.5, 4],
    shape: [2, 2],
    more: [["slope", [2], [0.5, 2]]],
  },
  // Before 7 the second operand begins at `axis`.
  {
    op: "Add",
    opset: 6,
    x: count(4),
    sides: [2, 2],
    y: [11, 12, 23, 24],
    shape: [2, 2],
    attributes: { broadcast: int(1), axis: int(1) },
    more: [["c", [2], [10, 20]]],
  },
  { op: "Add", opset: 7, x: count(4), sides: [2, 2], y: [11, 22, 13, 24], shape: [2, 2], more: [["c", [2], [10, 20]]] },
  { op: "Concat", opset: 3, x: [1, 2], sides: [2], y: [1, 2], shape: [2] },
  { op: "Cast", opset: 5, x: [1.75], sides: [1], y: [1], shape: [1], attributes: { to: text("INT32") } },
  { op: "Cast", opset: 19, x: [-1.75], sides: [1], y: [-1], shape: [1], attributes: { to: int(7) } },
  { op: "Tile", opset: 6, x: [1, 2], sides: [2], y: [1, 2, 1, 2], shape: [4], more: [list("r", [1, 2])] },
  { op: "TopK", opset: 1, x: [3, 9, 5], sides: [3], y: [9, 5], shape: [2], attributes: { k: int(2) } },
  {
    op: "TopK",
    opset: 11,
    x: [3, 9, 5],
    sides: [3],
    y: [3, 5],
    shape: [2],
    attributes: { largest: int(0) },
    more: [list("k", [2])],
  },
  {
    op: "LRN",
    opset: 1,
    x: [1, 2, 3],
    sides: [3, 1],
    y: [1 / 6, 2 / 15, 3 / 14],
    shape: [3, 1],
    attributes: { size: int(3), alpha: float(3), beta: float(1) },
  },
];

for (const { op, opset, x, sides, y, shape, attributes, more } of cases)
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
