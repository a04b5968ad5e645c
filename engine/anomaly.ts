/** Anomaly mode: finds the op that made the first NaN or infinity. */
import { AnomalyError, describe } from "./errors.js";
import { type Executor, executor } from "./executor.js";
import { observe } from "./op.js";
import { constant, sub } from "./ops/arithmetic.js";
import { minimum, where } from "./ops/binary.js";
import { max } from "./ops/extremes.js";
import { finiteMask } from "./ops/unary.js";
import { requireFunction } from "./options.js";
import { keep, scope } from "./scope.js";
import type { Tensor } from "./tensor.js";

interface Seen {
  readonly what: string;
  readonly stack: string;
}

/** Larger than any number of ops, and exact in f32. */
const NEVER = 2 ** 24;

/**
 * Runs `body` and looks at every f32 result of every op; captured steps run op by op inside. Slow: two reductions per op.
 * Gives what `body` gives. @throws AnomalyError naming the op that made the first NaN or infinity, the shapes it worked on and
 * where it was called.
 */
export async function detectAnomalies<T>(body: () => T | Promise<T>): Promise<T> {
  requireFunction("detectAnomalies", body, "detectAnomalies(() => step(x))");
  const on = executor();
  const seen: Seen[] = [];
  const known = new WeakSet<Tensor>();
  // The smallest index of a bad result so far; kept, because scopes inside `body` come and go.
  let first = keep(constant(NEVER));
  const look = (t: Tensor, what: string): void => {
    if (t.dtype !== "f32" || t.size === 0 || known.has(t)) return;
    known.add(t);
    const previous = observe(undefined);
    const next = scope(() => minimum(first, where(max(sub(1, finiteMask(t))), seen.length, NEVER)));
    observe(previous);
    first.dispose();
    first = keep(next);
    seen.push({ what, stack: callerStack() });
  };
  const previous = observe((y: Tensor, op: string, inputs: readonly Tensor[], ranOn: Executor) => {
    if (ranOn !== on) return;
    // What was uploaded has passed no op: it is looked at when it is used.
    for (const x of inputs) look(x, `an input of ${op}, ${describe(x)} from ${x.origin}`);
    look(y, `${op}(${inputs.map(describe).join(", ")}) → ${describe(y)}`);
  });
  try {
    const result = await body();
    observe(previous);
    const index = await first.item();
    if (index === NEVER) return result;
    const { what, stack } = seen[index];
    throw new AnomalyError(`anomaly: the first NaN or infinity is in ${what}, called\n${stack}`);
  } finally {
    observe(previous);
    first.dispose();
  }
}

/** Where the op was called, without this file and the machinery of ops. */
function callerStack(): string {
  const lines = (new Error().stack ?? "").split("\n").slice(1);
  return lines.filter((l) => !/anomaly\.js|engine\/op\.js/.test(l)).join("\n");
}
