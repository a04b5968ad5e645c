/** Imported models as ordinary networks: values by hand, derivatives, explanations, batches, and what is refused. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { classScore, deepLift, gradCam, lrp, randomisations } from "../../atex/index.js";
import {
  add,
  batchNorm,
  capture,
  cast,
  checkGrads,
  conv2d,
  dispose,
  entries,
  grad,
  inspect,
  mapTree,
  matmul,
  maxPool2d,
  mean,
  random,
  relu,
  reshape,
  softmax,
  square,
  sum,
  type Tensor,
  type Tree,
  tensor,
  zeros,
} from "../../engine/index.js";
import { compareOutput, forwardBytes, importOnnx, type OnnxNetwork, packTree, unpackTree } from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, withData } from "../harness.js";
import { model, rawTensor, single, tensor as stored, valueInfo } from "./onnx/encode.js";
import { CLASSES, SIDE, samples, smallNet } from "./onnx/small-net.js";
import { byName, values, withNetwork } from "./onnx/with-network.js";

const images = (count: number, seed?: number): Tensor => tensor(samples(count, seed), [count, 2, SIDE, SIDE], "f32");

/** The small network written out. */
function byHand(params: OnnxNetwork["params"], x: Tensor): Tensor {
  const p = byName(params);
  const a = conv2d(x, p["conv1.weight"], { padding: 1 });
  const statistics = { mean: p["bn.mean"], variance: p["bn.var"] };
  const b = batchNorm(a, statistics, { scale: p["bn.weight"], shift: p["bn.bias"], epsilon: Math.fround(1e-3) });
  const d = maxPool2d(relu(b), { size: 2 });
  const e = relu(add(conv2d(d, p["conv2.weight"]), reshape(p["conv2.bias"], [5, 1, 1])));
  return add(matmul(mean(e, [2, 3]), p["fc.weight"], { transposeB: true }), p["fc.bias"]);
}

referenceTest("a network is what its nodes say, with its weights as parameters", () =>
  withNetwork(smallNet(), async (net) => {
    const x = images(3);
    check.close(await values(net.classifier(x)), await values(softmax(byHand(net.params, x))), { atol: 1e-12 });
    check.equal(net.input, { name: "x", shape: [1, 2, SIDE, SIDE], type: "float32" });
    check.equal(net.output, { name: "y", shape: [CLASSES], probabilities: true });
    check.equal([net.classes, net.opset, net.parameterCount, net.producer, net.batched], [3, 13, 291, "tests", true]);
    check.equal(net.operators.Conv, 2);
    check.equal(
      entries(net.params).map(([name]) => name),
      [
        "0.conv1.weight",
        "1.bn.bias",
        "1.bn.mean",
        "1.bn.var",
        "1.bn.weight",
        "2.conv2.bias",
        "2.conv2.weight",
        "3.fc.bias",
        "3.fc.weight",
      ],
      "in the order of the nodes",
    );
  }),
);

referenceTest("a softmax at the end can be left out, and any value can be the output", async () => {
  await withNetwork(
    smallNet(),
    async (net) => {
      const x = images(2);
      check.close(await values(net.classifier(x)), await values(byHand(net.params, x)), { atol: 1e-12 });
      check.equal(net.output, { name: "logits", shape: [CLASSES], probabilities: false, leftOut: "Softmax" });
    },
    { logits: true },
  );
  await withNetwork(smallNet(), (net) => check.equal(net.output.shape, [5, 2, 2]), { output: "f" });
  await check.rejects(() => importOnnx(smallNet(), { output: "nowhere" }), /output "nowhere" is made by no node/);
});

referenceTest("derivatives to the second order, in the input and in the parameters", () =>
  withNetwork(
    smallNet(),
    async (net) => {
      const x = images(2);
      await checkGrads((v: Tensor) => net.apply(net.params, v), [x]);
      const learnt = (name: string): boolean => !/bn\.(mean|var)$/.test(name);
      const trained = entries(net.params).filter(([name]) => learnt(name));
      const withParams = (...ts: Tensor[]): Tensor => {
        const given = new Map(trained.map(([name], i) => [name, ts[i]]));
        return net.apply(
          mapTree(net.params, (t, name) => given.get(name) ?? t),
          x,
        );
      };
      await checkGrads(
        withParams,
        trained.map(([, t]) => t),
      );
      const g = grad((p: Tree): Tensor => sum(square(net.apply(p, x))))(net.params as Tree) as Tree;
      for (const [name, t] of entries(g))
        check.is(
          (await values(t)).some((v) => v !== 0),
          learnt(name),
          `${name}: running statistics are not trained`,
        );
    },
    { logits: true },
  ),
);

