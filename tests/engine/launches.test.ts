/** What a captured step prepares: once for constants, once for all that need it, and never from what has changed since. */
import { capture } from "../../engine/capture.js";
import { DeviceError } from "../../engine/errors.js";
import { executor, withExecutor } from "../../engine/executor.js";
import { openDevice } from "../../engine/gpu/device.js";
import { GpuExecutor } from "../../engine/gpu/executor.js";
import { grad } from "../../engine/grad.js";
import { hoistLaunches, shareLaunches } from "../../engine/graph/launches.js";
import type { Capabilities, Launch, Operand } from "../../engine/lower.js";
import { add, mul } from "../../engine/ops/arithmetic.js";
import { conv2d } from "../../engine/ops/conv.js";
import { zeros } from "../../engine/ops/create.js";
import { cumsum } from "../../engine/ops/cumsum.js";
import { expand } from "../../engine/ops/movement.js";
import { sum } from "../../engine/ops/reduce.js";
import { slice } from "../../engine/ops/slice.js";
import { square } from "../../engine/ops/unary.js";
import type { Tensor } from "../../engine/tensor.js";
import type { Kernel } from "../../shaders/kernel.js";
import { gpuTest } from "../executors.js";
import { check, test } from "../harness.js";
import { tensorsOf } from "../values.js";
import { network, training } from "./net.js";
import { gpu, llvmpipe, programOn } from "./programs.js";

const operand = (buffer: string, elements = 4): Operand => ({
  ...{ shape: [elements], dtype: "f32", strides: [1], offset: 0, buffer },
});
const kernel: Kernel = {
  ...{ name: "copy", source: [] },
  bindings: [
    { name: "a", binding: 0, access: "read", scalar: "f32" },
    { name: "b", binding: 1, access: "read_write", scalar: "f32" },
  ],
};
/** A launch that reads `from` and writes `to`, times a factor. */
const launch = (from: string, to: string, factor = 1, elements?: number, read?: number): Launch => ({
  kernel,
  bind: { a: operand(from, read), b: operand(to, elements) },
  params: { factor },
  grid: [1, 1, 1],
});
const isScratch = (buffer: unknown): boolean => String(buffer).startsWith("t");
const arrows = (launches: readonly Launch[]): string[] =>
  launches.map(({ bind }) => `${bind.a.buffer}>${bind.b.buffer}`);

test("equal launches on equal contents become one, and their readers follow", () => {
  const { launches, standsFor } = shareLaunches(
    [launch("x", "t1"), launch("x", "t2"), launch("t2", "t3"), launch("t1", "t4"), launch("t4", "y")],
    isScratch,
  );
  check.equal(arrows(launches), ["x>t1", "t1>t3", "t3>y"]);
  check.equal(
    [...standsFor],
    [
      ["t2", "t1"],
      ["t4", "t3"],
    ],
  );
});

test("launches that differ in a parameter, a content or what they overwrite stay", () => {
  const kept = (...launches: Launch[]): void =>
    check.equal(arrows(shareLaunches(launches, isScratch).launches), arrows(launches));
  kept(launch("x", "t1", 0), launch("x", "t2", -0), launch("x", "t3", Number.NaN), launch("x", "t4", -1 / 0));
  // x is overwritten in between: an argument that a step updates in place.
  kept(launch("x", "t1"), launch("t1", "x"), launch("x", "t2"));
  // t1 is written again later, so it cannot stand for t2.
  kept(launch("x", "t1"), launch("x", "t2"), launch("y", "t1"), launch("t2", "z"));
});

test("what reaches only fixed buffers runs once, unless it grows large", () => {
  const fixed = (buffer: unknown): boolean => String(buffer).startsWith("c");
  const split = hoistLaunches(
    [launch("c", "t1"), launch("t1", "t2"), launch("x", "t3"), launch("t2", "x"), launch("c", "t4", 1, 2 ** 17)],
    fixed,
    isScratch,
  );
  check.equal(arrows(split.once), ["c>t1", "t1>t2"]);
  check.equal(arrows(split.launches), ["x>t3", "t2>x", "c>t4"]);
  check.equal([...split.fixed], ["t1", "t2"]);
});

test("large results of what is fixed are kept while they are no more than all that is fixed", () => {
  const fixed = (buffer: unknown): boolean => String(buffer).startsWith("c");
  const large = 2 ** 18;
  // Two grow from little, and a third that is read makes room for one of them.
  const calls = [launch("c1", "t1", 1, large), launch("c2", "t2", 1, large), launch("c3", "y", 1, 1, large)];
  check.equal(arrows(hoistLaunches(calls, fixed, isScratch).once), ["c1>t1"]);
  check.equal(arrows(hoistLaunches(calls.slice(0, 2), fixed, isScratch).once), []);
});

