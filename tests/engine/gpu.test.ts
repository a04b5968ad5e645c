/** The GPU layer: generated kernels on any layout, the stream's ordering, errors that come late, memory. */
import fc from "fast-check";
import { DeviceError, DeviceLostError } from "../../engine/errors.js";
import { executor, type HostArray, swapExecutor } from "../../engine/executor.js";
import { openDevice } from "../../engine/gpu/device.js";
import { GpuExecutor, type GpuExecutorOptions } from "../../engine/gpu/executor.js";
import { Pool } from "../../engine/gpu/pool.js";
import { Replay } from "../../engine/gpu/replay.js";
import { formatProfile, profile } from "../../engine/init.js";
import type { Launch, TensorSpec } from "../../engine/lower.js";
import { apply, type OpSpec } from "../../engine/op.js";
import { add, constant, mul, sub } from "../../engine/ops/arithmetic.js";
import { expand, reshape } from "../../engine/ops/movement.js";
import { contiguousStrides } from "../../engine/shape.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import { reflect } from "../../shaders/reflect.js";
import { gpuTest } from "../executors.js";
import { check } from "../harness.js";

/** An op for these tests only. */
function op(name: string, lowering: Pick<OpSpec<never>, "expression" | "view" | "launch">, like?: TensorSpec) {
  const spec = {
    name,
    shape: ([x]: readonly TensorSpec[]) => like ?? x,
    reference: () => {},
    vjp: null,
    samples: () => [],
    failures: () => [],
    ...lowering,
  } as OpSpec<null>;
  return (...inputs: Tensor[]): Tensor => apply(spec, inputs, null);
}

/** Any layout over x, as a view. */
function viewAs(x: Tensor, shape: readonly number[], strides: readonly number[], offset: number): Tensor {
  return op("view", { view: () => ({ strides, offset }) }, { shape, dtype: x.dtype })(x);
}

const transpose = (x: Tensor): Tensor =>
  viewAs(x, [...x.shape].reverse(), [...contiguousStrides(x.shape)].reverse(), 0);

const gpu = (): GpuExecutor => executor() as GpuExecutor;
const ramp = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => i);
const numbers = async (t: Tensor): Promise<number[]> => [...(await t.read())];

/** Runs `body` on a device of its own, which it may ruin. */
async function onOwnDevice(body: (on: GpuExecutor) => Promise<void>, options: GpuExecutorOptions = {}): Promise<void> {
  const on = new GpuExecutor(await openDevice(), options);
  try {
    await body(on);
  } finally {
    on.destroy();
  }
}

gpuTest("views of any layout, read and computed with, equal the same walk on the host", async () => {
  const data = ramp(4096);
  const x = tensor(data);
  const side = fc.integer({ min: 0, max: 5 });
  const layout = fc
    .array(fc.record({ side, stride: fc.integer({ min: -9, max: 9 }) }), { maxLength: 5 })
    .chain((axes) =>
      fc.record({ axes: fc.constant(axes), wide: fc.boolean(), offset: fc.constantFrom(1024, 1025, 2048) }),
    );
  await fc.assert(
    fc.asyncProperty(layout, async ({ axes, wide, offset }) => {
      const all = wide ? [...axes, { side: 8, stride: 1 }] : axes;
      const shape = all.map((a) => a.side);
      const strides = all.map((a) => (wide && a.stride !== 1 ? a.stride * 4 : a.stride));
      const expected: number[] = [];
      const walk = (axis: number, at: number): void => {
        if (axis === shape.length) expected.push(data[at]);
        else for (let i = 0; i < shape[axis]; i++) walk(axis + 1, at + i * strides[axis]);
      };
      walk(0, offset);
      const v = viewAs(x, shape, strides, offset);
      check.equal(await numbers(v), expected, "read");
      const y = add(v, v);
      check.equal(
        await numbers(y),
        expected.map((e) => 2 * e),
        "computed",
      );
      v.dispose();
      y.dispose();
    }),
    { numRuns: 40 },
  );
});

