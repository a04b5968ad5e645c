/** Captured steps of a convolutional network: right, small in launches, memory and host work. */
import { type Captured, capture } from "../../engine/capture.js";
import { executor } from "../../engine/executor.js";
import { add, mul } from "../../engine/ops/arithmetic.js";
import { expand } from "../../engine/ops/movement.js";
import { sum } from "../../engine/ops/reduce.js";
import { transpose } from "../../engine/ops/view.js";
import { dispose, scope } from "../../engine/scope.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import type { Tree } from "../../engine/tree.js";
import { gpuTest } from "../executors.js";
import { check } from "../harness.js";
import { generator, tensorsOf } from "../values.js";
import { grow } from "./grow.js";
import { network, type Training, training } from "./net.js";

const small = (): Training => training(network(8, 16, 32), 8);

/** Numbers out of `describe()`. */
function figures(step: Captured<never[], Tree>): { launches: number; planned: number; live: number } {
  const text = step.describe();
  const [, launches] = text.match(/^(\d+) launches, 1 submit/m)!;
  const [, planned, live] = text.match(/memory: (\d+) bytes in .*; (\d+) live at once/)!;
  return { launches: Number(launches), planned: Number(planned), live: Number(live) };
}

gpuTest("a training step takes at most 40 launches and little more memory than lives", async () => {
  const { params, state, x, y, step } = small();
  using fused = capture(step, { donate: [0, 1] });
  await fused.verify(params, state, x, y);
  const { launches, planned, live } = figures(fused);
  check.ok(launches <= 40, `${launches} launches`);
  check.ok(planned <= 1.3 * live, `${planned} bytes planned, ${live} live at once`);
  check.ok(!fused.describe().includes("copied over"), "every parameter and moment is updated in place");
  dispose([params, state]);
});

gpuTest("without fusion a training step is the eager one to the bit", async () => {
  const { params, state, x, y, step } = small();
  using exact = capture(step, { donate: [0, 1], fuse: false });
  await exact.verify(params, state, x, y);
  check.ok(figures(exact).launches > 100, "one launch or more per op");
  dispose([params, state]);
});

gpuTest("gradients of the input, and through it of second order, are fused and right", async () => {
  const { params, state, x, y, inputGradient, secondOrder } = small();
  using first = capture(inputGradient);
  await first.verify(params, x, y);
  check.ok(figures(first).launches <= 25, `${figures(first).launches} launches`);
  using second = capture(secondOrder);
  await second.verify(params, x, y);
  check.ok(figures(second).launches <= 70, `${figures(second).launches} launches`);
  dispose([params, state]);
});

/** The same elements through a reduction too long to be unrolled. */
const opaque = (x: Tensor): Tensor => mul(sum(expand(x, [32, ...x.shape]), 0), 1 / 32);

gpuTest("random graphs are fused right", async () => {
  const random = generator(77);
  const int = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
  const shapes = [[4, 6], [6], [2, 1, 6], []];
  for (let i = 0; i < 12; i++) {
    const choices = Array.from({ length: 400 }, () => random());
    const build = (...xs: Tensor[]): Tensor[] => {
      let at = 0;
      const again = (low: number, high: number): number => low + Math.floor(choices[at++] * (high - low + 1));
      const all = [...xs];
      for (let k = 0; k < 12; k++) all.push(grow(all, again, opaque));
      return all.slice(-2);
    };
    // One argument is given up, so that kernels overwrite what they read.
    using step = capture(build, { donate: [int(0, 3)] });
    await step.verify(
      ...tensorsOf(
        shapes.map((shape) => ({ shape })),
        i,
      ),
    );
    check.match(step.describe(), /launches, 1 submit/);
  }
});

gpuTest("a kernel that reads its argument in two orders does not overwrite it", async () => {
  using step = capture((x: Tensor) => add(x, transpose(x)), { donate: [0] });
  const data = new Float32Array(90 * 90).map((_, i) => i);
  const y = await step(tensor(data, [90, 90])).read();
  check.identical(
    y,
    data.map((v, i) => v + data[(i % 90) * 90 + Math.floor(i / 90)]),
  );
  check.match(step.describe(), /copied over argument 0/);
});

gpuTest("100 training steps lower the loss and hold memory flat", async () => {
  const { params: first, state: start, x, y, step } = training(network(4, 8, 16), 4);
  using train = capture(step, { donate: [0, 1] });
  const on = executor();
  let [params, state] = [first, start];
  const losses: number[] = [];
  const bytes: number[] = [];
  for (let i = 0; i < 100; i++) {
    const [loss, p, s] = scope(() => train(params, state, x, y));
    [params, state] = [p, s];
    if (i % 25 === 24) {
      losses.push(await loss.item());
      bytes.push(on.memory().liveBytes);
    }
    loss.dispose();
  }
  check.equal(
    losses,
    losses.toSorted((a, b) => b - a),
    "the loss falls",
  );
  check.equal(bytes, [bytes[0], bytes[0], bytes[0], bytes[0]]);
  check.is(train.recordings, 1);
});
