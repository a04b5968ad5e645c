import { defaultDevice, grad, init, numpy } from "@jax-js/jax";

/** d/dx x³ at 3. */
export default async function run() {
  await init("webgpu");
  defaultDevice("webgpu");
  const cube = (x) => x.ref.mul(x.ref).mul(x);
  return (await grad(cube)(numpy.array(3)).data())[0];
}