gpuTest("a chain with broadcasting and strided operands", async () => {
  const a = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  const y = add(mul(transpose(a), tensor([10, 100])), expand(tensor([[0.5]]), [3, 2]));
  check.equal(await numbers(y), [10.5, 400.5, 20.5, 500.5, 30.5, 600.5]);
  check.equal(await numbers(reshape(transpose(a), [6])), [1, 4, 2, 5, 3, 6]);
});

gpuTest("more workgroups than one dimension holds", async () => {
  const n = 2053;
  const x = tensor(ramp(n * n), [n, n]);
  const y = (await sub(transpose(x), tensor(1)).read()) as Float32Array;
  let wrong = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) if (y[i * n + j] !== j * n + i - 1) wrong++;
  check.is(wrong, 0);
});

gpuTest("constants that WGSL cannot write: NaN, infinities, -0, subnormals", async () => {
  const one = tensor([1]);
  check.identical(await mul(one, Number.NaN).read(), [Number.NaN]);
  check.identical(await mul(one, Number.POSITIVE_INFINITY).read(), [Number.POSITIVE_INFINITY]);
  check.identical(await constant(-0).read(), [-0]);
  check.identical(await constant(Number.NEGATIVE_INFINITY).read(), [Number.NEGATIVE_INFINITY]);
  check.identical(await constant(-2147483648, "i32").read(), [-2147483648]);
  check.identical(await constant(4294967295, "u32").read(), [4294967295]);
  check.identical(await constant(1e-40).read(), [Math.fround(1e-40)]);
});

gpuTest("shapes and constants are parameters: few pipelines serve all", async () => {
  const before = gpu().pipelines.size;
  for (let n = 5; n < 15; n++) await mul(tensor(ramp(n)), n / 7).read();
  check.ok(gpu().pipelines.size - before <= 2, `${gpu().pipelines.size - before} new pipelines`);
});

gpuTest("tensors without elements dispatch nothing", async () => {
  const launches = gpu().stream.launches;
  check.equal(await numbers(add(tensor([], [0, 3]), tensor([1, 2, 3]))), []);
  check.is(gpu().stream.launches, launches);
});

gpuTest("a read sees everything recorded before it, and nothing after", async () => {
  let x = tensor([0]);
  const halfway: Promise<HostArray>[] = [];
  for (let i = 1; i <= 1000; i++) {
    x = add(x, 1);
    if (i === 500) halfway.push(x.read());
  }
  check.equal([...(await halfway[0])], [500]);
  check.equal(await numbers(x), [1000]);
});

gpuTest("host data in a recycled buffer does not reach commands recorded earlier", async () => {
  const a = tensor(new Float32Array(1000).fill(1));
  const y = add(a, 1);
  a.dispose();
  const b = tensor(new Float32Array(1000).fill(100));
  check.is((await y.read())[999], 2);
  check.is((await b.read())[0], 100);
});

gpuTest("a kernel that does not compile names file, line and the values it spoilt", async () => {
  const good = add(tensor([1]), 1);
  check.equal(await numbers(good), [2]);
  const bad = op("broken", { expression: ([x]) => `${x} + nothing` })(tensor([1]));
  const after = add(bad, 1);
  const error = await check.rejects(() => after.read(), DeviceError);
  check.match(error.message, /shader broken does not compile: generated:broken:\d+:\d+: unresolved value 'nothing'/);
  check.match(error.message, />\s+\d+ \| {3}let t0: f32 = x0 \+ nothing;/);
  check.throws(() => add(after, 1), /unresolved value/);
  check.equal(await numbers(good), [2], "values known to be good stay good");
  check.equal(await numbers(add(good, 1)), [3], "and the device goes on");
});

