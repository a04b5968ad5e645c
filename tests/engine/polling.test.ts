/** How often the host asks for a result that a software adapter has not computed yet. */
import { pollSlowly } from "../../engine/gpu/provider.node.js";
import { check, test } from "../harness.js";

/** Polls slowly for `ms`; turns of the event loop meanwhile. */
async function turnsIn(ms: number): Promise<number> {
  const began = performance.now();
  const waiting = (): boolean => performance.now() - began < ms;
  pollSlowly(() => (waiting() ? performance.now() - began : undefined));
  let turns = 0;
  for (; waiting(); turns++) await new Promise((resolve) => setImmediate(resolve));
  return turns;
}

test("a long wait takes few turns of the event loop, a short one is not prolonged", async () => {
  const turns = await turnsIn(200);
  check.ok(turns > 80 && turns < 1000, `${turns} turns in 200 ms`);
  const began = performance.now();
  await turnsIn(2);
  const took = performance.now() - began;
  check.ok(took < 4, `2 ms took ${took}`);
});

test("polling slowly ends with what was waited for", async () => {
  let asked = 0;
  pollSlowly(() => (++asked < 3 ? 0 : undefined));
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  check.is(asked, 3);
});
