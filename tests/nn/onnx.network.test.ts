/** Imported models as ordinary networks: values by hand, derivatives, explanations, batches, and what is refused. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { classScore, deepLift, gradCam, lrp } from "../../atex/index.js";
import {
  add,
  batchNorm,
  capture,
  checkGrads,
  conv2d,
  dispose,
  entries,
  grad,
  inspect,
  matmul,
  maxPool2d,
  mean,
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
import {
  DataError,
  importOnnx,
  type OnnxNetwork,
  type OnnxOptions,
  openOnnx,
  packTree,
  unpackTree,
} from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, withData } from "../harness.js";
import {
  externalTensor,
  graph,
  localFunction,
  model,
  rawTensor,
  single,
  tensor as stored,
  valueInfo,
} from "./onnx/encode.js";
import { CLASSES, SIDE, samples, smallNet } from "./onnx/small-net.js";

/** Imports, runs, and frees the parameters. */
async function withNetwork(
  bytes: Uint8Array,
  body: (net: OnnxNetwork) => unknown,
  options: OnnxOptions = {},
): Promise<void> {
  const net = await importOnnx(bytes, options);
  try {
    await body(net);
  } finally {
    dispose(net.params);
  }
}

const images = (count: number, seed?: number): Tensor => tensor(samples(count, seed), [count, 2, SIDE, SIDE], "f32");
const values = async (t: Tensor): Promise<number[]> => [...(await t.read())];

/** The small network written out. */
function byHand(p: OnnxNetwork["params"], x: Tensor): Tensor {
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
        "bn.bias",
        "bn.mean",
        "bn.var",
        "bn.weight",
        "conv1.weight",
        "conv2.bias",
        "conv2.weight",
        "fc.bias",
        "fc.weight",
      ],
    );
  }),
);

referenceTest("a softmax at the end can be left out, and any value can be the output", async () => {
  await withNetwork(
    smallNet(),
    async (net) => {
      const x = images(2);
      check.close(await values(net.classifier(x)), await values(byHand(net.params, x)), { atol: 1e-12 });
      check.equal(net.output, { name: "logits", shape: [CLASSES], probabilities: false });
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
      const trained = Object.keys(net.params).filter((name) => !["bn.mean", "bn.var"].includes(name));
      const withParams = (...ts: Tensor[]): Tensor =>
        net.apply({ ...net.params, ...Object.fromEntries(trained.map((name, i) => [name, ts[i]])) }, x);
      await checkGrads(
        withParams,
        trained.map((name) => net.params[name]),
      );
      const energy = (p: Tree): Tensor => sum(square(net.apply(p, x)));
      const g = grad(energy)(net.params) as Tree;
      check.equal(
        [...(await g["bn.mean"].read()), ...(await g["bn.var"].read())].filter((v) => v !== 0),
        [],
        "running statistics are not trained",
      );
      check.ok((await g["conv1.weight"].read()).some((v) => v !== 0));
    },
    { logits: true },
  ),
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
  // [n,4,3] → [4,n,3] → [4,n*3,1] → [n*3,4,1] → [n,12]: the batch is part of a side on its way.
  const heads = model({
    nodes: [
      { op: "Transpose", inputs: ["x"], outputs: ["a"], attributes: { perm: { ints: [1, 0, 2] } } },
      { op: "Reshape", inputs: ["a", "split"], outputs: ["b"] },
      { op: "Transpose", inputs: ["b"], outputs: ["c"], attributes: { perm: { ints: [1, 0, 2] } } },
      { op: "Softmax", inputs: ["c"], outputs: ["d"], attributes: { axis: { int: 1 } } },
      { op: "Reshape", inputs: ["d", "flat"], outputs: ["y"] },
    ],
    inputs: [valueInfo("x", [1, 4, 3])],
    outputs: ["y"],
    initialisers: [stored("split", [3], [4, 3, 1], 7), stored("flat", [2], [1, -1], 7)],
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
  });
  // A softmax over the batch keeps the shape, and would mix the samples all the same.
  const across = single("Softmax", [1, 4, 3], 13, { axis: { int: 0 } });
  await withNetwork(across, async (net) => {
    check.is(net.batched, false);
    check.equal(new Set(await values(net.classifier(x))).size, 1, "each sample alone is 1 everywhere");
  });
});

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

