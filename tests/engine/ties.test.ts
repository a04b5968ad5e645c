/** Windows of the same numbers: without minimal filtering a convolution gives them the same bits, so that max pooling finds the first. */
import { swapExecutor } from "../../engine/executor.js";
import { openDevice } from "../../engine/gpu/device.js";
import { GpuExecutor } from "../../engine/gpu/executor.js";
import { grad } from "../../engine/grad.js";
import { conv2d } from "../../engine/ops/conv.js";
import { maxPool2d } from "../../engine/ops/pool.max.js";
import { sum } from "../../engine/ops/reduce.js";
import { key, uniform } from "../../engine/random.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import { gpuTest } from "../executors.js";
import { check } from "../harness.js";

const [side, count, channels] = [28, 8, 32];

/** Noise on the left half of every image, and 0.3 elsewhere. */
const halfFlat = (): Tensor =>
  tensor(
    Float32Array.from({ length: count * channels * side * side }, (_, i) =>
      i % side < side / 2 ? ((i * 37) % 101) / 101 : 0.3,
    ),
    [count, channels, side, side],
  );
const conv = (x: Tensor): Tensor => conv2d(x, uniform(key(1), [channels, channels, 3, 3], { low: -1, high: 1 }));

/** Shares of the flat windows that give another number than the last of their plane, and of the pools over them whose first does not win. */
async function unequal(): Promise<{ values: number; pools: number }> {
  const x = halfFlat();
  const y = conv(x);
  const [values, slopes] = [await y.read(), await grad((z: Tensor) => sum(maxPool2d(z, { size: 2 })))(y).read()];
  const [wide, from] = [side - 2, side / 2];
  let [windows, others, losing] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const [column, row] = [i % wide, Math.floor(i / wide) % wide];
    if (column < from) continue;
    windows++;
    const last = Math.floor(i / wide / wide) * wide * wide + wide * wide - 1;
    if (values[i] !== values[last]) others++;
    const isFirst = column % 2 === 0 && row % 2 === 0;
    if (slopes[i] !== (isFirst ? 1 : 0)) losing++;
  }
  return { values: others / windows, pools: losing / windows };
}

gpuTest("a flat background gives ties, and the first of equals wins", async () => {
  const on = new GpuExecutor(await openDevice({ tuning: false, minimalFiltering: false }));
  const others = swapExecutor(on);
  try {
    check.equal(await unequal(), { values: 0, pools: 0 });
  } finally {
    swapExecutor(others);
    on.destroy();
  }
});

gpuTest("minimal filtering, where it is chosen, does not give them, or this file would test nothing", async () => {
  const on = new GpuExecutor(await openDevice({ tuning: false }));
  const others = swapExecutor(on);
  try {
    // GPUs are given no minimal filtering so far.
    check.is((await unequal()).values > 0, on.device.capabilities.software);
  } finally {
    swapExecutor(others);
    on.destroy();
  }
});
