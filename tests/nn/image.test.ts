/** Images in colour and of any size, resizing, and data sets of image files. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { readCifar } from "../../nn/data/cifar.js";
import { DataError } from "../../nn/data/error.js";
import { listFolder } from "../../nn/data/folder.browser.js";
import { openFolder } from "../../nn/data/folder.js";
import { imageSize, readImageAs, resizeImage } from "../../nn/data/image.js";
import type { Pixels } from "../../nn/data/pixels.js";
import { readPng } from "../../nn/data/png.js";
import { inFolder } from "../cli/holdfast.js";
import { check, test } from "../harness.js";
import { baseline } from "./jpeg-files.js";
import { makePng } from "./make-png.js";

const colour = { depth: 8, colourType: 2, channels: 3 };
const grey = { depth: 8, colourType: 0, channels: 1 };

test("a PNG keeps its colours, in all colour types, over white", async () => {
  const shade = (x: number, y: number, c: number): number => 80 * c + 20 * x + 3 * y;
  const expected = (over: (value: number) => number): number[] =>
    Array.from({ length: 18 }, (_, i) => over(shade(i % 3, Math.floor((i % 6) / 3), Math.floor(i / 6)) / 255));
  const size = { width: 3, height: 2 };
  const rgb = makePng({ ...colour, ...size, sample: shade });
  const { data, ...about } = await readPng(rgb, 3);
  check.equal(about, { ...size, channels: 3 });
  check.close(
    data,
    expected((v) => v),
    { atol: 1e-7 },
  );
  check.equal(imageSize(rgb), { ...size, channels: 3 });
  const opaque = { depth: 8, colourType: 6, channels: 4 };
  const half = makePng({ ...opaque, ...size, sample: (x, y, c) => (c === 3 ? 51 : shade(x, y, c)) });
  check.close(
    (await readPng(half, 3)).data,
    expected((v) => 0.8 + 0.2 * v),
    { atol: 1e-6 },
  );
  const palette = Array.from({ length: 18 }, (_, i) => shade(Math.floor(i / 3) % 3, Math.floor(i / 9), i % 3));
  const listed = makePng({ ...size, depth: 8, colourType: 3, channels: 1, palette, sample: (x, y) => 3 * y + x });
  check.close(
    (await readPng(listed, 3)).data,
    expected((v) => v),
    { atol: 1e-7 },
  );
  const hidden = makePng({ ...colour, ...size, transparency: [0, 0, 0, 80, 0, 160], sample: shade });
  check.close(
    (await readPng(hidden, 3)).data,
    expected((v) => v).map((v, i) => (i % 6 === 0 ? 1 : v)),
    { atol: 1e-7 },
  );
  const plain = await readPng(makePng({ ...grey, ...size, sample: (x) => x }), 3);
  check.close(
    plain.data,
    Array.from({ length: 18 }, (_, i) => (i % 3) / 255),
    { atol: 1e-7 },
  );
  check.is(imageSize(makePng({ ...grey, ...size, sample: (x) => x })).channels, 1);
});

const picture = fc
  .record({
    channels: fc.constantFrom(1 as const, 3 as const),
    width: fc.integer({ min: 1, max: 20 }),
    height: fc.integer({ min: 1, max: 20 }),
  })
  .chain((size) =>
    fc
      .array(fc.integer({ min: 0, max: 255 }), {
        minLength: size.channels * size.width * size.height,
        maxLength: size.channels * size.width * size.height,
      })
      .map((bytes): Pixels => ({ ...size, data: Float32Array.from(bytes, (b) => b / 255) })),
  );
const side = fc.integer({ min: 1, max: 24 });

/** Resizing by its definition: every target pixel gathers the source pixels under it, one by one. */
function definition({ channels, width: w, height: h, data }: Pixels, height: number, width: number): number[] {
  const step = Math.min(w / width, h / height);
  const [left, top] = [(w - step * width) / 2, (h - step * height) / 2];
  const common = (cell: number, from: number): number =>
    Math.max(0, Math.min(cell + 1, from + step) - Math.max(cell, from));
  return Array.from({ length: channels * height * width }, (_, i) => {
    const [c, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
    let sum = 0;
    for (let p = 0; p < w * h; p++)
      sum += common(p % w, left + x * step) * common(Math.floor(p / w), top + y * step) * data[c * w * h + p];
    return sum / (step * step);
  });
}

test("resizing averages what lies under each pixel, channel by channel", () => {
  check.holds(
    fc.property(picture, side, side, (image, height, width) => {
      const resized = resizeImage(image, [height, width]);
      check.equal([resized.channels, resized.height, resized.width], [image.channels, height, width]);
      check.close(resized.data, definition(image, height, width), { atol: 1e-5 });
    }),
  );
});

test("resizing in proportion keeps the mean of every channel, and to its own size every bit", () => {
  const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  check.holds(
    fc.property(picture, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), (image, up, down) => {
      const size = [image.height * up, image.width * up] as const;
      const larger = resizeImage(image, size);
      const smaller = resizeImage(resizeImage(larger, [size[0] * down, size[1] * down]), [image.height, image.width]);
      for (let c = 0; c < image.channels; c++) {
        const of = ({ data, channels }: Pixels): number =>
          mean(data.subarray((c * data.length) / channels, ((c + 1) * data.length) / channels));
        check.close([of(larger), of(smaller)], [of(image), of(image)], { atol: 1e-5 });
      }
      check.identical(resizeImage(image, [image.height, image.width]).data, image.data);
    }),
    { numRuns: 50 },
  );
});

