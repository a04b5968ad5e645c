/** What the compiler knows of kernel calls, and what the first use finds where it cannot see. */
import { call, gridFor, type Launch, type LaunchContext, type Operand } from "../../engine/lower.js";
import { apply, type OpSpec } from "../../engine/op.js";
import { tensor } from "../../engine/tensor.js";
import {
  arangeKernel,
  concatKernel,
  cumsumKernel,
  randomFoldKernel,
  sortBlockKernel,
} from "../../shaders/gen/kernels.js";
import { gpuTest } from "../executors.js";
import { check, test } from "../harness.js";

declare const x: Operand;
declare const y: Operand;
const grid = [1, 1, 1] as const;

/** Never run: each line below a mark must not compile, and the compiler complains of a mark without need. */
export function refused(): Launch[] {
  const good = { bind: { x, y }, params: { count: 1, size: 1, row: 1, start: 0 }, grid };
  const cumsum = { params: { count: 1, n: 1, parts: 1, length: 1, inner: 1 }, grid };
  const arange = { bind: { y }, grid };
  return [
    call(concatKernel, good),
    call(cumsumKernel, { ...cumsum, bind: { x, y, start: x }, spec: { STARTS: true } }),
    // @ts-expect-error There is no such kernel.
    call("concatenate", good),
    // @ts-expect-error y is missing.
    call(concatKernel, { ...good, bind: { x } }),
    // @ts-expect-error There is no binding z.
    call(concatKernel, { ...good, bind: { x, y, z: y } }),
    // @ts-expect-error Three parameters are missing.
    call(concatKernel, { ...good, params: { count: 1 } }),
    // @ts-expect-error All parameters are missing.
    call(concatKernel, { bind: { x, y }, grid }),
    // @ts-expect-error There is no parameter part.
    call(concatKernel, { ...good, params: { ...good.params, part: 1 } }),
    // @ts-expect-error A number is needed.
    call(concatKernel, { ...good, params: { ...good.params, count: [1] } }),
    // @ts-expect-error There is no flag FLOAT.
    call(concatKernel, { ...good, spec: { FLOAT: true } }),
    // @ts-expect-error A flag is true or false.
    call(arangeKernel, { ...arange, params: { count: 1, float: [0, 1], integer: [0, 1] }, spec: { SIGNED: 1 } }),
    // @ts-expect-error A vector is needed.
    call(arangeKernel, { ...arange, params: { count: 1, float: 0, integer: [0, 1] } }),
  ];
}

test("a grid is counted in the invocations of the kernel's workgroups", () => {
  check.equal(gridFor(concatKernel, 64), [1, 1, 1]);
  check.equal(gridFor(concatKernel, 65), [2, 1, 1]);
  check.equal(gridFor(randomFoldKernel, 3), [3, 1, 1]);
  check.equal(gridFor(concatKernel, 64 * 10, 5), [5, 2, 1]);
  check.throws(() => gridFor(sortBlockKernel, 1), /settings decide on the workgroups of shader sort.block/);
});

gpuTest("names that the compiler cannot see are looked at in the first use", () => {
  const run = (launch: (context: LaunchContext) => Launch): void => {
    const spec: OpSpec = {
      ...{ name: "call", shape: ([a]) => a, vjp: null, samples: () => [], failures: () => [] },
      reference: () => {},
      launch: (context) => [launch(context)],
    };
    apply(spec, [tensor([1, 2])], {});
  };
  const params = { count: 2, n: 2, parts: 1, length: 2, inner: 1 };
  const extra = { STARTED: true };
  run(({ inputs: [x], output: y }) => ({ kernel: cumsumKernel, bind: { x, y }, params, grid }));
  const fails = (launch: (context: LaunchContext) => Launch, message: RegExp) =>
    check.throws(() => run(launch), message);
  fails(
    ({ inputs: [x], output: y }) => ({ kernel: cumsumKernel, bind: { x, y }, params, spec: { STARTS: true }, grid }),
    /shader cumsum gets nothing for binding start/,
  );
  fails(
    ({ inputs: [x], output: y, temp }) => ({ kernel: cumsumKernel, bind: { x, y, start: temp([2]) }, params, grid }),
    /shader cumsum has no binding start/,
  );
  fails(
    ({ inputs: [x], output: y }) => ({
      kernel: cumsumKernel,
      bind: { x, y },
      params,
      spec: { REVERSE: false, ...extra },
      grid,
    }),
    /shader cumsum: no constant or flag STARTED; it declares REVERSE, STARTS, TOTALS/,
  );
  fails(
    ({ inputs: [x], output: y }) => ({ kernel: cumsumKernel, bind: { x, y }, params: { ...params, STARTED: 1 }, grid }),
    /shader cumsum has no parameter STARTED/,
  );
});
