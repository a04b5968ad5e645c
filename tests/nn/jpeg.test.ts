import { DataError } from "../../nn/data/error.js";
import { imageSize, readImage } from "../../nn/data/image.js";
import { jpegSize, readJpeg } from "../../nn/data/jpeg.js";
import { check, test } from "../harness.js";
import { baseline, grey, inks, progressive } from "./jpeg-files.js";

/** Bytes [h,w,c] as numbers [c,h,w]. */
function planes(pixels: Uint8Array, channels: number): number[] {
  const area = pixels.length / channels;
  return Array.from({ length: pixels.length }, (_, i) => pixels[(i % area) * channels + Math.floor(i / area)] / 255);
}

test("baseline, progressive and grey files look as libjpeg has them", () => {
  // One unit of rounding in each of three components weighs at most 1 + 1.772 units in blue.
  for (const [name, { file, pixels }, channels, size] of [
    ["baseline", baseline, 3, [20, 12]],
    ["progressive", progressive, 3, [11, 9]],
    ["grey", grey, 1, [11, 9]],
  ] as const) {
    const image = readJpeg(file, channels);
    check.equal([image.width, image.height, image.channels], [...size, channels], name);
    check.close(image.data, planes(pixels, channels), { atol: 3 / 255 + 1e-6 }, name);
    check.equal(jpegSize(file), { width: size[0], height: size[1], channels }, name);
  }
});

test("colour as grey is its luma, grey as colour is three equal channels", () => {
  const [colour, shade] = [readJpeg(baseline.file, 3).data, readJpeg(baseline.file, 1).data];
  const area = shade.length;
  const luma = Float32Array.from(
    shade,
    (_, p) => 0.299 * colour[p] + 0.587 * colour[p + area] + 0.114 * colour[p + 2 * area],
  );
  check.close(shade, luma, { atol: 1e-6 });
  const one = readJpeg(grey.file, 1).data;
  check.identical(
    readJpeg(grey.file, 3).data,
    Float32Array.from({ length: 3 * one.length }, (_, i) => one[i % one.length]),
  );
});

test("PNG and JPEG are told apart by their first bytes", async () => {
  check.equal(imageSize(progressive.file), { width: 11, height: 9, channels: 3 });
  check.identical((await readImage(progressive.file, 3)).data, readJpeg(progressive.file, 3).data);
  await check.rejects(() => readImage(new TextEncoder().encode("GIF89a"), 3), /^png: 6 bytes without the signature/);
  await check.rejects(
    () => readImage(progressive.file, 2 as 1),
    /^image: 2 channels; 1 \(grey\) or 3 \(colour\) is needed$/,
  );
});

/** A file with its frame changed: precision, height, width. */
function framed(file: Uint8Array, change: (frame: Uint8Array) => void): Uint8Array {
  const bytes = new Uint8Array(file);
  const at = bytes.findIndex((byte, i) => byte === 0xff && (bytes[i + 1] === 0xc0 || bytes[i + 1] === 0xc2));
  change(bytes.subarray(at));
  return bytes;
}

test("malformed JPEG files are refused in one sentence, before anything is allocated for them", () => {
  const refused: [Uint8Array, RegExp][] = [
    [new TextEncoder().encode("GIF89a"), /^jpeg: 6 bytes without the beginning of a JPEG file/],
    [baseline.file.subarray(0, 100), /^jpeg: 100 bytes without a frame; the file is damaged or cut short/],
    [
      inks,
      /^jpeg: a frame of type 0 with 8 bits and 4 components; baseline or progressive, 8 bits, grey or colour is needed/,
    ],
    [framed(baseline.file, (f) => f.set([12], 4)), /with 12 bits and 3 components/],
    [framed(baseline.file, (f) => f.set([0xc3], 1)), /a frame of type 3 /],
    [framed(baseline.file, (f) => f.set([0, 0], 5)), /^jpeg: the image is 20x0; 1 to 65535 pixels each way are needed/],
    [
      framed(baseline.file, (f) => f.set([255, 255, 255, 255], 5)),
      /^jpeg: 65535x65535 pixels in \d+ bytes; at most 16777216/,
    ],
    [
      framed(baseline.file, (f) => f.set([15, 255, 15, 255], 5)),
      /4095x4095 pixels in \d+ bytes; .* a byte for every eight/,
    ],
    [baseline.file.subarray(0, baseline.file.length - 60), /^jpeg: the image cannot be decoded \(/],
  ];
  for (const [bytes, message] of refused) {
    const before = process.memoryUsage().arrayBuffers;
    check.ok(check.throws(() => readJpeg(bytes, 3), message) instanceof DataError, "a DataError");
    check.ok(process.memoryUsage().arrayBuffers - before < 2 ** 20, "little memory");
  }
});
