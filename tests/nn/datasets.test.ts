import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Collection, FASHION_MNIST, MNIST, type RemoteFile } from "../../nn/data/collections.js";
import { loadDataset } from "../../nn/data/datasets.js";
import { DataError } from "../../nn/data/error.js";
import { readDatasetFile } from "../../nn/data/files.browser.js";
import { readCollection } from "../../nn/data/idx-set.js";
import { check, skip, test, withData } from "../harness.js";

/** A gzipped IDX file of zeros but for its last byte. */
function idx(shape: number[], last = 0): Uint8Array {
  const size = shape.reduce((product, n) => product * n, 1);
  const bytes = new Uint8Array(4 + 4 * shape.length + size);
  bytes.set([0, 0, 8, shape.length]);
  shape.forEach((n, axis) => {
    new DataView(bytes.buffer).setUint32(4 + 4 * axis, n);
  });
  bytes[bytes.length - 1] = last;
  return gzipSync(bytes);
}

/** Reads a made-up collection from the four files given. */
function read(files: Record<string, Uint8Array>, sizes = {}) {
  const file = (name: string): RemoteFile => ({ name, bytes: 0, sha256: "", urls: [] });
  const collection: Collection = {
    name: "made-up",
    classes: ["a", "b"],
    trainImages: file("trainImages"),
    trainLabels: file("trainLabels"),
    testImages: file("testImages"),
    testLabels: file("testLabels"),
  };
  return readCollection(collection, async ({ name }) => files[name], sizes);
}

const fitting = {
  trainImages: idx([5, 28, 28], 9),
  trainLabels: idx([5], 1),
  testImages: idx([2, 28, 28]),
  testLabels: idx([2]),
};

test("four IDX files make a data set", async () => {
  const { name, classes, train, test: held } = await read(fitting);
  check.equal([name, ...classes], ["made-up", "a", "b"]);
  check.equal([train.samples.length, train.samples.at(-1), held.samples.length], [5 * 784, 9, 2 * 784]);
  check.identical(train.labels, [0, 0, 0, 0, 1]);
  const first = await read(fitting, { trainSize: 3, testSize: 1 });
  check.equal([first.train.samples.length, first.train.labels.length, first.test.labels.length], [3 * 784, 3, 1]);
});

test("files that do not fit together are refused", async () => {
  const refused: [object, RegExp][] = [
    [
      { trainLabels: idx([4]) },
      /images are \[5,28,28\] and labels \[4\]; \[n,h,w\] \(or \[n,3,h,w\]\) and \[n\] are needed/,
    ],
    [
      { testImages: idx([2, 28, 27]) },
      /images for training are \[1,28,28\] and for testing \[1,28,27\]; both must agree/,
    ],
    [{ trainImages: idx([5]) }, /images are \[5\]/],
    [{ trainLabels: idx([5], 2) }, /a label is 2; labels of 0 to 1 are needed/],
    [{ trainLabels: new Uint8Array(3) }, /^trainLabels: 3 bytes/],
  ];
  for (const [change, message] of refused) {
    check.ok((await check.rejects(() => read({ ...fitting, ...change }), message)) instanceof DataError, "DataError");
  }
  await check.rejects(() => read(fitting, { trainSize: 6 }), /6 samples were asked for; it has 1 to 5/);
});

test("shapes needs no file and splits into different pictures with masks", async () => {
  const { classes, train, test: held } = await loadDataset("shapes", { trainSize: 20, testSize: 10, seed: 4 });
  check.is(classes.length, 10);
  check.equal([train.labels.length, train.masks?.length, held.samples.length], [20, 20 * 784, 7840]);
  check.ok(
    held.samples.some((value, p) => value !== train.samples[p]),
    "test pictures are not training pictures",
  );
});

test("an unknown data set is refused", async () => {
  await check.rejects(() => loadDataset("cifar" as "mnist"), /"cifar" is unknown; choose shapes, .* or adult$/);
});

test("a data folder without the file, or with another one, is refused in one sentence", async () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-data-"));
  try {
    const load = () => loadDataset("mnist", { dataDir: folder });
    await check.rejects(
      load,
      /^mnist: no train-images-idx3-ubyte.gz in \S+ or \S+; put it there, or give no data folder/,
    );
    writeFileSync(join(folder, MNIST.trainImages.name), "short");
    await check.rejects(load, /train-images-idx3-ubyte.gz has 5 bytes; 9912422 are needed; replace the file/);
    writeFileSync(join(folder, MNIST.trainImages.name), new Uint8Array(MNIST.trainImages.bytes!));
    await check.rejects(load, /has sha256 [0-9a-f]{64}; 440fcabf/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the pinned sums are those of the real files, in a folder of their own or directly", async () => {
  for (const collection of [MNIST, FASHION_MNIST]) {
    const source = withData(collection.name);
    const name = collection.name as "mnist";
    const { train, test: held } = await loadDataset(name, { dataDir: join(source, "..") });
    check.equal([train.labels.length, held.labels.length], [60_000, 10_000]);
    const direct = await loadDataset(name, { dataDir: source, testSize: 10 });
    check.identical(direct.test.samples, held.samples.subarray(0, 7840));
  }
});

test("without a data folder the user's cache folder is used", async () => {
  if (process.platform !== "linux") skip("the cache folder is redirected by XDG_CACHE_HOME, which is Linux's");
  const source = withData("mnist");
  const cache = mkdtempSync(join(tmpdir(), "holdfast-cache-"));
  const { XDG_CACHE_HOME, HOLDFAST_DATA } = process.env;
  process.env.XDG_CACHE_HOME = cache;
  delete process.env.HOLDFAST_DATA;
  try {
    mkdirSync(join(cache, "holdfast"));
    symlinkSync(source, join(cache, "holdfast", "mnist"));
    check.is((await loadDataset("mnist", { trainSize: 1 })).test.labels.length, 10_000);
  } finally {
    if (HOLDFAST_DATA !== undefined) process.env.HOLDFAST_DATA = HOLDFAST_DATA;
    if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
    rmSync(cache, { recursive: true });
  }
});

test("in a browser the address is needed, and the sum is checked", async () => {
  const file = MNIST.testLabels;
  await check.rejects(() => readDatasetFile("mnist", file, {}), /^mnist: no address to fetch t10k-labels/);
  const served = globalThis.fetch;
  globalThis.fetch = async (url) =>
    String(url) === "https://here/mnist/t10k-labels-idx1-ubyte.gz"
      ? new Response("something else")
      : new Response("", { status: 404 });
  try {
    await check.rejects(() => readDatasetFile("mnist", file, { dataDir: "https://here/" }), /has sha256 .*; f7ae60f9/);
    await check.rejects(() => readDatasetFile("mnist", file, { dataDir: "https://there" }), /answered 404; put/);
  } finally {
    globalThis.fetch = served;
  }
});
