/** ONNX files on the command line: what is explained is what the file computes, tables and images alike; import and export. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { imagePicture, toPng } from "../../atex/render/picture.js";
import { type Command, UsageError } from "../../cli/command.js";
import { command as exportCommand } from "../../cli/commands/export.js";
import { command as importCommand } from "../../cli/commands/import.js";
import { dataSource, openData, sourceValues } from "../../cli/data.js";
import { Live } from "../../cli/live.js";
import { readModel } from "../../cli/model.js";
import { openSample } from "../../cli/sample.js";
import { type OnnxValues, readOnnx } from "../../cli/sources/onnx.js";
import { classNames, imageInput, sampleShape } from "../../cli/sources/onnx-input.js";
import type { LoadedModel } from "../../cli/sources/source.js";
import { dispose, grad, leaves, random, sum, type Tensor, tensor } from "../../engine/index.js";
import {
  batchNorm,
  cardMetadata,
  conv2d,
  dense,
  exportOnnx,
  globalAvgPool,
  packTree,
  readSafetensors,
  relu,
  sequential,
} from "../../nn/index.js";
import { onReference, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { model, tensor as stored, valueInfo } from "../nn/onnx/encode.js";
import { smallNet } from "../nn/onnx/small-net.js";
import { holdfast, inFolder } from "./holdfast.js";

const MATRIX = [1, -1, 2, -2, 0.5, 3];

/** Rows of three columns by two classes: x W, then what `end` names. */
function rowsNet(end: readonly string[] = [], classes = 2, opset = 13): Uint8Array {
  const names = ["y", ...end.map((_, i) => `e${i}`)];
  return model({
    opset,
    nodes: [
      { op: "MatMul", inputs: ["x", "w"], outputs: ["y"] },
      ...end.map((op, i) => ({ op, inputs: [names[i]], outputs: [names[i + 1]] })),
    ],
    inputs: [valueInfo("x", ["n", 3])],
    outputs: [valueInfo(names.at(-1)!, ["n", classes])],
    initialisers: [stored("w", [3, classes], MATRIX.slice(0, 3 * classes))],
  });
}

const TABLE = "age,debt,town,label\n1,2,0,no\n3,1,1,yes\n4,0,1,yes\n2,2,0,no\n5,1,0,yes\n1,4,1,no\n";

/** Opens a file as commands do, on the reference, and frees its parameters. */
async function opened(
  folder: string,
  bytes: Uint8Array,
  values: OnnxValues,
  body: (model: LoadedModel) => unknown = () => {},
): Promise<void> {
  const path = join(folder, "net.onnx");
  await writeFile(path, bytes);
  const source = await readOnnx(path, values);
  await onReference(async () => {
    const model = await source.open();
    try {
      await body(model);
    } finally {
      dispose(leaves(model.parametrised!.params));
    }
  });
}

const refused = (folder: string, bytes: Uint8Array, values: OnnxValues, said: RegExp): Promise<unknown> =>
  check.rejects(() => opened(folder, bytes, values), said);

test("columns of a table come as they are, in the order of the file, with the range of the data", () =>
  inFolder(async (folder) => {
    const csv = join(folder, "rows.csv");
    await writeFile(csv, TABLE);
    const given = { data: csv, target: "label", classes: "no,yes" };
    await opened(folder, rowsNet(["Softmax"]), given, async (model) => {
      check.equal(model.domain.range, { low: [1, 0, 0], high: [5, 4, 1] });
      check.equal(
        model.domain.features!.map(({ name }) => name),
        ["age", "debt", "town"],
      );
      check.equal(model.card.classes, ["no", "yes"]);
      const rows = { image: undefined, rows: csv, index: "2" };
      const { values } = await openSample({ ...rows, resize: false, invert: false } as never, model, new Live());
      check.equal([...values], [4, 0, 1]);
      // 4·[1,−1] + 0·[2,−2] + 1·[0.5,3]: logits, for the softmax is left out.
      check.close(await model.classifier(tensor(values, [1, 3])).read(), [4.5, -1], { atol: 1e-6 });
    });
    // Without --target, all columns are inputs.
    await writeFile(csv, "a,b,c\n1,2,3\n");
    await opened(folder, rowsNet(), { table: csv }, (model) => check.equal(model.domain.shape, [3]));
  }));

