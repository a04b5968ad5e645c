/** Tuning: all variants are tried and right, and what was measured becomes a table that the engine takes. */
import { benchOn } from "../../bench/holdfast.js";
import { matmulInputs } from "../../bench/inputs.js";
import { formatTune, product, tableOf, tuneTask } from "../../bench/tune.js";
import { executor } from "../../engine/executor.js";
import { type AdapterIdentity, tuningFor } from "../../engine/tuning.js";
import { gpuTest } from "../executors.js";
import { check, test } from "../harness.js";

gpuTest("every variant of a product agrees with the model's, and the fastest goes into a table", async () => {
  const { a, b } = matmulInputs(64);
  const on = benchOn(executor());
  const result = await tuneTask(on, "small", product(a, b, { transA: false, transB: true }), 1);
  const { rows, tuned } = result;
  check.ok(rows.length > 4);
  check.equal(
    rows.filter((row) => !row.checked).map((row) => [row.variant, row.error]),
    [],
  );
  check.is(rows.filter((row) => row.chosen).length, 1);
  check.is(rows.filter((row) => row.chosenWithoutSubgroups).length, 1);
  check.match(formatTune(rows), /chosen/);
  check.equal(tuned?.shape, { batch: 1, m: 64, n: 64, depth: 64, transA: false, transB: true });
  const adapter = on.adapter as unknown as AdapterIdentity;
  const table = tableOf(adapter, [result], "2026-01-31");
  check.equal(tuningFor(adapter, JSON.parse(JSON.stringify(table))).choices, [tuned!]);
});

test("a task whose own choice could not be measured gives no entry", () => {
  const adapter = { vendor: "v", architecture: "a", device: "d", description: "" };
  check.equal(tableOf(adapter, [{ rows: [] }], "2026-01-31").choices, []);
});
