import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { measure, median, nap, quantile, spread, type Waiting, workerCpuMs } from "../../bench/measure.js";
import { check, test } from "../harness.js";

test("quantiles interpolate between neighbours", () => {
  check.equal(median([3, 1, 2]), 2);
  check.equal(median([4, 1, 2, 3]), 2.5);
  check.equal(quantile([1, 2, 3, 4, 5], 0.25), 2);
  check.equal(spread([1, 2, 3, 4, 5]), 2 / 3);
  check.equal(spread([7]), 0);
});

/** Work of a fixed length that runs beside the main thread, as a GPU does. */
function timer(milliseconds: number) {
  const counts = { submitted: 0, finished: 0 };
  let end = 0;
  const work = {
    submit() {
      counts.submitted++;
      end = performance.now() + milliseconds;
    },
    async finish() {
      nap(end - performance.now());
      counts.finished++;
    },
  };
  return { work, counts };
}

test("warm-ups run but do not count", async () => {
  for (const wait of ["spin", "nap"] satisfies Waiting[]) {
    const { work, counts } = timer(wait === "nap" ? 30 : 5);
    const timing = await measure(work, { wait, runs: 4, warmUps: 2 });
    check.is(counts.submitted, counts.finished);
    // A run that was slept through is repeated, up to four times; a busy machine may sleep for longer than it was asked to.
    const repeated = counts.submitted - 6;
    check.ok(repeated >= 0 && repeated <= (wait === "nap" ? 4 * 4 : 0), `${repeated} runs more`);
    check.equal(timing.runs, 4);
    check.ok(timing.minMs >= 4.9 && timing.minMs <= timing.medianMs);
  }
});

test("naps leave the core to the work while it is polled for", async () => {
  const turns: Record<Waiting, number> = { spin: 0, nap: 0 };
  for (const wait of ["spin", "nap"] satisfies Waiting[]) {
    let end = 0;
    const work = {
      submit() {
        end = performance.now() + 40;
      },
      async finish() {
        while (performance.now() < end) {
          await new Promise((resolve) => void setImmediate(resolve));
          turns[wait]++;
        }
      },
    };
    // The first run has no estimate to sleep by, so that it is all polling.
    await measure(work, { wait, runs: 1, warmUps: 0 });
  }
  check.ok(turns.nap < turns.spin / 4, `${turns.nap} turns of the event loop, ${turns.spin} without sleep`);
});

test("the CPU time of workers counts other threads and leaves out the main one", async () => {
  const before = workerCpuMs();
  if (before === null) return check.ok(process.platform !== "linux");
  // Long beside what the runtime's own threads still do for tests that ran before.
  const busy = 400;
  const end = performance.now() + busy;
  while (performance.now() < end);
  const mainAlone = workerCpuMs() ?? Number.NaN;
  check.ok(mainAlone - before < busy / 2, `${mainAlone - before} ms of ${busy}`);
  // The thread lives on until it is measured: with it its time would be gone.
  const worker = new Worker(
    `const { parentPort } = require("node:worker_threads");
     let sum = 0;
     for (let i = 0; i < 1e8; i++) sum += Math.sqrt(i);
     parentPort.on("message", () => {});
     parentPort.postMessage(sum);`,
    { eval: true },
  );
  await once(worker, "message");
  const withWorker = workerCpuMs() ?? Number.NaN;
  await worker.terminate();
  check.ok(withWorker - mainAlone > 30);
});
