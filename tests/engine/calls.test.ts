/** What the compiler knows of kernel calls, and what the first use finds where it cannot see. */
import type { KernelCall, LaunchContext, Operand } from "../../engine/lower.js";
import { gridFor } from "../../engine/lower.js";
import { apply, type OpSpec } from "../../engine/op.js";
import { tensor } from "../../engine/tensor.js";
import { gpuTest } from "../executors.js";
import { check, test } from "../harness.js";

declare const x: Operand;
declare const y: Operand;
const grid = [1, 1, 1] as const;

/** Never run: each line below a mark must not compile, and the compiler complains of a mark without need. */
export function refused(): KernelCall[] {
  const good: KernelCall<"sumParts"> = { kernel: "sumParts", bind: { x, y }, params: { count: 1, parts: 1 }, grid };
  const flagged: KernelCall<"cumsum"> = {
    kernel: "cumsum",
    bind: { x, y, start: x },
    params: { count: 1, n: 1, parts: 1, length: 1, inner: 1 },
    spec: { STARTS: true },
    grid,
  };
  return [
    good,
    flagged,
    // @ts-expect-error There is no such kernel.
    { kernel: "sumpart", bind: { x, y }, params: { count: 1, parts: 1 }, grid },
    // @ts-expect-error y is missing.
    { kernel: "sumParts", bind: { x }, params: { count: 1, parts: 1 }, grid },
    // @ts-expect-error There is no binding z.
    { kernel: "sumParts", bind: { x, y, z: y }, params: { count: 1, parts: 1 }, grid },
    // @ts-expect-error parts is missing.
    { kernel: "sumParts", bind: { x, y }, params: { count: 1 }, grid },
    // @ts-expect-error All parameters are missing.
    { kernel: "sumParts", bind: { x, y }, grid },
    // @ts-expect-error There is no parameter part.
    { kernel: "sumParts", bind: { x, y }, params: { count: 1, parts: 1, part: 1 }, grid },
    // @ts-expect-error A number is needed.
    { kernel: "sumParts", bind: { x, y }, params: { count: [1], parts: 1 }, grid },
    // @ts-expect-error There is no flag FLOAT.
    { ...good, spec: { FLOAT: true } },
    // @ts-expect-error A flag is true or false.
    { kernel: "arange", bind: { y }, params: { count: 1, float: [0, 1], integer: [0, 1] }, spec: { SIGNED: 1 }, grid },
    // @ts-expect-error A vector is needed.
    { kernel: "arange", bind: { y }, params: { count: 1, float: 0, integer: [0, 1] }, grid },
  ];
}

test("a grid is counted in the invocations of the kernel's workgroups", () => {
  check.equal(gridFor("sumParts", 64), [1, 1, 1]);
  check.equal(gridFor("sumParts", 65), [2, 1, 1]);
  check.equal(gridFor("random.fold", 3), [3, 1, 1]);
  check.equal(gridFor("sumParts", 64 * 10, 5), [5, 2, 1]);
  check.throws(() => gridFor("sort.block", 1), /settings decide on the workgroups of shader sort.block/);
});

gpuTest("names that the compiler cannot see are looked at in the first use", () => {
  const run = (call: (context: LaunchContext) => KernelCall): void => {
    const spec: OpSpec = {
      ...{ name: "call", shape: ([a]) => a, vjp: null, samples: () => [], failures: () => [] },
      reference: () => {},
      launch: (context) => [call(context)],
    };
    apply(spec, [tensor([1, 2])], {});
  };
  const params = { count: 2, n: 2, parts: 1, length: 2, inner: 1 };
  const extra = { STARTED: true };
  run(({ inputs: [x], output: y }) => ({ kernel: "cumsum", bind: { x, y }, params, grid }));
  const fails = (call: (context: LaunchContext) => KernelCall, message: RegExp) =>
    check.throws(() => run(call), message);
  fails(
    ({ inputs: [x], output: y }) => ({ kernel: "cumsum", bind: { x, y }, params, spec: { STARTS: true }, grid }),
    /shader cumsum gets nothing for binding start/,
  );
  fails(
    ({ inputs: [x], output: y, temp }) => ({ kernel: "cumsum", bind: { x, y, start: temp([2]) }, params, grid }),
    /shader cumsum has no binding start/,
  );
  fails(
    ({ inputs: [x], output: y }) => ({
      kernel: "cumsum",
      bind: { x, y },
      params,
      spec: { REVERSE: false, ...extra },
      grid,
    }),
    /shader cumsum: no constant or flag STARTED; it declares REVERSE, STARTS, TOTALS/,
  );
  fails(
    ({ inputs: [x], output: y }) =>
      ({ kernel: "cumsum", bind: { x, y }, params: { ...params, ...extra }, grid }) as never,
    /shader cumsum has no parameter STARTED/,
  );
});
