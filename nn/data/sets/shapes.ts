import type { Split } from "../dataset.js";
import { PIXEL_RANGE } from "../domain.js";
import { SHAPE_CLASSES, type ShapesOptions, shapeBytes } from "../shapes.js";
import type { DatasetEntry } from "./entry.js";

const shape = [1, 28, 28];

/** Drawn pictures as a split. */
export function shapesSplit(options: ShapesOptions): Split {
  const { images: samples, ...rest } = shapeBytes(options);
  return { shape, samples, ...rest };
}

export const shapesSet: DatasetEntry = {
  kind: "images",
  title: "ten figures drawn on the spot, with masks; 10 000 and 2 000 unless told otherwise",
  shape,
  lightOnDark: true,
  source: "drawn by this package",
  licence: "MIT, as this package",
  citation: "none",
  load: async ({ seed = 0, trainSize = 10_000, testSize = 2_000 }) => ({
    name: "shapes",
    domain: { shape, range: PIXEL_RANGE },
    classes: SHAPE_CLASSES,
    train: shapesSplit({ count: trainSize, seed, stream: 0 }),
    test: shapesSplit({ count: testSize, seed, stream: 1 }),
  }),
};
