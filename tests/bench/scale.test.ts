/** The curves of cost against size: which sizes, and what is left out. */
import { benchOn } from "../../bench/holdfast.js";
import { formatReport } from "../../bench/report.js";
import { runScale, sizesOf } from "../../bench/scale.js";
import { executor } from "../../engine/executor.js";
import type { GpuExecutor } from "../../engine/gpu/executor.js";
import { gpuTest } from "../executors.js";
import { check, test } from "../harness.js";

gpuTest("a size above the adapter's limits is left out with the numbers", async () => {
  const on = benchOn(executor());
  const { maxBindingBytes } = (executor() as GpuExecutor).device.capabilities;
  // The first convolution's result has 32 channels.
  const side = 4 * Math.ceil(Math.sqrt(maxBindingBytes / 32 / 4) / 4 + 1);
  const sizes = [{ batch: 1, side }];
  const { results, leftOut } = await runScale(on, { cases: ["input-gradient"], sizes });
  check.equal(results, []);
  check.match(leftOut!.join(), /input-gradient batch 1, side \d+: .* needs \d+ bytes .* binds at most \d+/);
  check.match(formatReport({ adapter: on.adapter, versions: {}, results, leftOut }), /left out:\ninput-gradient/);
});

test("the curves reach from one image to 4096 and from side 14 to 112", () => {
  const sizes = sizesOf(false);
  check.equal([Math.min(...sizes.map((s) => s.batch)), Math.max(...sizes.map((s) => s.batch))], [1, 4096]);
  check.equal([Math.min(...sizes.map((s) => s.side)), Math.max(...sizes.map((s) => s.side))], [14, 112]);
  check.ok(sizesOf(true).length < sizes.length);
});
