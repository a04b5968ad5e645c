/** Sorting on the GPU at sizes and values the generated samples do not reach. */
import { argsortRows } from "../../engine/ops/argsort.js";
import { tensor } from "../../engine/tensor.js";
import { gpuTest, onReference } from "../executors.js";
import { check } from "../harness.js";
import { generator } from "../values.js";

type Data = Float32Array | Int32Array | Uint32Array;

async function sameAsReference(data: Data, shape: number[], descending: boolean): Promise<void> {
  const order = async () => [...(await argsortRows(tensor(data, shape), descending).read())];
  check.identical(await order(), await onReference(order));
}

const random = generator(1);

gpuTest("argsort of 70 000 numbers with ties, zeros of both signs, infinities and NaN", async () => {
  const special = [0, -0, Infinity, -Infinity, NaN, 1, -1, 1e-30, -3e38];
  const data = new Float32Array(70_000).map(() =>
    random() < 0.2 ? special[Math.floor(random() * special.length)] : Math.fround(random() * 8 - 4),
  );
  await sameAsReference(data, [70_000], false);
  await sameAsReference(data, [70_000], true);
});

gpuTest("argsort of integers at the ends of their range", async () => {
  const choices = [-(2 ** 31), 2 ** 31 - 1, 0, -1, 1];
  const signed = new Int32Array(3000).map(() => choices[Math.floor(random() * choices.length)]);
  const unsigned = new Uint32Array(3000).map(() => [0, 2 ** 32 - 1, 2 ** 31][Math.floor(random() * 3)]);
  for (const descending of [false, true]) {
    await sameAsReference(signed, [3000], descending);
    await sameAsReference(unsigned, [2, 1500], descending);
  }
});

gpuTest("argsort of many short rows, which share workgroups", async () => {
  const rows = 66_000;
  await sameAsReference(
    new Float32Array(2 * rows).map(() => random()),
    [rows, 2],
    false,
  );
});
