import { DataError } from "../../nn/data/error.js";
import { drawFrom } from "../../nn/data/integer-random.js";
import { check } from "../harness.js";

/** What a parser of foreign files may take, of the processor: a machine that is busy with something else makes nothing slow. */
const MAX_MS = 100;
/** Results, errors and the parser's own objects, beside twice the file. */
const SLACK_BYTES = 4 * 2 ** 20;

/** Changes a few bytes, cuts, repeats or inserts a piece: mutant number `index` of `original`. */
export function mutate(original: Uint8Array, index: number): Uint8Array {
  const draw = drawFrom(7, index);
  let bytes = new Uint8Array(original);
  for (let edits = draw.below(4) + 1; edits > 0; edits--) {
    // Half of the edits hit the first bytes, where headers are.
    const at = draw.below(Math.max(1, draw.bits() & 1 ? Math.min(64, bytes.length) : bytes.length));
    const kind = draw.below(6);
    if (kind === 0) bytes[at] ^= 1 << draw.below(8);
    else if (kind === 1) bytes[at] = draw.below(256);
    else if (kind === 2) bytes.fill(draw.bits() & 1 ? 255 : 0, at, at + draw.below(8) + 1);
    else if (kind === 3) bytes = bytes.slice(0, at);
    else if (kind === 4) bytes = splice(bytes, at, bytes.subarray(at, at + draw.below(40)));
    else
      bytes = splice(
        bytes,
        at,
        Uint8Array.from({ length: draw.below(12) }, () => draw.below(256)),
      );
  }
  return bytes;
}

function splice(bytes: Uint8Array, at: number, piece: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(bytes.length + piece.length);
  joined.set(bytes.subarray(0, at));
  joined.set(piece, at);
  joined.set(bytes.subarray(at), at + piece.length);
  return joined;
}

/** What became of the mutants of a file. */
export interface Survival {
  readonly count: number;
  readonly refused: number;
  /** The longest that one took twice, in ms; 0 where none took more than the bound. */
  readonly slowest: number;
}

export interface MutantOptions {
  readonly count?: number;
  /** Size of a good file's contents, for compressed formats. */
  readonly unpacked?: number;
  /** What the parser may throw. */
  readonly refusals?: readonly (new (
    ...args: never[]
  ) => Error)[];
}

/**
 * Feeds `count` mutants to a parser: it may return or throw what it is documented to, with a sentence, nothing else, and within the
 * bounds of time and memory. Some must be refused, or nothing was tested.
 */
export async function surviveMutants(
  original: Uint8Array,
  parse: (bytes: Uint8Array) => unknown,
  { count = 10_000, unpacked = original.length, refusals = [DataError] }: MutantOptions = {},
): Promise<Survival> {
  let refused = 0;
  let slowest = 0;
  let largest = 0;
  for (let index = 0; index < count; index++) {
    const bytes = mutate(original, index);
    const memory = inUse();
    const start = processorMs();
    try {
      await parse(bytes);
    } catch (error) {
      refused++;
      const documented = refusals.some((refusal) => error instanceof refusal);
      if (!(error instanceof Error && documented)) check.fail(`mutant ${index}: ${String(error)}`);
      // A sentence of JSON.parse may quote a line end.
      if (!/^[^\n]{20,1000}$/.test(error instanceof SyntaxError ? "no JSON, as the caller says" : error.message))
        check.fail(`mutant ${index}: not one sentence: ${error.message}`);
    }
    // One slow call may be the garbage collector's: only a mutant that is slow twice counts.
    if (processorMs() - start > MAX_MS) {
      const again = processorMs();
      await (async () => parse(bytes))().catch(() => {});
      slowest = Math.max(slowest, processorMs() - again);
    }
    largest = Math.max(largest, inUse() - memory);
  }
  check.ok(refused > count / 10, `${refused} of ${count} mutants were refused`);
  check.ok(slowest <= MAX_MS, `a mutant took ${slowest.toFixed()} ms`);
  check.ok(largest <= 2 * unpacked + SLACK_BYTES, `a mutant took ${largest} bytes of memory`);
  return { count, refused, slowest };
}

/** What this process has taken of the processor, in ms. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function inUse(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
