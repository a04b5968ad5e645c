/** The sweep over the op table: nothing is left out, and the page says what was found. */
import { benchOn } from "../../bench/holdfast.js";
import { isSound, type Sweep, type Swept, sweep, sweepPage } from "../../bench/sweep.js";
import { sweepCalls } from "../../bench/sweepSizes.js";
import { executor } from "../../engine/executor.js";
import { table } from "../../engine/ops/table.js";
import { gpuTest } from "../executors.js";
import { check, test } from "../harness.js";

test("every op that makes something has a size", () => {
  const { calls, missing } = sweepCalls();
  check.equal(missing, [], "give them a size in bench/sweepSizes.ts");
  const known = new Set(table.map(({ name }) => name));
  for (const { op } of calls) check.ok(known.has(op), `${op} is no op`);
});

const row: Swept = { op: "sum", bytes: 8, flops: 0, checked: true, ms: 1, times: 2, boundedBy: "bytes" };
const found: Sweep = { bytesPerMs: 1e6, flopsPerMs: 1e7, rows: [row], missing: [] };

test("a sweep is sound when every op is right and near its bound, or says why not", () => {
  check.ok(isSound(found));
  check.ok(!isSound({ ...found, missing: ["new"] }));
  check.ok(!isSound({ ...found, rows: [{ ...row, checked: false }] }));
  check.ok(!isSound({ ...found, rows: [{ ...row, times: 11 }] }));
  check.ok(isSound({ ...found, rows: [{ ...row, times: 11, reason: "pairs" }] }));
});

test("the page begins with the op that is furthest from its bound", () => {
  const far = { ...row, op: "max", note: "rows", times: 12 };
  const lines = sweepPage({ ...found, rows: [row, far] }, "here").split("\n");
  const first = lines.findIndex((line) => line.startsWith("| ---"));
  check.is(lines[first + 1], "| max, rows | 1 | 12.0 | bytes | to be mended |");
  check.match(lines.join(" "), /1 of 2 take more than 10 times/);
});

gpuTest("an op is compared with the reference, then timed", async () => {
  const on = benchOn(executor());
  const { rows } = await sweep(on, { runs: 1, names: ["sum", "place"] });
  // In the order of the table.
  check.equal(
    rows.map(({ op, checked }) => [op, checked]),
    ["place", "sum", "sum", "sum"].map((op) => [op, true]),
  );
  check.ok(rows.every(({ times }) => times! > 0));
});
