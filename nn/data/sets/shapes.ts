import { Turns } from "../../../engine/index.js";
import { type Split, sampleSize } from "../dataset.js";
import { PIXEL_RANGE } from "../domain.js";
import type { Progress } from "../options.js";
import { drawShapes, SHAPE_CLASSES, type ShapeBytes, type ShapesOptions, shapeBytes } from "../shapes.js";
import type { DatasetEntry } from "./entry.js";

const shape = [1, 28, 28];

/** Drawn pictures as a split. */
export function shapesSplit(options: ShapesOptions): Split {
  return splitOf(shapeBytes(options));
}

function splitOf({ images: samples, ...rest }: ShapeBytes): Split {
  return { shape, samples, ...rest };
}

/** The same with turns for others; `before` of `total` pictures are there already. */
async function drawnSplit(
  options: ShapesOptions,
  before: number,
  total: number,
  turns: Turns<Progress>,
): Promise<Split> {
  const drawing = drawShapes(options);
  const bytes = sampleSize(shape);
  for (;;) {
    const drawn = drawing.next();
    if (drawn.done) return splitOf(drawn.value);
    const last = drawn.value === options.count;
    const progress = { file: "shapes", received: (before + drawn.value) * bytes, total: total * bytes };
    await turns.next(last || drawn.value % 100 === 0 ? progress : undefined);
  }
}

export const shapesSet: DatasetEntry = {
  kind: "images",
  title: "ten figures drawn on the spot, with masks; 10 000 and 2 000 unless told otherwise",
  shape,
  lightOnDark: true,
  source: "drawn by this package",
  licence: "MIT, as this package",
  citation: "none",
  async load(options) {
    const { seed = 0, trainSize = 10_000, testSize = 2_000 } = options;
    const turns = new Turns<Progress>("loadDataset", options);
    const all = trainSize + testSize;
    return {
      name: "shapes",
      domain: { shape, range: PIXEL_RANGE },
      classes: SHAPE_CLASSES,
      train: await drawnSplit({ count: trainSize, seed, stream: 0 }, 0, all, turns),
      test: await drawnSplit({ count: testSize, seed, stream: 1 }, trainSize, all, turns),
    };
  },
};
