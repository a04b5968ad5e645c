/** Bind groups and their layouts: found again by the same work, few of them, and not kept for ever. */
import { executor } from "../../engine/executor.js";
import type { Device } from "../../engine/gpu/device.js";
import type { GpuExecutor } from "../../engine/gpu/executor.js";
import { BindGroups } from "../../engine/gpu/groups.js";
import { renumbered } from "../../engine/gpu/layouts.js";
import type { Pipeline } from "../../engine/gpu/pipelines.js";
import { Storage } from "../../engine/gpu/pool.js";
import { conv2d } from "../../engine/ops/conv.js";
import { sum } from "../../engine/ops/reduce.js";
import { exp, square } from "../../engine/ops/unary.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import { reflect } from "../../shaders/reflect.js";
import { gpuTest } from "../executors.js";
import { gpuCalls } from "../gpuCalls.js";
import { check, test } from "../harness.js";

gpuTest(
  "work that is repeated takes the buffers and the groups of the time before, in whatever order it gave them back",
  async () => {
    const x = tensor(new Float32Array(50).fill(1));
    const pass = (order: readonly number[]): void => {
      const made: Tensor[] = [x];
      for (let i = 0; i < 12; i++) made.push(i % 2 ? exp(made[i]) : square(made[i]));
      for (const i of order) made[1 + i].dispose();
    };
    const upwards = [...new Array(12).keys()];
    pass(upwards);
    const orders = [[...upwards].reverse(), upwards.map((i) => (5 * i) % 12), upwards.map((i) => (7 * i + 3) % 12)];
    const { calls } = await gpuCalls(() => {
      for (const order of [...orders, ...orders]) pass(order);
    });
    check.equal(
      calls.filter((name) => name === "createBindGroup" || name === "createBuffer"),
      [],
    );
  },
);

gpuTest("kernels that read and write as many buffers share a layout", async () => {
  const { gpu } = (executor() as GpuExecutor).device;
  const original = gpu.createBindGroupLayout;
  let made = 0;
  gpu.createBindGroupLayout = (descriptor) => {
    made++;
    return original.call(gpu, descriptor);
  };
  try {
    // Known by now: one read, one written, parameters; or made here at the latest.
    exp(tensor([1]));
    made = 0;
    for (const f of [square, (x: Tensor) => sum(x, [1])]) await f(tensor([[1, 2, 3]])).read();
    check.is(made, 0);
    const image = (sides: number[]): Tensor => tensor(new Float32Array(sides.reduce((a, b) => a * b)), sides);
    conv2d(image([1, 2, 4, 4]), image([3, 2, 3, 3]));
    check.ok(made <= 2, `${made} layouts for one convolution`);
  } finally {
    Reflect.deleteProperty(gpu, "createBindGroupLayout");
  }
});

test("bindings are numbered without gaps: what is read, what is written, the parameters", () => {
  const wgsl = `struct Params { n: u32 }
@group(0) @binding(7) var<storage, read_write> y: array<f32>;
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(32) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> w: array<u32>;
@compute @workgroup_size(1) fn main() { y[0] = x[p.n] + f32(w[0]); }`;
  const { bindings, params } = reflect("k", wgsl);
  const made = renumbered({ wgsl, bindings, params });
  check.equal(
    made.bindings.map(({ name, binding }) => [name, binding]),
    [
      ["w", 0],
      ["x", 1],
      ["y", 2],
    ],
  );
  check.is(made.params?.binding, 3);
  const again = reflect("k", made.wgsl);
  check.equal(again.bindings, made.bindings);
  check.equal(again.params, made.params);
});

test("groups that were not used for a while are let go", () => {
  let made = 0;
  const device = {
    watch: (_: unknown, body: () => unknown) => body(),
    gpu: { createBindGroup: () => ({ made: made++ }) },
  } as unknown as Device;
  const groups = new BindGroups(device);
  const pipeline = {
    name: "k",
    shared: { id: 0, layout: {} },
    storage: [{ name: "x", binding: 0, access: "read", scalar: "f32" }],
  } as unknown as Pipeline;
  const uniforms = { buffer: {} as GPUBuffer, id: 0 };
  const use = (id: number): void => {
    const buffer = new Storage({} as GPUBuffer, 256, id);
    groups.get(pipeline, { x: { shape: [1], dtype: "f32", strides: [1], offset: 0, buffer } }, uniforms);
  };
  // What is used all the time stays; of the others the newest 4 096 at least, 8 192 at most.
  for (let id = 0; id < 20_000; id++) {
    use(id);
    use(-1);
  }
  check.is(made, 20_001);
  use(-1);
  for (let id = 20_000 - 4_000; id < 20_000; id++) use(id);
  check.is(made, 20_001);
  use(20_000 - 9_000);
  check.is(made, 20_002);
});
