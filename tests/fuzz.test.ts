/** A few random graphs and networks; `node dist/tests/fuzz/run.js` runs as many as one likes, and is run here as well. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { tensor } from "../engine/tensor.js";
import { gpu, programOn } from "./engine/programs.js";
import { gpuTest } from "./executors.js";
import { disagreement } from "./fuzz/compare.js";
import { randomGraph } from "./fuzz/graphs.js";
import { randomNetwork } from "./fuzz/networks.js";
import { check, root, test } from "./harness.js";

gpuTest("random expression graphs agree with float64 to the second order", async () => {
  for (let seed = 1; seed < 24; seed += 2) {
    const problem = await randomGraph(seed, 6);
    check.is(await disagreement(problem, seed < 6 ? ["eager", "captured"] : ["eager"]), undefined, problem.text);
  }
});

gpuTest("random networks agree with float64 to the second order", async () => {
  for (let seed = 1; seed < 8; seed += 2) {
    const problem = await randomNetwork(seed);
    check.is(await disagreement(problem, seed < 2 ? ["eager", "captured"] : ["eager"]), undefined, problem.text);
  }
});

test("random expression graphs, fused for a GPU, bind no more than one has room for", async () => {
  const first = Array.from({ length: 40 }, (_, i) => 1 + 2 * i);
  // Large graphs that once bound 17, or read what was never stored.
  for (const seed of [...first, 353, 391, 449, 777]) {
    const { text, shapes, data, results } = await randomGraph(seed);
    const { once, launches } = programOn(gpu, () => ({
      step: (...xs) => results(...xs),
      args: shapes.map((shape, i) => tensor(Float64Array.from(data[i]), shape)),
    }));
    const most = Math.max(0, ...[...once, ...launches].map(({ bind }) => Object.keys(bind).length));
    check.ok(most <= gpu.maxStorageBuffers, `${most} bindings\n${text}`);
  }
});

/** The program itself, with options of Node before its own. */
function fuzz(node: readonly string[], own: readonly string[]): { code: number | null; out: string; err: string } {
  const program = [...node, join(root, "dist/tests/fuzz/run.js"), "graphs", ...own];
  const { status, stdout, stderr } = spawnSync(process.execPath, program, { encoding: "utf8", timeout: 50_000 });
  return { code: status, out: stdout, err: stderr };
}

gpuTest("before a driver runs out of maps, random graphs get a new device", () => {
  const { code, out, err } = fuzz([], ["--count", "21", "--captured", "21", "--most-maps", "100"]);
  check.is(code, 0, err);
  check.match(out, /^21 graphs, 1 of them captured: 0 disagree, 0 at a kink; 2 times a new device$/m);
  const renewals = [...err.matchAll(/(\d+) pieces of memory were mapped, (\d+) by a new device/g)];
  check.is(renewals.length, 2);
  for (const [text, before, after] of renewals) check.ok(Number(after) < Number(before) / 2, text);
});

gpuTest("random graphs that end before their number is reached have failed, and say so", () => {
  const ending = "data:text/javascript,setTimeout(() => process.exit(0), 1000)";
  const { code, err } = fuzz(["--import", ending], ["--count", "1000000"]);
  check.is(code, 1);
  check.match(err, /^fuzz: the process ended before its work was done$/m);
});
