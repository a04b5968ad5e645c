/** A few random graphs and networks; `node dist/tests/fuzz/run.js` runs as many as one likes. */
import { gpuTest } from "./executors.js";
import { disagreement } from "./fuzz/compare.js";
import { randomGraph } from "./fuzz/graphs.js";
import { randomNetwork } from "./fuzz/networks.js";
import { check } from "./harness.js";

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
