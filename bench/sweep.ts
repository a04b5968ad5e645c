/** `bench sweep`: every op of the table at a middling size against what the adapter allows, which is measured in the same run: a copy
 *  for the bytes that an op has to move, a matrix product for its arithmetic. The page bench/results/sweep.md. */
import { withExecutor } from "../engine/executor.js";
import { matmul, neg, openScope, ReferenceExecutor, scope, type Tensor, tensor } from "../engine/index.js";
import { bytesOf } from "../engine/lower.js";
import type { InputSpec } from "../engine/op.js";
import { sizeOf } from "../engine/shape.js";
import type { Bench } from "./holdfast.js";
import { measureInTurns, type Timing } from "./measure.js";
import { figure } from "./report.js";
import { type Sized, sweepCalls } from "./sweepSizes.js";

/** Above this multiple of its bound an op is mended or has a reason in sweepSizes.ts. */
export const mostTimes = 10;

export interface Swept extends Pick<Sized, "op" | "note" | "reason"> {
  readonly bytes: number;
  readonly flops: number;
  /** Whether the result is that of the float64 reference. */
  readonly checked: boolean;
  readonly ms?: number;
  /** ms over the bound. */
  readonly times?: number;
  readonly boundedBy?: "bytes" | "arithmetic";
  readonly error?: string;
}

export interface Sweep {
  readonly bytesPerMs: number;
  readonly flopsPerMs: number;
  readonly rows: readonly Swept[];
  /** Ops of the table without a size. */
  readonly missing: readonly string[];
}

/** Uneven numbers in the range of the input, the same for the same shape. */
function fill({ shape, dtype = "f32", low, high }: InputSpec): Float64Array {
  let state = 2463534242 + sizeOf(shape);
  const [from, to] = [low ?? (dtype === "f32" ? -2 : 0), high ?? (dtype === "f32" ? 2 : 9)];
  return Float64Array.from({ length: sizeOf(shape) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const share = state / 2 ** 32;
    return dtype === "f32" ? Math.fround(from + share * (to - from)) : from + Math.floor(share * (to - from + 1));
  });
}

/** The largest error of a result, by the largest number of the reference. */
const tolerance = 1e-4;