referenceTest("one error names every node that is not supported, with operator, set and name", async () => {
  const bytes = model({
    opset: 16,
    domains: { "com.example": 2 },
    nodes: [
      { op: "NoSuch", inputs: ["x"], outputs: ["a"], name: "first" },
      { op: "Relu", inputs: ["a"], outputs: ["b"] },
      { op: "Gelu", inputs: ["b"], outputs: ["c"], name: "early" },
      { op: "QLinearConv", inputs: ["c"], outputs: ["d"], name: "small" },
      { op: "Relu", inputs: ["d"], outputs: ["e"], domain: "com.example", name: "foreign" },
      { op: "Elu", inputs: ["e"], outputs: ["f"], attributes: { slope: { float: 2 } }, name: "odd" },
      { op: "Relu", inputs: ["f"], outputs: ["y"], domain: "org.none", name: "alien" },
      { op: "Unneeded", inputs: ["x"], outputs: ["z"], name: "dead" },
    ],
    inputs: [valueInfo("x", [1, 3])],
    outputs: ["y"],
  });
  const error = await check.rejects(() => importOnnx(bytes), DataError);
  for (const part of [
    "6 nodes are not supported",
    'NoSuch "first" (opset 16)',
    'Gelu "early" (opset 16)',
    'QLinearConv "small" (opset 16: quantised networks are not read',
    'Relu "foreign" (com.example opset 2)',
    'Elu "odd" (opset 16: attribute "slope" is not known here; alpha are read)',
    'Relu "alien" (org.none opset none',
  ])
    check.match(error.message, part);
  check.ok(!error.message.includes("dead"), "what the output does not need does not count");
});

