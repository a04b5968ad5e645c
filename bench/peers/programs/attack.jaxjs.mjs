import { defaultDevice, grad, init, nn, numpy } from "@jax-js/jax";
import { EPS, image, label, network, STEP, STEPS } from "./numbers.mjs";

/** The loss of an image after an attack on its class, by projected gradients. */
export default async function run() {
  await init("webgpu");
  defaultDevice("webgpu");
  const array = ([values, shape]) => numpy.array(new Float32Array(values), { shape });
  const [w1, b1, w2, b2] = network(64, 32, 10).map(array);
  const [clean, y] = [array(image), array(label)];
  // Arrays are consumed by what uses them; these are used again.
  const loss = (x) => {
    const hidden = nn.softplus(numpy.matmul(x, w1.ref).add(b1.ref));
    return numpy.sum(nn.logSoftmax(numpy.matmul(hidden, w2.ref).add(b2.ref)).mul(y.ref)).neg();
  };
  const [low, high] = [clean.ref.sub(EPS), clean.ref.add(EPS)];
  let x = clean;
  for (let i = 0; i < STEPS; i++) {
    const moved = x.ref.add(numpy.sign(grad(loss)(x)).mul(STEP));
    x = numpy.clip(numpy.minimum(numpy.maximum(moved, low.ref), high.ref), 0, 1);
  }
  return (await loss(x).data())[0];
}
