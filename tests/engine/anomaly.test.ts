import {
  capture,
  detectAnomalies,
  div,
  exp,
  grad,
  log,
  mul,
  sqrt,
  sub,
  sum,
  type Tensor,
  tensor,
} from "../../engine/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";

const cases: Record<string, () => Promise<void>> = {
  "names the op that made the first NaN, with shapes and stack": async () => {
    const x = tensor([1, -1, 4]);
    const error = await check.rejects(
      () => detectAnomalies(() => sum(mul(exp(sqrt(x)), 2))),
      /first NaN or infinity is in sqrt\(f32\[3\]\) → f32\[3\]/,
    );
    check.match(error.message, /anomaly\.test/);
  },
  "names an input that was bad when it came": async () => {
    const x = tensor([1, Number.POSITIVE_INFINITY]);
    await check.rejects(() => detectAnomalies(() => exp(x)), /is in an input of exp, f32\[2\] from tensor/);
  },
  "looks inside gradients": async () => {
    const x = tensor([0, 1]);
    await check.rejects(() => detectAnomalies(() => grad((v: Tensor) => sum(sqrt(v)))(x)), /is in div\(/);
  },
  "looks inside captured steps": async () => {
    const step = capture((v: Tensor) => log(sub(v, 1)));
    await check.rejects(() => detectAnomalies(() => step(tensor([1, 2]))), /is in log\(f32\[2\]\)/);
    step.dispose();
  },
  "gives the result when all is finite": async () => {
    const y = await detectAnomalies(() => div(tensor([1, 2]), 4));
    check.close(await y.read(), [0.25, 0.5], {});
  },
};

for (const [name, body] of Object.entries(cases)) {
  gpuTest(name, body);
  referenceTest(`${name} (reference)`, body);
}