test("what does not fit a table is said in one sentence", () =>
  inFolder(async (folder) => {
    const csv = join(folder, "rows.csv");
    await writeFile(csv, TABLE);
    const net = rowsNet();
    await refused(folder, net, {}, /it takes rows of 3 columns; give them with --data rows.csv --target column/);
    await refused(
      folder,
      net,
      { data: csv, target: "label" },
      /column label holds "no", the classes are 0, 1; name them in the order/,
    );
    await refused(folder, net, { data: csv, target: "label", classes: "a,b" }, /--classes and the column must agree/);
    await refused(
      folder,
      net,
      { data: csv, target: "lable", classes: "no,yes" },
      /--target lable: .* has no such column; there is age/,
    );
    await refused(
      folder,
      net,
      { table: csv },
      /4 columns \(age, debt, town, label\); .* takes 3; --target names one that is no input/,
    );
    await refused(
      folder,
      net,
      { data: csv, target: "town", classes: "0,1" },
      /row 0 has "no" in column label; numbers are needed.*encode the column, or use --module/,
    );
    await refused(
      folder,
      net,
      { data: csv, target: "label", classes: "a,b,c" },
      /--classes: 3 names came; .* has 2 classes/,
    );
    await refused(
      folder,
      net,
      { data: csv, target: "label", classes: "no,yes", mean: "1" },
      /--mean: .* takes rows of 3 columns as they are; leave it out/,
    );
  }));

test("one number before a sigmoid is the second of two classes; other outputs are refused", () =>
  inFolder(async (folder) => {
    const csv = join(folder, "rows.csv");
    await writeFile(csv, "a,b,c\n1,2,3\n4,5,6\n");
    const rows = { table: csv };
    await opened(folder, rowsNet(["Sigmoid"], 1), rows, async ({ classifier, card }) => {
      check.equal(card.classes, ["0", "1"]);
      check.close(await classifier(tensor([[1, 2, 3]])).read(), [0, 1 - 2 + 6], { atol: 1e-6 });
    });
    await refused(folder, rowsNet([], 1), rows, /it gives one number for each sample, and no sigmoid/);
    await refused(folder, rowsNet(["Sigmoid"]), rows, /its 2 outputs are probabilities of their own/);
    // Softmax made of something else: Softmax of an older operator set behind an Abs.
    await refused(
      folder,
      rowsNet(["Softmax", "Abs"]),
      rows,
      /its outputs are probabilities, made in a way that is not known; .* --logits/,
    );
    await opened(folder, rowsNet(["Softmax", "Abs"]), { ...rows, logits: "y" }, async ({ classifier }) =>
      check.close(await classifier(tensor([[1, 0, 0]])).read(), [1, -1], { atol: 1e-6 }),
    );
    await refused(folder, rowsNet(), { ...rows, logits: "nowhere" }, /nowhere/);
  }));

test("images of two channels are refused", () =>
  inFolder((folder) => refused(folder, smallNet(), {}, /images of 2 channels; 1 \(grey\) or 3 \(colour\) are read/)));

