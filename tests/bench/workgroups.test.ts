/** Dispatches beyond 65 535 workgroups, the most that one dimension takes. */
import { executor } from "../../engine/executor.js";
import type { GpuExecutor } from "../../engine/gpu/executor.js";
import {
  add,
  arange,
  capture,
  concat,
  expand,
  grad,
  mul,
  random,
  reshape,
  slice,
  sum,
  type Tensor,
  type Tree,
  tensor,
} from "../../engine/index.js";
import { avgPool, conv2d, crossEntropy, dense, flatten, sequential, softplus } from "../../nn/index.js";
import { gpuTest } from "../executors.js";
import { check } from "../harness.js";

const different = 4;
const model = sequential([conv2d(4, 3, { padding: "same" }), softplus(), avgPool(2), flatten, dense(3)]);

/** Gradients of the mean loss of a batch that repeats a few images: they do not depend on how often, but for rounding. */
async function gradients(copies: number): Promise<Record<string, ArrayLike<number>>> {
  const count = copies * different;
  const { params } = model.init(random.key(1), [1, 8, 8]);
  const images = random.uniform(random.key(2), [different, 1, 8, 8]);
  const x = mul(reshape(expand(images, [copies, different, 1, 8, 8]), [count, 1, 8, 8]), 1);
  const y = tensor(Int32Array.from({ length: count }, (_, i) => (i % different) % 3));
  const step = capture((p: Tree, x: Tensor, y: Tensor) => {
    const loss = (p: Tree, x: Tensor) => crossEntropy(model.apply(p, x), y);
    const ofParameters = grad((p: Tree) => loss(p, x))(p);
    const ofImages = mul(grad((x: Tensor) => loss(p, x))(x), copies);
    return { filter: ofParameters[0].weight, bias: ofParameters[0].bias, dense: ofParameters[4].weight, ofImages };
  });
  const made = step(params, x, y);
  const ofImages = await made.ofImages.read();
  const read = async (t: Tensor) => t.read();
  const results = {
    ...{ filter: await read(made.filter), bias: await read(made.bias), dense: await read(made.dense) },
    ...{ first: ofImages.slice(0, different * 64), last: ofImages.slice(-different * 64) },
  };
  step.dispose();
  return results;
}

/** Of every dispatch of `body` with more workgroups than fit one dimension, the op that its kernel is named after. */
async function wideDispatches(body: () => Promise<void>): Promise<string[]> {
  const { stream } = executor() as GpuExecutor;
  const wide: string[] = [];
  const encode = stream.encode.bind(stream);
  stream.encode = (prepared) => {
    const [x, y] = prepared.call.grid;
    if (x * y > 65_535) wide.push(prepared.pipeline.name.replace(/[._].*/, ""));
    encode(prepared);
  };
  try {
    await body();
  } finally {
    // The method of the class shows again.
    Reflect.deleteProperty(stream, "encode");
  }
  return wide;
}

gpuTest("a batch that takes more than 65 535 workgroups gives the gradients of a few images", async () => {
  const truth = await gradients(1);
  const wide = await wideDispatches(async () => {
    const many = await gradients(17_500);
    for (const [name, values] of Object.entries(truth)) {
      const scale = Math.max(...Array.from(values, Math.abs));
      const worst = Math.max(...Array.from(values, (value, i) => Math.abs(value - many[name][i]) / scale));
      check.ok(worst < 1e-3, `${name} differs by ${worst} of its largest entry`);
    }
  });
  // The convolution and its gradient in the images, which may be made by the same kernel.
  check.ok(wide.filter((op) => op.startsWith("conv2d")).length >= 2, wide.join(", "));
});

gpuTest("so do elements and rows", async () => {
  // Odd, so that they cannot be copied by fours.
  const [count, length] = [70_002, 249];
  const row = Float32Array.from({ length }, (_, i) => (i % 7) - 3);
  const wide = await wideDispatches(async () => {
    const half = (from: number) =>
      add(expand(tensor(row), [count / 2, length]), reshape(arange(from, from + count / 2), [count / 2, 1]));
    const x = concat([half(0), half(count / 2)]);
    const last = await slice(x, [count - 1, 0], [1, -1]).read();
    check.equal(
      [...last],
      [...row].map((value) => value + count - 1),
    );
    const sums = await sum(x, 1).read();
    const base = row.reduce((total, value) => total + value, 0);
    for (const i of [0, 1, 65_535, 65_536, count - 1])
      check.ok(Math.abs(sums[i] - (base + i * length)) <= 1e-5 * (1 + i * length), `row ${i} sums to ${sums[i]}`);
  });
  check.ok(wide.includes("concat"), wide.join(", "));
});