/** How often weights are packed before the first call and in each call of the second-order step of two convolutions. */
function packs(closedOver: boolean): [once: number, each: number] {
  const { once, launches } = programOn(llvmpipe, () => {
    const weights = zeros([32, 32, 5, 5]);
    const score = (z: Tensor, w: Tensor): Tensor => sum(square(conv2d(square(conv2d(z, w)), w)));
    const step = (x: Tensor, given: Tensor): Tensor => {
      const w = closedOver ? weights : given;
      return grad((z: Tensor) => sum(square(grad((y: Tensor) => score(y, w))(z))))(x);
    };
    return { step, args: [zeros([8, 32, 28, 28]), zeros([32, 32, 5, 5])] };
  });
  // For register tiles, or as spectra for minimal filtering.
  const isPack = ({ kernel, spec }: Launch): boolean =>
    kernel.name === "conv2d.pack" || (kernel.name === "winograd.evaluate" && spec?.SCALED === true);
  const count = (calls: readonly Launch[]): number => calls.filter(isPack).length;
  return [count(once), count(launches)];
}

test("a second-order step packs a set of weights once for each direction", () => {
  check.equal(packs(false), [0, 2]);
});

test("weights that are closed over are not packed in calls", () => {
  check.equal(packs(true), [2, 0]);
});

test("small tiles filter windows that are closed over, where one run would not pay for their spectra", () => {
  const makes = (closedOver: boolean): string[] => {
    const program = programOn(llvmpipe, () => {
      const w = zeros([256, 256, 3, 3]);
      const step = (x: Tensor, given: Tensor): Tensor => conv2d(x, closedOver ? w : given, { padding: "same" });
      return { step, args: [zeros([1, 256, 7, 7]), zeros([256, 256, 3, 3])] };
    });
    return program.launches.map(({ kernel }) => kernel.name);
  };
  check.equal(makes(true), ["winograd.image4", "matmul.registers", "winograd.collect4"]);
  check.equal(makes(false), ["conv2d.pack", "conv2d.registers"]);
});

test("both gradients of a convolution filter the same spectra, where those of images overlap with their neighbours alone", () => {
  /** Spectra of what comes back and the image, and what they become. */
  const made = (window: number): string[] => {
    const { launches } = programOn(llvmpipe, () => ({
      step: grad((p: readonly Tensor[]) => sum(square(conv2d(p[0], p[1], { padding: "same" })))),
      args: [[zeros([8, 32, 28, 28]), zeros([32, 32, window, window])]],
    }));
    const transforms = launches.filter(
      ({ kernel, spec }) => kernel.name.startsWith("winograd.") && spec?.SCALED !== true,
    );
    return transforms.map(({ kernel }) => kernel.name.split("+")[0]);
  };
  for (const window of [3, 5]) {
    const names = made(window);
    const count = (name: string): number => names.filter((other) => other === name).length;
    check.equal([count("winograd.image"), count("winograd.evaluate")], [1, 1], names.join());
    check.ok(count("winograd.fold") >= 1, names.join());
  }
  check.ok(!made(6).includes("winograd.fold"), "windows of 6");
});

test("a convolution by transforms and its gradients make each of the three spectra once", () => {
  const { launches } = programOn(llvmpipe, () => ({
    step: grad((p: readonly Tensor[]) => sum(square(conv2d(p[0], p[1], { padding: "same" })))),
    args: [[zeros([64, 32, 14, 14]), zeros([64, 32, 5, 5])]],
  }));
  const transforms = launches.flatMap(({ kernel: { name } }) => (/^fourier\.\w+/.exec(name) ?? [])[0] ?? []);
  check.equal(transforms.sort(), [...Array(3).fill("fourier.forward"), ...Array(3).fill("fourier.inverse")]);
});

/** A step of two convolutions by register tiles. */
const strided = (x: Tensor, w: Tensor, v: Tensor): Tensor =>
  sum(square(conv2d(conv2d(x, w, { stride: 2 }), v, { stride: 2 })), [1, 2, 3]);
const stridedSpecs = [{ shape: [2, 16, 17, 17] }, { shape: [32, 16, 3, 3] }, { shape: [32, 32, 3, 3] }];

test("weights that are arguments are packed first, into buffers of their own, unless they are donated", () => {
  const program = (donate: number[]) =>
    programOn(llvmpipe, () => ({
      step: (x: Tensor, w: Tensor, v: Tensor, _unused: Tensor) => ({ y: strided(x, w, v), w: add(w, 1), v: add(v, 1) }),
      args: [...stridedSpecs, { shape: [9999] }].map(({ shape }) => zeros(shape)) as [Tensor, Tensor, Tensor, Tensor],
      donate: [...donate, 3],
    }));
  check.is(program([1, 2]).packing, 0);
  check.is(program([1]).packing, 1);
  const { packing, launches, buffers, plan } = program([]);
  check.is(packing, 2);
  for (const { kernel, bind } of launches.slice(0, packing)) {
    check.is(kernel.name, "conv2d.pack");
    const place = plan.bufferOf[(buffers as unknown[]).indexOf(bind.packed.buffer)];
    check.is(plan.bufferOf.filter((at) => at === place).length, 1, "shared with another value");
  }
});