referenceTest("normalisation by channel, bytes, blue first, channels last", async () => {
  const x = tensor([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [1, 3, 1, 2]);
  const prepared = async (sides: readonly number[], values: Parameters<typeof imageInput>[1]): Promise<number[]> => [
    ...(await imageInput(sides, values, "net").prepare(x).read()),
  ];
  const close = async (given: Promise<number[]>, expected: number[]) =>
    check.close(await given, expected, { atol: 1e-6 });
  await close(prepared([3, 1, 2], {}), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
  await close(prepared([3, 1, 2], { mean: "0.1,0.2,0.3", std: "1,2,4" }), [0, 0.1, 0.05, 0.1, 0.05, 0.075]);
  await close(prepared([3, 1, 2], { scale: "255", mean: "25.5" }), [0, 25.5, 51, 76.5, 102, 127.5]);
  await close(prepared([3, 1, 2], { bgr: true, mean: "0.5,0.3,0.1" }), [0, 0.1, 0, 0.1, 0, 0.1]);
  // By default the last side has the channels where the first can have none.
  await close(
    prepared([2, 5, 3], {}).then((v) => v.slice(0, 3)),
    [0.1, 0.3, 0.5],
  );
  check.equal(imageInput([1, 2, 3], { layout: "hwc" }, "net").prepare(x).shape, [1, 1, 2, 3]);
  check.equal(imageInput([4, 5, 3], {}, "net").shape, [3, 4, 5]);
  check.equal(imageInput([3, 5, 3], { layout: "hwc" }, "net").shape, [3, 3, 5]);
  check.throws(
    () => imageInput([3, 1, 2], { mean: "1,2" }, "net"),
    /2 numbers came; one, or one for each of 3 channels/,
  );
  check.throws(() => imageInput([3, 1, 2], { std: "0" }, "net"), /numbers above 0/);
  check.throws(() => imageInput([1, 1, 2], { bgr: true }, "net"), /--bgr: net takes images of one channel/);
});

test("names of classes with commas or in a file; shapes", () =>
  inFolder(async (folder) => {
    check.equal(await classNames("a, b"), ["a", "b"]);
    await writeFile(join(folder, "names"), "cat\r\na dog\r\n");
    check.equal(await classNames(join(folder, "names")), ["cat", "a dog"]);
    await check.rejects(() => classNames("a,,b"), /name 2 is empty/);
    await check.rejects(() => classNames("a,b,a"), /a came twice/);
    await check.rejects(() => classNames(join(folder, "nothing")), /there is no such file/);
    check.equal([sampleShape("3,32,32"), sampleShape("12"), sampleShape(undefined)], [[3, 32, 32], [12], undefined]);
    check.throws(() => sampleShape("3,0,2"), UsageError);
  }));

/** A small network of images in the library's own layers, and its parameters. */
const network = sequential([conv2d(4, 3), batchNorm(), relu, globalAvgPool, dense(3)]);
const SHAPE = [1, 12, 12];

test("a network without its numbers: layers by node, what cannot be drawn anew joins another, parameters from a file", () =>
  inFolder(async (folder) => {
    const bytes = await onReference(async () => exportOnnx(network, network.init(random.key(0), SHAPE).params, SHAPE));
    await opened(folder, bytes, {}, async ({ parametrised: own, classifier }) => {
      const { params, layerTitle } = own!;
      // The normalisation has equal entries only.
      check.equal((params as unknown[]).length, 2);
      check.equal([layerTitle("0.0.weight"), layerTitle("1.4.weight")], ["0", "4"]);
      const fresh = await own!.redraw(random.key(5));
      const x = random.uniform(random.key(1), [2, ...SHAPE]);
      check.close(await own!.network.apply(params, x).read(), await classifier(x).read(), { atol: 1e-12 });
      const [before, after] = [await classifier(x).read(), await own!.network.apply(fresh, x).read()];
      check.ok(
        before.some((v, i) => Math.abs(v - after[i]) > 1e-3),
        "another network",
      );
      const slope = grad((p: typeof params) => sum(own!.network.apply(p, x)))(params);
      check.is(leaves(slope).length, 8);
      // What commands write has the number of the layer before each name.
      await writeFile(join(folder, "w.safetensors"), await packTree(fresh));
    });
    const weights = join(folder, "w.safetensors");
    await opened(folder, bytes, { weights }, async ({ parametrised: own }) => {
      const { tensors } = readSafetensors(await readFile(weights));
      const [first] = own!.params as unknown as Record<string, Tensor>[];
      check.equal([...(await first["0.weight"].read())], [...tensors.get("0.0.weight")!.data]);
    });
    await writeFile(weights, await onReference(() => packTree([{ "0.weight": tensor([1, 2]) }])));
    await refused(folder, bytes, { weights }, /--weights .*: 0.weight is f32\[2\]; f32\[4,1,3,3\] is needed/);
  }));

/** Pixels that bytes can say. */
const PIXELS = Float32Array.from({ length: 144 }, (_, i) => Math.round((255 * ((i * 37) % 100)) / 100) / 255);

async function imageFolder(folder: string, classes: readonly string[]): Promise<void> {
  const png = toPng(imagePicture(PIXELS, { channels: 1, height: 12, width: 12 }));
  for (const name of classes) {
    await mkdir(join(folder, name), { recursive: true });
    for (const i of [0, 1, 2]) await writeFile(join(folder, name, `${i}.png`), png);
  }
}

const sample = (values: Readonly<Record<string, string>>, model: LoadedModel) =>
  openSample({ resize: false, invert: false, ...values } as never, model, new Live());

test("folders of images are labelled by the names of classes", () =>
  inFolder(async (folder) => {
    const bytes = await onReference(() => exportOnnx(network, network.init(random.key(0), SHAPE).params, SHAPE));
    const data = join(folder, "images");
    await imageFolder(data, ["b", "c"]);
    await opened(folder, bytes, { classes: "a,c,b" }, async (model) => {
      // The first held out is of the class "b", the last one of the network's.
      const { label, values } = await sample({ data, index: "0" }, model);
      check.is(label, 2);
      check.close(values, PIXELS, { atol: 1e-6 });
    });
    const numbers = /it has the classes b, c, the network has 3: 0, 1, 2; name them in the order of its outputs/;
    await opened(folder, bytes, {}, (model) => check.rejects(() => sample({ data }, model), numbers));
    await opened(folder, bytes, { classes: "A,B,C" }, (model) =>
      check.rejects(() => sample({ data }, model), /it has the classes b, c, the network has 3: A, B, C$/),
    );
  }));

test("a flat folder of images is labelled by a table", () =>
  inFolder(async (folder) => {
    const data = join(folder, "images");
    await imageFolder(folder, ["images"]);
    const labels = join(folder, "labels.csv");
    const open = async (text: string) => {
      await writeFile(labels, text);
      return openData({ name: data, labels }, new Live());
    };
    const { classes, train, test: held } = await open("filename,label\n0.png,10\n./1.png,9\n2.png,10\n");
    check.equal(classes, ["9", "10"]);
    check.equal([...train.labels, ...held.labels].sort(), [0, 1, 1]);
    const says = (text: string, said: RegExp) => check.rejects(() => open(text), said);
    await says("filename,label\n0.png,a\n1.png,b\n", /2.png has no label/);
    await says("filename,label\n0.png,a\n1.png,b\n2.png,b\n3.png,b\n", /3.png has a label and is not there/);
    await says("filename,label\n0.png,a\n0.png,b\n", /0.png comes twice/);
    await says("0.png,a\n1.png,b\n2.png,b\n", /the first line is 0.png, a; a header of two columns/);
    await says("filename,label\n0.png,a\n1.png,a\n2.png,a\n", /all labels are a; two or more/);
    check.throws(
      () => dataSource({ ...sourceValues({ data: "shapes" }), labels }),
      /--labels .*: shapes is no folder of images/,
    );
  }));

test("what export wrote brings classes and the preparation of a table along; of others their metadata count for nothing", () =>
  inFolder(async (folder) => {
    const csv = join(folder, "rows.csv");
    await writeFile(csv, "size,matter\n30,b\n10,a\n");
    const columns = [
      { kind: "numeric", name: "size", mean: 20, deviation: 5, low: 10, high: 30 },
      { kind: "binary", name: "matter", values: ["a", "b"] },
    ];
    const classes = ["light", "heavy"];
    const preparation = JSON.stringify({ columns, target: { name: "weight", classes } });
    const metadata = { classes: JSON.stringify(classes), preparation };
    const layer = dense(2);
    const bytes = await onReference(() => exportOnnx(layer, layer.init(random.key(0), [2]).params, [2], { metadata }));
    await opened(folder, bytes, {}, async (model) => {
      check.equal(model.card.classes, classes);
      check.equal(model.domain.range, { low: [-2, 0], high: [2, 1] });
      check.equal([...(await sample({ rows: csv, index: "0" }, model)).values], [2, 1]);
    });
    const other = Buffer.from(bytes.map((byte) => byte));
    other.write("somebody", other.indexOf("holdfast"));
    await refused(folder, other, { table: csv }, /row 0 has "b" in column matter; numbers are needed/);
  }));

test("options that do not go together are refused before the engine starts", async () => {
  const none = { weights: undefined, module: undefined, network: undefined, activation: undefined, beta: undefined };
  const says = (values: Readonly<Record<string, string>>, said: RegExp) =>
    check.rejects(() => readModel({ ...none, ...values } as never), said);
  await says({}, /no network is given; .*--model with an ONNX file/);
  await says({ model: "n.onnx", module: "n.mjs" }, /--module and --model exclude each other/);
  await says({ module: "n.mjs", classes: "a,b" }, /--classes goes with --model; leave it out beside --module/);
  await says({ model: "n.onnx", activation: "relu" }, /--activation goes with --weights; leave it out beside --model/);
  await says({ model: "nowhere.onnx" }, /--model nowhere.onnx: there is no such file/);
  const told = (command: Command, values: object, positionals: string[], said: RegExp) =>
    check.rejects(async () => command.run({ values: values as never, positionals }), said);
  await told(importCommand, { check: "in.f32" }, ["net.onnx"], /--check takes two files/);
  await told(importCommand, {}, ["net.onnx", "more.onnx"], /--check takes two files/);
  await told(importCommand, {}, [], /no file is given/);
  await told(exportCommand, { out: "x.bin" }, [], /--out x.bin: a name that ends in .onnx is needed/);
});

test(
  "export, import, explain and attack as a person has them",
  () =>
    inFolder(async (folder) => {
      const { weights, logits } = await onReference(async () => {
        const { params } = network.init(random.key(0), SHAPE);
        const card = { shape: "[1,12,12]", ...cardMetadata({ classes: ["a", "b", "c"] }, network) };
        return {
          weights: await packTree(params, card),
          logits: Float32Array.from(await network.apply(params, tensor(PIXELS, [1, ...SHAPE])).read()),
        };
      });
      await writeFile(join(folder, "w.safetensors"), weights);
      await writeFile(join(folder, "in.f32"), new Uint8Array(PIXELS.buffer));
      await writeFile(join(folder, "out.f32"), new Uint8Array(logits.buffer));
      await writeFile(join(folder, "off.f32"), new Uint8Array(logits.map((v, i) => v + (i === 1 ? 0.01 : 0)).buffer));
      await imageFolder(join(folder, "images"), ["a", "b"]);
      const run = async (line: string, expected = 0): Promise<string> => {
        const { code, out, err } = await holdfast(folder, [...line.split(" "), "--cpu"]);
        check.is(code, expected, `${line}\n${out}\n${err}`);
        return out + err;
      };
      check.match(await run("export --weights w.safetensors --out net.onnx"), /logits \[n,3\]: a, b, c/);
      const told = await run("import net.onnx --check in.f32 out.f32 --out p.safetensors");
      check.match(
        told,
        /made by +holdfast, operator set 17\n +input +x \[n,1,12,12\] float32\n +output +logits \[n,3\]/,
      );
      check.match(told, /parameters +71\n +operators +BatchNormalization 1, Conv 1, Flatten 1, Gemm 1/);
      check.match(told, /check: 3 outputs of 1 sample agree within 0.0001/);
      check.match(await run("import net.onnx --check in.f32 off.f32", 1), /outputs DIFFER: sample 0, output 1 is /);
      check.match(await run("import net.onnx --check in.f32 in.f32", 2), /144 numbers; 1 outputs of \[3\] have 3/);

      // The file brings the names of its classes along.
      const explained = await run("explain --model net.onnx --weights p.safetensors --data images --out e.png");
      check.match(explained, / {2}a +\d+\.\d\d % {2}\(true class\)/);
      await run("attack --model net.onnx --image images/b/0.png --steps 2 --out a");
      const { attacked } = JSON.parse(await readFile(join(folder, "a/metrics.json"), "utf8"));
      check.ok(attacked.largestChange <= 0.0301, JSON.stringify(attacked));
      const alone = await run("explain --weights p.safetensors --image a.png", 2);
      check.match(alone, /it holds parameters of an ONNX file; give that beside it, --model net.onnx/);
    }),
  { timeoutMs: 240_000 },
);
