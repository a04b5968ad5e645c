import { readDatasetFile } from "#files";
import { CIFAR_SHAPE, readCifar } from "../cifar.js";
import type { RemoteFile } from "../collections.js";
import { firstOf } from "../dataset.js";
import { PIXEL_RANGE } from "../domain.js";
import type { DatasetEntry } from "./entry.js";

const source = "www.cs.toronto.edu/~kriz/cifar.html (binary version)";

/** Published as one archive, which has to be unpacked by hand. Its files are judged by size and labels: no sums of theirs are published. */
const file = (name: string): RemoteFile => ({
  name,
  bytes: 30_730_000,
  urls: [],
  source,
  folder: "cifar-10-batches-bin",
});
const TRAIN = [1, 2, 3, 4, 5].map((batch) => file(`data_batch_${batch}.bin`));
const TEST = [file("test_batch.bin")];

export const cifar10Set: DatasetEntry = {
  kind: "images",
  title: "50 000 and 10 000 colour pictures of animals and vehicles",
  shape: [...CIFAR_SHAPE],
  source,
  licence: "none stated by the source",
  citation: "Krizhevsky 2009, Learning multiple layers of features from tiny images",
  async load(options) {
    const classes = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
    const read = async (files: readonly RemoteFile[]) => {
      const contents = [];
      for (const one of files)
        contents.push({ name: one.name, bytes: await readDatasetFile("cifar-10", one, options) });
      return readCifar(contents, classes.length);
    };
    return {
      name: "cifar-10",
      domain: { shape: [...CIFAR_SHAPE], range: PIXEL_RANGE },
      classes,
      train: firstOf(await read(TRAIN), options.trainSize, "cifar-10: the training part"),
      test: firstOf(await read(TEST), options.testSize, "cifar-10: the test part"),
    };
  },
};
