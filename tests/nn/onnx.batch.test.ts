/** Networks that were made for one batch size take any, and no sample of a batch reaches another. */
import { type Tensor, tensor } from "../../engine/index.js";
import type { OnnxNetwork } from "../../nn/index.js";
import { referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { model, single, tensor as stored, valueInfo } from "./onnx/encode.js";
import { samples } from "./onnx/small-net.js";
import { values, withNetwork } from "./onnx/with-network.js";

referenceTest("what a shape can ask of a network made for another batch", async () => {
  const alone = async (net: OnnxNetwork, x: Tensor): Promise<number[]> => {
    const rows: number[] = [];
    const size = x.size / x.shape[0];
    const data = await x.read();
    for (let i = 0; i < x.shape[0]; i++) {
      const row = tensor(data.slice(i * size, (i + 1) * size), [1, ...x.shape.slice(1)], "f32");
      rows.push(...(await values(net.classifier(row))));
    }
    return rows;
  };
  const x = tensor(samples(1).slice(0, 36), [3, 4, 3], "f32");
  // [n,4,3] → [4,n,3] → [4n,3] → times w → [4,3n,1] → [3n,4,1] → [n,12]: the batch is the last part of a side, then the first.
  const heads = model({
    nodes: [
      { op: "Transpose", inputs: ["x"], outputs: ["a"], attributes: { perm: { ints: [1, 0, 2] } } },
      { op: "Reshape", inputs: ["a", "rows"], outputs: ["b"] },
      { op: "Gemm", inputs: ["b", "w"], outputs: ["c"] },
      { op: "Reshape", inputs: ["c", "split"], outputs: ["d"] },
      { op: "Transpose", inputs: ["d"], outputs: ["e"], attributes: { perm: { ints: [1, 0, 2] } } },
      { op: "Softmax", inputs: ["e"], outputs: ["f"], attributes: { axis: { int: 1 } } },
      { op: "Reshape", inputs: ["f", "flat"], outputs: ["y"] },
    ],
    inputs: [valueInfo("x", [1, 4, 3])],
    outputs: ["y"],
    initialisers: [
      stored("rows", [2], [4, 3], 7),
      stored("w", [3, 3], [1, 2, 0, -1, 1, 3, 2, 0, 1]),
      stored("split", [3], [4, 3, 1], 7),
      stored("flat", [2], [1, -1], 7),
    ],
  });
  await withNetwork(heads, async (net) => {
    check.is(net.batched, true);
    check.close(await values(net.classifier(x)), await alone(net, x), { atol: 1e-12 });
  });
  // All samples in one row: no side of the result is the batch, so they go through one by one.
  const mixing = model({
    nodes: [
      { op: "Reshape", inputs: ["x", "all"], outputs: ["a"] },
      { op: "Gather", inputs: ["a", "some"], outputs: ["y"] },
    ],
    inputs: [valueInfo("x", [1, 4, 3])],
    outputs: ["y"],
    initialisers: [stored("all", [1], [-1], 7), stored("some", [1, 2], [3, 7], 7)],
  });
  await withNetwork(mixing, async (net) => {
    check.is(net.batched, false);
    check.close(await values(net.classifier(x)), await alone(net, x), { atol: 1e-12 });
    check.equal(net.classifier(x).shape, [3, 2]);
    check.match(net.unbatched!, /^node Gather .*: gather leaves no side for the batch$/);
  });
  // The same with all elements of a sample: another order of them, whatever the batch.
  const reordering = model({
    nodes: [
      { op: "Reshape", inputs: ["x", "all"], outputs: ["a"] },
      { op: "Gather", inputs: ["a", "order"], outputs: ["y"] },
    ],
    inputs: [valueInfo("x", [1, 4, 3])],
    outputs: ["y"],
    initialisers: [stored("all", [1], [-1], 7), stored("order", [1, 3, 4], [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, -1], 7)],
  });
  await withNetwork(reordering, async (net) => {
    check.is(net.batched, true);
    check.is(net.unbatched, undefined);
    check.close(await values(net.classifier(x)), await alone(net, x), { atol: 1e-12 });
    check.equal(net.classifier(x).shape, [3, 3, 4]);
    check.close(
      (await values(net.classifier(x))).slice(12, 15),
      samples(1).filter((_, i) => [12, 15, 18].includes(i)),
      { atol: 1e-7 },
    );
  });
  const enlarge = single("Resize", [1, 4, 3], 13, {}, [
    ["", [], []],
    ["", [], []],
    ["sizes", [3], [1, 8, 6], 7],
  ]);
  await withNetwork(enlarge, async (net) => {
    check.is(net.batched, true, "sizes that were written down for a batch of one");
    check.close(await values(net.classifier(x)), await alone(net, x), { atol: 1e-12 });
  });
  // These keep the shape, and would mix the samples all the same.
  for (const [op, attributes, more] of [
    ["Softmax", { axis: { int: 0 } }, []],
    ["CumSum", {}, [["axis", [], [0], 7]]],
    [
      "Slice",
      {},
      [
        ["s", [1], [-1], 7],
        ["e", [1], [-1000], 7],
        ["a", [1], [0], 7],
        ["t", [1], [-1], 7],
      ],
    ],
    ["Hardmax", { axis: { int: 0 } }, []],
  ] as const)
    await withNetwork(single(op, [1, 4, 3], 13, attributes, more), async (net) => {
      check.is(net.batched, false, op);
      check.close(await values(net.classifier(x)), await alone(net, x), { atol: 1e-12 }, op);
    });
  // A triangle of a matrix of samples and features.
  await withNetwork(single("Trilu", [1, 4], 14), async (net) => {
    const rows = tensor(samples(1).slice(0, 12), [3, 4], "f32");
    check.is(net.batched, false);
    check.close(await values(net.classifier(rows)), await alone(net, rows), { atol: 1e-12 });
  });
});
