/** The kernels that networks use on a GPU that is not there: steps are captured on values without elements and planned for its capabilities. */
import type { Executor, HostArray, MemoryReport, Plan, PlanOptions, Value } from "../engine/executor.js";
import { withExecutor } from "../engine/executor.js";
import { wholeOperand } from "../engine/gpu/lowering.js";
import { variantOfLaunch } from "../engine/gpu/pipelines.js";
import { compile } from "../engine/gpu/program.js";
import {
  capture,
  grad,
  mul,
  oneHot,
  random,
  relu,
  scope,
  sum,
  type Tensor,
  type Tree,
  zeros,
} from "../engine/index.js";
import type { Capabilities, Launch, TensorSpec } from "../engine/lower.js";
import { apply, type OpSpec } from "../engine/op.js";
import { type ConvAttrs, conv2dFilterSpec, conv2dInputSpec, conv2dSpec } from "../engine/ops/conv.js";
import { conv2dCalls, conv2dFilterCalls, conv2dInputCalls } from "../engine/ops/conv.launch.js";
import type { Graph } from "../engine/trace.js";
import { adam, crossEntropy, type Layer } from "../nn/index.js";
import { mobileNetV2, resnet18, smallTransformer } from "./nets.js";
import { captureInputGradient, captureSecondOrder, model, trainer } from "./steps.js";

/** A GPU as Dawn describes Mesa's AMD driver. */
export const gpuCapabilities: Capabilities = {
  ...{ software: false, subgroups: true, subgroupMinSize: 64, subgroupMaxSize: 64, f16: true },
  ...{ maxInvocationsPerWorkgroup: 1024, maxWorkgroupSizeX: 1024, maxWorkgroupStorageBytes: 65536 },
  ...{ maxWorkgroupsPerDimension: 65535, maxBindingBytes: 2 ** 31 - 4, maxBufferBytes: 2 ** 31, maxStorageBuffers: 16 },
};

/** One pipeline: what a compiler gets, and who uses it. */
export interface IsaKernel {
  /** Name of the kernel and what its variant sets. */
  readonly label: string;
  readonly code: string;
  readonly constants: Readonly<Record<string, number>>;
  /** Steps that use it. */
  readonly users: readonly string[];
  /** Of the largest launch. */
  readonly flops: number;
}

/** Values without elements; what is captured is planned, and its launches are kept. */
class Planner implements Executor {
  readonly kind = "reference";
  readonly description = "a GPU that is not there";
  readonly launches: Launch[] = [];

  upload(_: HostArray, spec: TensorSpec): Value {
    return wholeOperand(spec, {});
  }
  run(_op: OpSpec<never>, _inputs: readonly Value[], _attrs: unknown, output: TensorSpec): Value {
    return wholeOperand(output, {});
  }
  async read(): Promise<HostArray> {
    throw new Error("internal: a value without elements is read");
  }
  retain(): void {}
  release(): void {}
  memory(): MemoryReport {
    return { liveCount: 0, liveBytes: 0, pooledBytes: 0, peakBytes: 0 };
  }
  prepare(graph: Graph, options: PlanOptions): Plan {
    const { once, launches } = compile(graph, gpuCapabilities, options);
    this.launches.push(...once, ...launches);
    return {
      run: () => graph.outputs.map((y) => wholeOperand(y, {})),
      describe: () => "",
      dispose() {},
    };
  }
}

interface Network {
  readonly layer: Layer;
  readonly batch: number;
  readonly shape: readonly number[];
  readonly classes: number;
}

/** A forward pass, a training step and an input gradient of a network. */
function stepsOf({ layer, batch, shape, classes }: Network): Record<string, () => void> {
  const inputs = () => {
    const { params } = layer.init(random.key(0), [...shape]);
    return { params: params as Tree, x: zeros([batch, ...shape]), y: zeros([batch], "i32") };
  };
  const loss = (p: Tree, x: Tensor, y: Tensor): Tensor => crossEntropy(layer.apply(p, x), y);
  return {
    forward() {
      const { params, x } = inputs();
      capture((p: Tree, x: Tensor) => layer.apply(p, x))(params, x);
    },
    train() {
      const { params, x, y } = inputs();
      const training = trainer(adam(), loss, params, [x, y]);
      training.run();
      training.dispose();
    },
    "input gradient"() {
      const { params, x, y } = inputs();
      capture((p: Tree, x: Tensor, y: Tensor) =>
        grad((z: Tensor) => sum(mul(layer.apply(p, z), oneHot(y, classes))))(x),
      )(params, x, y);
    },
  };
}

