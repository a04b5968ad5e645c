/** Splits samples that come in one piece into a training and a test part. */

import { aNumber, anObject, anyNumber, maybe, numbers } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { drawFrom } from "./integer-random.js";

/**
 * Indices of the samples of both parts, in ascending order. From each class `share` of the samples, rounded, are drawn for
 * testing; a class of two or more is in both parts. Depends on labels, `share` and `seed` alone.
 * @throws RangeError for a share that is not between 0 and 1, or a seed that is no whole number.
 */
export function stratifiedSplit(
  labels: ArrayLike<number>,
  given: { readonly share: number; readonly seed?: number },
): { train: number[]; test: number[] } {
  requireArguments("stratifiedSplit", {
    labels: [labels, numbers],
    given: [given, anObject("an object", { share: anyNumber, seed: maybe(aNumber) })],
  });
  const { share, seed = 0 } = given;
  if (!(share > 0 && share < 1))
    throw new RangeError(`split: a test share of ${share}; more than 0 and less than 1 is needed`);
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new RangeError(`split: seed ${seed}; a whole number from 0 on is needed`);
  const byClass = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const members = byClass.get(labels[i]);
    if (members) members.push(i);
    else byClass.set(labels[i], [i]);
  }
  const train: number[] = [];
  const test: number[] = [];
  for (const [label, members] of byClass) {
    const draw = drawFrom(seed, label);
    for (let last = members.length - 1; last > 0; last--) {
      const other = draw.below(last + 1);
      [members[last], members[other]] = [members[other], members[last]];
    }
    const rounded = Math.round(share * members.length);
    const held = members.length < 2 ? 0 : Math.min(members.length - 1, Math.max(1, rounded));
    test.push(...members.slice(0, held));
    train.push(...members.slice(held));
  }
  const ascending = (a: number, b: number): number => a - b;
  return { train: train.sort(ascending), test: test.sort(ascending) };
}
