/** Labelled samples of any shape, split for training and testing. */

import { aNumber, aText, maybe, numbers } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { aSplit, numberList } from "../kinds.js";
import type { Domain } from "./domain.js";
import type { TablePreparation } from "./table/preparation.js";

/** Labelled samples on the host. */
export interface Split {
  /** Shape of one sample: [c,h,w] of an image, [d] of a row. */
  readonly shape: readonly number[];
  /** [n, ...shape], flattened. Bytes stand for k/255. */
  readonly samples: Uint8Array | Float32Array;
  /** [n], indices into the classes. */
  readonly labels: Uint8Array | Int32Array;
  /** [n,h,w], 1 where a pixel carries the class; only where the truth is known (`shapes`). */
  readonly masks?: Uint8Array;
}

/** A data set: labelled samples for training and testing, and what they mean. */
export interface Dataset {
  readonly name: string;
  /** Shape, valid range and, of a table, the features of a sample. */
  readonly domain: Domain;
  readonly classes: readonly string[];
  readonly train: Split;
  readonly test: Split;
  /** How the rows of a table became samples, to be stored with a model and applied to new rows. */
  readonly preparation?: TablePreparation;
  /** The feature by which nobody should be judged, where the data set is known for one. */
  readonly sensitive?: string;
}

/** Numbers in one sample. */
export function sampleSize(shape: readonly number[]): number {
  requireArguments("sampleSize", { shape: [shape, numberList] });
  return shape.reduce((product, side) => product * side, 1);
}

/** Samples in a split. */
export function countOf(split: Split): number {
  requireArguments("countOf", { split: [split, aSplit] });
  const { labels } = split;
  return labels.length;
}

/**
 * Samples by index, on the host: [indices.length, ...shape] flattened. They are to the bit what `pickSamples` gives on the GPU.
 * @throws RangeError for an index that the split does not have.
 */
export function hostSamples(split: Split, indices: ArrayLike<number>): Float32Array {
  requireArguments("hostSamples", { split: [split, aSplit], indices: [indices, numbers] });
  const { shape, samples, labels } = split;
  const size = sampleSize(shape);
  const picked = new Float32Array(indices.length * size);
  const unit = samples instanceof Uint8Array ? 255 : 1;
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i];
    if (!Number.isInteger(index) || index < 0 || index >= labels.length)
      throw new RangeError(
        `hostSamples: index ${index} of ${labels.length} samples; 0 to ${labels.length - 1} is needed`,
      );
    for (let e = 0; e < size; e++) picked[i * size + e] = samples[index * size + e] / unit;
  }
  return picked;
}

/** `count` samples of a split from number `from` on, as views. @throws RangeError when it has fewer. */
export function partOf(split: Split, from: number, count: number): Split {
  requireArguments("partOf", { split: [split, aSplit], from: [from, aNumber], count: [count, aNumber] });
  const { shape, samples, labels, masks } = split;
  const whole = [from, count].every((n) => Number.isInteger(n) && n >= 0);
  if (!whole || from + count > labels.length)
    throw new RangeError(`partOf: ${count} samples from number ${from} on were asked for; there are ${labels.length}`);
  const views = <T extends { subarray(begin: number, end: number): T }>(all: T, size: number): T =>
    all.subarray(from * size, (from + count) * size);
  const size = sampleSize(shape);
  const pixels = masks && masks.length / labels.length;
  return {
    shape,
    samples: samples instanceof Uint8Array ? views(samples, size) : views(samples, size),
    labels: labels instanceof Uint8Array ? views(labels, 1) : views(labels, 1),
    ...(masks && { masks: views(masks, pixels!) }),
  };
}

/** The first `size` samples; all without a size. @throws RangeError when there are fewer, naming `what`. */
export function firstOf(split: Split, size: number | undefined, what: string): Split {
  requireArguments("firstOf", { split: [split, aSplit], size: [size, maybe(aNumber)], what: [what, aText] });
  return size === undefined ? split : partOf(split, 0, requireSize(size, split.labels.length, what));
}

/** `size`, if a part of `count` samples can have it. @throws RangeError naming `what` if not. */
export function requireSize(size: number, count: number, what: string): number {
  if (!Number.isInteger(size) || size < 1 || size > count)
    throw new RangeError(`${what}: ${size} samples were asked for; it has 1 to ${count}`);
  return size;
}