function paperSteps(): Record<string, () => void> {
  const given = (batch: number): [Tree, Tensor, Tensor] => [
    model.init(random.key(0), [1, 28, 28]).params as Tree,
    zeros([batch, 1, 28, 28]),
    zeros([batch], "i32"),
  ];
  return {
    train() {
      const [params, x, y] = given(64);
      const training = trainer(adam(), (p, x, y) => crossEntropy(model.apply(p, x), y), params, [x, y]);
      training.run();
      training.dispose();
    },
    "input gradient": () => void captureInputGradient()(...given(64)),
    "second order": () => void captureSecondOrder((g) => g as never)(...given(16)),
  };
}

/** Convolutions by minimal filtering, which a GPU takes only where it was measured to be faster there (`bench tune`): result and gradients. */
function filteringSteps(): Record<string, () => void> {
  const steps = (channels: number, image: number, window: number, side: 4 | 8) => () => {
    const choice = { variant: "winograd", side, tiles: 1024, group: 1024 } as const;
    const pad = (window - 1) / 2;
    const attrs = {
      ...{ image: [image, image] as const, window: [window, window] as const },
      ...{ stride: [1, 1] as const, dilation: [1, 1] as const, padding: [pad, pad, pad, pad] as const, groups: 1 },
    };
    const run = (spec: OpSpec<ConvAttrs>, launch: OpSpec<ConvAttrs>["launch"], inputs: readonly Tensor[]): Tensor =>
      apply({ ...spec, launch }, inputs, attrs);
    const made = capture((x: Tensor, w: Tensor, g: Tensor) => [
      relu(run(conv2dSpec, (ctx, at) => conv2dCalls(ctx, at, () => choice), [x, w])),
      run(conv2dInputSpec, (ctx, at) => conv2dInputCalls(ctx, at, () => choice), [g, w]),
      ...(side === 8 ? [run(conv2dFilterSpec, (ctx, at) => conv2dFilterCalls(ctx, at, () => choice), [x, g])] : []),
    ]);
    const images = (): Tensor => zeros([8, channels, image, image]);
    made(images(), zeros([channels, channels, window, window]), images());
  };
  return {
    "3 x 3 by tiles of 8": steps(64, 56, 3, 8),
    "5 x 5 by tiles of 8": steps(64, 28, 5, 8),
    "3 x 3 by tiles of 4": steps(256, 14, 3, 4),
  };
}

/** Every step, by network. */
export const isaSteps: Readonly<Record<string, Readonly<Record<string, () => void>>>> = {
  "paper network": paperSteps(),
  "ResNet-18": stepsOf({ layer: resnet18(), batch: 8, shape: [3, 224, 224], classes: 1000 }),
  MobileNetV2: stepsOf({ layer: mobileNetV2(), batch: 8, shape: [3, 224, 224], classes: 1000 }),
  transformer: stepsOf({ layer: smallTransformer(), batch: 64, shape: [1, 28, 28], classes: 10 }),
  "minimal filtering": filteringSteps(),
};

/** What a variant sets, without what it leaves off. */
function settingsOf({ spec = {} }: Launch): string {
  return Object.entries(spec)
    .filter(([, value]) => value !== false)
    .map(([name, value]) => (value === true ? name : `${name}=${value}`))
    .join(" ");
}

/** The distinct pipelines of these launches by step, those with the most arithmetic first. */
export function kernelsOf(launches: ReadonlyMap<string, readonly Launch[]>): IsaKernel[] {
  const found = new Map<string, IsaKernel & { users: string[]; flops: number }>();
  for (const [user, calls] of launches)
    for (const call of calls) {
      const { wgsl, constants } = variantOfLaunch(call);
      const key = `${wgsl}|${JSON.stringify(constants)}`;
      const label = `${call.kernel.name} ${settingsOf(call)}`.trim();
      const kernel = found.get(key) ?? { label, code: wgsl, constants, users: [], flops: 0 };
      found.set(key, kernel);
      if (!kernel.users.includes(user)) kernel.users.push(user);
      kernel.flops = Math.max(kernel.flops, call.flops ?? 0);
    }
  return [...found.values()].sort((a, b) => b.flops - a.flops);
}

/** The launches of every step, by network and step. */
export function launchesOfSteps(networks: readonly string[] = Object.keys(isaSteps)): Map<string, Launch[]> {
  const out = new Map<string, Launch[]>();
  for (const network of networks)
    for (const [step, run] of Object.entries(isaSteps[network])) {
      const on = new Planner();
      withExecutor(on, () => scope(run));
      out.set(`${network}, ${step}`, on.launches);
    }
  return out;
}
