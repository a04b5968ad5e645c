/** Every kernel of the matrix product and the convolutions, whatever the adapter would choose, against the reference. */
import { capture } from "../../engine/capture.js";
import { executor } from "../../engine/executor.js";
import type { GpuExecutor } from "../../engine/gpu/executor.js";
import type { Launch, LaunchContext } from "../../engine/lower.js";
import { apply, type OpSpec } from "../../engine/op.js";
import { add } from "../../engine/ops/arithmetic.js";
import { clamp } from "../../engine/ops/binary.js";
import type { FilterChoice, InputChoice, MatmulChoice } from "../../engine/ops/choose.js";
import { type ConvAttrs, conv2d, conv2dFilterSpec, conv2dInputSpec, conv2dSpec } from "../../engine/ops/conv.js";
import { conv2dCalls, conv2dFilterCalls, conv2dInputCalls } from "../../engine/ops/conv.launch.js";
import { type MatmulAttrs, matmul, matmulSpec } from "../../engine/ops/matmul.js";
import { matmulCalls } from "../../engine/ops/matmul.launch.js";
import { windowSpread } from "../../engine/ops/pool.average.js";
import { sumSpec } from "../../engine/ops/reduce.js";
import { reduceCalls } from "../../engine/ops/reduce.launch.js";
import { dotColumns } from "../../engine/ops/tuned.js";
import { sizeOf } from "../../engine/shape.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import { gpuTest, onReference } from "../executors.js";
import { check, skip } from "../harness.js";

const plain = { variant: "plain" } as const;
/** Register tiles pass values around a subgroup of eight or more; smaller ones never choose them. */
function skipOnSmallSubgroups({ subgroups }: { readonly subgroups?: boolean }): void {
  const { capabilities } = (executor() as GpuExecutor).device;
  if (subgroups && !(capabilities.subgroups && capabilities.subgroupMinSize >= 8))
    skip(`subgroups of ${capabilities.subgroupMinSize}; 8 are needed`);
}

/** Tiles of which a lane loads some of four columns, five or eight; a pipeline each, which takes its time to compile. */
const registers = [
  { variant: "registers", subgroups: true, columns: 12 },
  { variant: "registers", subgroups: true, columns: 36 },
  { variant: "registers", subgroups: true, columns: 64 },
  { variant: "registers", subgroups: false, columns: 24 },
] as const;
const tiled = { variant: "tiled", side: 8 } as const;

