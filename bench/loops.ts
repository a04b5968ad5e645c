/** Attacks and explanations as they are used: many iterations or samples for many images, and one read-back at the end. */
import {
  attackExplanation,
  type Classifier,
  classScore,
  completenessGap,
  gradient,
  integratedGradients,
  linf,
  signStep,
  smoothGrad,
  topKSuppression,
} from "../atex/index.js";
import { swapExecutor } from "../engine/executor.js";
import {
  abs,
  argmax,
  callerScope,
  capture,
  concat,
  notEqual,
  openScope,
  ReferenceExecutor,
  random,
  reshape,
  slice,
  sub,
  type Tensor,
  tensor,
} from "../engine/index.js";
import { authorsNetwork } from "../nn/index.js";
import { compare, type Disagreement, summarise, tolerance } from "./agreement.js";
import type { Bench } from "./holdfast.js";
import { median, spread, workerCpuMs } from "./measure.js";
import { figure, type Row } from "./report.js";

export interface LoopSize {
  readonly images: number;
  /** Of the square images. */
  readonly side: number;
  /** Steps of the attack, noisy copies of SmoothGrad, points of integrated gradients. */
  readonly iterations: number;
  /** Copies or images at once: as many as keep the largest activation under the smallest binding WebGPU allows, 128 MiB. */
  readonly chunk: number;
}

/** What a loop works on. */
interface World {
  readonly size: LoopSize;
  readonly x: Tensor;
  readonly classifier: Classifier;
}

interface Loop {
  readonly size: LoopSize;
  /** So small that the float64 reference can follow. */
  readonly tiny: LoopSize;
  /** The least that compiles the same kernels, run before the time starts. */
  readonly first: Partial<LoopSize>;
  /** What an iteration is. */
  readonly unit: string;
  /** Issues all of it. What comes is read once. */
  run(world: World): Tensor;
  /** What of the values has to agree with the reference. */
  compared(values: Float32Array, size: LoopSize): Float32Array;
  /** What is wrong with the values at full size. */
  fault(values: Float32Array, world: World): Promise<string | undefined>;
}

const radius = 0.05;
/** Of the score's change from black to the image, that integrated gradients may miss. */
const largestGap = 0.01;

const score = ({ classifier, x }: World) => classScore(classifier, argmax(classifier(x), 1));

const finite = async (values: Float32Array): Promise<string | undefined> =>
  values.every(Number.isFinite) ? undefined : "a value is not finite";

const loops = {
  "attack-200": {
    size: { images: 100, side: 28, iterations: 200, chunk: 100 },
    tiny: { images: 2, side: 14, iterations: 3, chunk: 2 },
    first: { iterations: 2 },
    unit: "step",
    run({ size: { iterations: steps }, x, classifier }) {
      const setting = {
        explainer: gradient,
        objective: topKSuppression(50),
        ball: linf(radius),
        rule: signStep(0.002),
      };
      const { images, before, after } = attackExplanation({ ...setting, steps })({ classifier, x });
      return concat([before, after, reshape(images, [-1])], 0);
    },
    // Where a derivative is almost zero its sign, and so a pixel, may differ; the objective hardly does.
    compared: (values, { images }) => values.subarray(0, 2 * images),
    async fault(values, { size, x, classifier }) {
      const [before, after] = [values.subarray(0, size.images), values.subarray(size.images, 2 * size.images)];
      const changed = values.subarray(2 * size.images);
      const clean = await x.read();
      if (!after.every((value, i) => value >= before[i])) return "the objective of an image became smaller";
      if (!after.some((value, i) => value > before[i])) return "the objective of no image became larger";
      if (!changed.every((value, i) => value >= 0 && value <= 1 && Math.abs(value - clean[i]) <= radius))
        return `a pixel left [0,1] or moved by more than ${radius}`;
      const [now, then] = [tensor(changed, x.shape), x].map((z) => argmax(classifier(z), 1));
      return (await notEqual(now, then).read()).every((lost) => !lost) ? undefined : "a prediction was not kept";
    },
  },
  "smoothgrad-100": {
    size: { images: 100, side: 28, iterations: 100, chunk: 10 },
    tiny: { images: 2, side: 14, iterations: 5, chunk: 2 },
    first: { iterations: 20 },
    unit: "copy",
    run(world) {
      const { iterations: samples, chunk } = world.size;
      const step = capture((x: Tensor, key: Tensor) => smoothGrad({ samples, chunk, key })(score({ ...world, x }), x));
      const maps = step(world.x, random.key(3));
      step.dispose();
      return maps;
    },
    compared: (values) => values,
    fault: finite,
  },
  "integrated-gradients-50": {
    size: { images: 100, side: 28, iterations: 50, chunk: 25 },
    tiny: { images: 4, side: 14, iterations: 20, chunk: 2 },
    first: { images: 25 },
    unit: "point",
    run(world) {
      const { images, iterations: steps, chunk } = world.size;
      const explain = integratedGradients({ steps });
      const step = capture((x: Tensor) => explain(score({ ...world, x }), x));
      const maps = Array.from({ length: Math.ceil(images / chunk) }, (_, i) =>
        step(slice(world.x, [i * chunk, 0, 0, 0], [Math.min(chunk, images - i * chunk), -1, -1, -1])),
      );
      step.dispose();
      return concat(maps, 0);
    },
    compared: (values) => values,
    async fault(values, world) {
      const { x } = world;
      const of = score(world);
      const gaps = await completenessGap(of, x, tensor(values, x.shape)).read();
      const changes = await abs(sub(of(x), of(tensor(new Float32Array(x.size), x.shape)))).read();
      const worst = gaps.findIndex((gap, i) => !(gap <= largestGap * Math.max(changes[i], 0.01)));
      return worst < 0 ? undefined : `image ${worst}: the attribution misses ${gaps[worst]} of ${changes[worst]}`;
    },
  },
} as const satisfies Record<string, Loop>;

