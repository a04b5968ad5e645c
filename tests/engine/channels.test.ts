/** What is the same for all of a channel: found in any cut of the loops, and read once by the kernels that go channel by channel. */
import fc from "fast-check";
import { capture } from "../../engine/capture.js";
import { executor } from "../../engine/executor.js";
import type { GpuExecutor } from "../../engine/gpu/executor.js";
import { isByChannel } from "../../engine/gpu/iteration.js";
import { add } from "../../engine/ops/arithmetic.js";
import { clamp } from "../../engine/ops/binary.js";
import { conv2d, conv2dInput } from "../../engine/ops/conv.js";
import { forEachOffset } from "../../engine/ops/host.js";
import { matmul } from "../../engine/ops/matmul.js";
import { reshape } from "../../engine/ops/movement.js";
import { slice } from "../../engine/ops/slice.js";
import { sizeOf } from "../../engine/shape.js";
import type { Tensor } from "../../engine/tensor.js";
import { gpuTest, onReference } from "../executors.js";
import { check, skip, test } from "../harness.js";
import { tensorsOf } from "../values.js";

test("an operand goes by channel exactly if each of its elements is the channel's", () => {
  const counts = { yes: 0, no: 0 };
  check.holds(
    fc.property(fc.gen(), (g) => {
      const int = (min: number, max: number): number => g(fc.integer, { min, max });
      const sides = (): number[] => Array.from({ length: int(0, 2) }, () => int(1, 3));
      const [images, channels, plane] = [sides(), sides(), sides()];
      const [count, each] = [sizeOf(channels), sizeOf(plane)];
      const loops = [...images, ...channels, ...plane];
      const strides = loops.map((_, k) => {
        const inside = k - images.length;
        const own = inside < 0 || inside >= channels.length ? 0 : sizeOf(channels.slice(inside + 1));
        return int(0, 9) === 0 ? int(0, 2) : own;
      });
      // Sometimes of other channels than the operand was made for.
      const asked = int(0, 3) === 0 ? { count: int(1, 4), each: int(1, 4) } : { count, each };
      if (sizeOf(loops) % (asked.count * asked.each) > 0) return;
      let expected = true;
      forEachOffset(loops, [strides], (i, [at]) => {
        expected &&= at === Math.floor(i / asked.each) % asked.count;
      });
      const found = isByChannel(loops, strides, asked);
      if (found) check.ok(expected, `[${loops}] by [${strides}] is not ${JSON.stringify(asked)}`);
      // A loop over parts of two at once is none of channels, though its elements may be.
      if (asked.count === count && asked.each === each) check.is(found, expected, `[${loops}] by [${strides}]`);
      counts[found ? "yes" : "no"]++;
    }),
  );
  check.ok(counts.yes > 10 && counts.no > 10, JSON.stringify(counts));
});

/** Kernels that begin channels, by what they are used for; results are so large that register tiles end in epilogues. */
const cases: readonly [kernel: string, shapes: number[][], channels: number, run: (x: Tensor, w: Tensor) => Tensor][] = [
  ["matmul.registers", [[1, 24, 56, 56], [24, 24, 1, 1]], 24, (x, w) => conv2d(x, w)],
  ["matmul.registers", [[2, 16, 45, 45], [20, 16, 1, 1]], 20, (x, w) => conv2d(x, w)],
  ["matmul.registers", [[2080, 64], [64, 33]], 33, (x, w) => matmul(x, w)],
  ["conv2d.registers", [[2, 5, 97, 97], [16, 5, 3, 3]], 16, (x, w) => conv2d(x, w, { stride: 2, padding: 1 })],
  ["conv2d.registers", [[1, 3, 112, 112], [32, 3, 3, 3]], 32, (x, w) => conv2d(x, w, { stride: 2, padding: 1 })],
  ["conv2d.strips", [[2, 16, 40, 24], [16, 1, 3, 3]], 16, (x, w) => conv2d(x, w, { groups: 16, padding: 1 })],
  ["conv2d.strips", [[2, 16, 40, 27], [16, 1, 3, 3]], 16, (x, w) => conv2d(x, w, { groups: 16, padding: 1 })],
  ["conv2dInput.strips", [[2, 16, 40, 24], [16, 1, 3, 3]], 16, (x, w) => conv2dInput(x, w, { groups: 16, padding: 1, image: [40, 24] })],
  ["winograd.collect", [[2, 32, 40, 40], [32, 32, 3, 3]], 32, (x, w) => conv2d(x, w, { padding: 1 })],
  ["fourier.inverse", [[32, 16, 14, 14], [16, 16, 5, 5]], 16, (x, w) => conv2d(x, w, { padding: 2 })],
  ["winograd.collect4", [[1, 256, 7, 7], [256, 256, 3, 3]], 256, (x, w) => conv2d(x, w, { padding: 1 })],
]; // biome-ignore format: one line each

for (const [kernel, shapes, channels, run] of cases)
  gpuTest(
    `an offset for each channel is read once where ${kernel} begins it, for ${shapes.join(" and ")}`,
    async () => {
      const { capabilities } = (executor() as GpuExecutor).device;
      if (!capabilities.software || capabilities.subgroupMinSize < 8) skip("for the kernels of a software adapter");
      const specs = [...shapes, [channels + 3]].map((shape) => ({ shape }));
      // Not at the beginning of its buffer.
      const f = (x: Tensor, w: Tensor, b: Tensor): Tensor => {
        const y = run(x, w);
        return clamp(add(y, reshape(slice(b, [3], [channels]), [channels, ...y.shape.slice(2).map(() => 1)])), -1, 6);
      };
      const expected = await onReference(() => f(...(tensorsOf(specs, 1) as [Tensor, Tensor, Tensor])).read());
      const [x, w, b] = tensorsOf(specs, 1);
      using step = capture((x: Tensor) => f(x, w, b));
      const y = step(x);
      const text = step.describe({ source: true });
      check.ok(text.includes(`${kernel}+`), step.describe());
      check.ok(text.includes("of_channel"), text);
      check.close(await y.read(), expected, { rtol: 1e-4, atol: 1e-3 });
    },
  );
