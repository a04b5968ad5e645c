/**
 * What never changes while ATEX trains, computed once and kept on the GPU: the direction of every training image, and the
 * teacher's predictions along it. Directions are kept as 16-bit fractions of the image's largest element, two to a word: all of
 * Fashion-MNIST takes 94 MB where f32 would take 188, more than the 128 MiB one binding may be, and the rounding (1.5e-5 of the
 * largest element) is far below SmoothGrad's own noise. Eight bits would do too, but 0.4 % would then have to be argued for.
 */

import {
  abs,
  add,
  argmax,
  bitAnd,
  capture,
  cast,
  concat,
  type Done,
  div,
  gather,
  keep,
  type LongOptions,
  max,
  maximum,
  mul,
  openScope,
  random,
  reshape,
  round,
  shiftRight,
  slice,
  sub,
  type Tensor,
  Turns,
  tensor,
  zeros,
} from "../../engine/index.js";
import { aCount, aKey, aNumberOfAtLeast0, aTensor, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { batchIndices, pickImages, type ResidentImages } from "../../nn/index.js";
import { aResidentData } from "../../nn/kinds.js";
import { smoothGrad } from "../explainers/smoothGrad.js";
import { aClassifier, LONG_OPTIONS } from "../kinds.js";
import { type Classifier, classScore } from "../score.js";
import { aKeptDirections } from "./kinds.js";

/** SmoothGrad where it gives ATEX its directions; Tang et al. 2022 leave both numbers open. */
export interface SmoothGradSettings {
  /** Noisy copies per image; default 10. */
  readonly samples?: number;
  /** Standard deviation of the noise in units of the inputs, at least 0; default 0.1. */
  readonly sigma?: number;
}

export const SMOOTH_GRAD_SETTINGS: KindsOf<SmoothGradSettings> = {
  samples: aCount,
  sigma: aNumberOfAtLeast0,
};

/** SmoothGrad of the network's own class: x [n,...] → φ [n,...]. */
export function smoothDirection(f: Classifier, x: Tensor, key: Tensor, settings: SmoothGradSettings = {}): Tensor {
  const { samples = 10, sigma = 0.1 } = settings;
  return smoothGrad({ samples, sigma, key })(classScore(f, argmax(f(x), 1)), x);
}

/** Directions of a whole data set on the GPU. */
export interface KeptDirections {
  /** Shape of one direction, [...]. */
  readonly shape: readonly number[];
  /** u32 [count, ⌈values / 2⌉], the first of two in the lower half. */
  readonly words: Tensor;
}

/** How the directions of a data set are made. Noise is drawn by batch, so that another `batchSize` draws another. */
export interface DirectionOptions extends SmoothGradSettings, LongOptions<Done> {
  /** Key of the noise, u32[2]. */
  readonly key: Tensor;
  /** Images at once; default 100. */
  readonly batchSize?: number;
}

const DIRECTION_OPTIONS: KindsOf<DirectionOptions> = {
  key: required(aKey),
  batchSize: aCount,
  samples: aCount,
  sigma: aNumberOfAtLeast0,
  ...LONG_OPTIONS,
};

/** SmoothGrad of the teacher, for the class it predicts, at every image; kept until disposed. @throws the reason of `signal`. */
export async function explanationDirections(
  teacher: Classifier,
  data: ResidentImages,
  options: DirectionOptions,
): Promise<KeptDirections> {
  requireArguments("explanationDirections", { teacher: [teacher, aClassifier], data: [data, aResidentData] });
  const {
    key,
    batchSize = 100,
    onProgress,
    signal,
    ...settings
  } = checkedOptions("explanationDirections", options, DIRECTION_OPTIONS);
  const words = await overData("explanationDirections", data, batchSize, { onProgress, signal }, (x, first) =>
    packed(smoothDirection(teacher, x, random.fold(key, cast(first, "u32")), settings)),
  );
  return { shape: data.shape, words };
}

/** Directions by index, largest |element| 1: i32 [b] → f32 [b,...]. */
export function pickDirections(kept: KeptDirections, indices: Tensor): Tensor {
  requireArguments("pickDirections", { kept: [kept, aKeptDirections], indices: [indices, aTensor] });
  const { words, shape } = kept;
  const picked = gather(words, indices, 0);
  const halves = bitAnd(shiftRight(reshape(picked, [...picked.shape, 1]), tensor(Uint32Array.of(0, 16))), 0xffff);
  const [n, values] = [indices.shape[0], shape.reduce((a, b) => a * b, 1)];
  const all = reshape(mul(sub(cast(halves, "f32"), ZERO), 1 / SCALE), [n, -1]);
  return reshape(values % 2 === 0 ? all : slice(all, [0, 0], [n, values]), [n, ...shape]);
}

const SCALE = 32767;
/** The word that stands for 0. */
const ZERO = 32768;

/** The words that hold directions: [n,...] → u32 [n, ⌈values / 2⌉] */
export function packed(map: Tensor): Tensor {
  const n = map.shape[0];
  const even = (map.size / n) % 2 === 0 ? map : concat([reshape(map, [n, -1]), zeros([n, 1])], 1);
  const pairs = reshape(even, [n, even.size / n / 2, 2]);
  const largest = maximum(max(abs(pairs), [1, 2], { keepDims: true }), 1e-30);
  const halves = cast(add(round(mul(div(pairs, largest), SCALE)), ZERO), "u32");
  const [low, high] = [0, 1].map((i) => reshape(slice(halves, [0, 0, i], [n, pairs.shape[1], 1]), [n, pairs.shape[1]]));
  return add(low, mul(high, 0x10000));
}

/** `f(images, first index)` in batches, the results one after another, kept. */
export async function overData(
  op: string,
  data: ResidentImages,
  batchSize: number,
  options: LongOptions<Done>,
  f: (x: Tensor, first: Tensor, indices: Tensor) => Tensor,
): Promise<Tensor> {
  const turns = new Turns(op, options);
  using here = openScope(op);
  const order = tensor(Int32Array.from({ length: data.count }, (_, i) => i));
  const at = (first: Tensor, size: number): Tensor => {
    const indices = batchIndices(order, first, size);
    return f(pickImages(data, indices).x, first, indices);
  };
  const size = Math.min(batchSize, data.count);
  const parts: Tensor[] = [];
  using step = capture((first: Tensor) => at(first, size));
  let reading: Promise<unknown> | undefined;
  await here.wait(step.prepare(tensor(0, [], "i32")));
  for (let first = 0; first < data.count; first += size) {
    const whole = first + size <= data.count;
    const start = tensor(first, [], "i32");
    const part = whole ? step(start) : at(start, data.count - first);
    parts.push(part);
    // Waiting for the part before keeps the queue short, but not empty.
    if (reading) {
      await here.wait(reading);
      await here.wait(turns.next({ done: first, total: data.count }));
    }
    reading = slice(part, [0, 0], [1, 1]).read();
    // It is awaited in a later turn.
    reading.catch(() => {});
  }
  await here.wait(reading);
  turns.tell({ done: data.count, total: data.count });
  return keep(concat(parts));
}
