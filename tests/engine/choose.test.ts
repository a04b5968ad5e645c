/** Which kernel runs a matrix product or a convolution, for adapters that need not be at hand. */
import type { Capabilities } from "../../engine/lower.js";
import {
  type ConvShape,
  chooseConv2d,
  chooseConv2dFilter,
  chooseConv2dInput,
  chooseMatmul,
  type MatmulShape,
} from "../../engine/ops/choose.js";
import type { Winograd } from "../../engine/ops/choose.spectra.js";
import type { ConvGeometry } from "../../engine/ops/conv.launch.js";
import { transformFor } from "../../engine/ops/fourier.launch.js";
import { tilesFor } from "../../engine/ops/winograd.launch.js";
import { check, test } from "../harness.js";

const llvmpipe: Capabilities = {
  software: true,
  subgroups: true,
  subgroupMinSize: 8,
  subgroupMaxSize: 8,
  f16: true,
  maxInvocationsPerWorkgroup: 1024,
  maxWorkgroupSizeX: 1024,
  maxWorkgroupStorageBytes: 32768,
  maxWorkgroupsPerDimension: 65535,
  maxBindingBytes: 2 ** 27,
  maxBufferBytes: 2 ** 31,
  maxStorageBuffers: 16,
};
const plainLlvmpipe = { ...llvmpipe, subgroups: false, subgroupMinSize: 0, subgroupMaxSize: 0 };
const swiftShader = { ...llvmpipe, subgroupMinSize: 4, subgroupMaxSize: 4 };
const gpu = { ...llvmpipe, software: false, subgroupMinSize: 32, subgroupMaxSize: 32 };
const product = (m: number, n: number, depth: number, more: Partial<MatmulShape> = {}): MatmulShape => ({
  ...{ batch: 1, m, n, depth, transA: false, transB: false },
  ...more,
});
const secondConv = { rows: 64 * 14 * 14, columns: 64, depth: 32 * 25, window: 25, groups: 1 };
const firstInput = { rows: 64 * 784, columns: 1, depth: 32 * 25, window: 25, groups: 1, images: 64, places: 784 };

test("the family follows the adapter", () => {
  const big = product(512, 512, 512);
  check.is(chooseMatmul(big, llvmpipe).variant, "registers");
  check.is(chooseMatmul(big, plainLlvmpipe).variant, "registers");
  check.is(chooseMatmul(big, swiftShader).variant, "tiled");
  check.is(chooseMatmul(big, gpu).variant, "tiled");
  check.is(chooseConv2d(secondConv, llvmpipe).variant, "registers");
  check.is(chooseConv2d(secondConv, gpu).variant, "tiled");
  // A tile has 64 columns at least; where most would be empty, a software driver does better without.
  const narrow = { rows: 9800, columns: 16, depth: 72, groups: 1, window: 9 };
  check.is(chooseConv2d(narrow, gpu).variant, "tiled");
  check.is(chooseConv2d(narrow, swiftShader).variant, "plain");
  check.is(chooseConv2d({ ...narrow, columns: 17 }, swiftShader).variant, "tiled");
  const taps = { rows: 72, columns: 16, depth: 9800, groups: 1, window: 9, cuts: 700, bytes: 4e6 };
  check.is(chooseConv2dFilter(taps, gpu).variant, "tiled");
  check.is(chooseConv2dFilter(taps, swiftShader).variant, "plain");
  check.is(chooseConv2dFilter({ ...taps, rows: 9 }, swiftShader).variant, "tiled", "too few outputs to share out");
});

test("tiles are as wide as pays: 64 columns with subgroups, at most 20 without, few for few outputs", () => {
  const columns = (shape: MatmulShape, caps: Capabilities): number => {
    const choice = chooseMatmul(shape, caps);
    return choice.variant === "registers" ? choice.columns : 0;
  };
  check.is(columns(product(512, 512, 512), llvmpipe), 64);
  check.is(columns(product(128, 64, 512), llvmpipe), 32, "too little to make up for the longer compilation");
  check.is(columns(product(512, 512, 512), plainLlvmpipe), 20);
  check.is(columns(product(1024, 10, 128), llvmpipe), 12);
  // A layer on a plane of 7 x 7, whose weights are stored by what they sum.
  check.is(columns(product(160, 49, 960, { transA: true }), llvmpipe), 52);
});

