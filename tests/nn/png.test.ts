import { encode } from "fast-png";
import { DataError } from "../../nn/data/error.js";
import { readImageAs } from "../../nn/data/image.js";
import { drawFrom } from "../../nn/data/integer-random.js";
import { readPng } from "../../nn/data/png.js";
import { check, test } from "../harness.js";
import { chunk, makePng, type PngSource, repairSums } from "./make-png.js";

const readPng28 = (bytes: Uint8Array, options = {}) => readImageAs(bytes, [1, 28, 28], options);

const KINDS = [
  { colourType: 0, channels: 1, depths: [1, 2, 4, 8, 16] },
  { colourType: 2, channels: 3, depths: [8, 16] },
  { colourType: 3, channels: 1, depths: [1, 2, 4, 8] },
  { colourType: 4, channels: 2, depths: [8, 16] },
  { colourType: 6, channels: 4, depths: [8, 16] },
];

const PALETTE = Array.from({ length: 3 * 256 }, (_, i) => (i * 91 + 13) & 255);
const OPACITY = [0, 128, 255, 7];

/** An image of random samples. */
function randomImage(width: number, height: number, kind: (typeof KINDS)[number], depth: number, interlaced: boolean) {
  const draw = drawFrom(width, height, kind.colourType, depth);
  const samples = Array.from({ length: width * height * kind.channels }, () => draw.below(2 ** depth));
  const palette = kind.colourType === 3 ? PALETTE.slice(0, 3 * 2 ** depth) : undefined;
  const source: PngSource = {
    ...{ width, height, depth, interlaced, palette, ...kind },
    transparency: palette && OPACITY.slice(0, 2 ** depth),
    sample: (x, y, channel) => samples[(y * width + x) * kind.channels + channel],
  };
  return source;
}

/** What the image looks like on white, by the definition. */
function shades({ width, height, depth, colourType, channels, sample }: PngSource): number[] {
  const full = 2 ** depth - 1;
  return Array.from({ length: width * height }, (_, p) => {
    const at = (c: number) => sample(p % width, Math.floor(p / width), c) / full;
    const index = sample(p % width, Math.floor(p / width), 0);
    const rgb =
      colourType === 3
        ? [0, 1, 2].map((c) => PALETTE[3 * index + c] / 255)
        : channels < 3
          ? [at(0), at(0), at(0)]
          : [at(0), at(1), at(2)];
    const opacity = colourType === 3 ? (OPACITY[index] ?? 255) / 255 : colourType >= 4 ? at(channels - 1) : 1;
    return 1 - opacity * (1 - (0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]));
  });
}

test("every colour type and depth, plain and interlaced, at sizes that do not fill bytes or passes", async () => {
  for (const kind of KINDS) {
    for (const depth of kind.depths) {
      for (const interlaced of [false, true]) {
        for (const [width, height] of [
          [1, 1],
          [3, 2],
          [13, 9],
          [28, 28],
        ] as const) {
          const source = randomImage(width, height, kind, depth, interlaced);
          const { data, ...size } = await readPng(makePng(source));
          const what = `type ${kind.colourType}, ${depth} bits, ${width}x${height}${interlaced ? ", interlaced" : ""}`;
          check.equal(size, { width, height, channels: 1 }, what);
          check.close(data, shades(source), { atol: 1e-6 }, what);
        }
      }
    }
  }
});

test("a file of another encoder is read", async () => {
  const data = Uint8Array.from({ length: 784 }, (_, i) => (i * 7) & 255);
  const png = encode({ width: 28, height: 28, data, channels: 1 });
  check.close(
    await readPng28(png),
    Float32Array.from(data, (byte) => byte / 255),
    { atol: 1e-7 },
  );
});

test("the colour that is declared transparent shows white", async () => {
  const grey = { width: 2, height: 1, depth: 8, colourType: 0, channels: 1, transparency: [0, 9] };
  check.close((await readPng(makePng({ ...grey, sample: (x) => (x ? 9 : 0) }))).data, [0, 1], { atol: 0 });
  const rgb = { width: 2, height: 1, depth: 8, colourType: 2, channels: 3, transparency: [0, 1, 0, 2, 0, 3] };
  const png = makePng({ ...rgb, sample: (x, _y, c) => (x ? c + 1 : 0) });
  check.close((await readPng(png)).data, [0, 1], { atol: 0 });
});

