/** What the inputs of a network look like: their shape, the valid range of each feature, and what the features are. */

import { aNumber } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { aDomain, aRange, numberList } from "../kinds.js";

/** One thing a person would name: a pixel, or a column of a table. */
export interface Feature {
  readonly name: string;
  readonly kind: "numeric" | "binary" | "categorical";
  /** Its elements in a flattened sample: one, or one for each category of a categorical feature (one-hot). */
  readonly at: readonly number[];
  /** Names of the categories in the order of `at`; of the two values of a binary feature. */
  readonly values?: readonly string[];
}

/** The smallest and largest valid value: one for all elements of a sample, or one for each, flattened. */
export interface FeatureRange {
  readonly low: number | readonly number[];
  readonly high: number | readonly number[];
}

/** What inputs of a function are: shape, valid range, names of features. Explainers and attacks take it as given. */
export interface Domain {
  /** Shape of one sample, without the batch side: [c,h,w], [d]. */
  readonly shape: readonly number[];
  readonly range: FeatureRange;
  /** Named features; where it is missing, every element is a nameless numeric one, as the pixels of an image are. */
  readonly features?: readonly Feature[];
}

/** Pixels that were bytes: 0 to 1. */
export const PIXEL_RANGE = { low: 0, high: 1 } as const satisfies FeatureRange;

/** A range whose ends are moved element by element: the valid one of inputs that are all shifted by `by`, flattened. */
export function shiftedRange(range: FeatureRange, by: readonly number[]): FeatureRange {
  requireArguments("shiftedRange", { range: [range, aRange], by: [by, numberList] });
  const { low, high } = range;
  const moved = (bound: FeatureRange["low"]): number[] =>
    by.map((v, i) => v + (typeof bound === "number" ? bound : bound[i]));
  return { low: moved(low), high: moved(high) };
}

/** A constant for every numeric element of a sample, flattened; categories and yes or no get 0, since other values mean nothing. */
export function numericShift(domain: Domain, by: number): number[] {
  requireArguments("numericShift", { domain: [domain, aDomain], by: [by, aNumber] });
  const { shape, features = [] } = domain;
  const fixed = new Set(features.flatMap(({ kind, at }) => (kind === "numeric" ? [] : at)));
  const size = shape.reduce((product, side) => product * side, 1);
  return Array.from({ length: size }, (_, i) => (fixed.has(i) ? 0 : by));
}