test("what is long lies along the lanes", () => {
  const exchanged = (shape: MatmulShape, caps = llvmpipe): boolean => {
    const choice = chooseMatmul(shape, caps);
    return choice.variant === "registers" && choice.exchanged;
  };
  check.is(exchanged(product(4, 1000, 256)), true);
  check.is(exchanged(product(4, 1000, 256), plainLlvmpipe), true);
  check.is(exchanged(product(1000, 4, 256)), false);
  // A weight gradient of the network costs the same both ways, but for the stores.
  const weight = product(128, 3136, 64, { transA: true });
  check.is(exchanged(weight), true);
});

test("few lines take dot products where they lie along the sum", () => {
  const variant = (caps: Capabilities, ...[m, n, depth, more]: Parameters<typeof product>): string => {
    const choice = chooseMatmul(product(m, n, depth, more), caps);
    return choice.variant === "dots" ? `dots ${choice.lanes} ${choice.columns}` : choice.variant;
  };
  const along = { transB: true };
  for (const caps of [llvmpipe, plainLlvmpipe]) {
    check.is(variant(caps, 1, 1000, 1280, along), "dots 8 1");
    check.is(variant(caps, 1000, 2, 1280, along), "dots 8 2");
    check.is(variant(caps, 2, 1000, 1281, along), "dots 8 2");
    check.is(variant(caps, 4, 1000, 128, along), "registers", "a short sum");
    check.is(variant(caps, 1, 1000, 1280), "registers", "columns lie together");
    // How one line is stored says nothing.
    check.is(variant(caps, 1000, 1, 1280), "dots 8 1");
    check.is(variant(caps, 1, 1000, 1280, { transA: true, transB: true }), "dots 8 1");
    check.is(variant(caps, 2, 1000, 1280, { transA: true, transB: true }), "registers");
  }
  for (const caps of [llvmpipe, plainLlvmpipe])
    check.is(variant(caps, 16, 1000, 1280, along), "registers", "wide enough for a tile");
  check.is(variant(gpu, 1, 1000, 1280, along), "dots 64 1");
  check.is(variant(gpu, 1000, 3, 1281, along), "dots 64 4");
  check.is(variant(gpu, 15, 1000, 1280, along), "dots 64 4");
  check.is(variant(gpu, 16, 1000, 1280, along), "tiled");
  check.is(variant(gpu, 1, 1000, 1280), "plain");
  check.is(variant(gpu, 1, 1000, 127, along), "plain");
  check.is(variant(swiftShader, 2, 1000, 1280, along), "dots 8 2");
  check.is(variant(swiftShader, 1, 1000, 1280, along), "plain");
  check.is(variant(swiftShader, 2, 1000, 1281, along), "plain");
});

test("groups that cannot be cut into strips, and outputs too few for a tile, take the plain kernel", () => {
  for (const caps of [llvmpipe, plainLlvmpipe, swiftShader, gpu]) {
    check.is(chooseConv2d({ ...secondConv, groups: 4 }, caps).variant, "plain");
    check.is(chooseConv2dInput({ ...firstInput, groups: 2 }, caps).variant, "plain");
    check.is(chooseConv2dFilter({ ...secondConv, groups: 2, cuts: 10, bytes: 0 }, caps).variant, "plain");
    check.is(chooseMatmul(product(1, 1, 8), caps).variant, "plain");
  }
});

