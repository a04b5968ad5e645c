/** Data sets from arrays of the user's own. */

import { aNumber, aText, listOf, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { aLabelledArrays, aRange, aValue, numberList } from "../kinds.js";
import { type Dataset, firstOf, type Split, sampleSize } from "./dataset.js";
import { type Domain, type FeatureRange, PIXEL_RANGE } from "./domain.js";
import { DataError } from "./error.js";
import type { SplitOptions } from "./options.js";
import { stratifiedSplit } from "./split.js";

/** Samples [n, ...shape] flattened, bytes (k/255) or numbers, and their labels [n]. */
export interface LabelledArrays {
  readonly samples: Uint8Array | Float32Array;
  readonly labels: ArrayLike<number>;
  /** [n,h,w], 1 where a pixel carries the class. */
  readonly masks?: Uint8Array;
}

/** A data set of arrays at hand, and how it is split. */
export interface ArraysOptions extends SplitOptions {
  readonly name?: string;
  /** Shape of one sample: [c,h,w], [d]. */
  readonly shape: readonly number[];
  /** Names by label; default "0", "1", … up to the largest label. */
  readonly classes?: readonly string[];
  readonly train: LabelledArrays;
  /** Held out for testing; without it `testShare` (default 0.2) of `train` are, class by class. */
  readonly test?: LabelledArrays;
  /** Default: 0 to 1 for bytes; for numbers the smallest and largest of the training part, of each feature of a row, of all pixels
   *  of an image. */
  readonly range?: FeatureRange;
  readonly features?: Domain["features"];
}

const ARRAYS_OPTIONS: KindsOf<ArraysOptions> = {
  trainSize: aNumber,
  testSize: aNumber,
  testShare: aNumber,
  seed: aNumber,
  name: aText,
  shape: required(numberList),
  classes: listOf(aText, "texts"),
  train: required(aLabelledArrays),
  test: aLabelledArrays,
  range: aRange,
  features: aValue,
};

/**
 * A data set from arrays, which are used as they are.
 * @throws DataError when they do not fit together, hold a number that is not finite, or a label beyond the classes; RangeError
 * for a size or share that cannot be had.
 */
export function fromArrays(options: ArraysOptions): Dataset {
  checkedOptions("fromArrays", options, ARRAYS_OPTIONS);
  const { name = "arrays", shape, testShare = 0.2, seed, trainSize, testSize } = options;
  if (shape.length === 0 || shape.some((side) => !Number.isInteger(side) || side < 1))
    throw new DataError(`${name}: samples of shape [${shape}]; one or more sides of at least 1 are needed`);
  const largest = Math.max(
    -1,
    ...[options.train, options.test].flatMap((part) => (part ? [maximum(part.labels)] : [])),
  );
  const classes = options.classes ?? Array.from({ length: largest + 1 }, (_, i) => `${i}`);
  const splitOf = (part: LabelledArrays, what: string): Split => checkedSplit(part, shape, classes, `${name}: ${what}`);
  const all = splitOf(options.train, "the training part");
  const parts = options.test
    ? { train: all, test: splitOf(options.test, "the test part") }
    : divided(all, testShare, seed);
  if (parts.train.samples instanceof Uint8Array !== parts.test.samples instanceof Uint8Array)
    throw new DataError(`${name}: one part has bytes and the other numbers; both must be the same`);
  const train = firstOf(parts.train, trainSize, `${name}: the training part`);
  const range = options.range ?? rangeOf(train);
  return {
    name,
    domain: { shape: [...shape], range, ...(options.features && { features: options.features }) },
    classes,
    train,
    test: firstOf(parts.test, testSize, `${name}: the test part`),
  };
}

/** The samples of a split at some places, copied. */
export function samplesAt({ shape, samples, labels, masks }: Split, indices: readonly number[]): Split {
  const copied = <T extends Uint8Array | Float32Array | Int32Array>(from: T, to: T): T => {
    const size = to.length / indices.length;
    for (const [i, index] of indices.entries()) to.set(from.subarray(index * size, (index + 1) * size), i * size);
    return to;
  };
  const n = indices.length;
  const size = n * sampleSize(shape);
  return {
    shape,
    samples:
      samples instanceof Uint8Array ? copied(samples, new Uint8Array(size)) : copied(samples, new Float32Array(size)),
    labels: labels instanceof Uint8Array ? copied(labels, new Uint8Array(n)) : copied(labels, new Int32Array(n)),
    ...(masks && { masks: copied(masks, new Uint8Array((n * masks.length) / labels.length)) }),
  };
}

/** A split class by class. */
export function divided(all: Split, share: number, seed?: number): { train: Split; test: Split } {
  const { train, test } = stratifiedSplit(all.labels, { share, seed });
  if (test.length === 0)
    throw new DataError(
      "split: no class has two samples, so none can be held out for testing; give more, or a test part",
    );
  return { train: samplesAt(all, train), test: samplesAt(all, test) };
}

function checkedSplit(part: LabelledArrays, shape: readonly number[], classes: readonly string[], what: string): Split {
  const { samples, labels, masks } = part;
  const size = sampleSize(shape);
  if (!(samples instanceof Uint8Array || samples instanceof Float32Array))
    throw new DataError(`${what}: samples must be a Uint8Array (k stands for k/255) or a Float32Array`);
  if (labels.length === 0 || samples.length !== labels.length * size)
    throw new DataError(
      `${what} has ${samples.length} values and ${labels.length} labels; ${size} values for each label are needed, and a label`,
    );
  for (let i = 0; i < labels.length; i++)
    if (!Number.isInteger(labels[i]) || labels[i] < 0 || labels[i] >= classes.length)
      throw new DataError(`${what}: label ${i} is ${labels[i]}; 0 to ${classes.length - 1} is needed`);
  if (samples instanceof Float32Array) {
    const wrong = samples.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0)
      throw new DataError(
        `${what}: element ${wrong % size} of sample ${Math.floor(wrong / size)} is ${samples[wrong]}; finite numbers are needed`,
      );
  }
  if (masks && (masks.length === 0 || masks.length % labels.length !== 0))
    throw new DataError(
      `${what}: masks of ${masks.length} values for ${labels.length} samples; as many for each are needed`,
    );
  return {
    shape: [...shape],
    samples,
    labels: labels instanceof Uint8Array || labels instanceof Int32Array ? labels : Int32Array.from(labels),
    ...(masks && { masks }),
  };
}

function maximum(values: ArrayLike<number>): number {
  let largest = -1;
  for (let i = 0; i < values.length; i++) if (values[i] > largest) largest = values[i];
  return largest;
}

function rangeOf({ shape, samples }: Split): FeatureRange {
  if (samples instanceof Uint8Array) return PIXEL_RANGE;
  const { low, high } = extremes(samples, shape.length === 1 ? shape[0] : 1);
  return shape.length === 1 ? { low, high } : { low: low[0], high: high[0] };
}

/** Smallest and largest of each column of [n, columns]. */
export function extremes(values: ArrayLike<number>, columns: number): { low: number[]; high: number[] } {
  const low = new Array<number>(columns).fill(Infinity);
  const high = new Array<number>(columns).fill(-Infinity);
  for (let i = 0; i < values.length; i++) {
    const column = i % columns;
    if (values[i] < low[column]) low[column] = values[i];
    if (values[i] > high[column]) high[column] = values[i];
  }
  return { low, high };
}