referenceTest("graphs that make no sense are refused in one sentence", async () => {
  const x = valueInfo("x", [1, 3]);
  const relu1 = { op: "Relu", inputs: ["x"], outputs: ["y"], name: "r" };
  const cases: [Uint8Array, RegExp][] = [
    [
      model({ nodes: [{ ...relu1, inputs: ["gone"] }], inputs: [x], outputs: ["y"] }),
      /reads "gone", which nothing before it makes/,
    ],
    [model({ nodes: [relu1, relu1], inputs: [x], outputs: ["y"] }), /makes "y", which exists already/],
    [model({ nodes: [relu1], inputs: [x], outputs: [] }), /the graph has no output/],
    [model({ nodes: [relu1], inputs: [valueInfo("x", [0, 3])], outputs: ["y"] }), /shape \[0,3\]/],
    [model({ nodes: [relu1], inputs: [valueInfo("x", [1, 3], 8)], outputs: ["y"] }), /of string/],
    [
      model({
        nodes: [{ op: "Add", inputs: ["x", "z"], outputs: ["y"] }],
        inputs: [x, valueInfo("z", [1])],
        outputs: ["y"],
      }),
      /depends on 2 inputs \("x", "z"\)/,
    ],
    [
      model({
        nodes: [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"], name: "m" }],
        inputs: [x],
        outputs: ["y"],
        initialisers: [stored("w", [2, 2], [1, 2, 3, 4])],
      }),
      /node MatMul "m" \(opset 17\): matmul: f32\[1,3\] and f32\[2,2\] have inner sides 3 and 2/,
    ],
    [
      model({
        nodes: [{ op: "Reshape", inputs: ["x", "x"], outputs: ["y"], name: "r" }],
        inputs: [x],
        outputs: ["y"],
      }),
      /Reshape "r" .* input 1 depends on the network's input/,
    ],
    [
      model({ nodes: [relu1], inputs: [x], outputs: ["y"], initialisers: [rawTensor("w", [2], 1, [0, 0, 0, 0])] }),
      /"w" is float32 \[2\] in 4 bytes; 8 are needed/,
    ],
    [
      model({
        nodes: [
          { op: "Relu", inputs: ["x"], outputs: ["a"] },
          { op: "Reshape", inputs: ["a", "s"], outputs: ["y"] },
        ],
        inputs: [x],
        outputs: ["y"],
        initialisers: [stored("s", [1], [3], 7)],
      }),
      /the output has shape \[3\] for a batch of 1; its first side must be the batch/,
    ],
  ];
  for (const [bytes, message] of cases) {
    const error = await check.rejects(() => importOnnx(bytes), message);
    check.ok(error instanceof DataError, String(message));
  }
  await check.rejects(() => importOnnx(smallNet(), { shape: [2, 8, 9] }), /samples of shape \[2,8,9\] .* do not fit/);
});

referenceTest("control flow that follows from constants is followed, what depends on data is refused", async () => {
  const thenBranch = graph({ nodes: [{ op: "Relu", inputs: ["x"], outputs: ["t"] }], outputs: ["t"] });
  const elseBranch = graph({ nodes: [{ op: "Neg", inputs: ["x"], outputs: ["e"] }], outputs: ["e"] });
  const choose = (condition: string) =>
    model({
      nodes: [
        { op: "Greater", inputs: ["x", "zero"], outputs: ["c"] },
        {
          op: "If",
          inputs: [condition],
          outputs: ["y"],
          attributes: { then_branch: { graph: thenBranch }, else_branch: { graph: elseBranch } },
          name: "if",
        },
      ],
      inputs: [valueInfo("x", [1, 1])],
      outputs: ["y"],
      initialisers: [stored("zero", [], [0]), rawTensor("no", [], 9, [0])],
    });
  await withNetwork(choose("no"), async (net) => check.equal(await values(net.classifier(tensor([[2]]))), [-2]));
  await check.rejects(() => importOnnx(choose("c")), /If "if" .* a condition depends on the network's input/);
  // Three rounds of x·2 + i.
  const body = graph({
    nodes: [
      { op: "Mul", inputs: ["v", "two"], outputs: ["d"] },
      { op: "Cast", inputs: ["i"], outputs: ["f"], attributes: { to: { int: 1 } } },
      { op: "Add", inputs: ["d", "f"], outputs: ["next"] },
      { op: "Identity", inputs: ["go"], outputs: ["on"] },
    ],
    inputs: [valueInfo("i", [], 7), valueInfo("go", [], 9), valueInfo("v", undefined)],
    outputs: ["on", "next"],
  });
  const loop = (rounds: number) =>
    model({
      nodes: [
        { op: "Loop", inputs: ["n", "", "x"], outputs: ["y"], attributes: { body: { graph: body } }, name: "loop" },
      ],
      inputs: [valueInfo("x", [1, 1])],
      outputs: ["y"],
      initialisers: [stored("n", [], [rounds], 7), stored("two", [], [2])],
    });
  await withNetwork(loop(3), async (net) => check.equal(await values(net.classifier(tensor([[1]]))), [12]));
  await check.rejects(() => importOnnx(loop(1e12)), /loops run more than 10000 rounds/);
});

referenceTest("functions that a model brings along are put in the place of their calls", () => {
  const twice = localFunction({
    name: "Twice",
    domain: "local",
    inputs: ["a"],
    outputs: ["b"],
    nodes: [
      { op: "Add", inputs: ["a", "a"], outputs: ["t"] },
      { op: "Identity", inputs: ["t"], outputs: ["b"] },
    ],
    opset: 17,
  });
  const bytes = model({
    nodes: [
      { op: "Twice", inputs: ["x"], outputs: ["u"], domain: "local", name: "one" },
      { op: "Twice", inputs: ["u"], outputs: ["y"], domain: "local", name: "two" },
    ],
    domains: { local: 1 },
    functions: [twice],
    inputs: [valueInfo("x", [1, 2])],
    outputs: ["y"],
  });
  return withNetwork(bytes, async (net) => check.equal(await values(net.classifier(tensor([[1, 3]]))), [4, 12]));
});

referenceTest(
  "initialisers that are listed as inputs are weights; constants are, where they are more than one number",
  () => {
    const bytes = model({
      nodes: [
        { op: "Constant", inputs: [], outputs: ["shift"], attributes: { value: { tensor: stored("", [2], [1, 2]) } } },
        { op: "Constant", inputs: [], outputs: ["half"], attributes: { value: { tensor: stored("", [], [0.5]) } } },
        { op: "Mul", inputs: ["x", "w"], outputs: ["a"] },
        { op: "Add", inputs: ["a", "shift"], outputs: ["b"] },
        { op: "Mul", inputs: ["b", "half"], outputs: ["y"] },
      ],
      inputs: [valueInfo("x", [1, 2]), valueInfo("w", [2])],
      outputs: ["y"],
      initialisers: [stored("w", [2], [10, 20])],
    });
    return withNetwork(bytes, async (net) => {
      check.equal(Object.keys(net.params).sort(), ["shift", "w"]);
      check.equal(await values(net.classifier(tensor([[1, 1]]))), [5.5, 11]);
      check.equal(await values(net.apply({ ...net.params, w: zeros([2]) }, tensor([[1, 1]]))), [0.5, 1]);
      check.throws(() => net.apply({}, tensor([[1, 1]])), /the parameters have no "w"/);
    });
  },
);

referenceTest("halves, doubles and bytes become f32", () => {
  const bytes = model({
    nodes: [
      { op: "Mul", inputs: ["x", "half"], outputs: ["a"] },
      { op: "Add", inputs: ["a", "double"], outputs: ["b"] },
      { op: "Cast", inputs: ["small"], outputs: ["s"], attributes: { to: { int: 1 } } },
      { op: "Add", inputs: ["b", "s"], outputs: ["y"] },
    ],
    inputs: [valueInfo("x", [1, 2])],
    outputs: ["y"],
    initialisers: [
      rawTensor("half", [2], 10, new Uint8Array(Uint16Array.of(0x3c00, 0xc000).buffer)),
      rawTensor("double", [2], 11, new Uint8Array(Float64Array.of(0.25, 0.5).buffer)),
      rawTensor("small", [2], 3, [255, 7]),
    ],
  });
  return withNetwork(bytes, async (net) => check.equal(await values(net.classifier(tensor([[3, 3]]))), [2.25, 1.5]));
});

referenceTest("weights in other files are read from the model's folder, and from nowhere else", async () => {
  const folder = mkdtempSync(join(tmpdir(), "onnx-"));
  const inside = join(folder, "model");
  mkdirSync(inside);
  const write = (entries: Readonly<Record<string, string>>): string => {
    const path = join(inside, "net.onnx");
    const w = externalTensor("w", [2], entries);
    const mulNode = { op: "Mul", inputs: ["x", "w"], outputs: ["y"] };
    writeFileSync(
      path,
      model({ nodes: [mulNode], inputs: [valueInfo("x", [1, 2])], outputs: ["y"], initialisers: [w] }),
    );
    return path;
  };
  try {
    writeFileSync(join(inside, "net.bin"), new Uint8Array(Float32Array.of(9, 2, 3).buffer));
    writeFileSync(join(folder, "secret.bin"), new Uint8Array(8));
    symlinkSync(join(folder, "secret.bin"), join(inside, "link.bin"));
    const net = await openOnnx(write({ location: "net.bin", offset: "4", length: "8" }));
    check.equal(await values(net.classifier(tensor([[1, 1]]))), [2, 3]);
    dispose(net.params);
    for (const [entries, message] of [
      [{ location: "../secret.bin" }, /relative path inside the model's folder/],
      [{ location: "/etc/hostname" }, /relative path inside the model's folder/],
      [{ location: "a/../../secret.bin" }, /relative path inside the model's folder/],
      [{ location: "..\\secret.bin" }, /relative path inside the model's folder/],
      [{ location: "link.bin" }, /is a link out of the model's folder/],
      [{ location: "missing.bin" }, /is missing/],
      [{ location: "net.bin", offset: "8", length: "8" }, /bytes 8 to 16 of net.bin, which has 12/],
      [{ location: "net.bin", offset: "-4" }, /external offset "-4"; a whole number/],
      [{ location: "net.bin" }, /in 12 bytes; 8 are needed/],
    ] as const) {
      const error = await check.rejects(() => openOnnx(write(entries)), message);
      check.ok(error instanceof DataError);
    }
    const bytes = readFileSync(write({ location: "net.bin" }));
    await check.rejects(() => importOnnx(bytes), /net.bin, which was not given/);
    await check.rejects(() => openOnnx(join(inside, "no.onnx")), /no file/);
  } finally {
    rmSync(folder, { recursive: true });
  }
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