test("groups of few channels take strips: tall ones where there are many planes, never many parts of few", () => {
  const strips = { images: 8, channels: 144, height: 56, width: 56, terms: 1, overlap: 2 };
  const shape = { rows: 8 * 56 * 56, columns: 144, depth: 9, window: 9, groups: 144, strips };
  const rows = (of: Partial<typeof strips>, caps: Capabilities): number => {
    const choice = chooseConv2d({ ...shape, strips: { ...strips, ...of } }, caps);
    return choice.variant === "strips" ? choice.rows : 0;
  };
  check.is(rows({}, llvmpipe), 56);
  check.is(rows({ images: 1, channels: 32 }, llvmpipe), 19);
  check.is(rows({ images: 1, channels: 32 }, gpu), 4);
  check.is(rows({ height: 3 }, gpu), 3);
  check.is(rows({ terms: 129 }, llvmpipe), 0);
  const filter = (of: Partial<typeof strips>, caps: Capabilities) =>
    chooseConv2dFilter({ ...shape, strips: { ...strips, ...of }, cuts: 1, bytes: 0 }, caps);
  check.equal(filter({}, llvmpipe), { variant: "strips", rows: 32, lanes: 8, parts: 1 });
  check.equal(filter({ channels: 1 }, gpu), { variant: "strips", rows: 32, lanes: 64, parts: 4 });
  check.equal(filter({ images: 4096, channels: 64 }, llvmpipe), { variant: "strips", rows: 32, lanes: 8, parts: 224 });
});

test("a window of one pixel is a matrix product on llvmpipe", () => {
  const shape = { rows: 4 * 784, columns: 96, depth: 64, window: 1, groups: 1, pointwise: true };
  const input = { ...shape, images: 4, places: 784 };
  for (const caps of [llvmpipe, plainLlvmpipe]) {
    check.is(chooseConv2d(shape, caps).variant, "product");
    check.is(chooseConv2dInput(input, caps).variant, "product");
    check.is(chooseConv2d({ ...shape, rows: 16 }, caps).variant, "registers");
  }
  check.is(chooseConv2d(shape, gpu).variant, "tiled");
});

test("an image gradient of one channel is folded while its intermediate fits", () => {
  check.is(chooseConv2dInput(firstInput, llvmpipe).variant, "fold");
  check.is(chooseConv2dInput(firstInput, gpu).variant, "fold");
  check.ok(chooseConv2dInput(firstInput, { ...llvmpipe, maxBindingBytes: 2 ** 20 }).variant !== "fold");
  check.is(chooseConv2dInput({ ...secondConv, images: 64, places: 196 }, llvmpipe).variant, "registers");
});

test("long sums for few outputs are split, never into more parts than there are cuts", () => {
  const parts = (rows: number, columns: number, cuts: number, caps: Capabilities, bytes = 0): number => {
    const choice = chooseConv2dFilter({ rows, columns, depth: cuts * 28, window: 25, groups: 1, cuts, bytes }, caps);
    return "parts" in choice ? choice.parts : 0;
  };
  for (const caps of [llvmpipe, plainLlvmpipe, gpu]) check.ok(parts(25, 32, 64 * 28, caps) >= 16);
  check.is(parts(2048, 512, 64 * 28, llvmpipe), 1);
  check.ok(parts(25, 32, 3, llvmpipe) <= 3);
  // The second convolution at batch 64: image and gradient do not fit a cache.
  check.is(parts(800, 64, 64 * 14, llvmpipe, 4_816_896), 4);
  check.is(parts(2048, 512, 64 * 28, llvmpipe, 2 ** 23), 2);
  const tall = chooseMatmul(product(64, 64, 100_000), gpu);
  check.ok(tall.variant === "tiled" && tall.parts >= 16);
});

