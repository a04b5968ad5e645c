import { gzipSync } from "node:zlib";
import { DataError } from "../../nn/data/error.js";
import { readIdx, readIdxFile } from "../../nn/data/idx.js";
import { check, test } from "../harness.js";

const header = (type: number, ...shape: number[]) => [
  0,
  0,
  type,
  shape.length,
  ...shape.flatMap((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]),
];

const small = Uint8Array.from([...header(8, 2, 1, 3), 1, 2, 3, 4, 5, 255]);

test("an IDX array keeps its shape and bytes", () => {
  const { shape, data } = readIdx(small);
  check.equal(shape, [2, 1, 3]);
  check.identical(data, [1, 2, 3, 4, 5, 255]);
});

test("an IDX file may lie anywhere in a buffer", () => {
  const shifted = new Uint8Array(small.length + 3);
  shifted.set(small, 3);
  check.identical(readIdx(shifted.subarray(3)).data, readIdx(small).data);
});

test("gzip is recognised by its first bytes", async () => {
  check.identical((await readIdxFile(gzipSync(small))).data, [1, 2, 3, 4, 5, 255]);
  check.identical((await readIdxFile(small)).data, [1, 2, 3, 4, 5, 255]);
});

test("malformed IDX files are refused in one sentence", () => {
  const refused: [number[], RegExp][] = [
    [[], /^idx: 0 bytes that start with ""; an IDX file starts with 00 00 08;/],
    [[...new TextEncoder().encode("<html>")], /starts? with "3c 68 74 6d"/],
    [[...header(0x0d, 1), 0, 0, 0, 0], /element type 0xd; only unsigned bytes/],
    [[0, 0, 8, 0], /rank 0;/],
    [[0, 0, 8, 3, 0, 0], /6 bytes with rank 3; .* a header of 16 bytes/],
    [[...header(8, 2, 2), 1, 2, 3], /the header says \[2,2\], which is 4 bytes, and 3 follow/],
    [[...header(8, 2), 1, 2, 3], /2 bytes, and 3 follow/],
    [[...header(8, 0)], /not be 0/],
    [[...header(8, 2 ** 31, 2 ** 31, 4), 1], /18446744073709552000 bytes, and 1 follow/],
  ];
  for (const [bytes, message] of refused) {
    const error = check.throws(() => readIdx(Uint8Array.from(bytes)), message);
    check.ok(error instanceof DataError, "a DataError");
  }
});

test("a damaged, cut or exploding gzip stream is refused", async () => {
  const packed = gzipSync(small);
  await check.rejects(() => readIdxFile(packed.subarray(0, packed.length - 9)), /gzip data are damaged or cut short/);
  await check.rejects(() => readIdxFile(Uint8Array.from(packed).fill(7, 12, 20)), /damaged or cut short/);
  const bomb = gzipSync(new Uint8Array(64 * 2 ** 20));
  const before = process.memoryUsage().arrayBuffers;
  await check.rejects(() => readIdxFile(bomb, { maxBytes: 2 ** 20 }), /hold more than 1048576 bytes; at most 1048576/);
  check.ok(process.memoryUsage().arrayBuffers - before < 16 * 2 ** 20, "the bomb was not unpacked");
});
