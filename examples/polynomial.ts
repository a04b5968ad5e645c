/** A parabola through noisy points. One learns: tensors from lists, methods that read like the formula, the gradient of a plain
 *  function, and a scope that frees what a step leaves behind. */
import { grad, init, linspace, ones, random, scope, shutdown, square, stack, type Tensor, zeros } from "holdfast";
import "holdfast/methods";

await init();
const t = linspace(-1, 1, 40);
const noise = random.normal(random.key(0), [40], { deviation: 0.05 });
const y = t.mul(2).add(1).sub(t.square().mul(3)).add(noise); // 1 + 2t − 3t²

const features = stack([ones([40]), t, square(t)], 1); // [40, 3]
const loss = (w: Tensor): Tensor => features.matmul(w).sub(y).square().mean();
const slope = grad(loss);

let w = zeros([3]);
for (let i = 0; i < 150; i++) {
  const next = scope(() => w.sub(slope(w).mul(0.4))); // all but the result is freed
  w.dispose();
  w = next;
}
console.log(
  "coefficients",
  ...[...(await w.read())].map((v) => Math.round(100 * v) / 100),
  "error",
  await loss(w).item(),
);
shutdown();