/** Uneven numbers in [-1, 1), the same for the same shape. */
function values(shape: readonly number[]): Float32Array {
  let state = 12345 + sizeOf(shape);
  return Float32Array.from({ length: sizeOf(shape) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** Runs `op` with `launch` on the GPU and compares with its reference; `depth` terms are summed for each output. */
async function compare<A>(
  op: OpSpec<A>,
  launch: (ctx: LaunchContext) => Launch[],
  shapes: readonly (readonly number[])[],
  attrs: A,
  depth: number,
  message: string,
): Promise<void> {
  const run = (spec: OpSpec<A>) =>
    apply(
      spec,
      shapes.map((shape) => tensor(values(shape), shape)),
      attrs,
    ).read();
  const expected = await onReference(() => run(op));
  check.close(await run({ ...op, launch }), expected, { atol: 2e-5 * Math.sqrt(depth) }, message);
}

const products: readonly { a: number[]; b: number[]; m: number; n: number; k: number }[] = [
  { a: [], b: [], m: 70, n: 65, k: 7 },
  { a: [], b: [], m: 1, n: 130, k: 300 },
  { a: [3], b: [], m: 36, n: 20, k: 12 },
  { a: [2, 1, 2], b: [1, 3, 2], m: 8, n: 4, k: 5 },
];

const asTheyAre = (calls: Launch[]): Launch[] => calls;

async function checkProducts(
  choice: MatmulChoice,
  cases = products,
  transpositions = [0, 1, 2, 3],
  change = asTheyAre,
): Promise<void> {
  for (const { a, b, m, n, k } of cases)
    for (const attrs of transpositions.map((bits): MatmulAttrs => ({ transA: bits > 1, transB: bits % 2 === 1 }))) {
      const left = [...a, ...(attrs.transA ? [k, m] : [m, k])];
      const right = [...b, ...(attrs.transB ? [n, k] : [k, n])];
      const launch = (ctx: LaunchContext) => change(matmulCalls(ctx, attrs, () => choice));
      await compare(matmulSpec, launch, [left, right], attrs, k, `[${left}] · [${right}] ${JSON.stringify(attrs)}`);
    }
}

/** Image, window, options: tails in every direction, strides, one-sided padding, holes, one pixel, one channel. */
const convolutions: readonly { x: number[]; w: number[]; attrs: Partial<ConvAttrs>; out: [number, number] }[] = [
  { x: [2, 3, 9, 7], w: [5, 3, 3, 3], attrs: {}, out: [7, 5] },
  { x: [2, 3, 11, 10], w: [7, 3, 3, 2], attrs: { stride: [2, 3], padding: [0, 2, 1, 0] }, out: [6, 4] },
  {
    x: [1, 3, 12, 11],
    w: [6, 3, 3, 3],
    attrs: { stride: [2, 2], padding: [3, 1, 0, 2], dilation: [2, 1] },
    out: [6, 6],
  },
  { x: [3, 9, 7, 7], w: [66, 9, 3, 3], attrs: { padding: [1, 1, 1, 1] }, out: [7, 7] },
  { x: [4, 1, 12, 12], w: [33, 1, 5, 5], attrs: { padding: [2, 2, 2, 2] }, out: [12, 12] },
  { x: [2, 3, 4, 4], w: [5, 3, 3, 3], attrs: { padding: [4, 3, 2, 5] }, out: [9, 9] },
  { x: [1, 2, 3, 3], w: [2, 2, 3, 3], attrs: { stride: [2, 3] }, out: [1, 1] },
  { x: [3, 3, 6, 8], w: [5, 3, 3, 4], attrs: { stride: [2, 1], padding: [1, 1, 2, 1] }, out: [3, 8] },
];
const grouped: typeof convolutions = [
  { x: [2, 4, 7, 7], w: [8, 1, 3, 3], attrs: { groups: 4, stride: [2, 1], padding: [1, 0, 1, 2] }, out: [3, 8] },
];
/** Depthwise and not; strides that step over taps and over pixels, tails, whole vectors, padding beyond the window. */
const inStrips: typeof convolutions = [
  ...grouped,
  { x: [2, 3, 13, 12], w: [3, 1, 3, 3], attrs: { groups: 3, padding: [1, 1, 1, 1] }, out: [13, 12] },
  { x: [1, 3, 15, 17], w: [3, 1, 3, 3], attrs: { groups: 3, stride: [2, 2], padding: [1, 1, 1, 1] }, out: [8, 9] },
  { x: [3, 2, 14, 9], w: [2, 1, 5, 5], attrs: { groups: 2, padding: [2, 2, 2, 2] }, out: [14, 9] },
  { x: [1, 2, 11, 21], w: [6, 1, 5, 5], attrs: { groups: 2, stride: [2, 2], padding: [2, 1, 3, 2] }, out: [5, 11] },
  { x: [1, 4, 10, 18], w: [2, 2, 2, 3], attrs: { groups: 2, stride: [3, 4], padding: [0, 1, 2, 1] }, out: [4, 5] },
  { x: [2, 6, 9, 10], w: [9, 2, 3, 2], attrs: { groups: 3, padding: [4, 3, 2, 5] }, out: [14, 16] },
  { x: [1, 2, 6, 8], w: [2, 1, 1, 1], attrs: { groups: 2, stride: [2, 2], padding: [0, 0, 1, 0] }, out: [3, 5] },
  // Rows of x are whole vectors, under those of y or beside them; those of the gradient as well in the last two.
  { x: [2, 4, 5, 8], w: [6, 2, 2, 3], attrs: { groups: 2, padding: [0, 0, 5, 6] }, out: [4, 17] },
  { x: [1, 2, 9, 12], w: [2, 1, 3, 5], attrs: { groups: 2, stride: [2, 2], padding: [1, 1, 3, 7] }, out: [5, 9] },
  { x: [1, 2, 9, 12], w: [4, 1, 3, 3], attrs: { groups: 2, stride: [1, 2], padding: [0, 0, 0, 1] }, out: [7, 6] },
  { x: [1, 2, 7, 20], w: [2, 1, 2, 4], attrs: { groups: 2, stride: [2, 4], padding: [0, 1, 2, 2] }, out: [4, 6] },
  { x: [2, 4, 7, 12], w: [6, 2, 3, 5], attrs: { groups: 2, padding: [1, 1, 5, 3] }, out: [7, 16] },
  { x: [1, 2, 7, 12], w: [2, 1, 3, 5], attrs: { groups: 2, padding: [1, 0, 0, 0] }, out: [6, 8] },
];

async function checkConvolutions(
  choice: InputChoice,
  parts: number,
  cases: readonly unknown[],
  change = asTheyAre,
): Promise<void> {
  for (const { x, w, attrs: given, out } of cases as typeof convolutions) {
    const attrs: ConvAttrs = {
      ...{ stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 },
      ...{ ...given, image: [x[2], x[3]], window: [w[2], w[3]] },
    };
    const g = [x[0], w[0], ...out];
    const label = `x [${x}] w [${w}] ${JSON.stringify(given)}`;
    const taps = w[2] * w[3];
    const input = (ctx: LaunchContext) => change(conv2dInputCalls(ctx, attrs, () => choice));
    await compare(conv2dInputSpec, input, [g, w], attrs, w[0] * taps, `conv2dInput ${label}`);
    if (choice.variant === "fold") continue;
    const forward = (ctx: LaunchContext) => change(conv2dCalls(ctx, attrs, () => choice));
    await compare(conv2dSpec, forward, [x, w], attrs, w[1] * taps, `conv2d ${label}`);
    const split: FilterChoice =
      choice.variant === "product"
        ? plain
        : choice.variant === "strips"
          ? { ...choice, parts, lanes: parts > 1 ? 8 : 64 }
          : choice.variant === "registers" || choice.variant === "tiled"
            ? { ...choice, parts }
            : choice;
    const filter = (ctx: LaunchContext) => change(conv2dFilterCalls(ctx, attrs, () => split));
    await compare(conv2dFilterSpec, filter, [x, g], attrs, x[0] * out[0] * out[1], `conv2dFilter ${label}`);
  }
}

const named = (choice: object): string => Object.values(choice).join(" ");

gpuTest("matmul plain", () => checkProducts(plain));
for (const tile of registers)
  for (const exchanged of [false, true]) {
    const choice = { ...tile, exchanged };
    gpuTest(`matmul ${named(choice)}`, () => {
      skipOnSmallSubgroups(choice);
      return checkProducts(choice);
    });
  }
for (const choice of [
  { ...tiled, parts: 3 },
  { ...tiled, side: 16, parts: 1 },
] as const)
  gpuTest(`matmul ${named(choice)}`, () => checkProducts(choice, products.slice(0, 3), [0, 3]));

/** Few lines on either side, one and more than a workgroup makes, sums that are whole vectors or not, short and longer than a block; batches
 *  of both, of one, and in two levels. */
const fewLines: typeof products = [
  { a: [], b: [], m: 1, n: 130, k: 300 },
  { a: [], b: [], m: 37, n: 3, k: 8 },
  { a: [], b: [], m: 5, n: 9, k: 31 },
  { a: [], b: [], m: 2, n: 1, k: 4099 },
  { a: [], b: [], m: 1, n: 1, k: 20_000 },
  { a: [3], b: [], m: 6, n: 2, k: 12 },
  { a: [3], b: [3], m: 9, n: 2, k: 12 },
  { a: [2, 1, 2], b: [1, 3, 2], m: 3, n: 4, k: 6 },
  { a: [2, 1, 2], b: [1, 3, 2], m: 1, n: 5, k: 7 },
];
for (const lanes of [8, 64] as const)
  for (const columns of dotColumns)
    gpuTest(`matmul dots ${lanes} ${columns}`, async () => {
      const choice = { variant: "dots", lanes, columns } as const;
      await checkProducts(choice, fewLines, [1]);
      // Of a single line it does not matter how it is stored.
      const single = (side: "m" | "n") => fewLines.filter((product) => product[side] === 1);
      await checkProducts(choice, single("n"), [0]);
      await checkProducts(choice, single("m"), [3]);
    });
gpuTest("dot products without subgroups", () => {
  const attrs = { transA: false, transB: true };
  const choose = () => ({ variant: "dots", lanes: 8, columns: 2 }) as const;
  const launch = (ctx: LaunchContext) => {
    const calls = matmulCalls({ ...ctx, caps: { ...ctx.caps, subgroups: false } }, attrs, choose);
    check.is(calls[0].spec?.SUBGROUPS, false);
    return calls;
  };
  return compare(matmulSpec, launch, [[3, 44], [21, 44]], attrs, 44, "[3,44] · [21,44]"); // biome-ignore format: one line
});
gpuTest("what follows a dense layer of one sample is fused into its dot products", async () => {
  const f = (x: Tensor, w: Tensor, b: Tensor) => clamp(add(matmul(x, w, { transposeB: true }), b), 0, 6);
  const shapes = [[1, 512], [1000, 512], [1000]]; // biome-ignore format: one line
  const given = (): [Tensor, Tensor, Tensor] => shapes.map((s) => tensor(values(s), s)) as never;
  const step = capture(f);
  const y = step(...given());
  const { capabilities } = (executor() as GpuExecutor).device;
  if (capabilities.subgroupMinSize >= 8) check.ok(/matmul\.dots\+/.test(step.describe()), step.describe());
  const expected = await onReference(() => f(...given()).read());
  check.close(await y.read(), expected, { atol: 2e-5 * Math.sqrt(512) });
  step.dispose();
});

gpuTest("convolutions plain", () => checkConvolutions(plain, 1, [...convolutions, ...grouped]));
gpuTest("convolutions in strips", async () => {
  await checkConvolutions({ variant: "strips", rows: 3 }, 2, inStrips);
  await checkConvolutions({ variant: "strips", rows: 32 }, 1, inStrips);
});
gpuTest("what follows a convolution in strips is fused into it, row by row of whole vectors or not", async () => {
  for (const width of [24, 27]) {
    const f = (x: Tensor, w: Tensor, b: Tensor) => clamp(add(conv2d(x, w, { groups: 16, padding: 1 }), b), 0, 6);
    const shapes = [
      [1, 16, 40, width],
      [16, 1, 3, 3],
      [16, 1, 1],
    ];
    const given = (): [Tensor, Tensor, Tensor] => shapes.map((s) => tensor(values(s), s)) as never;
    const step = capture(f);
    const y = step(...given());
    check.ok(/conv2d\.strips\+/.test(step.describe()), `the plan of width ${width}`);
    const expected = await onReference(() => f(...given()).read());
    check.close(await y.read(), expected, { atol: 1e-5 }, `width ${width}`);
    step.dispose();
  }
});
gpuTest("windows that overlap are spread in strips", async () => {
  for (const [shape, image, size, stride, padding] of [
    [[2, 9, 28, 28], [57, 57], 3, 2, 0],
    [[1, 5, 40, 44], [40, 44], 5, 1, 2],
    [[3, 4, 21, 21], [40, 40], 2, 2, 1],
  ] as const) {
    const run = () => windowSpread(tensor(values(shape), shape), { size, stride, padding, image }).read();
    const expected = await onReference(run);
    check.close(await run(), expected, { atol: 1e-5 }, `${shape} to ${image}`);
  }
});
gpuTest("convolutions of one pixel as products", async () => {
  for (const [x, w] of [
    [
      [3, 9, 7, 6],
      [13, 9, 1, 1],
    ],
    [
      [1, 40, 5, 5],
      [70, 40, 1, 1],
    ],
  ]) {
    const window = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 } as const;
    const attrs: ConvAttrs = { ...window, image: [x[2], x[3]], window: [1, 1] };
    const g = [x[0], w[0], x[2], x[3]];
    const product = () => ({ variant: "product" }) as const;
    const forward = (ctx: LaunchContext) => conv2dCalls(ctx, attrs, product);
    await compare(conv2dSpec, forward, [x, w], attrs, w[1], `conv2d [${x}] [${w}]`);
    const input = (ctx: LaunchContext) => conv2dInputCalls(ctx, attrs, product);
    await compare(conv2dInputSpec, input, [g, w], attrs, w[0], `conv2dInput [${x}] [${w}]`);
  }
});
gpuTest("conv2dInput fold", () => checkConvolutions({ variant: "fold" }, 1, convolutions));
for (const choice of registers)
  gpuTest(`convolutions ${named(choice)}`, async () => {
    skipOnSmallSubgroups({ subgroups: "subgroups" in choice && choice.subgroups });
    await checkConvolutions(choice, 1, convolutions.slice(0, 1));
    await checkConvolutions(choice, 3, convolutions);
  });

// One by one: sizes decide on the variant, and each takes a software adapter its time to compile.
for (const [i, convolution] of convolutions.entries())
  gpuTest(`convolutions ${named(tiled)}, case ${i}`, () => checkConvolutions(tiled, i === 0 ? 1 : 3, [convolution]));
gpuTest("tiles with their sizes in the text", async () => {
  const bake = (calls: Launch[]): Launch[] => calls.map((call) => ({ ...call, bake: true }));
  await checkProducts({ ...tiled, parts: 3 }, [products[0]], [1], bake);
  await checkConvolutions(tiled, 3, convolutions.slice(1, 2), bake);
});

/** Images that leave tails of 8 × 8 tiles or none, odd numbers of them, and padding beyond the window or none; every window. */
const filtered: typeof convolutions = [
  { x: [3, 3, 9, 12], w: [5, 3, 3, 3], attrs: { padding: [1, 1, 1, 1] }, out: [9, 12] },
  { x: [3, 4, 14, 14], w: [8, 4, 5, 5], attrs: { padding: [2, 2, 2, 2] }, out: [14, 14] },
  { x: [1, 1, 4, 4], w: [3, 1, 3, 3], attrs: { padding: [5, 3, 0, 4] }, out: [10, 6] },
  { x: [2, 3, 13, 11], w: [5, 3, 4, 4], attrs: { padding: [1, 2, 2, 1] }, out: [13, 11] },
  { x: [2, 3, 15, 12], w: [4, 3, 5, 5], attrs: {}, out: [11, 8] },
  { x: [2, 3, 10, 9], w: [4, 3, 6, 6], attrs: { padding: [2, 3, 3, 2] }, out: [10, 9] },
  // Points of 32 tiles and 32 channels lie apart by more than their size.
  { x: [8, 32, 12, 12], w: [32, 32, 3, 3], attrs: { padding: [1, 1, 1, 1] }, out: [12, 12] },
];
// Two images of the first two at a time, then the third alone; then one by one of three that are transformed together.
for (const group of [33, 4])
  for (const side of [8, 4] as const) {
    const choice = { variant: "winograd", side, tiles: group === 33 ? (33 * 8) / side : 1024, group } as const;
    gpuTest(`convolutions winograd, tiles of ${side}, ${group} at a time`, () =>
      checkConvolutions(
        choice,
        1,
        filtered.filter(({ w }) => side === 8 || w[3] === 3),
      ),
    );
  }

/** Planes of even and odd sides that a transform of 8 or 16 holds, up to the last place; windows of every shape, padding beyond them or none. */
const transformed: readonly (typeof convolutions)[number][] = [
  { x: [3, 4, 14, 14], w: [8, 4, 5, 5], attrs: { padding: [2, 2, 2, 2] }, out: [14, 14] },
  { x: [5, 3, 13, 9], w: [5, 3, 3, 4], attrs: { padding: [1, 1, 2, 1] }, out: [13, 9] },
  { x: [2, 3, 16, 12], w: [4, 3, 5, 2], attrs: {}, out: [12, 11] },
  { x: [1, 2, 4, 5], w: [3, 2, 3, 3], attrs: { padding: [5, 3, 0, 4] }, out: [10, 7] },
  { x: [9, 3, 7, 7], w: [6, 3, 3, 3], attrs: { padding: [1, 1, 1, 1] }, out: [7, 7] },
  { x: [2, 3, 8, 5], w: [4, 3, 4, 5], attrs: {}, out: [5, 1] },
  { x: [2, 2, 6, 6], w: [3, 2, 4, 4], attrs: { padding: [2, 0, 2, 0] }, out: [5, 5] },
  { x: [2, 2, 6, 6], w: [3, 2, 4, 4], attrs: { padding: [0, 2, 0, 2] }, out: [5, 5] },
  { x: [1, 1, 3, 2], w: [1, 1, 2, 2], attrs: { padding: [2, 0, 1, 3] }, out: [4, 5] },
];
for (const images of [64, 2])
  for (const side of [8, 16] as const)
    gpuTest(`convolutions fourier, ${side} positions, ${images} at a time`, () =>
      checkConvolutions(
        { variant: "fourier", side, images },
        1,
        transformed.filter(({ x, out }) => side === 16 || Math.max(...x.slice(2), ...out) <= 8),
      ),
    );

/** Shapes whose reduction is cut into parts on software: whole and uneven ones, of quads and of single numbers, along and
 *  across the order of memory. */
const reductions: readonly { x: number[]; axes: number[] }[] = [
  { x: [40_000], axes: [0] },
  { x: [2, 4099], axes: [1] },
  { x: [9004, 3], axes: [0] },
  { x: [5003, 8], axes: [0] },
  { x: [2, 6001, 4], axes: [1] },
];
gpuTest("reductions in parts", async () => {
  for (const { x, axes } of reductions) {
    const attrs = { axes, keepDims: false };
    const launch = (ctx: LaunchContext) => reduceCalls(ctx, axes, "sum");
    await compare(sumSpec, launch, [x], attrs, sizeOf(axes.map((a) => x[a])), `sum [${x}] over ${axes}`);
  }
});
