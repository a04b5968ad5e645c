/** Long sums: every op of the table that adds up, and every kernel of products and convolutions, stays within √K of f32 rounding for K
 *  positive terms, whether they are all the same (every addition rounds the same way) or random. */
import type { Launch, LaunchContext } from "../../engine/lower.js";
import { apply, type InputSpec, type OpSpec, type Sample } from "../../engine/op.js";
import type { FilterChoice, InputChoice, MatmulChoice } from "../../engine/ops/choose.js";
import { type ConvAttrs, conv2dFilterSpec, conv2dInputSpec, conv2dSpec } from "../../engine/ops/conv.js";
import { conv2dCalls, conv2dFilterCalls, conv2dInputCalls } from "../../engine/ops/conv.launch.js";
import { matmulSpec } from "../../engine/ops/matmul.js";
import { matmulCalls } from "../../engine/ops/matmul.launch.js";
import { mean } from "../../engine/ops/reduce.js";
import { norm } from "../../engine/ops/statistics.js";
import { table } from "../../engine/ops/table.js";
import { sizeOf } from "../../engine/shape.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import { gpuTest, onReference } from "../executors.js";
import { check, test } from "../harness.js";
import { generator } from "../values.js";

const TERMS = 2 ** 15;
/** Relative, for sums of `terms`. Terms are rounded as well, where they are products or exponentials. */
const bound = (terms: number): number => 2 ** -23 * Math.sqrt(terms);

const fillings = {
  "0.1": () => 0.1,
  random: generator(3),
} as const;

function fill({ shape, dtype = "f32", low = 0 }: InputSpec, next: () => number): Float32Array | Int32Array {
  const n = sizeOf(shape);
  return dtype === "f32" ? Float32Array.from({ length: n }, next) : new Int32Array(n).fill(low);
}

/** The largest relative error of the results, and that allowed. */
async function holds(
  message: string,
  inputs: readonly InputSpec[],
  run: (xs: Tensor[]) => Tensor,
  terms: number,
  definition = run,
): Promise<void> {
  for (const [name, next] of Object.entries(fillings)) {
    const data = inputs.map((spec) => fill(spec, next));
    const make = (): Tensor[] => data.map((d, i) => tensor(d, inputs[i].shape));
    const expected = await onReference(() => definition(make()).read());
    const actual = await run(make()).read();
    let worst = 0;
    for (const [i, e] of expected.entries())
      if (e !== 0) worst = Math.max(worst, Math.abs(actual[i] - e) / Math.abs(e));
    if (process.env.HOLDFAST_REPORT_SUMS) console.log(`${message}, ${name}: ${worst.toExponential(2)}`);
    check.ok(worst <= bound(terms), `${message} of ${name}: ${worst} relative, ${bound(terms)} for ${terms} terms`);
  }
}

for (const op of table.filter(({ sums }) => sums))
  for (const [i, sample] of op.sums!(TERMS).entries())
    gpuTest(`${op.name} ${sample.note ?? i} of many terms`, () => {
      const { inputs, call } = sample as Sample;
      // Logarithms of sums have an absolute error: the results are of the order of ten.
      return holds(op.name, inputs, (xs) => call(...xs), TERMS >> 3);
    });

gpuTest("a running sum of a million", () =>
  holds(
    "cumsum",
    [{ shape: [1_000_000] }],
    ([x]) => table.find(({ name }) => name === "cumsum")!.sums!(1)[0].call(x),
    1_000_000,
  ),
);
gpuTest("mean and norm of a million", async () => {
  await holds("mean", [{ shape: [1_000_000] }], ([x]) => mean(x), 1_000_000);
  await holds("norm", [{ shape: [1_000_000] }], ([x]) => norm(x), 1_000_000);
});

test("every op that adds up says how", () => {
  // An op that is linear, has a kernel of its own and moves no elements adds them up.
  const missing = table.filter(({ linearIn, launch, routes, sums }) => linearIn && launch && !routes && !sums);
  check.equal(
    missing.map(({ name }) => name),
    [],
  );
});

const registers = { variant: "registers", subgroups: false, columns: 12 } as const;
const tiled = { variant: "tiled", side: 8 } as const;
const plain = { variant: "plain" } as const;

/** Runs an op with a kernel that the adapter may not choose. */
function byKernel<A>(
  message: string,
  op: OpSpec<A>,
  launch: (ctx: LaunchContext) => Launch[],
  shapes: readonly (readonly number[])[],
  attrs: A,
): Promise<void> {
  const run = (spec: OpSpec<A>) => (xs: Tensor[]) => apply(spec, xs, attrs);
  return holds(
    message,
    shapes.map((shape) => ({ shape })),
    run({ ...op, launch }),
    TERMS >> 3,
    run(op),
  );
}

const K = TERMS >> 3;
for (const choice of [
  plain,
  { ...registers, exchanged: false },
  { ...tiled, parts: 1 },
  { ...tiled, parts: 3 },
  { variant: "dots", lanes: 8, columns: 4 },
  { variant: "dots", lanes: 64, columns: 1 },
] as MatmulChoice[])
  gpuTest(`a product of many terms by ${Object.values(choice).join(" ")}`, async () => {
    const attrs = { transA: false, transB: true };
    // Whole vectors along the sum, and not.
    for (const k of choice.variant === "dots" ? [K, K + 1] : [K])
      await byKernel("matmul", matmulSpec, (ctx) => matmulCalls(ctx, attrs, () => choice), [[5, k], [6, k]], attrs); // biome-ignore format: one line
  });

for (const choice of [plain, registers, tiled] as InputChoice[]) {
  const attrs: ConvAttrs = {
    ...{ stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 },
    ...{ image: [3, 3], window: [2, 2] },
  };
  const n = K >> 2;
  const split = ("side" in choice || "columns" in choice ? { ...choice, parts: 1 } : choice) as FilterChoice;
  const by = `of many terms by ${Object.values(choice).join(" ")}`;
  gpuTest(`conv2d ${by}`, () =>
    byKernel("conv2d", conv2dSpec, (ctx) => conv2dCalls(ctx, attrs, () => choice as never), [[1, n, 3, 3], [3, n, 2, 2]], attrs)); // biome-ignore format: one line
  gpuTest(`conv2dInput ${by}`, () =>
    byKernel("conv2dInput", conv2dInputSpec, (ctx) => conv2dInputCalls(ctx, attrs, () => choice), [[1, n, 2, 2], [n, 3, 2, 2]], attrs)); // biome-ignore format: one line
  gpuTest(`conv2dFilter ${by}`, () =>
    byKernel("conv2dFilter", conv2dFilterSpec, (ctx) => conv2dFilterCalls(ctx, attrs, () => split), [[n, 2, 3, 3], [n, 3, 2, 2]], attrs)); // biome-ignore format: one line
}