gpuTest("what does not fit the adapter is refused with the numbers", async () => {
  const limit = gpu().device.capabilities.maxBindingBytes;
  const before = gpu().memory();
  const side = Math.ceil(limit / 4096) + 1;
  check.throws(
    () => add(expand(tensor([[1]]), [side, 1024]), 1),
    new RegExp(`add: needs ${side * 4096} bytes in one buffer; this adapter binds at most ${limit}`),
  );
  const tooWide = op("wide", {
    launch: ({ inputs: [x], output }) => [
      { kernel: reflect("wide", wideKernel), bind: { x, y: output }, grid: [65_536, 1, 1] },
    ],
  });
  check.throws(() => tooWide(tensor([1])), /shader wide: a grid of 65536×1×1 workgroups; this adapter allows 65535/);
  const after = gpu().memory();
  check.is(after.liveCount - before.liveCount, 4, "two tensors, a view, a constant");
  check.is(after.liveBytes - before.liveBytes, 2 * 256, "refused results give their buffers back");
});
const wideKernel = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1) fn main() { y[0] = x[0]; }`;

gpuTest("kernels and calls that disagree are found before anything is encoded", () => {
  const kernel = reflect(
    "k",
    `struct Params { n: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;
@compute @workgroup_size(1) fn main() { y[0] = x[p.n]; }`,
  );
  const call = (change: (good: Launch) => Partial<Launch>): Tensor =>
    op("k", {
      launch: ({ inputs: [x], output }) => {
        const good: Launch = { kernel, bind: { x, y: output }, params: { n: 0 }, grid: [1, 1, 1] };
        return [{ ...good, ...change(good) }];
      },
    })(tensor([1]));
  check.throws(() => call(() => ({ params: {} })), /shader k gets no value for parameter n/);
  check.throws(() => call(() => ({ params: { n: 0, m: 1 } })), /shader k has no parameter m/);
  check.throws(() => call(() => ({ params: { n: -1 } })), /shader k gets -1 for parameter n, which is u32/);
  check.throws(() => call(({ bind: { x } }) => ({ bind: { x } })), /shader k gets nothing for binding y/);
  check.throws(() => call(({ bind }) => ({ bind: { ...bind, z: bind.x } })), /shader k has no binding z/);
  check.throws(
    () => call(({ bind }) => ({ bind: { ...bind, x: { ...bind.x, dtype: "i32" } } })),
    /shader k declares x as f32 and gets i32/,
  );
  check.throws(() => call(() => ({ kernel: { ...kernel }, spec: { FAST: true } })), /no constant or flag FAST/);
});

gpuTest("replayed calls equal eager ones, again and again", async () => {
  const on = gpu();
  const x = on.upload(ramp(100), { shape: [100], dtype: "f32" });
  const y = on.upload(new Float32Array(100), { shape: [100], dtype: "f32" });
  const kernel = reflect(
    "accumulate",
    `struct Params { n: u32, scale: f32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < p.n) { y[id.x] += p.scale * x[id.x]; }
}`,
  );
  const calls = [0.5, 2].map(
    (scale): Launch => ({ kernel, bind: { x, y }, params: { n: 100, scale }, grid: [2, 1, 1] }),
  );
  const replay = new Replay(on.stream, calls);
  for (let i = 0; i < 4; i++) replay.run();
  check.equal(
    [...(await on.read(y))],
    [...ramp(100)].map((v) => v * 10),
  );
  replay.dispose();
  on.release(x);
  on.release(y);
});

gpuTest("a profile counts calls, time, operations and bytes", async () => {
  const kernel = reflect("counted", wideKernel);
  const counted = op("counted", {
    launch: ({ inputs: [x], output }) => [{ kernel, bind: { x, y: output }, grid: [1, 1, 1], flops: 10 }],
  });
  const x = tensor([1]);
  const { result, kernels } = await profile(() => counted(counted(add(x, 1))).read());
  check.equal([...result], [2]);
  const row = kernels.find((k) => k.kernel === "counted")!;
  check.is(row.calls, 2);
  check.ok(row.ms > 0 && row.gflops! > 0, `${row.ms} ms, ${row.gflops} GFLOP/s`);
  check.close([row.gbps * row.ms * 1e6], [16], { rtol: 1e-9 }, "bytes: two operands of four bytes, twice");
  check.is(kernels.find((k) => k.kernel === "add")!.gflops, undefined);
  check.match(formatProfile(kernels), /kernel +calls +ms +GFLOP\/s +GB\/s\n/);
  check.equal(await numbers(add(x, 1)), [2], "and after it everything is as before");
});

gpuTest("freed buffers are used again, up to the budget", async () => {
  await onOwnDevice(
    async (on) => {
      const spec = { shape: [65_536], dtype: "f32" } as const;
      const bytes = 4 * 65_536;
      const values = [1, 2, 3, 4].map((v) => on.upload(new Float32Array(65_536).fill(v), spec));
      check.equal(on.memory(), { liveCount: 4, liveBytes: 4 * bytes, pooledBytes: 0, peakBytes: 4 * bytes });
      for (const v of values.slice(0, 3)) on.release(v);
      check.equal(on.memory(), { liveCount: 1, liveBytes: bytes, pooledBytes: 2 * bytes, peakBytes: 4 * bytes });
      const again = on.upload(new Float32Array(65_536).fill(5), spec);
      check.equal(on.memory(), { liveCount: 2, liveBytes: 2 * bytes, pooledBytes: bytes, peakBytes: 4 * bytes });
      check.is((await on.read(values[3]))[7], 4);
      check.is((await on.read(again))[7], 5);
    },
    { poolBytes: 2 * 4 * 65_536 },
  );
});

gpuTest(
  "without a budget of its own a pool keeps what repeated work lives on, and gives it up some time after",
  async () => {
    const device = await openDevice({ tuning: false });
    let destroyed = 0;
    const pool = new Pool(device, undefined, () => {
      destroyed++;
    });
    // More than the default budget.
    const sizes = new Array<number>(20).fill(2 ** 26);
    const pass = (): void => {
      for (const storage of sizes.map((bytes) => pool.acquire(bytes, "test"))) pool.release(storage);
    };
    pass();
    const peak = pool.peakBytes;
    for (let i = 0; i < 3; i++) pass();
    check.is(destroyed, 0);
    check.is(pool.pooledBytes, peak);
    // Other work for as long as two windows last.
    for (let i = 0; i < 2 ** 15; i++) pool.release(pool.acquire(256, "test"));
    check.ok(pool.pooledBytes <= 2 ** 30 && destroyed > 0, `${pool.pooledBytes} bytes, ${destroyed} destroyed`);
    device.destroy();
  },
);

gpuTest("a buffer is not destroyed under commands that use it", async () => {
  await onOwnDevice(
    async (on) => {
      const previous = swapExecutor(on);
      const a = tensor(ramp(1000));
      const y = add(a, 1);
      swapExecutor(previous);
      a.dispose();
      check.is(on.memory().pooledBytes, 256, "only the constant: nothing else is kept");
      check.is((await y.read())[999], 1000);
    },
    { poolBytes: 0 },
  );
});

gpuTest("after a loss everything throws, and a pending read rejects", async () => {
  await onOwnDevice(async (on) => {
    const spec = { shape: [3], dtype: "f32" } as const;
    const x = on.upload(ramp(3), spec);
    const pending = on.read(x);
    on.device.gpu.destroy();
    await check.rejects(() => pending, DeviceLostError);
    check.throws(() => on.upload(ramp(3), spec), DeviceLostError);
    await check.rejects(() => on.read(x), /was lost: .*; call shutdown\(\), then init\(\) again/);
    on.release(x);
    check.is(on.memory().liveCount, 0);
  });
});

gpuTest("an adapter that is not there is refused with a remedy", async () => {
  await check.rejects(
    () => openDevice({ adapter: "no such adapter" }),
    /no WebGPU adapter named like "no such adapter" was found; there is ".+": give part of such a name/,
  );
});
