import "@tensorflow/tfjs-core/dist/register_all_gradients";
import "@tensorflow/tfjs-backend-webgpu";
import {
  add,
  dispose,
  logSoftmax,
  matMul,
  mean,
  mul,
  neg,
  ready,
  relu,
  setBackend,
  sub,
  sum,
  tensor,
  tidy,
  valueAndGrads,
} from "@tensorflow/tfjs-core";
import { network, samples } from "./numbers.mjs";

/** The loss of a small network on exclusive or, after 100 steps of gradient descent. */
export default async function run() {
  await setBackend("webgpu");
  await ready();
  const [x, y] = samples.map(([values, shape]) => tensor(values, shape));
  const loss = (w1, b1, w2, b2) => {
    const hidden = relu(add(matMul(x, w1), b1));
    return neg(mean(sum(mul(logSoftmax(add(matMul(hidden, w2), b2)), y), 1)));
  };
  let params = network(2, 16, 2).map(([values, shape]) => tensor(values, shape));
  let value = tensor(0);
  for (let i = 0; i < 100; i++) {
    const before = [value, ...params];
    [value, ...params] = tidy(() => {
      const { value: now, grads } = valueAndGrads(loss)(params);
      return [now, ...params.map((p, k) => sub(p, mul(grads[k], 0.5)))];
    });
    dispose(before);
  }
  return (await value.data())[0];
}