const plain = { depth: 8, colourType: 0, channels: 1 };

test("an image of another size is refused, or resized when asked", async () => {
  const wide = makePng({ ...plain, width: 640, height: 480, sample: (x) => (x < 80 ? 255 : 51) });
  const error = await check.rejects(() => readPng28(wide), DataError);
  check.is(error.message, "image is 640x480; the network takes 28x28; pass --resize to use its middle square");
  const middle = await readPng28(wide, { resize: true });
  check.close(middle, new Float32Array(784).fill(0.2), { atol: 1e-6 }, "the stripe at the side is cut off");
  const half = makePng({ ...plain, width: 56, height: 56, sample: (x, y) => ((x ^ y) & 1) * 255 });
  check.close(await readPng28(half, { resize: true }), new Float32Array(784).fill(0.5), { atol: 1e-6 }, "means");
  const ramp = makePng({ ...plain, width: 42, height: 42, sample: (x) => 6 * x });
  const means = Array.from({ length: 784 }, (_, p) => {
    // Every target pixel covers one and a half columns: all of one and half of the next, or the other way round.
    const x = p % 28;
    const [whole, part] = x % 2 === 0 ? [1.5 * x, 1.5 * x + 1] : [1.5 * x + 0.5, 1.5 * x - 0.5];
    return ((whole + part / 2) / 1.5) * (6 / 255);
  });
  check.close(await readPng28(ramp, { resize: true }), means, { atol: 1e-6 }, "weighted means");
  const one = makePng({ ...plain, width: 1, height: 1, sample: () => 51 });
  check.close(await readPng28(one, { resize: true }), new Float32Array(784).fill(0.2), { atol: 1e-6 }, "one pixel");
});

test("malformed PNG files are refused in one sentence", async () => {
  const good = makePng({ ...plain, width: 28, height: 28, sample: (x, y) => x + y });
  const header = (...bytes: number[]) => {
    const changed = new Uint8Array(good);
    changed.set(bytes, 16);
    return repairSums(changed);
  };
  const damaged = new Uint8Array(good);
  damaged[40] ^= 1;
  const signature = [...good.subarray(0, 8)];
  const refused: [Uint8Array, RegExp][] = [
    [new TextEncoder().encode("GIF89a"), /6 bytes without the signature/],
    [good.subarray(0, 100), /100 bytes end inside a chunk/],
    [good.subarray(0, 8), /8 bytes end inside a chunk at byte 8/],
    [damaged, /the chunk at byte 33 does not match its sum/],
    [header(0, 0, 0, 0), /the image is 0x28;/],
    [
      header(0, 1, 0, 0, 0, 1, 0, 0),
      /65536x65536 pixels take 4295032832 bytes; at most 16777216 pixels in 67108864 bytes are read/,
    ],
    [header(0, 0, 0, 29), /hold 812 bytes; 29x28 pixels need 840|more than/],
    [header(0, 0, 0, 27), /deflate data hold more than 784 bytes/],
    [header(0, 0, 0, 28, 0, 0, 0, 28, 3), /colour type 0 with 3 bits/],
    [header(0, 0, 0, 28, 0, 0, 0, 28, 8, 3), /a palette image without palette/],
    [header(0, 0, 0, 28, 0, 0, 0, 28, 8, 0, 0, 0, 2), /interlace 2/],
    [Uint8Array.from([...signature, ...chunk("IDAT", [])]), /unexpected chunk "IDAT" of 0 bytes at byte 8/],
    [Uint8Array.from([...good.subarray(0, 33), ...chunk("CgBI", []), ...good.subarray(33)]), /unexpected chunk "CgBI"/],
    [Uint8Array.from([...good.subarray(0, 33), ...chunk("IEND", [])]), /deflate data are damaged or cut short/],
  ];
  for (const [bytes, message] of refused) {
    check.ok((await check.rejects(() => readPng(bytes), message)) instanceof DataError, "a DataError");
  }
  const palette = makePng({
    ...{ width: 1, height: 1, depth: 8, colourType: 3, channels: 1, palette: [1, 2, 3] },
    sample: () => 1,
  });
  await check.rejects(() => readPng(palette), /a pixel has colour 1 of a palette of 1/);
});
