/** Methods of tensors are the functions of their names. */

import * as engine from "../../engine/index.js";
import { grad, type Tensor, tensor } from "../../engine/index.js";
import { METHODS as NAMES } from "../../engine/methods.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";

/** What each method is called with, beside the tensor. */
const ARGUMENTS: Readonly<Record<string, () => unknown[]>> = {
  ...{ add: () => [3], sub: () => [tensor([1, 2])], mul: () => [2], div: () => [tensor([[2], [4]])] },
  ...{ neg: () => [], pow: () => [2.5], square: () => [], sqrt: () => [], abs: () => [] },
  ...{ sum: () => [1, { keepDims: true }], mean: () => [0], reshape: () => [[-1]] },
  matmul: () => [tensor([1, 2, 3, 4], [2, 2]), { transposeB: true }],
};
const FUNCTIONS: Readonly<Record<string, unknown>> = { ...engine };
const METHODS: readonly string[] = NAMES;

test("every method is tried, and every one is a function of the library", () => {
  check.equal([...METHODS].sort(), Object.keys(ARGUMENTS).sort());
  for (const name of METHODS) check.is(typeof FUNCTIONS[name], "function", name);
});

for (const name of METHODS)
  referenceTest(`x.${name}(...) is ${name}(x, ...), with its gradient`, async () => {
    type Call = (...args: unknown[]) => Tensor;
    const args = ARGUMENTS[name]();
    const method = (x: Tensor): Tensor => (x[name as "add"] as Call).apply(x, args);
    const call = (x: Tensor): Tensor => (FUNCTIONS[name] as Call)(x, ...args);
    const x = tensor([
      [1, 2],
      [3, 0.5],
    ]);
    check.identical(await method(x).read(), await call(x).read());
    check.equal(method(x).shape, call(x).shape);
    const slope = (f: (x: Tensor) => Tensor): Tensor => grad((z: Tensor) => engine.sum(f(z)))(x);
    check.identical(await slope(method).read(), await slope(call).read());
  });

referenceTest("a formula reads like one", async () => {
  const x = tensor([1, 2, 6]);
  const variance = x.sub(x.mean()).square().mean();
  check.close([await variance.item()], [14 / 3], { rtol: 1e-12 });
  check.throws(() => x.matmul(2 as never), /matmul/);
});
