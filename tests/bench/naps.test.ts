/** How long the host sleeps before it asks a software adapter for a result. */
import { Naps } from "../../bench/naps.js";
import { check, test } from "../harness.js";

/** Reads of work that takes `ms` undisturbed, and 1.6 times as long where the host polls; what each took. */
function reads(naps: Naps, launches: number, ms: number, count: number): { nap: number; took: number }[] {
  return Array.from({ length: count }, () => {
    const nap = naps.before(launches, 256);
    const waited = nap >= ms ? 0 : 1.6 * (ms - nap);
    naps.after(launches, 256, nap, waited);
    return { nap, took: nap + waited };
  });
}

test("naps come close to the duration, from both sides", () => {
  const naps = new Naps();
  const first = reads(naps, 100, 80, 8);
  check.is(first[0].nap, 0, "nothing is known of the first");
  check.ok(first[7].nap > 0.8 * 80 && first[7].took < 1.1 * 80, `80 ms: ${JSON.stringify(first[7])}`);
  // The same work has become faster and then slower.
  for (const ms of [40, 120]) {
    const last = reads(naps, 100, ms, 12)[11];
    check.ok(last.nap > 0.75 * ms && last.took < 1.2 * ms, `${ms} ms: ${JSON.stringify(last)}`);
  }
});

test("a machine that was suspended once does not sleep as long again", () => {
  const naps = new Naps();
  reads(naps, 100, 80, 6);
  naps.after(100, 256, 72, 3_600_000);
  check.ok(naps.before(100, 256) < 80);
});

test("work like the last is guessed by its launches; other work and results at hand are asked for at once", () => {
  const naps = new Naps();
  reads(naps, 100, 80, 6);
  const guess = naps.before(200, 4);
  check.ok(guess > 50 && guess < 160, `twice the launches: ${guess}`);
  check.is(naps.before(5000, 4), 0);
  check.is(naps.before(0, 256), 0);
  reads(naps, 1, 0.5, 3);
  check.is(naps.before(1, 256), 0, "too short to sleep");
});
