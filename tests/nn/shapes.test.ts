import { createHash } from "node:crypto";
import { SHAPE_CLASSES, shapeBytes, shapes } from "../../nn/data/shapes.js";
import { check, test } from "../harness.js";

const AREA = 784;

test("the same seed draws the same bytes on every machine", () => {
  const { images, masks } = shapeBytes({ count: 200, seed: 3 });
  // Computed once; a change of the generator changes every published number, so it must be on purpose.
  check.is(
    createHash("sha256").update(images).update(masks).digest("hex"),
    "6a142a30f4ad091a36457cc0dbcf5ea98b6e7e019eb8a014c6e280b6e47e653b",
  );
});

test("picture i does not depend on how many are drawn, but on seed and stream", () => {
  const first = shapeBytes({ count: 10, seed: 1 }).images;
  check.identical(shapeBytes({ count: 25, seed: 1 }).images.subarray(0, first.length), first);
  const different = (other: Uint8Array) => other.some((value, p) => value !== first[p]);
  check.ok(different(shapeBytes({ count: 10, seed: 2 }).images), "another seed draws other pictures");
  check.ok(different(shapeBytes({ count: 10, seed: 1, stream: 1 }).images), "another stream draws other pictures");
});

test("labels go round the ten classes, pixels are multiples of 1/255 in [0,1]", () => {
  const { images, labels } = shapes({ count: 30 });
  check.is(SHAPE_CLASSES.length, 10);
  check.identical(
    labels,
    Array.from({ length: 30 }, (_, i) => i % 10),
  );
  check.is(images.length, 30 * AREA);
  check.ok(
    images.every((value) => value >= 0 && value <= 1 && Math.abs(value * 255 - Math.round(value * 255)) < 1e-4),
    "values",
  );
});

test("masks mark the figure: brighter than the rest, not empty, not everything", () => {
  const { images, masks } = shapeBytes({ count: 500 });
  for (let i = 0; i < 500; i++) {
    const sum = [0, 0];
    const size = [0, 0];
    for (let p = i * AREA; p < (i + 1) * AREA; p++) {
      sum[masks[p]] += images[p];
      size[masks[p]]++;
    }
    check.ok(size[1] >= 30 && size[1] <= AREA * 0.65, `picture ${i}: ${size[1]} pixels in the mask`);
    const contrast = (sum[1] / size[1] - sum[0] / size[0]) / 255;
    check.ok(contrast > 0.15, `picture ${i}: the figure is ${contrast.toFixed(3)} brighter than the rest`);
  }
});

test("classes are not told apart by size or by mean brightness alone", () => {
  const count = 4000;
  const { images, labels, masks } = shapeBytes({ count });
  const mean = (bytes: Uint8Array, i: number) =>
    bytes.subarray(i * AREA, (i + 1) * AREA).reduce((total, value) => total + value, 0) / AREA;
  for (const [what, bytes] of [
    ["brightness", images],
    ["area", masks],
  ] as const) {
    const features = Array.from({ length: count }, (_, i) => mean(bytes, i));
    // The nearest class mean: the best that one number can do, roughly.
    const centres = SHAPE_CLASSES.map((_, label) => {
      const own = features.filter((_, i) => labels[i] === label);
      return own.reduce((total, value) => total + value, 0) / own.length;
    });
    const right = features.filter((value, i) => {
      const distances = centres.map((centre) => Math.abs(value - centre));
      return distances.indexOf(Math.min(...distances)) === labels[i];
    }).length;
    check.ok(right / count < 0.45, `${what} alone tells ${right} of ${count}`);
  }
});

test("a count that is not a positive integer is refused", () => {
  check.throws(() => shapeBytes({ count: 0 }), /shapes: count 0; a positive integer is needed/);
  check.throws(() => shapeBytes({ count: 1.5 }), RangeError);
});
