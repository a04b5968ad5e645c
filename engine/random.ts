/**
 * Random numbers as pure functions: the same key gives the same numbers on every adapter. A key is a tensor u32[2]; use each
 * key once and get more with `split` (into a few) or `fold` (by a number, such as the step of a loop).
 */

import { aFiniteNumber, aNatural, aNumberOfAtLeast0, aShare } from "./kinds.js";
import { erfinv } from "./ops/activations.js";
import { argsortRows } from "./ops/argsort.js";
import { add, constant, mul } from "./ops/arithmetic.js";
import { reshape } from "./ops/movement.js";
import {
  bernoulliFromBits,
  foldKey,
  integerFromBits,
  randomBits,
  splitKey,
  symmetricFromBits,
  unitFromBits,
} from "./ops/random.js";
import { slice } from "./ops/slice.js";
import { checkedOptions, holds, rangeOf, requireArguments, shown } from "./options.js";
import type { Shape } from "./shape.js";
import { type Tensor, tensor } from "./tensor.js";

/** A key from a seed: an integer on [0, 2⁵³). */
export function key(seed: number): Tensor {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new RangeError(`random.key: the seed is ${shown(seed)}; an integer from 0 to 2^53 - 1 is needed`);
  return tensor(Uint32Array.of(seed % 2 ** 32, Math.floor(seed / 2 ** 32)));
}

/** `n` new keys, unrelated to each other and to the numbers drawn with `key`; rows of one tensor, nothing is copied. */
export function split(key: Tensor, n = 2): Tensor[] {
  if (!Number.isInteger(n) || n < 1)
    throw new RangeError(`random.split: n is ${shown(n)}; an integer of at least 1 is needed`);
  const rows = splitKey(key, n);
  return Array.from({ length: n }, (_, i) => reshape(slice(rows, [i, 0], [1, 2]), [2]));
}

/** A new key from a key and an integer on [0, 2³²) or a u32 tensor with one element, such as a step counter
 *  that lives on the GPU. */
export function fold(key: Tensor, data: Tensor | number): Tensor {
  if (typeof data === "number" && !holds("u32", data))
    throw new RangeError(`random.fold: ${data} given; ${rangeOf("u32")} is needed`);
  return foldKey(key, typeof data === "number" ? constant(data, "u32") : data);
}

/** Uniform 32-bit words, u32. */
export { randomBits as bits } from "./ops/random.js";

/** Uniform on [low, high), from 24 random bits; default [0, 1). Rounding may give `high` where |low| is far above high − low. */
export function uniform(key: Tensor, shape: Shape, options: { low?: number; high?: number } = {}): Tensor {
  const { low = 0, high = 1 } = checkedOptions("random.uniform", options, { low: aFiniteNumber, high: aFiniteNumber });
  const unit = unitFromBits(randomBits(key, shape));
  return low === 0 && high === 1 ? unit : add(mul(unit, high - low), low);
}

/** Normal with `mean` and standard `deviation`, default 0 and 1, by the inverse of the distribution function: the same on
 *  every adapter to rounding, and within 5.3 deviations. */
export function normal(key: Tensor, shape: Shape, options: { mean?: number; deviation?: number } = {}): Tensor {
  const { mean = 0, deviation = 1 } = checkedOptions("random.normal", options, {
    mean: aFiniteNumber,
    deviation: aNumberOfAtLeast0,
  });
  const unit = mul(erfinv(symmetricFromBits(randomBits(key, shape))), Math.SQRT2 * deviation);
  return mean === 0 ? unit : add(unit, mean);
}

/** 1 with probability p, else 0. */
export function bernoulli(key: Tensor, shape: Shape, p: number): Tensor {
  if (!aShare.fits(p)) throw new RangeError(`random.bernoulli: p is ${shown(p)}; a probability on [0, 1] is needed`);
  return bernoulliFromBits(randomBits(key, shape), p);
}

/** Integers on [low, high), i32. Their probabilities differ by at most 2⁻³², from a multiplication without rejection. */
export function randint(key: Tensor, shape: Shape, low: number, high: number): Tensor {
  if (!Number.isInteger(low) || !Number.isInteger(high) || low < -(2 ** 31) || high >= 2 ** 31 || low >= high)
    throw new RangeError(
      `random.randint: [${shown(low)}, ${shown(high)}) given; integers with -2^31 <= low < high < 2^31 are needed`,
    );
  return integerFromBits(randomBits(key, shape), low, high - low);
}

/** The integers 0 to n − 1 in random order, i32 [n], by sorting n random words; equal words, of which there are n²/2³³ on
 *  average, keep their order. */
export function permutation(key: Tensor, n: number): Tensor {
  requireArguments("random.permutation", { n: [n, aNatural] });
  return argsortRows(randomBits(key, [n]));
}

/** Inverted dropout: 0 with probability `rate`, else 1 / (1 − rate), so that the mean is 1. @throws RangeError unless
 *  0 <= rate < 1. */
export function dropoutMask(key: Tensor, shape: Shape, rate: number): Tensor {
  if (!aShare.fits(rate) || rate === 1)
    throw new RangeError(`random.dropoutMask: rate is ${shown(rate)}; 0 <= rate < 1 is needed`);
  return mul(bernoulli(key, shape, 1 - rate), 1 / (1 - rate));
}