test("an image becomes a sample of the shape that a network takes", async () => {
  const png = makePng({ ...colour, width: 8, height: 6, sample: (x, y, c) => 10 * x + y + 50 * c });
  check.is((await readImageAs(png, [3, 6, 8])).length, 144);
  check.is((await readImageAs(png, [1, 3, 3], { resize: true })).length, 9);
  check.is((await readImageAs(baseline.file, [3, 12, 20])).length, 720);
  const error = await check.rejects(() => readImageAs(png, [3, 5, 7]), DataError);
  check.is(error.message, "image is 8x6; the network takes 7x5; pass --resize to use its middle part");
});

/** A PNG of one colour. */
const flat = (width: number, height: number, rgb: readonly number[]): Uint8Array =>
  makePng({ ...(rgb.length === 3 ? colour : grey), width, height, sample: (_x, _y, c) => rgb[c] });

function put(folder: string, place: string, bytes: Uint8Array | string): void {
  mkdirSync(join(folder, place, ".."), { recursive: true });
  writeFileSync(join(folder, place), bytes);
}

test("a folder of class folders is a data set, split by class and seed", () =>
  inFolder(async (folder) => {
    for (let i = 0; i < 10; i++) {
      put(folder, `red/${i}.png`, flat(6, 4, [200 + i, 0, 0]));
      if (i < 5) put(folder, `blue/${i}.PNG`, flat(6, 4, [0, 0, 100 + i]));
    }
    put(folder, ".DS_Store", "of no interest");
    const { name, domain, classes, train, test: held } = await openFolder(folder);
    check.equal([name, ...classes], [folder, "blue", "red"]);
    check.equal(domain, { shape: [3, 4, 6], range: { low: 0, high: 1 } });
    check.equal([...train.labels], [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
    check.equal([...held.labels], [0, 1, 1]);
    const firstOf = (split: typeof train): number[] =>
      Array.from(split.labels, (label, i) => split.samples[72 * i + (label === 1 ? 0 : 48)]);
    const all = [...firstOf(train), ...firstOf(held)].sort((a, b) => a - b);
    check.equal(
      all,
      [100, 101, 102, 103, 104, 200, 201, 202, 203, 204, 205, 206, 207, 208, 209],
      "each is in one part",
    );
    check.ok(train.samples instanceof Uint8Array, "pixels stay bytes");
    check.identical((await openFolder(folder)).test.samples, held.samples);
    const others = await Promise.all([1, 2, 3].map((seed) => openFolder(folder, { seed })));
    check.ok(
      others.some((other) => String(firstOf(other.test)) !== String(firstOf(held))),
      "another seed, another split",
    );
    const small = await openFolder(folder, { size: [2, 2], channels: 1, testShare: 0.5, trainSize: 3, testSize: 2 });
    check.equal([...small.domain.shape, small.train.labels.length, small.test.labels.length], [1, 2, 2, 3, 2]);
  }));

test("folders train and test are taken as they are; grey files make one channel, and JPEG will do", () =>
  inFolder(async (folder) => {
    put(folder, "train/a/1.png", flat(4, 4, [7]));
    put(folder, "train/b/1.png", flat(4, 4, [9]));
    put(folder, "test/b/2.png", flat(4, 4, [11]));
    const { domain, train, test: held } = await openFolder(folder, { name: "mine" });
    check.equal(domain.shape, [1, 4, 4]);
    check.equal([train.samples[0], train.samples[16], held.samples[0]], [7, 9, 11]);
    check.equal([...train.labels, ...held.labels], [0, 1, 1]);
    put(folder, "test/a/3.jpg", baseline.file);
    const resized = await openFolder(folder, { size: [4, 4] });
    check.equal([...resized.domain.shape, resized.test.labels.length], [3, 4, 4, 2]);
  }));

test("folders that are no data set are refused in one sentence that names the file", () =>
  inFolder(async (folder) => {
    const refused = async (pattern: RegExp, options = {}, path = folder): Promise<void> => {
      check.ok((await check.rejects(() => openFolder(path, options), pattern)) instanceof DataError, "a DataError");
    };
    await refused(/there is no such folder$/, {}, join(folder, "none"));
    await refused(/: no files; a folder of PNG and JPEG files for each class is needed$/);
    put(folder, "a/1.png", flat(4, 4, [7]));
    await refused(/: 1 folders of images; two or more are needed, one for each class$/);
    put(folder, "b/2.png", flat(4, 5, [7]));
    await refused(/: a\/1\.png is 4x4 and b\/2\.png 4x5; equal sizes are needed, or a size to bring all to$/);
    await refused(/no class has two samples, so none can be held out for testing/, { size: [2, 2] });
    await refused(/images of 0x4 pixels; whole sides of at least 1 are needed/, { size: [0, 4] });
    await refused(/images of 2 channels; 1 \(grey\) or 3 \(colour\) is needed/, { channels: 2 });
    await refused(/2 images of \[3,20000,20000\] are 2400000000 bytes; at most 2147483647 are held/, {
      size: [20000, 20000],
      channels: 3,
    });
    put(folder, "b/3.png", "no picture");
    await refused(/^b\/3\.png: png: 10 bytes without the signature/, { size: [2, 2], channels: 1 });
    put(folder, "b/notes.txt", "notes");
    await refused(/: b\/notes\.txt does not belong here; PNG and JPEG files in a folder for each class are needed$/);
    await check.rejects(() => listFolder("somewhere"), /^somewhere: a browser cannot read folders; .* fromArrays$/);
  }));

/** Records of CIFAR-10: labels 0 to count - 1, pixels that count up. */
function records(count: number): Uint8Array {
  return Uint8Array.from({ length: count * 3073 }, (_, i) => (i % 3073 === 0 ? i / 3073 : (i * 31) & 255));
}

test("CIFAR-10's records are labels and three channels of bytes", () => {
  const [one, two] = [records(3), records(2)];
  const { shape, samples, labels } = readCifar([
    { name: "one", bytes: one },
    { name: "two", bytes: two },
  ]);
  check.equal(shape, [3, 32, 32]);
  check.equal([...labels], [0, 1, 2, 0, 1]);
  check.identical(samples.subarray(3072, 2 * 3072), one.subarray(3074, 2 * 3073));
  check.identical(samples.subarray(4 * 3072), two.subarray(3074));
  const read = (bytes: Uint8Array) => () => readCifar([{ name: "batch", bytes }]);
  check.throws(read(one.subarray(1)), /^batch: 9218 bytes; whole records of 3073 bytes are needed/);
  check.throws(read(new Uint8Array(0)), /^batch: 0 bytes; whole records/);
  check.throws(read(records(11)), /^batch: record 10 has the label 10; labels of 0 to 9 are needed$/);
});