gpuTest("weights that are arguments are packed again only when they have changed", async () => {
  const on = executor() as GpuExecutor;
  const [x, w, v] = tensorsOf(stridedSpecs, 3);
  const [y, other, third] = tensorsOf(stridedSpecs, 4);
  using step = capture(strided);
  let before = 0;
  const launchesOf = async (...args: [Tensor, Tensor, Tensor]): Promise<number> => {
    before = on.stream.launches;
    const result = step(...args);
    const launches = on.stream.launches - before;
    check.close(await result.read(), await strided(...args).read(), { rtol: 1e-5 });
    return launches;
  };
  const all = await launchesOf(x, w, v);
  const packing = /the first (\d+) only where/.exec(step.describe());
  const fewer = all - Number(packing?.[1] ?? 0);
  if (on.device.capabilities.software && on.device.capabilities.subgroups) check.is(fewer, all - 2);
  check.is(await launchesOf(x, w, v), fewer);
  check.is(await launchesOf(y, w, v), fewer);
  check.is(await launchesOf(y, other, v), all);
  check.is(await launchesOf(x, other, v), fewer);
  check.is(await launchesOf(x, w, third), all);
  check.is(await launchesOf(x, w, third), fewer);
});

gpuTest("after a failure of the GPU nothing packed before is trusted", async () => {
  const on = new GpuExecutor(await openDevice({ tuning: false }));
  try {
    const args = withExecutor(on, () => tensorsOf(stridedSpecs, 3)) as [Tensor, Tensor, Tensor];
    using step = capture(strided);
    const launchesOf = async (): Promise<number> => {
      const before = on.stream.launches;
      const result = withExecutor(on, () => step(...args));
      await result.read();
      result.dispose();
      return on.stream.launches - before;
    };
    const [all, fewer] = [await launchesOf(), await launchesOf()];
    const before = on.stream.launches;
    const spoilt = withExecutor(on, () => step(...args));
    check.is(on.stream.launches - before, fewer);
    on.device.watch(["validation"], () => on.device.gpu.createBuffer({ size: 16, usage: 0 }));
    await check.rejects(() => spoilt.read(), DeviceError);
    check.is(await launchesOf(), all);
    check.is(await launchesOf(), fewer);
    for (const t of [spoilt, ...args]) t.dispose();
  } finally {
    on.destroy();
  }
});

test("launches of the training step, by adapter", () => {
  const launches = (caps: Capabilities): number =>
    programOn(caps, () => {
      const { params, state, x, y, step } = training(network(32, 64, 128), 64);
      return { step, args: [params, state, x, y], donate: [0, 1] };
    }).launches.length;
  const atMost = (most: number, caps: Capabilities): void => {
    const count = launches(caps);
    check.ok(count <= most, `${count} launches, at most ${most} are needed`);
  };
  // Transforms of minimal filtering included, and what is multiplied and transformed back group by group.
  atMost(40, llvmpipe);
  atMost(30, gpu);
  // With the 8 storage buffers that every adapter has, fewer kernels can be joined.
  atMost(38, { ...gpu, maxStorageBuffers: 8 });
});

gpuTest("a donated step that updates weights in place does not change what another step made of them", async () => {
  const [start, x] = tensorsOf([{ shape: [8, 4, 3, 3] }, { shape: [2, 4, 8, 8] }], 5);
  const data = (await start.read()) as Float32Array;
  using train = capture((w: Tensor) => mul(w, 2), { donate: [0] });
  // The weights lie in the buffer that the next training step writes.
  let w = train(start);
  const old = w;
  using explain = capture((z: Tensor) => {
    const prepared = add(conv2d(z, old), sum(cumsum(expand(old, [2, 8, 4, 3, 3]), 0)));
    return mul(prepared, slice(old, [1, 1, 1, 1], [1, 1, 1, 1]));
  });
  const expected = await explain(x).read();
  check.identical(await explain(x).read(), expected);
  for (let i = 0; i < 3; i++) {
    w = train(w);
    check.identical(await explain(x).read(), expected);
  }
  check.ok(old.disposed, "the step consumed them");
  check.identical(
    await w.read(),
    data.map((v) => v * 16),
  );
  await explain.verify(x).then(
    () => check.ok(false, "the function itself cannot run on weights that are gone"),
    (error: unknown) => check.match(String(error), /was freed by donation/),
  );
});
