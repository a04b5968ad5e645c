/** What capturing a step saves. One learns: `capture` with its rules (what varies is a tensor), what a plan says of itself, and that
 *  the replay is the function. */
import { add, capture, grad, init, matmul, random, shutdown, softplus, sum, type Tensor, tensor } from "holdfast";

await init();
const [w, x] = [random.normal(random.key(0), [64, 64]), random.normal(random.key(1), [32, 64])];
const f = (z: Tensor, shift: Tensor): Tensor => sum(softplus(add(matmul(softplus(matmul(z, w)), w), shift)));
const slope = grad(f);

/** Milliseconds of a call; reading waits for the GPU. */
async function time(call: (shift: Tensor) => Tensor): Promise<number> {
  const began = performance.now();
  let last = call(tensor(0));
  for (let i = 1; i <= 20; i++) {
    last.dispose();
    last = call(tensor(i)); // a number here would be part of the plan; a tensor is an argument
  }
  await last.read();
  return (performance.now() - began) / 20;
}

const step = capture((shift: Tensor) => slope(x, shift)); // `w` and `x` are closed over: what hangs on them alone is done once
await step.verify(tensor(1)); // runs both and compares; throws if they differ
const eager = await time((shift) => slope(x, shift));
const replayed = await time(step);
console.log(`eager ${eager.toFixed(2)} ms, replayed ${replayed.toFixed(2)} ms, recorded`, step.recordings, "time");
console.log(step.describe().split("\n")[0]); // how many launches there are
step.dispose();
shutdown();
