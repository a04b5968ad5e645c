/** Long loops stay on the GPU: one submit per step, nothing made or read in between, and no more memory than one part needs. */
import {
  attackExplanation,
  classScore,
  gradient,
  linf,
  signStep,
  smoothGrad,
  topKSuppression,
} from "../../atex/index.js";
import { executor } from "../../engine/executor.js";
import type { GpuExecutor } from "../../engine/gpu/executor.js";
import { openScope, random, type Tensor, tensor } from "../../engine/index.js";
import { gpuTest } from "../executors.js";
import { gpuCalls } from "../gpuCalls.js";
import { check } from "../harness.js";
import { classifier, SIDE } from "./smallNet.js";

const images = (n: number): Tensor => random.uniform(random.key(2), [n, 1, SIDE, SIDE]);

gpuTest("200 attack steps on 100 images are 200 submits and one read-back", async () => {
  const [network, x] = [classifier(1), images(100)];
  const clean = [...(await x.read())];
  const run = (steps: number): Promise<{ result: number; calls: string[] }> =>
    gpuCalls(async () => {
      using here = openScope("attack");
      const attack = attackExplanation({
        ...{ explainer: gradient, objective: topKSuppression(10), ball: linf(0.1), rule: signStep(0.005), steps },
      });
      const attacked = await here.wait(attack({ classifier: network, x }).images.read());
      return Math.max(...clean.map((v, i) => Math.abs(attacked[i] - v)));
    });
  const count = (calls: string[], ...names: string[]): number => calls.filter((c) => names.includes(c)).length;
  // What compiles early submits as well.
  await run(1);
  const few = await run(5);
  const { result: change, calls } = await run(200);
  // With steps of 0.005 it takes more than 5 of them to get there.
  check.ok(change > 0.05 && change <= 0.1, `the largest change is ${change}`);
  check.is(count(calls, "submit") - count(few.calls, "submit"), 195, "one submit a step");
  check.ok(count(calls, "submit") <= 205, `${count(calls, "submit")} submits`);
  check.is(count(calls, "read"), 1);
  check.is(count(calls.slice(calls.indexOf("read")), "submit"), 1, "read at the end");
  const made = (list: string[]): number => count(list, "createBindGroup", "createBuffer", "createComputePipeline");
  check.ok(made(calls) <= made(few.calls), `${made(calls)} things made in 200 steps, ${made(few.calls)} in 5`);
});

gpuTest("SmoothGrad of 100 copies holds the memory of one chunk and is read once", async () => {
  const [network, x] = [classifier(1), images(20)];
  const score = classScore(network, tensor(new Int32Array(20)));
  const { pool } = executor() as GpuExecutor;
  const run = async (samples: number): Promise<{ peak: number; calls: string[] }> => {
    const before = pool.liveBytes;
    pool.peakBytes = before;
    const { calls } = await gpuCalls(async () => {
      using here = openScope("explanation");
      await here.wait(smoothGrad({ samples, chunk: 10, key: random.key(3) })(score, x).read());
    });
    return { peak: pool.peakBytes - before, calls };
  };
  const one = await run(10);
  const ten = await run(100);
  check.ok(ten.peak <= 1.1 * one.peak, `${ten.peak} bytes for ten chunks, ${one.peak} for one`);
  check.equal(ten.calls.filter((c) => c === "read").length, 1);
});
