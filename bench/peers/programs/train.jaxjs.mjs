import { defaultDevice, init, nn, numpy, tree, valueAndGrad } from "@jax-js/jax";
import { network, samples } from "./numbers.mjs";

/** The loss of a small network on exclusive or, after 100 steps of gradient descent. */
export default async function run() {
  await init("webgpu");
  defaultDevice("webgpu");
  const array = ([values, shape]) => numpy.array(new Float32Array(values), { shape });
  const [x, y] = samples.map(array);
  // Arrays are consumed by what uses them; x and y are used again.
  const loss = ([w1, b1, w2, b2]) => {
    const hidden = nn.relu(numpy.matmul(x.ref, w1).add(b1));
    return numpy.mean(numpy.sum(nn.logSoftmax(numpy.matmul(hidden, w2).add(b2)).mul(y.ref), 1)).neg();
  };
  let params = network(2, 16, 2).map(array);
  let value;
  for (let i = 0; i < 100; i++) {
    const [now, slopes] = valueAndGrad(loss)(tree.ref(params));
    value?.dispose();
    value = now;
    params = params.map((p, k) => p.sub(slopes[k].mul(0.5)));
  }
  return (await value.data())[0];
}
