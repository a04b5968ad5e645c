/** What graphs may hold and what is refused: unsupported nodes, control flow, functions, constants, weights in other files. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dispose, tensor, zeros } from "../../engine/index.js";
import { DataError, importOnnx, openOnnx } from "../../nn/index.js";
import { referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { externalTensor, graph, localFunction, model, rawTensor, tensor as stored, valueInfo } from "./onnx/encode.js";
import { smallNet } from "./onnx/small-net.js";
import { values, withNetwork } from "./onnx/with-network.js";

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
      check.equal(
        net.params.map((group) => Object.keys(group)),
        [["w"], ["shift"]],
      );
      check.equal(await values(net.classifier(tensor([[1, 1]]))), [5.5, 11]);
      check.equal(await values(net.apply([{ w: zeros([2]) }, net.params[1]], tensor([[1, 1]]))), [0.5, 1]);
      check.throws(() => net.apply({}, tensor([[1, 1]])), /the parameters have no "w"/);
    });
  },
);

referenceTest("the first output of floats is taken; rows of a table are scaled and normalised", () => {
  const bytes = model({
    domains: { "ai.onnx.ml": 3 },
    nodes: [
      {
        op: "Scaler",
        inputs: ["x"],
        outputs: ["a"],
        domain: "ai.onnx.ml",
        attributes: { offset: { floats: [1, 0] }, scale: { floats: [3, 1] } },
      },
      { op: "ArgMax", inputs: ["a"], outputs: ["label"], attributes: { axis: { int: 1 } } },
      { op: "Normalizer", inputs: ["a"], outputs: ["y"], domain: "ai.onnx.ml", attributes: { norm: { text: "L2" } } },
    ],
    inputs: [valueInfo("x", ["n", 2])],
    outputs: [valueInfo("label", ["n"], 7), valueInfo("y", ["n", 2])],
  });
  return withNetwork(bytes, async (net) => {
    check.is(net.output.name, "y");
    const rows = tensor([
      [2, 4],
      [1, 0],
    ]);
    check.close(await values(net.classifier(rows)), [0.6, 0.8, 0, 0], { rtol: 1e-12 });
  });
});

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