test("minimal filtering is for windows that allow it, channels in and out, and llvmpipe", () => {
  const tiles = 64 * 16;
  const gradient = { ...secondConv, images: 64, places: 196 };
  const filter = { rows: 800, columns: 64, depth: 64 * 196, window: 25, groups: 1, cuts: 64 * 14, bytes: 4_816_896 };
  for (const caps of [llvmpipe, plainLlvmpipe]) {
    check.is(chooseConv2d({ ...secondConv, tiles }, caps).variant, "winograd");
    check.is(chooseConv2dInput({ ...gradient, tiles }, caps).variant, "winograd");
    // Alike, so that both gradients cut what comes back into the same tiles at a time.
    const { group: _, ...one } = chooseConv2dInput({ ...gradient, columns: 32, depth: 1600, tiles }, caps) as Winograd;
    const { group: __, ...other } = chooseConv2dFilter({ ...filter, tiles }, caps) as Winograd;
    check.equal(one, other);
    check.is(other.variant, "winograd");
  }
  for (const caps of [swiftShader, gpu]) check.is(chooseConv2d({ ...secondConv, tiles }, caps).variant, "tiled");
  check.is(chooseConv2d(secondConv, llvmpipe).variant, "registers");
  const firstConv = { rows: 64 * 784, columns: 32, depth: 25, window: 25, groups: 1, tiles: 64 * 49 };
  check.is(chooseConv2d(firstConv, llvmpipe).variant, "registers");
});

test("small images of many channels are filtered by small tiles, where their windows are fixed also very many", () => {
  const conv = (side: number, channels: number, fixed?: boolean): ConvShape => ({
    ...{ rows: side ** 2, columns: channels, depth: 9 * channels, window: 9, groups: 1, fixed },
    ...{ tiles: Math.ceil(side / 6) ** 2, smallTiles: Math.ceil(side / 2) ** 2 },
  });
  const sideOf = (shape: ConvShape, caps: Capabilities): number => {
    const choice = chooseConv2d(shape, caps);
    return choice.variant === "winograd" ? choice.side : 0;
  };
  check.is(sideOf(conv(14, 256), llvmpipe), 4);
  check.is(sideOf(conv(7, 512), llvmpipe), 0);
  check.is(sideOf(conv(7, 512, true), llvmpipe), 4);
  check.is(sideOf(conv(56, 64), llvmpipe), 8);
  check.is(sideOf(conv(14, 256, true), gpu), 0);
  check.is(chooseConv2dInput({ ...conv(14, 256), images: 1, places: 196 }, llvmpipe).variant, "winograd");
});

test("minimal filtering knows its tiles, and where it does not apply or fit", () => {
  const dense = { stride: [1, 1], dilation: [1, 1], groups: 1 } as const;
  const result = [64, 64, 14, 14];
  check.is(tilesFor(result, [64, 32, 5, 5], dense, llvmpipe, 8), 64 * 16);
  check.is(tilesFor(result, [64, 32, 3, 3], dense, llvmpipe, 8), 64 * 9);
  check.is(tilesFor(result, [64, 32, 3, 3], dense, llvmpipe, 4), 64 * 49);
  check.is(tilesFor(result, [64, 32, 5, 5], dense, llvmpipe, 4), undefined);
  for (const other of [{ stride: [1, 2] }, { dilation: [2, 1] }, { groups: 2 }] as const)
    check.is(tilesFor(result, [64, 32, 5, 5], { ...dense, ...other }, llvmpipe, 8), undefined);
  for (const window of [
    [64, 32, 5, 3],
    [64, 32, 2, 2],
    [64, 32, 7, 7],
  ])
    check.is(tilesFor(result, window, dense, llvmpipe, 8), undefined);
  check.is(tilesFor([1, 64, 2048, 2048], [64, 64, 3, 3], dense, llvmpipe, 8), undefined, "an image");
  check.is(tilesFor([1, 1024, 8, 8], [1024, 1024, 3, 3], dense, llvmpipe, 8), undefined, "windows");
});

test("products of little work are left to the kernel that compiles fast", () => {
  check.is(chooseMatmul(product(64, 10, 128), llvmpipe).variant, "plain");
});

