import { deflateSync } from "node:zlib";
import { crc32 } from "../../nn/data/png-chunks.js";

/** Pixels as samples, and how to store them. */
export interface PngSource {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colourType: number;
  readonly channels: number;
  readonly interlaced?: boolean;
  readonly palette?: number[];
  readonly transparency?: number[];
  sample(x: number, y: number, channel: number): number;
}

/** Which of the seven passes a pixel belongs to: the drawing of section 8.1 of the specification. */
const PASS = ["16462646", "77777777", "56565656", "77777777", "36463646", "77777777", "56565656", "77777777"];

/** A PNG file that uses every filter in turn. Written against the specification, apart from the reader. */
export function makePng(source: PngSource): Uint8Array {
  const { width, height, depth, colourType, interlaced = false, palette, transparency } = source;
  const passes = interlaced ? ["1", "2", "3", "4", "5", "6", "7"] : ["all"];
  const raw: number[] = [];
  for (const pass of passes) {
    let above: number[] = [];
    for (let y = 0; y < height; y++) {
      const columns = Array.from({ length: width }, (_, x) => x).filter(
        (x) => pass === "all" || PASS[y % 8][x % 8] === pass,
      );
      if (columns.length === 0) continue;
      const line = packed(source, columns, y);
      raw.push(...filtered(y % 5, line, above, Math.max(1, (source.channels * depth) / 8)));
      above = line;
    }
  }
  const header = [...be32(width), ...be32(height), depth, colourType, 0, 0, interlaced ? 1 : 0];
  const data = deflateSync(Uint8Array.from(raw));
  const half = data.length >> 1;
  return Uint8Array.from([
    ...[137, 80, 78, 71, 13, 10, 26, 10],
    ...chunk("IHDR", header),
    ...chunk("tEXt", [...new TextEncoder().encode("Comment\0made for a test")]),
    ...(palette ? chunk("PLTE", palette) : []),
    ...(transparency ? chunk("tRNS", transparency) : []),
    ...chunk("IDAT", [...data.subarray(0, half)]),
    ...chunk("IDAT", [...data.subarray(half)]),
    ...chunk("IEND", []),
  ]);
}

export function chunk(type: string, content: number[]): number[] {
  const body = Uint8Array.from([...new TextEncoder().encode(type), ...content]);
  return [...be32(content.length), ...body, ...be32(crc32(body))];
}

/** The file with every sum made right again, as far as its chunks can be followed. */
export function repairSums(png: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(png);
  const view = new DataView(bytes.buffer);
  for (let at = 8; at + 12 <= bytes.length; ) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > bytes.length) break;
    view.setUint32(end, crc32(bytes.subarray(at + 4, end)));
    at = end + 4;
  }
  return bytes;
}

const be32 = (n: number): number[] => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];

function packed({ depth, channels, sample }: PngSource, columns: number[], y: number): number[] {
  const bits = columns
    .flatMap((x) => Array.from({ length: channels }, (_, c) => sample(x, y, c).toString(2).padStart(depth, "0")))
    .join("");
  return (bits.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, "0"), 2));
}

function filtered(type: number, line: number[], above: number[], unit: number): number[] {
  const predicted = line.map((_, i) => {
    const [a, b, c] = [line[i - unit] ?? 0, above[i] ?? 0, above[i - unit] ?? 0];
    const nearest = [a, b, c].sort((p, q) => Math.abs(a + b - c - p) - Math.abs(a + b - c - q))[0];
    return [0, a, b, Math.floor((a + b) / 2), nearest][type];
  });
  return [type, ...line.map((value, i) => (value - predicted[i]) & 255)];
}