referenceTest("fresh parameters are the learnt ones in another order", () =>
  withNetwork(smallNet(), async (net) => {
    const { params, shape } = net.init(random.key(1), [2, SIDE, SIDE]);
    check.equal(shape, [CLASSES]);
    const other = byName(net.init(random.key(2), [2, SIDE, SIDE]).params);
    for (const [name, t] of Object.entries(byName(params))) {
      const [fresh, learnt] = [await values(t), await values(byName(net.params)[name])];
      check.equal([...fresh].sort(), [...learnt].sort(), name);
      if (t.size > 10) {
        check.ok(fresh.join() !== learnt.join(), name);
        check.ok(fresh.join() !== (await values(other[name])).join(), name);
      }
    }
    check.ok(!(await values(net.apply(params, images(1)))).some(Number.isNaN));
    check.equal(
      randomisations(net.params, params, "cascading").map(({ layer }) => layer),
      ["3.fc", "2.conv2", "1.bn", "0.conv1"],
      "tests of explanations go from the output down",
    );
    check.throws(
      () => net.init(random.key(1), [2, SIDE, 3]),
      /samples \[2,8,3\] given for the input "x"; \[n,2,8,8\] is needed/,
    );
  }),
);

referenceTest("steps carry the names of nodes; Grad-CAM, LRP and DeepLIFT go through them", () =>
  withNetwork(
    smallNet(),
    async (net) => {
      const x = images(2);
      inspect(net.classifier, x, (inside) => {
        check.equal(
          [...new Set(inside.steps.map((step) => step.label))],
          ["conv1", "bn", "relu1", "pool", "conv2", "relu2", "gap", "flatten", "fc"],
        );
        check.equal(inside.at("relu2").shape, [2, 5, 2, 2]);
      });
      const classes = tensor(Int32Array.of(0, 2));
      const hand = (v: Tensor): Tensor => byHand(net.params, v);
      const cam = gradCam({ layer: "relu2" })(classScore(net.classifier, classes), x);
      check.ok((await values(cam)).some((v) => v > 0));
      for (const explainer of [lrp(), deepLift()]) {
        const ours = await values(explainer(classScore(net.classifier, classes), x));
        check.close(ours, await values(explainer(classScore(hand, classes), x)), { atol: 1e-9 });
        check.ok(ours.some((v) => Math.abs(v) > 1e-6));
      }
    },
    { logits: true },
  ),
);

gpuTest("a GPU computes what float64 does, captured too", () =>
  withNetwork(smallNet(), async (net) => {
    const x = images(4);
    const expected = await values(softmax(byHand(net.params, x)));
    check.close(await values(net.classifier(x)), expected, { atol: 1e-5 });
    const step = capture((v: Tensor) => net.classifier(v));
    check.close(await values(step(x)), expected, { atol: 1e-5 });
    step.dispose();
  }),
);

referenceTest("parameters are saved and come back", () =>
  withNetwork(smallNet(), async (net) => {
    const { tree } = unpackTree(await packTree(net.params), net.params);
    const x = images(1);
    check.identical(await values(net.apply(tree, x)), await values(net.classifier(x)));
    dispose(tree);
  }),
);

referenceTest("outputs of another runtime are compared, and memory is added up", () =>
  withNetwork(single("Relu", ["n", 3], 13), async (net) => {
    const x = tensor([[-1, 2, 4]]);
    check.equal(await compareOutput(net, x, [0, 2, 4]), { good: true, at: 0, given: 0, expected: 0, worst: 0 });
    const off = await compareOutput(net, x, [0, 2.5, 4.0001]);
    check.equal([off.good, off.at, off.given, off.expected, off.worst], [false, 1, 2, 2.5, 0.5]);
    check.is((await compareOutput(net, x, [0, 2.5, 4], { atol: 1 })).good, true);
    check.is((await compareOutput(net, tensor([[Number.NaN, 2, 4]]), [0, 2, 4])).good, false);
    await check.rejects(() => compareOutput(net, x, [1]), /the output is f32\[1,3\], 1 elements are expected/);
    check.is(forwardBytes(net, [3], 5), 60);
  }),
);

