/** The largest curvature of a loss without its Hessian. One learns: `hvp`, a product of the Hessian with a vector at the price of
 *  two gradients, in a power iteration; and the whole Hessian, for small functions, to compare with. */
import { hessian, hvp, init, matmul, norm, random, scope, shutdown, sum, type Tensor } from "holdfast";
import "holdfast/methods";

await init();
const features = random.normal(random.key(0), [20, 6]);
const f = (w: Tensor): Tensor => sum(matmul(features, w).square().add(1).sqrt()); // Σ √(1 + (a·w)²)
const w = random.normal(random.key(1), [6]);

let v = random.normal(random.key(2), [6]);
for (let i = 0; i < 60; i++) {
  const next = scope(() => {
    const moved = hvp(f, w, v);
    return moved.div(norm(moved));
  });
  v.dispose();
  v = next;
}
const value = sum(hvp(f, w, v).mul(v)); // Rayleigh's quotient of a unit vector

const whole = hessian(f)(w); // [6, 6]
const residual = norm(matmul(whole, v).sub(v.mul(value)));
console.log("largest eigenvalue", await value.item(), "residual", await residual.item());
shutdown();