test("batches of small planes are transformed whole, on software with vectors of eight", () => {
  const conv = (side: number, window: number, channels: number, images: number): ConvShape => ({
    ...{ rows: images * side ** 2, columns: channels, depth: window ** 2 * channels, window: window ** 2, groups: 1 },
    ...{ tiles: images * Math.ceil(side / (9 - window)) ** 2, transform: { side: side < 8 ? 8 : 16, images } },
  });
  const paper = { ...conv(14, 5, 64, 64), depth: 800 };
  check.is(chooseConv2d(paper, llvmpipe).variant, "fourier");
  check.is(chooseConv2d({ ...paper, transform: undefined }, llvmpipe).variant, "winograd");
  check.is(chooseConv2d(conv(7, 3, 64, 32), llvmpipe).variant, "fourier");
  // Too few images for the spectra of the windows, and too few numbers that tiles would waste.
  check.is(chooseConv2d(conv(14, 5, 64, 2), llvmpipe).variant, "winograd");
  check.is(chooseConv2d({ ...conv(8, 5, 64, 64), rows: 64 * 16, tiles: 64 }, llvmpipe).variant, "winograd");
  const gradient = { ...paper, columns: 32, depth: 1600, places: 196, images: 64 };
  const filter = { ...paper, rows: 800, columns: 64, depth: 64 * 196, cuts: 64 * 14, bytes: 4_816_896 };
  const [one, other] = [chooseConv2dInput(gradient, llvmpipe), chooseConv2dFilter(filter, llvmpipe)];
  check.is(one.variant, "fourier");
  check.equal(one, other, "so many images at a time that both gradients share their spectra");
  for (const caps of [swiftShader, gpu]) {
    check.is(chooseConv2d(paper, caps).variant, "tiled");
    check.is(chooseConv2dFilter(filter, caps).variant, "tiled");
  }
});

test("a transform knows the smallest square that holds a correlation, and where there is none", () => {
  const dense = { stride: [1, 1], dilation: [1, 1], groups: 1, padding: [0, 0, 0, 0] } as const;
  const sideOf = (x: number[], w: number[], y: number[], geometry: ConvGeometry, caps: Capabilities) =>
    transformFor({ shape: x }, { shape: w }, { shape: y }, geometry, caps)?.side;
  const same = (p: number) => ({ ...dense, padding: [p, p, p, p] as const });
  const side = (image: number, window: number, padding: number, caps = llvmpipe, channels = 32): number | undefined => {
    const result = image + 2 * padding - window + 1;
    const [x, y] = [image, result].map((s) => [4, channels, s, s]);
    return sideOf(x, [channels, channels, window, window], y, same(padding), caps);
  };
  check.equal(
    [side(7, 3, 1), side(8, 3, 1), side(14, 5, 2), side(15, 3, 1), side(16, 3, 1)],
    [8, 16, 16, 16, undefined],
  );
  check.equal([side(8, 3, 0), side(16, 5, 0), side(17, 5, 0)], [8, 16, undefined]);
  // Where the square ends, pixels would meet those of the other side.
  check.equal([side(6, 3, 2), side(6, 5, 2), side(7, 5, 2)], [8, 8, 16]);
  for (const padding of [[2, 0, 2, 0] as const, [0, 2, 0, 2] as const])
    check.equal(
      [6, 7].map((s) => {
        const [x, y] = [s, s - 1].map((length) => [4, 32, length, length]);
        return sideOf(x, [32, 32, 4, 4], y, { ...dense, padding }, llvmpipe);
      }),
      [8, 16],
    );
  check.is(side(7, 3, 1, { ...llvmpipe, minimalFiltering: false }), undefined);
  check.is(side(14, 3, 1, llvmpipe, 4096), undefined, "windows that fit no binding");
  for (const other of [{ stride: [1, 2] }, { dilation: [2, 1] }, { groups: 2 }] as const)
    check.is(sideOf([4, 32, 7, 7], [32, 32, 3, 3], [4, 32, 7, 7], { ...same(1), ...other }, llvmpipe), undefined);
});