export type LoopCase = keyof typeof loops;
export const loopCases = Object.keys(loops) as LoopCase[];

const model = authorsNetwork();

function worldOf(size: LoopSize): World {
  const { images, side } = size;
  const { params } = model.init(random.key(1), [1, side, side]);
  const x = random.uniform(random.key(2), [images, 1, side, side]);
  return { size, x, classifier: (z) => model.apply(params, z) };
}

/** The small loop on the device against the float64 reference. */
async function disagreementOf(loop: Loop): Promise<Disagreement> {
  const values = async () => {
    using here = openScope("check");
    return { y: summarise(loop.compared(await here.wait(readFloats(loop.run(worldOf(loop.tiny)))), loop.tiny)) };
  };
  const got = await values();
  const gpu = swapExecutor(new ReferenceExecutor());
  const truth = await values().finally(() => swapExecutor(gpu));
  return compare(got, truth);
}

const readFloats = async (t: Tensor): Promise<Float32Array> => Float32Array.from(await t.read());

export interface LoopOptions {
  /** Timed runs of each; default 1, since a run is many iterations. */
  readonly runs?: number;
  /** Few images and iterations, to see whether everything works. */
  readonly small?: boolean;
  readonly onRow?: (row: Row) => void;
}

/** A row per loop: checked against the reference on a slice and by what must hold at full size, timed from the first host
 *  instruction to the values on the host. */
export async function runLoops(on: Bench, names: readonly LoopCase[], options: LoopOptions = {}): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of names) {
    const row = await runLoop(on, name, options).catch(
      (error: Error): Row => ({ case: name, system: "holdfast", wait: "none", checked: false, error: error.message }),
    );
    rows.push(row);
    options.onRow?.(row);
  }
  return rows;
}

async function runLoop(on: Bench, name: LoopCase, { runs = 1, small = false }: LoopOptions): Promise<Row> {
  const here = callerScope();
  const loop: Loop = loops[name];
  const row = { case: name, system: "holdfast", wait: "none" } as const;
  const disagreement = await here.wait(disagreementOf(loop));
  if (disagreement.relativeError > tolerance) return { ...row, checked: false, disagreement };
  using _ = here.open(name);
  const size = small ? loop.tiny : loop.size;
  const world = worldOf(size);
  if (!small) await here.wait(loop.run(worldOf({ ...size, ...loop.first })).read());
  const durations: number[] = [];
  let [dispatches, cpu]: [number, number | null] = [0, 0];
  for (let i = 0; i < runs; i++) {
    const [launches, worker, start] = [on.launches(), workerCpuMs(), performance.now()];
    const values = await here.wait(readFloats(loop.run(world)));
    durations.push(performance.now() - start);
    const after = workerCpuMs();
    cpu = cpu === null || worker === null || after === null ? null : cpu + after - worker;
    dispatches = on.launches() - launches;
    const fault = await here.wait(loop.fault(values, world));
    if (fault) return { ...row, checked: false, disagreement, error: fault };
  }
  const medianMs = median(durations);
  const items = size.images * size.iterations;
  const what = `${size.images} images, ${size.iterations} ${loop.unit === "copy" ? "copies" : `${loop.unit}s`}`;
  return {
    ...{ ...row, medianMs, minMs: Math.min(...durations), spread: spread(durations), runs, dispatches, checked: true },
    ...{ workerCpuMs: cpu === null ? null : cpu / runs, disagreement },
    note: `${figure(medianMs / items)} ms per image and ${loop.unit}; ${what}, one read-back`,
  };
}
