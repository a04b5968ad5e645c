import { readDatasetFile } from "#files";
import { type Collection, FASHION_MNIST, MNIST } from "../collections.js";
import { readCollection } from "../idx-set.js";
import type { DatasetEntry } from "./entry.js";

const entry = (collection: Collection, about: Omit<DatasetEntry, "kind" | "shape" | "load">): DatasetEntry => ({
  kind: "images",
  shape: [1, 28, 28],
  lightOnDark: true,
  ...about,
  load: (options) => readCollection(collection, (file) => readDatasetFile(collection.name, file, options), options),
});

export const mnistSet = entry(MNIST, {
  title: "60 000 and 10 000 handwritten digits",
  source: "yann.lecun.com/exdb/mnist",
  licence: "none stated by the source; commonly given as CC BY-SA 3.0",
  citation: "LeCun, Cortes, Burges 1998, The MNIST database of handwritten digits",
});

export const fashionMnistSet = entry(FASHION_MNIST, {
  title: "60 000 and 10 000 pictures of clothes",
  source: "github.com/zalandoresearch/fashion-mnist",
  licence: "MIT, Zalando SE 2017",
  citation:
    "Xiao, Rasul, Vollgraf 2017, Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms",
});
