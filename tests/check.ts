/** Assertions on top of uvu's, counted: a test that makes none fails. */
import fc, { type IAsyncProperty, type IProperty, type Parameters } from "fast-check";
import * as assert from "uvu/assert";
import { running } from "./registry.js";

/** |actual - expected| <= atol + rtol * |expected|, element by element. */
export interface Tolerance {
  readonly rtol?: number;
  readonly atol?: number;
}

/** What an error must be: its message matches, or it is an instance of a class. */
export type ErrorPattern = RegExp | (new (...args: never[]) => Error);

export interface Check {
  ok(value: unknown, message?: string): asserts value;
  /** The same value by Object.is. */
  is<T>(actual: T, expected: T, message?: string): void;
  /** Deeply equal. */
  equal<T>(actual: T, expected: T, message?: string): void;
  match(text: string, pattern: RegExp | string, message?: string): void;
  /** `fn` throws an Error that fits; returned for further checks. */
  throws(fn: () => unknown, pattern: ErrorPattern, message?: string): Error;
  /** `fn` rejects (or throws) with an Error that fits; returned for further checks. */
  rejects(fn: () => Promise<unknown>, pattern: ErrorPattern, message?: string): Promise<Error>;
  /** Equal within a tolerance; reports the worst element. Equal infinities and NaN against NaN are close. */
  close(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: Tolerance, message?: string): void;
  /** The same numbers to the bit (0 and -0 differ, NaN equals NaN). */
  identical(actual: ArrayLike<number>, expected: ArrayLike<number>, message?: string): void;
  /** A fast-check property holds for random samples (100 unless told otherwise); await it if it is asynchronous. */
  holds<Ts>(property: IProperty<Ts>, parameters?: Parameters<Ts>): void;
  holds<Ts>(property: IAsyncProperty<Ts>, parameters?: Parameters<Ts>): Promise<void>;
  fail(message: string): never;
}

function count(): void {
  const test = running.getStore();
  if (!test) throw new Error("check: an assertion outside a running test ; assert inside test() or gpuTest()");
  test.assertions++;
}

function fail(message: string): never {
  throw new assert.Assertion({
    message,
    operator: "check",
    actual: undefined,
    expects: undefined,
    generated: false,
    details: " ",
  });
}

function label(message: string | undefined, text: string): string {
  return message === undefined ? text : `${message}: ${text}`;
}

function fits(error: unknown, pattern: ErrorPattern, message: string | undefined): Error {
  if (!(error instanceof Error)) fail(label(message, `expected an Error, ${String(error)} was thrown`));
  const good = pattern instanceof RegExp ? pattern.test(error.message) : error instanceof pattern;
  const wanted = pattern instanceof RegExp ? `a message like ${pattern}` : pattern.name;
  if (!good) fail(label(message, `expected ${wanted}, got ${error.name}: ${error.message}`));
  return error;
}

function sameLength(actual: ArrayLike<number>, expected: ArrayLike<number>, message: string | undefined): void {
  if (actual.length !== expected.length)
    fail(label(message, `${actual.length} elements came, ${expected.length} were expected`));
}

export const check: Check = {
  ok(value, message): asserts value {
    count();
    assert.ok(value, message);
  },
  is(actual, expected, message) {
    count();
    if (!Object.is(actual, expected)) assert.is(actual, expected, message);
    if (!Object.is(actual, expected)) fail(label(message, `${String(actual)} is not ${String(expected)} (Object.is)`));
  },
  equal(actual, expected, message) {
    count();
    assert.equal(actual, expected, message);
  },
  match(text, pattern, message) {
    count();
    assert.match(text, pattern, message ?? `${JSON.stringify(text)} does not match ${pattern}`);
  },
  throws(fn, pattern, message) {
    count();
    try {
      fn();
    } catch (error) {
      return fits(error, pattern, message);
    }
    fail(label(message, "nothing was thrown"));
  },
  async rejects(fn, pattern, message) {
    count();
    try {
      await fn();
    } catch (error) {
      return fits(error, pattern, message);
    }
    fail(label(message, "nothing was thrown"));
  },
  close(actual, expected, { rtol = 0, atol = 0 }, message) {
    count();
    sameLength(actual, expected, message);
    let worst = -1;
    let worstExcess = 0;
    let outside = 0;
    for (let i = 0; i < expected.length; i++) {
      if (Object.is(actual[i], expected[i]) || actual[i] === expected[i]) continue;
      const error = Math.abs(actual[i] - expected[i]);
      const excess = error - (atol + rtol * Math.abs(expected[i]));
      // Written so that NaN and unequal infinities are outside.
      if (excess <= 0 && Number.isFinite(expected[i])) continue;
      outside++;
      const size = Number.isNaN(excess) ? Number.POSITIVE_INFINITY : excess;
      if (worst < 0 || size > worstExcess) [worst, worstExcess] = [i, size];
    }
    if (outside > 0)
      fail(
        label(
          message,
          `${outside} of ${expected.length} elements differ by more than ${atol} + ${rtol} |expected|; ` +
            `worst at ${worst}: ${actual[worst]} came, ${expected[worst]} was expected`,
        ),
      );
  },
  identical(actual, expected, message) {
    count();
    sameLength(actual, expected, message);
    for (let i = 0; i < expected.length; i++)
      if (!Object.is(actual[i], expected[i]))
        fail(label(message, `element ${i} is ${actual[i]}, expected exactly ${expected[i]}`));
  },
  // biome-ignore lint/suspicious/noExplicitAny: one implementation of two overloads, told apart by the property itself.
  holds(property: any, parameters?: any): any {
    count();
    return fc.assert(property, parameters);
  },
  fail(message) {
    count();
    fail(message);
  },
};
