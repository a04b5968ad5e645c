/** Superpixels: connected, at most as many as said, along the edges of drawn pictures. */

import { piecesOf } from "../../atex/explainers/segments/connected.js";
import { labOf } from "../../atex/explainers/segments/lab.js";
import { segmentImages } from "../../atex/index.js";
import { slice, tensor } from "../../engine/index.js";
import { gpuTest, onReference, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { generator } from "../values.js";

/** A disc, a square and a ground, each in its colour, with noise. → pixels [c,h,w] and which of the three each is. */
function drawing(h: number, w: number, colours: readonly (readonly number[])[], noise: number, seed: number) {
  const next = generator(seed);
  const kinds = Array.from({ length: h * w }, (_, p) => {
    const [y, x] = [Math.floor(p / w), p % w];
    if (Math.hypot(y - h / 3, x - w / 3) < h / 5) return 1;
    return Math.abs(y - (2 * h) / 3) < h / 6 && Math.abs(x - (2 * w) / 3) < w / 6 ? 2 : 0;
  });
  const pixels = colours[0].flatMap((_, c) => kinds.map((k) => colours[k][c] + noise * (next() - 0.5)));
  return { pixels, kinds };
}

const colour = [
  [0.2, 0.3, 0.8],
  [0.9, 0.2, 0.1],
  [0.2, 0.7, 0.2],
];
const grey = [[0.1], [0.9], [0.5]];

for (const [name, colours] of [
  ["colour", colour],
  ["grey", grey],
] as const)
  referenceTest(`segments of a ${name} picture are connected, few, and of one colour`, async () => {
    const [h, w] = [40, 52];
    const { pixels, kinds } = drawing(h, w, colours, 0.05, 1);
    for (const wanted of [12, 40, 100]) {
      const x = tensor(pixels, [1, colours[0].length, h, w]);
      const { labels, shape, count } = await segmentImages(x, { segments: wanted });
      check.equal(shape, [1, h, w]);
      const used = new Set(labels).size;
      check.ok(used <= count && used > wanted / 2 && Math.abs(count - wanted) <= wanted / 4, `${used} of ${count}`);
      check.is(Math.max(...labels), used - 1);
      check.is(piecesOf(labels, h, w).sizes.length, used, "pieces");
      let pure = 0;
      for (let s = 0; s < used; s++) {
        const counts = [0, 0, 0];
        labels.forEach((label, p) => {
          if (label === s) counts[kinds[p]]++;
        });
        pure += Math.max(...counts);
      }
      if (wanted > 12) check.ok(pure / (h * w) > 0.99, `${wanted} segments: ${pure / (h * w)} of the pixels`);
    }
  });

referenceTest(
  "noise of strong colours still gives connected segments, the same each time, alone or in a batch",
  async () => {
    const next = generator(2);
    const x = tensor(
      Array.from({ length: 2 * 3 * 21 * 17 }, () => next()),
      [2, 3, 21, 17],
    );
    const options = { segments: 20, compactness: 1 };
    const both = await segmentImages(x, options);
    for (const n of [0, 1]) {
      const own = both.labels.slice(n * 357, (n + 1) * 357);
      check.is(piecesOf(own, 21, 17).sizes.length, new Set(own).size);
      const alone = await segmentImages(slice(x, [n, 0, 0, 0], [1, 3, 21, 17]), options);
      check.identical(alone.labels, own);
      check.is(alone.count, both.count);
    }
  },
);

referenceTest("a flat picture is cut into its grid, also with other values of black and white", async () => {
  const { labels, count } = await segmentImages(tensor(Array<number>(64).fill(0.5), [1, 1, 8, 8]), { segments: 4 });
  check.is(count, 4);
  check.equal(
    Array.from(labels),
    Array.from({ length: 64 }, (_, p) => 2 * Math.floor(p / 32) + Math.floor((p % 8) / 4)),
  );
  const { pixels } = drawing(24, 24, grey, 0.05, 3);
  const plain = await segmentImages(tensor(pixels, [1, 1, 24, 24]));
  const shifted = tensor(
    Float64Array.from(pixels, (v) => 4 * v - 2),
    [1, 1, 24, 24],
  );
  check.identical((await segmentImages(shifted, { range: { low: -2, high: 2 } })).labels, plain.labels);
});

referenceTest("a stripe that no first centre lies in becomes segments of its own", async () => {
  // Centres start at columns 4 and 11 or 12, the stripe ends at column 2.
  const stripe = Array.from({ length: 256 }, (_, p) => (p % 16 < 3 ? 0.2 : 0.8));
  const { labels } = await segmentImages(tensor(stripe, [1, 1, 16, 16]), { segments: 4 });
  const [inside, outside] = [true, false].map((dark) => new Set(labels.filter((_, p) => p % 16 < 3 === dark)));
  check.ok(inside.size > 0 && [...inside].every((label) => !outside.has(label)), `${[...inside]} and ${[...outside]}`);
});

test("colours in CIELAB, against published values", () => {
  check.close(labOf(1, 1, 1), [100, 0, 0], { atol: 0.02 });
  check.close(labOf(0, 0, 0), [0, 0, 0], { atol: 1e-9 });
  check.close(labOf(1, 0, 0), [53.24, 80.09, 67.2], { atol: 0.02 });
  check.close(labOf(0, 1, 0), [87.73, -86.18, 83.18], { atol: 0.02 });
  check.close(labOf(0, 0, 1), [32.3, 79.19, -107.86], { atol: 0.02 });
});

gpuTest("images on the GPU have the segments of the same images in float64", async () => {
  const pixels = drawing(20, 20, colour, 0.05, 4).pixels.map(Math.fround);
  const made = () => segmentImages(tensor(pixels, [1, 3, 20, 20]), { segments: 16 });
  const [here, exact] = [await made(), await onReference(made)];
  check.ok(new Set(here.labels).size > 8);
  check.identical(here.labels, exact.labels);
});

referenceTest("a tiny image has segments too, of more than a pixel", async () => {
  const { count, labels } = await segmentImages(tensor(Array<number>(36).fill(0.5), [1, 1, 6, 6]));
  check.ok(count > 1 && count <= 18 && labels.length === 36, `${count} segments`);
});

referenceTest("what cannot be segmented is refused", async () => {
  const two = tensor(Array<number>(32).fill(0), [1, 2, 4, 4]);
  await check.rejects(() => segmentImages(two), /segmentImages: f32\[1,2,4,4\] came; images .* of 1 or 3 channels/);
  const one = tensor(Array<number>(16).fill(0), [1, 1, 4, 4]);
  await check.rejects(() => segmentImages(one, { segments: 17 }), /17 segments, .* images of 4×4; 1 to 16/);
  await check.rejects(() => segmentImages(one, { segments: 2, compactness: 0 }), /compactness 0/);
});