function agrees(actual: ArrayLike<number>, expected: ArrayLike<number>): boolean {
  let [worst, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    // Where the reference has no number, none is wanted.
    if (!Number.isFinite(expected[i])) continue;
    worst = Math.max(worst, Number.isFinite(actual[i]) ? Math.abs(actual[i] - expected[i]) : Number.POSITIVE_INFINITY);
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return actual.length === expected.length && worst <= tolerance * largest;
}

/** Milliseconds on an idle machine; on a software adapter from the CPU time of its threads, which other work hardly moves. */
function msOf({ software, processors }: Bench, { minMs, workerCpuMs }: Timing): number {
  return software && workerCpuMs !== null ? workerCpuMs / processors : minMs;
}

/** Repeats one call, so that a launch weighs little beside it. */
function work(on: Bench, call: () => Tensor, repeats: number) {
  return {
    submit() {
      for (let i = 0; i < repeats; i++) call().dispose();
      on.flush();
    },
    finish: on.finish,
  };
}

const copied = 2 ** 22;
const side = 768;
const repeats = 3;

/** Measures the ops whose names are among `names`, or all. `onRow` is told about each. */
export async function sweep(
  on: Bench,
  { runs = 3, names, onRow }: { runs?: number; names?: readonly string[]; onRow?: (row: Swept) => void } = {},
): Promise<Sweep> {
  using here = openScope("sweep");
  const long = tensor(new Float32Array(copied).fill(1), [copied]);
  const a = tensor(new Float32Array(side * side).fill(0.5), [side, side]);
  const bounds = [work(on, () => neg(long), repeats), work(on, () => matmul(a, a), repeats)];
  const options = { wait: "nap", runs, warmUps: 1 } as const;
  const [copy, product] = (await here.wait(measureInTurns(bounds, options))).map((timing) => {
    if (timing instanceof Error) throw timing;
    return msOf(on, timing) / repeats;
  });
  const [bytesPerMs, flopsPerMs] = [(8 * copied) / copy, (2 * side ** 3) / product];
  const { calls, missing } = sweepCalls();
  const rows: Swept[] = [];
  for (const one of calls.filter(({ op }) => names?.includes(op) ?? true)) {
    const row = await here.wait(sweepOne(on, one, options, bytesPerMs, flopsPerMs));
    rows.push(row);
    onRow?.(row);
  }
  return { bytesPerMs, flopsPerMs, rows, missing };
}

async function sweepOne(
  on: Bench,
  { op, note, inputs, prepare = (...own) => own, call, flops = 0, reason }: Sized,
  options: { readonly wait: "nap"; readonly runs: number; readonly warmUps: number },
  bytesPerMs: number,
  flopsPerMs: number,
): Promise<Swept> {
  using here = openScope(op);
  const data = inputs.map(fill);
  const make = () => prepare(...data.map((d, i) => tensor(d, inputs[i].shape, inputs[i].dtype)));
  const given = make();
  const about = { op, ...(note !== undefined && { note }), ...(reason !== undefined && { reason }), flops };
  try {
    const y = call(...given);
    const bytes = [...given, y].reduce((total, x) => total + bytesOf(x), 0);
    const defined = withExecutor(new ReferenceExecutor(), () => scope(() => call(...make())));
    const checked = agrees(await here.wait(y.read()), await here.wait(defined.read()));
    // A wrong result is not worth a time.
    if (!checked) return { ...about, bytes, checked };
    const [timing] = await here.wait(measureInTurns([work(on, () => call(...given), repeats)], options));
    if (timing instanceof Error) throw timing;
    const ms = msOf(on, timing) / repeats;
    const [move, compute] = [bytes / bytesPerMs, flops / flopsPerMs];
    const boundedBy = move >= compute ? "bytes" : "arithmetic";
    return { ...about, bytes, checked, ms, times: ms / Math.max(move, compute), boundedBy };
  } catch (error) {
    return { ...about, bytes: 0, checked: false, error: error instanceof Error ? error.message : String(error) };
  }
}

/** Whether every op has a size, is right, and is near its bound or says why not. */
export function isSound({ rows, missing }: Sweep): boolean {
  return missing.length === 0 && rows.every((row) => row.checked && ((row.times ?? 0) <= mostTimes || row.reason));
}

/** The page: the furthest from their bounds first. */
export function sweepPage({ bytesPerMs, flopsPerMs, rows, missing }: Sweep, origin: string): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const sorted = [...rows].sort((a, b) => (b.times ?? Infinity) - (a.times ?? Infinity));
  const body = sorted.map(({ op, note, checked, error, ms, times, boundedBy, reason }) =>
    line([
      note === undefined ? op : `${op}, ${note}`,
      figure(ms),
      times === undefined ? "—" : times.toFixed(1),
      boundedBy ?? "—",
      checked ? ((times ?? 0) > mostTimes ? (reason ?? "to be mended") : "") : `WRONG ${error ?? ""}`,
    ]),
  );
  const far = rows.filter(({ times = 0 }) => times > mostTimes).length;
  return [
    "# Every op against what the adapter allows",
    "",
    "Written by `npm run bench -- sweep --save` from the table of ops and `bench/sweepSizes.ts`: do not edit. The bound is the longer " +
      `of moving its inputs and result once at the speed of a copy (${figure(bytesPerMs / 1e6)} GB/s here) and of its arithmetic at the ` +
      `speed of a matrix product of ${side} squared (${figure(flopsPerMs / 1e6)} GFLOP/s); both were measured in the same run. ` +
      `${far} of ${rows.length} take more than ${mostTimes} times their bound.`,
    "",
    origin,
    "",
    line(["op", "ms", "times its bound", "bounded by", "why"]),
    line(["---", "--:", "--:", "---", "---"]),
    ...body,
    ...(missing.length > 0 ? ["", `Without a size: ${missing.join(", ")}.`] : []),
    "",
  ].join("\n");
}
