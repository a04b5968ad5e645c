/** The smoke run of the benchmark, as a person and the continuous integration run it: every suite at its smallest. */
import type { Report } from "../../bench/report.js";
import { smokeSuites } from "../../bench/smoke.js";
import { measuredSuites } from "../../bench/suite.js";
import { holdfast } from "../cli/holdfast.js";
import { check, gpuTest, root, test } from "../harness.js";

gpuTest(
  "every suite runs, is right, and says so in one object",
  async () => {
    const { code, out, err } = await holdfast(root, ["bench", "smoke", "--json"]);
    const { results, leftOut = [] } = JSON.parse(out) as Report;
    check.equal(
      results.filter((row) => !row.checked),
      [],
      err,
    );
    check.is(code, 0, err);
    const seen = new Set([...results.map((row) => row.case), ...leftOut].map((name) => name.split(": ")[0]));
    check.equal([...seen].sort(), [...smokeSuites].sort());
    const tested = results.find((row) => row.case === "gpu: op-table");
    check.match(tested!.note!, /GPU: [1-9]\d* checks on .+; [1-9]\d* passed, 0 failed/);
    check.is(results.find((row) => row.case === "engine: eager-100")!.dispatches, 100);
    const timed = results.filter((row) => /^(kernels|train|scale|gpu: [cst])/.test(row.case));
    check.ok(timed.length > 10 && timed.every((row) => row.minMs! > 0 && row.dispatches! > 0));
  },
  // Under load; half a minute on two quiet cores.
  { timeoutMs: 600_000 },
);

test("no suite is left out of the smoke run", () => {
  const missing = Object.keys(measuredSuites).filter((suite) => !smokeSuites.includes(suite));
  check.equal(missing, ["smoke"]);
});
