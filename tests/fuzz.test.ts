/** A few random graphs and networks; `node dist/tests/fuzz/run.js` runs as many as one likes. */
import { tensor } from "../engine/tensor.js";
import { gpu, programOn } from "./engine/programs.js";
import { gpuTest } from "./executors.js";
import { disagreement } from "./fuzz/compare.js";
import { randomGraph } from "./fuzz/graphs.js";
import { randomNetwork } from "./fuzz/networks.js";
import { check, test } from "./harness.js";

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
