/** Tables of valid calls, and the trial of one with wrong arguments. */

import { swapExecutor } from "../../engine/executor.js";
import { add, openScope, ReferenceExecutor, type Scope, tensor } from "../../engine/index.js";
import { isPromise } from "../../engine/options.js";
import { akin, complaint, WRONG } from "./zoo.js";

export interface Row {
  /** Arguments of a right call, those that may be left out too; made anew for each call. */
  readonly args: () => readonly unknown[];
  /** By position, wrong kinds that are right there, or whose result is nobody's fault: "any" for all, "-numbers" for other numbers. */
  readonly takes?: Readonly<Record<number, readonly string[]>>;
  /** Positions that may be left out, beside those with a default. */
  readonly optional?: readonly number[];
  /** What it makes is kept on purpose, for the caller to free. */
  readonly keeps?: true;
  /** Wrong kinds that are not tried: right, and with effects that are not wanted here. */
  readonly without?: readonly string[];
  /** Why the right call is not made here: it trains, say, and has tests of its own. */
  readonly notCalled?: string;
}

const NUMBERS = ["NaN", "Infinity", "-1", "0.5", "1e300"];

// biome-ignore lint/suspicious/noExplicitAny: every export, whatever it takes.
export type AnyFunction = (...args: any[]) => unknown;

function permitted(row: Row, valid: readonly unknown[], i: number, f: AnyFunction): ReadonlySet<string> {
  const named = row.takes?.[i] ?? [];
  if (named.includes("any")) return new Set(WRONG.map(({ name }) => name));
  const more = named.includes("-numbers") ? NUMBERS : [];
  const left = i >= f.length || row.optional?.includes(i) ? ["undefined"] : [];
  return new Set([...akin(valid[i]), ...named, ...more, ...left]);
}

interface Trial {
  readonly error?: unknown;
}

async function attempt(f: AnyFunction, args: readonly unknown[]): Promise<Trial> {
  try {
    const result = f(...args);
    if (isPromise(result)) await result;
    else if (f === openScope) (result as Scope).close();
    return {};
  } catch (error) {
    return { error };
  }
}

/** Calls that were made, by file of rows. */
export interface Tally {
  calls: number;
  readonly covered: Set<string>;
}

/** Tries a function with every wrong kind in every position; what went wrong, in sentences. */
export async function trial(name: string, f: AnyFunction, row: Row, tally: Tally): Promise<string[]> {
  const faults: string[] = [];
  const reference = new ReferenceExecutor();
  const previous = swapExecutor(reference);
  const within = async (what: string, args: () => readonly unknown[], expect: "right" | "refused" | "either") => {
    const s = openScope("trial");
    const before = reference.memory().liveCount;
    try {
      tally.calls++;
      const { error } = await s.wait(attempt(f, args()));
      if (error === undefined && expect === "refused") faults.push(`${name}(${what}): nothing was thrown`);
      if (error !== undefined && expect === "right") faults.push(`${name}(${what}): ${String(error)}`);
      const wrong = error === undefined || expect === "right" ? undefined : complaint(error);
      if (wrong) faults.push(`${name}(${what}): ${wrong}`);
    } finally {
      s.close();
    }
    const after = reference.memory().liveCount;
    if (after > before && !row.keeps) faults.push(`${name}(${what}): ${after - before} values stayed alive`);
  };
  try {
    tally.covered.add(name);
    if (!row.notCalled) await within("valid", row.args, "right");
    const count = row.args().length;
    for (let i = 0; i < count; i++) {
      const { allowed, length } = (() => {
        const s = openScope();
        const valid = row.args();
        const kinds = permitted(row, valid, i, f);
        s.close();
        return { allowed: kinds, length: valid.length };
      })();
      for (const wrong of WRONG.filter(({ name: kind }) => !row.without?.includes(kind)))
        await within(
          `argument ${i} is ${wrong.name}`,
          () => row.args().map((value, at) => (at === i ? wrong.make() : value)),
          allowed.has(wrong.name) ? "either" : "refused",
        );
      // Options by name: one that is not there, and values of other kinds.
      const sample = row.args()[i];
      if (isOptions(sample) && length > 0)
        for (const key of Object.keys(sample))
          for (const wrong of WRONG.filter(({ name: kind }) => ["null", '"x"', "a symbol", "{}", "NaN"].includes(kind)))
            await within(
              `argument ${i} with ${key} ${wrong.name}`,
              () => row.args().map((value, at) => (at === i ? { ...(value as object), [key]: wrong.make() } : value)),
              "either",
            );
    }
    if (!row.notCalled) await within("one argument more", () => [...row.args(), {}], "either");
    if (count > 0 && !row.notCalled && !row.takes?.[count - 1]?.includes("any"))
      await within(
        "no arguments",
        () => [],
        row.takes?.[0]?.includes("any") || row.optional?.includes(0) || f.length === 0 ? "either" : "refused",
      );
    const s = openScope("health");
    const after = [...(await s.wait(add(tensor([1, 2]), 1).read()))];
    if (String(after) !== "2,3") faults.push(`${name}: an ordinary op afterwards gives ${String(after)}`);
    s.close();
    return faults;
  } finally {
    swapExecutor(previous);
  }
}

function isOptions(value: unknown): value is object {
  // The inside of a layer is not for users to change.
  if (typeof value !== "object" || value === null || "apply" in value) return false;
  return Object.getPrototypeOf(value) === Object.prototype;
}