referenceTest("sides that a file leaves open are those of what comes", () =>
  withNetwork(single("GlobalAveragePool", ["n", 2, "h", "w"], 13), async (net) => {
    check.equal(net.input.shape, [undefined, 2, undefined, undefined]);
    check.equal([net.output.shape, net.classes], [undefined, undefined]);
    check.close(await values(net.classifier(tensor([[[[1, 3]], [[5, 7]]]]))), [2, 6], { atol: 1e-12 });
    check.equal(net.classifier(zeros([3, 2, 5, 4])).shape, [3, 2, 1, 1]);
    check.throws(() => net.classifier(zeros([3, 1, 5, 4])), /f32\[3,1,5,4\] given for the input "x"; \[n,2,\?,\?\]/);
  }),
);

referenceTest("shape arithmetic is worked out on the host, for every batch", () => {
  const bytes = model({
    nodes: [
      { op: "Shape", inputs: ["x"], outputs: ["shape"] },
      { op: "Gather", inputs: ["shape", "zero"], outputs: ["n"] },
      { op: "Unsqueeze", inputs: ["n", "axis"], outputs: ["n1"] },
      { op: "Concat", inputs: ["n1", "minus"], outputs: ["wanted"], attributes: { axis: { int: 0 } } },
      { op: "Reshape", inputs: ["x", "wanted"], outputs: ["y"] },
    ],
    inputs: [valueInfo("x", ["batch", 2, 3])],
    outputs: ["y"],
    initialisers: [stored("zero", [], [0], 7), stored("axis", [1], [0], 7), stored("minus", [1], [-1], 7)],
  });
  return withNetwork(bytes, (net) => {
    check.equal(net.classifier(zeros([5, 2, 3])).shape, [5, 6]);
    check.is(net.classes, 6);
  });
});

gpuTest("two networks from npm give what onnxruntime gives", async () => {
  const folder = withData("onnx", "symbols.onnx");
  const floats = (file: string): Float32Array => {
    const bytes = readFileSync(join(folder, file));
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  };
  for (const [file, shape, names] of [
    ["symbols", [1, 1, 224, 224], ["arrow", "forall", "times"]],
    ["text-direction", [1, 3, 48, 192], ["upright", "rotated"]],
  ] as const)
    await withNetwork(readFileSync(join(folder, `${file}.onnx`)), async (net) => {
      for (const name of names) {
        const x = tensor(floats(`${file}.${name}.input.f32`), shape);
        const expected = floats(`${file}.${name}.output.f32`);
        check.close(await values(net.classifier(x)), expected, { rtol: 1e-4, atol: 1e-4 }, `${file} ${name}`);
      }
    });
});

gpuTest("parameters of halves stay halves where that is asked for, and the network unpacks them", async () => {
  // Halves by their bits: 1, -2, 0.5, 2⁻²⁴, 65504 and 3.
  const bits = Uint16Array.of(0x3c00, 0xc000, 0x3800, 1, 0x7bff, 0x4200);
  const numbers = [1, -2, 0.5, 2 ** -24, 65504, 3];
  const bytes = model({
    nodes: [
      { op: "MatMul", inputs: ["x", "w"], outputs: ["a"] },
      { op: "Add", inputs: ["a", "b"], outputs: ["y"] },
    ],
    inputs: [valueInfo("x", ["n", 3], 10)],
    outputs: [valueInfo("y", ["n", 2], 10)],
    initialisers: [rawTensor("w", [3, 2], 10, new Uint8Array(bits.buffer)), stored("b", [2], [1 / 3, 0])],
  });
  const x = tensor([[1, 2, 0]]);
  const expected = [2 + 1 / 3, -2 + 2 ** -23];
  await withNetwork(bytes, async (net) => {
    check.equal(byName(net.params).w.dtype, "f32");
    check.close(await values(net.classifier(x)), expected, { rtol: 1e-6 });
    // Any parameters may be stored so.
    const halves = mapTree(net.params, (t) => cast(t, "f16"));
    check.close(await values(net.apply(halves, x)), expected, { rtol: 1e-3 });
  });
  await withNetwork(
    bytes,
    async (net) => {
      const { w, b } = byName(net.params);
      check.equal([w.dtype, b.dtype], ["f16", "f32"], "as the file has them");
      check.identical(await w.read(), numbers);
      check.close(await values(net.classifier(x)), expected, { rtol: 1e-6 });
      const fresh = byName(net.init(random.key(1), [3]).params as OnnxNetwork["params"]);
      check.is(fresh.w.dtype, "f16");
      check.equal([...(await fresh.w.read())].sort(), [...numbers].sort());
    },
    { halves: "f16" },
  );
});
