import { grad, init, mul, tensor } from "holdfast";

/** d/dx x³ at 3. */
export default async function run() {
  await init();
  const cube = (x) => mul(mul(x, x), x);
  return grad(cube)(tensor(3)).item();
}
