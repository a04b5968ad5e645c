/** A long training run whose memory must not grow. */
import { dispose, keep, memory, random, scope } from "../engine/index.js";
import { adam, initialState, residentImages, shapeBytes, tinyNetwork, train } from "../nn/index.js";
import { figure, table } from "./report.js";

export interface MemorySample {
  readonly step: number;
  /** Bytes of live tensors, of freed buffers kept for reuse, the most ever live, and of the whole process. */
  readonly liveBytes: number;
  readonly pooledBytes: number;
  readonly peakBytes: number;
  readonly rssBytes: number;
}

export interface SoakReport {
  readonly steps: number;
  readonly seconds: number;
  readonly samples: readonly MemorySample[];
  /** Growth over the last half of the run, as fractions. */
  readonly growth: { readonly liveBytes: number; readonly rssBytes: number };
  readonly flat: boolean;
}

export interface SoakOptions {
  /** Rounded up to a multiple of 100. */
  readonly steps: number;
  readonly onSample?: (sample: MemorySample) => void;
}

const stepsPerEpoch = 100;
const batchSize = 8;
/** What a flat run may still grow by over its last half. */
const allowedGrowth = 0.05;

function sampleAt(step: number): MemorySample {
  const { liveBytes, pooledBytes, peakBytes } = memory();
  return { step, liveBytes, pooledBytes, peakBytes, rssBytes: process.memoryUsage.rss() };
}

/** Trains the tiny network by the real training loop, 8 images per step, and samples memory every 100 steps. */
export async function soak({ steps, onSample }: SoakOptions): Promise<SoakReport> {
  const epochs = Math.ceil(steps / stepsPerEpoch);
  const { images, labels } = shapeBytes({ count: stepsPerEpoch * batchSize });
  const data = residentImages(images, labels, [1, 28, 28]);
  const model = tinyNetwork();
  const { params } = scope(() => model.init(random.key(0), data.shape));
  const optimiser = adam();
  const samples: MemorySample[] = [];
  const began = performance.now();
  const end = await train(model, initialState(keep(params), optimiser), data, {
    optimiser,
    epochs,
    batchSize,
    onEpoch({ epoch }) {
      const sample = sampleAt(epoch * stepsPerEpoch);
      samples.push(sample);
      onSample?.(sample);
    },
    // Reading the loss is part of a training run, and waits: the queue must not grow without bound.
    onProgress() {},
  });
  const seconds = (performance.now() - began) / 1000;
  dispose([end, data.words, data.labels]);
  const growth = growthOf(samples);
  const flat = growth.liveBytes <= allowedGrowth && growth.rssBytes <= allowedGrowth;
  return { steps: epochs * stepsPerEpoch, seconds, samples, growth, flat };
}

/** Growth from the middle of the samples to the last, as fractions. */
export function growthOf(samples: readonly MemorySample[]): SoakReport["growth"] {
  const [middle, last] = [samples[Math.floor((samples.length - 1) / 2)], samples[samples.length - 1]];
  const of = (key: "liveBytes" | "rssBytes") => last[key] / middle[key] - 1;
  return { liveBytes: of("liveBytes"), rssBytes: of("rssBytes") };
}

/** The samples at the start, the middle and the end. */
export function formatSoak({ steps, seconds, samples, growth, flat }: SoakReport): string {
  const mib = (bytes: number) => figure(bytes / 2 ** 20);
  const shown = [0, Math.floor((samples.length - 1) / 2), samples.length - 1].map((i) => samples[i]);
  const rows = shown.map((s) => [
    String(s.step),
    mib(s.liveBytes),
    mib(s.pooledBytes),
    mib(s.peakBytes),
    mib(s.rssBytes),
  ]);
  const percent = (fraction: number) => `${(100 * fraction).toFixed(1)} %`;
  return [
    table(["step", "live MiB", "pooled MiB", "peak MiB", "process MiB"], rows),
    "",
    `${steps} steps in ${seconds.toFixed(0)} s; over the last half live bytes grew by ${percent(growth.liveBytes)}, ` +
      `the process by ${percent(growth.rssBytes)}: ${flat ? "flat" : "NOT FLAT"}`,
  ].join("\n");
}
