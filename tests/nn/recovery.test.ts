/** Training that outlives its device: the bits of a run without a loss. The device itself is lost in tests/engine/init.test.ts. */
import { DeviceLostError, memory } from "../../engine/index.js";
import { initialState, trainThroughLosses } from "../../nn/index.js";
import { referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { BATCH, free, freeData, halves, model, optimiser, run, sameState, start } from "./halves.js";

referenceTest("after a loss training goes on from the last epoch, and gives up when told", async () => {
  const data = halves();
  const straight = await run(data, 3);
  const before = memory().liveCount;
  let [begun, reopened] = [0, 0];
  const told: string[] = [];
  const began: number[] = [];
  /** The device is lost after the second epoch of the first try. */
  const begin = () => {
    begun++;
    return {
      ...{ model, start: start(), data },
      options: {
        ...{ optimiser, epochs: 3, batchSize: BATCH, seed: 3 },
        onEpoch: ({ epoch }: { epoch: number }) => {
          began.push(epoch);
          if (begun === 1 && epoch === 2) throw new DeviceLostError("pulled out", "lost");
        },
      },
    };
  };
  const reopen = async (): Promise<void> => void reopened++;
  const state = await trainThroughLosses(begin, { reopen, onLost: ({ message }) => told.push(message) });
  check.equal([begun, reopened, told], [2, 1, ["pulled out"]]);
  check.equal(began, [1, 2, 3], "the second epoch is not done again");
  // States are kept in f32, and the reference computes in float64.
  await sameState(state, straight, 1e-3);
  free(state);
  check.is(memory().liveCount, before);

  const closed = (reason: "lost" | "closed") => () => ({
    ...{ model, start: initialState([], optimiser), data },
    options: {
      ...{ optimiser, epochs: 1, batchSize: BATCH },
      loss: () => {
        throw new DeviceLostError(reason, reason);
      },
    },
  });
  await check.rejects(() => trainThroughLosses(closed("closed"), { reopen }), /^closed$/);
  check.is(reopened, 1, "closing is no loss");
  await check.rejects(() => trainThroughLosses(closed("lost"), { reopen, losses: 2 }), /^lost$/);
  check.is(reopened, 3);
  free(straight);
  freeData(data);
});
