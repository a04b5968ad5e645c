/** Whether a replay gives what its function gives, and whose fault it is when it does not. */
import { CaptureError, describe } from "./errors.js";
import type { HostArray } from "./executor.js";
import { entries, type Tree } from "./tree.js";

/** What was read of a tree's tensors, by path. */
export type Readings = ReadonlyMap<string, { readonly what: string; readonly data: HostArray }>;

export async function readTree(tree: Tree): Promise<Readings> {
  const readings = new Map<string, { what: string; data: HostArray }>();
  for (const [path, t] of entries(tree)) readings.set(path, { what: describe(t), data: await t.read() });
  return readings;
}

/** Of the largest element of an output: rounding differs where sums are taken in another order, and steps like Adam's first,
 *  g / √g², magnify it. */
const fusedTolerance = 2e-3;

interface Difference {
  readonly path: string;
  readonly what: string;
  readonly at: number;
  readonly expected: number;
  readonly actual: number;
}

function firstDifference(expected: Readings, actual: Readings, rtol: number): Difference | undefined {
  for (const [path, { what, data }] of expected) {
    const other = actual.get(path)?.data ?? [];
    let scale = 0;
    for (const v of data) if (Number.isFinite(v)) scale = Math.max(scale, Math.abs(v));
    for (const [at, e] of data.entries()) {
      const a = other[at];
      // Written so that NaN and infinities agree with themselves alone.
      if (Object.is(e, a) || (Number.isFinite(e) && rtol > 0 && Math.abs(e - a) <= rtol * scale)) continue;
      return { path, what, at, expected: e, actual: a };
    }
  }
  return undefined;
}

/** The runs that `verifyStep` compares, on the same arguments. */
export interface Runs {
  /** The function itself. */
  readonly eager: () => Promise<Readings>;
  /** The plan in question. */
  readonly replay: () => Promise<Readings>;
  /** Another plan, recorded now. */
  readonly recorded: (fuse: boolean) => Promise<Readings>;
}

/** @throws CaptureError naming the first output that differs, and the reason as far as more runs can tell. */
export async function verifyStep(name: string, fuse: boolean, runs: Runs): Promise<void> {
  const rtol = fuse ? fusedTolerance : 0;
  const expected = await runs.eager();
  const found = firstDifference(expected, await runs.replay(), rtol);
  if (!found) return;
  const { path, what, at } = found;
  throw new CaptureError(
    `verify: output ${path || "0"} of step "${name}", ${what}, differs at element ${at}: ${found.expected} from the function, ` +
      `${found.actual} from the replay; ${await reason(fuse, expected, runs)}`,
  );
}

async function reason(fuse: boolean, expected: Readings, runs: Runs): Promise<string> {
  if (firstDifference(expected, await runs.eager(), 0))
    return "the function itself gives other values when it runs again: it depends on more than its arguments";
  const rtol = fuse ? fusedTolerance : 0;
  if (!firstDifference(expected, await runs.recorded(fuse), rtol))
    return "a new capture agrees: what the function closes over has changed since it was captured; pass it as a tensor";
  if (fuse && !firstDifference(expected, await runs.recorded(false), 0))
    return (
      "without fusion the replay agrees to the bit: the function magnifies the rounding of sums that are taken in another order, " +
      "or the driver's compiler changed a fused kernel; capture it with { fuse: false }"
    );
  return "this is a fault of the plan";
}
