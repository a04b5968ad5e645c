import "@tensorflow/tfjs-core/dist/register_all_gradients";
import "@tensorflow/tfjs-backend-webgpu";
import { grad, mul, ready, scalar, setBackend } from "@tensorflow/tfjs-core";

/** d/dx x³ at 3. */
export default async function run() {
  await setBackend("webgpu");
  await ready();
  const cube = (x) => mul(mul(x, x), x);
  return (await grad(cube)(scalar(3)).data())[0];
}
