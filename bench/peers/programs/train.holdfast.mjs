import {
  add,
  dispose,
  init,
  logSoftmax,
  matmul,
  mean,
  mul,
  relu,
  scope,
  sub,
  sum,
  tensor,
  valueAndGrad,
} from "holdfast";
import { network, samples } from "./numbers.mjs";

/** The loss of a small network on exclusive or, after 100 steps of gradient descent. */
export default async function run() {
  await init();
  const [x, y] = samples.map(([values, shape]) => tensor(values, shape));
  const loss = ([w1, b1, w2, b2]) => {
    const hidden = relu(add(matmul(x, w1), b1));
    return mul(mean(sum(mul(logSoftmax(add(matmul(hidden, w2), b2)), y), 1)), -1);
  };
  let params = network(2, 16, 2).map(([values, shape]) => tensor(values, shape));
  let value = tensor(0);
  for (let i = 0; i < 100; i++) {
    const before = [value, params];
    [value, params] = scope(() => {
      const [now, slopes] = valueAndGrad(loss)(params);
      return [now, params.map((p, k) => sub(p, mul(slopes[k], 0.5)))];
    });
    dispose(before);
  }
  return value.item();
}
