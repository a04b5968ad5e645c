import "@tensorflow/tfjs-core/dist/register_all_gradients";
import "@tensorflow/tfjs-backend-webgpu";
import {
  add,
  clipByValue,
  clone,
  dispose,
  grad,
  logSoftmax,
  matMul,
  maximum,
  minimum,
  mul,
  neg,
  ready,
  setBackend,
  sign,
  softplus,
  sub,
  sum,
  tensor,
  tidy,
} from "@tensorflow/tfjs-core";
import { EPS, image, label, network, STEP, STEPS } from "./numbers.mjs";

/** The loss of an image after an attack on its class, by projected gradients. */
export default async function run() {
  await setBackend("webgpu");
  await ready();
  const of = ([values, shape]) => tensor(values, shape);
  const [w1, b1, w2, b2] = network(64, 32, 10).map(of);
  const [clean, y] = [of(image), of(label)];
  const loss = (x) => {
    const hidden = softplus(add(matMul(x, w1), b1));
    return neg(sum(mul(logSoftmax(add(matMul(hidden, w2), b2)), y)));
  };
  const [low, high] = [sub(clean, EPS), add(clean, EPS)];
  let x = clone(clean);
  for (let i = 0; i < STEPS; i++) {
    const before = x;
    x = tidy(() => clipByValue(minimum(maximum(add(x, mul(sign(grad(loss)(x)), STEP)), low), high), 0, 1));
    dispose(before);
  }
  return (await loss(x).data())[0];
}
