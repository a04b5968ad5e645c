import {
  add,
  clamp,
  dispose,
  grad,
  init,
  logSoftmax,
  matmul,
  maximum,
  minimum,
  mul,
  scope,
  sign,
  softplus,
  sub,
  sum,
  tensor,
} from "holdfast";
import { EPS, image, label, network, STEP, STEPS } from "./numbers.mjs";

/** The loss of an image after an attack on its class, by projected gradients. */
export default async function run() {
  await init();
  const of = ([values, shape]) => tensor(values, shape);
  const [w1, b1, w2, b2] = network(64, 32, 10).map(of);
  const [clean, y] = [of(image), of(label)];
  const loss = (x) => {
    const hidden = softplus(add(matmul(x, w1), b1));
    return mul(sum(mul(logSoftmax(add(matmul(hidden, w2), b2)), y)), -1);
  };
  const [low, high] = [sub(clean, EPS), add(clean, EPS)];
  let x = add(clean, 0);
  for (let i = 0; i < STEPS; i++) {
    const before = x;
    x = scope(() => clamp(minimum(maximum(add(x, mul(sign(grad(loss)(x)), STEP)), low), high), 0, 1));
    dispose(before);
  }
  return loss(x).item();
}
