/** Training states as files: going on to the same bits, refusals. */
import { memory, type Tree } from "../../engine/index.js";
import { DataError } from "../../nn/data/error.js";
import { loadCheckpoint, packTree, saveCheckpoint } from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { free, freeData, halves, run, sameState, start } from "./halves.js";

/** Counts as `aborted` from the n-th look on. */
const abortedAfter = (looks: number) => ({
  get aborted(): boolean {
    return looks-- <= 0;
  },
});

async function resumes(atol?: number): Promise<void> {
  const data = halves();
  const whole = await run(data, 2);
  // Between the epochs, and two steps into the second: there is a look at the option, before each epoch of five steps and before each step.
  for (const stop of [undefined, abortedAfter(10)]) {
    const pause = await run(data, stop ? 2 : 1, { stop });
    check.equal([pause.epoch, pause.step], stop ? [1, 2] : [1, 0]);
    const bytes = await saveCheckpoint(pause, { note: "pause" });
    free(pause);
    const like = start();
    const { state, metadata } = loadCheckpoint(bytes, like);
    free(like);
    check.equal(Object.fromEntries(metadata), { note: "pause", epoch: "1", step: String(pause.step) });
    const end = await run(data, 2, {}, state);
    await sameState(end, whole, atol);
    free(end);
  }
  free(whole);
  freeData(data);
}
// Files hold f32, so a pause rounds the reference's float64.
referenceTest("a run resumed from a file goes on as if there had been no pause, on the reference", () => resumes(1e-5));
gpuTest("a run resumed from a file, between epochs or inside one, ends in the same bits", () => resumes());

referenceTest("files that hold no state, or another one, are refused", async () => {
  const like = start();
  const before = memory().liveCount;
  const good = await saveCheckpoint({ ...like, epoch: 7 });
  const again = loadCheckpoint(good, like).state;
  check.equal([again.epoch, again.step], [7, 0]);
  free(again);
  const tree: Tree = { params: like.params, optimiser: like.optimiser };
  for (const [what, bytes, message] of [
    ["weights", await packTree(like.params), /^checkpoint: the file has epoch ""; a whole number is needed/],
    ["no step", await packTree(tree, { epoch: "1" }), /^checkpoint: the file has step ""/],
    ["nonsense", await packTree(tree, { epoch: "-1", step: "0" }), /^checkpoint: the file has epoch "-1"/],
    [
      "another optimiser",
      await saveCheckpoint({ ...like, optimiser: {} }),
      /^weights: the network has optimiser\.m\.0\.bias f32\[4\], the file has no such tensor/,
    ],
  ] as const) {
    const error = check.throws(() => loadCheckpoint(bytes, like), message, what);
    check.ok(error instanceof DataError, what);
  }
  check.is(memory().liveCount, before);
  free(like);
});
