/** Kernels compiled before the first run, and on two threads, where a driver leaves it to the first dispatch. */
import { capture } from "../../engine/capture.js";
import { executor, withExecutor } from "../../engine/executor.js";
import { type Device, openDevice } from "../../engine/gpu/device.js";
import { GpuExecutor } from "../../engine/gpu/executor.js";
import { Pipelines } from "../../engine/gpu/pipelines.js";
import { SecondDevice } from "../../engine/gpu/secondDevice.js";
import type { Launch } from "../../engine/lower.js";
import { mul } from "../../engine/ops/arithmetic.js";
import { matmul } from "../../engine/ops/matmul.js";
import { sum } from "../../engine/ops/reduce.js";
import { exp } from "../../engine/ops/unary.js";
import { tensor } from "../../engine/tensor.js";
import { reflect } from "../../shaders/reflect.js";
import { gpuTest } from "../executors.js";
import { check } from "../harness.js";

const kernel = (factor: number) =>
  reflect(
    `by${factor}`,
    `@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  y[id.x] = x[id.x] * ${factor}.0;
}
`,
  );
const launches = [2, 3, 5, 7].map((factor): Launch => ({ kernel: kernel(factor), bind: {}, grid: [1, 1, 1] }));

/** What to wait for until the condition holds; fails after two seconds. */
async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  check.ok(holds(), "waited for two seconds");
}

interface Spied {
  readonly device: Device;
  /** Names of the kernels whose pipelines were made. */
  readonly made: string[];
  /** Empty dispatches. */
  begun: number;
  isGone: boolean;
}

async function spied(): Promise<Spied> {
  const device = await openDevice({ tuning: false });
  const it: Spied = { device, made: [], begun: 0, isGone: false };
  const { gpu } = device;
  const [make, encode] = [gpu.createComputePipelineAsync.bind(gpu), gpu.createCommandEncoder.bind(gpu)];
  gpu.createComputePipelineAsync = (descriptor) => {
    it.made.push(descriptor.label!);
    return make(descriptor);
  };
  gpu.createCommandEncoder = () => {
    const encoder = encode();
    const begin = encoder.beginComputePass.bind(encoder);
    encoder.beginComputePass = (descriptor) => {
      const pass = begin(descriptor);
      const dispatch = pass.dispatchWorkgroupsIndirect.bind(pass);
      pass.dispatchWorkgroupsIndirect = (buffer, offset) => {
        it.begun++;
        dispatch(buffer, offset);
      };
      return pass;
    };
    return encoder;
  };
  const destroy = device.destroy.bind(device);
  device.destroy = () => {
    it.isGone = true;
    destroy();
  };
  return it;
}

const patiently = async (done: Promise<unknown>): Promise<void> => void (await done);

/** A first device that has compiled nothing until `advance` is called, once for each kernel. */
function firstDevice(): { readonly compiled: Promise<void>[]; readonly advance: () => void } {
  const resolves: (() => void)[] = [];
  const compiled = launches.map(() => new Promise<void>((resolve) => void resolves.push(resolve)));
  return { compiled, advance: () => resolves.shift()?.() };
}

gpuTest(
  "a second device compiles from the last kernel to the one that the first device is at, and then is gone",
  async () => {
    const second = await spied();
    const helper = new SecondDevice(async () => second.device, patiently);
    check.ok(helper.isFree);
    helper.help(launches, firstDevice().compiled);
    check.ok(!helper.isFree);
    await until(() => helper.isFree);
    check.ok(second.isGone);
    check.equal(second.made, ["by7", "by5", "by3"]);
    check.is(second.begun, 3);
  },
);

gpuTest("a second device stops where it meets the first", async () => {
  const second = await spied();
  const { compiled, advance } = firstDevice();
  const helper = new SecondDevice(
    async () => second.device,
    async (done) => {
      await done;
      // The first is at the third of four when the second has the last.
      advance();
      advance();
    },
  );
  helper.help(launches, compiled);
  await until(() => helper.isFree);
  check.equal(second.made, ["by7"]);
});

gpuTest("no second device is opened where kernels are compiled at once, or after the end", async () => {
  let opened = 0;
  const helper = new SecondDevice(async () => {
    opened++;
    return openDevice({ tuning: false });
  }, patiently);
  const { compiled, advance } = firstDevice();
  for (const _ of launches) advance();
  helper.help(launches, compiled);
  await until(() => helper.isFree);
  // Only the last is left, and the first device is at it.
  const almost = firstDevice();
  for (const _ of launches.slice(1)) almost.advance();
  helper.help(launches, almost.compiled);
  await until(() => helper.isFree);
  await helper.idle();
  helper.help(launches, firstDevice().compiled);
  await helper.idle();
  check.is(opened, 0);
});

gpuTest("a second device that cannot be opened is done without, and asked for again", async () => {
  let asked = 0;
  const helper = new SecondDevice(async () => {
    asked++;
    throw new Error("no second device");
  }, patiently);
  for (const times of [1, 2]) {
    helper.help(launches, firstDevice().compiled);
    await until(() => asked === times);
    await new Promise((resolve) => setTimeout(resolve));
  }
  check.is(asked, 2);
});

gpuTest("a second device ends with the first, whatever it is at", async () => {
  for (const whileOpening of [true, false]) {
    const second = await spied();
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    let isAsked = false;
    const helper = new SecondDevice(async () => {
      isAsked = true;
      await opened;
      return second.device;
    }, patiently);
    helper.help(launches, firstDevice().compiled);
    await until(() => isAsked);
    if (whileOpening) helper.destroy();
    open();
    if (!whileOpening) {
      await until(() => second.made.length > 0);
      helper.destroy();
    }
    await helper.idle();
    check.ok(second.isGone);
    check.ok(second.made.length < launches.length, `${second.made}`);
  }
});

gpuTest("a captured step has its kernels compiled before it runs, each once, and computes the same", async () => {
  const first = await spied();
  const on = new GpuExecutor(first.device);
  const own = executor();
  const run = (x = [1, 2, 3, 4], w = [0.5, -1, 0, 2]) => {
    const step = capture((x, w) => sum(mul(exp(matmul(x, w)), 0.125)));
    return { step, args: [tensor(x, [2, 2]), tensor(w, [2, 2])] as const };
  };
  const { step, args } = run();
  const expected = [...(await step(...args).read())];
  try {
    const here = withExecutor(on, run);
    const result = withExecutor(on, () => here.step(...here.args));
    const made = on.pipelines.size;
    check.is(first.begun, first.device.compilesLate ? made : 0);
    check.equal([...(await result.read())], expected);
    const again = withExecutor(on, () => here.step(...here.args));
    check.equal([...(await again.read())], expected);
    check.is(first.begun, first.device.compilesLate ? made : 0, "nothing new, nothing begun");
    for (const t of [...here.args, result, again]) t.dispose();
    here.step.dispose();
  } finally {
    check.is(executor(), own);
    on.destroy();
  }
  step.dispose();
});

gpuTest("which pipelines are missing: the first launch of each, in order", async () => {
  const pipelines = new Pipelines((executor() as GpuExecutor).device);
  const [two, three, five] = launches;
  check.equal(pipelines.missing([three, two, three, five, two]), [three, two, five]);
  await pipelines.makeAside([two]);
  check.equal(pipelines.missing([three, two, five]), [three, five]);
  check.equal(pipelines.missing([two]), []);
});
