import { aNatural, aNumber, numbers, tupleOf } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { requireLength } from "../lengths.js";
import { aSignedMap } from "./kinds.js";

/** How much two explanations of one sample agree, on the host: what of the most important they share. Source: Krishna et al. 2022 (2202.01602),
 *  sec. 3.2. */

type Numbers = readonly number[];

/** One explanation of one sample. */
export interface SignedMap {
  /** How much each pixel or feature counts, at least 0. */
  readonly importance: Numbers;
  /** With its direction; the same as the importance but for signs, or a sum over channels. */
  readonly signed: Numbers;
}

/** The places of the k largest values, largest first; of equals the first. What is 0 is not important and never among them. */
export function topPlaces(values: Numbers, k: number): number[] {
  if (!Number.isInteger(k) || k < 1 || k > values.length)
    throw new RangeError(`topPlaces: the top ${k} of ${values.length} asked for; 1 to ${values.length} are needed`);
  const places = Array.from({ length: values.length }, (_, i) => i).filter((i) => values[i] > 0);
  return places.sort((i, j) => values[j] - values[i] || i - j).slice(0, k);
}

/** What two explanations of one sample share of their k most important places, 0 to 1 each; where neither has k places that are not
 *  0, of as many as there are. */
export interface TopAgreement {
  /** Share of the top k that both have. */
  readonly features: number;
  /** Share of the top k that stand at the same rank in both. */
  readonly ranks: number;
  /** Share of the top k that both have, with the same sign. */
  readonly signs: number;
  /** Share of the top k that stand at the same rank with the same sign. */
  readonly signedRanks: number;
}

/** Feature, rank, sign and signed rank agreement of two explanations, each from 0 to 1. NaN where one holds a NaN. */
export function agreementOnTop(a: SignedMap, b: SignedMap, k: number): TopAgreement {
  requireArguments("agreementOnTop", { a: [a, aSignedMap], b: [b, aSignedMap], k: [k, aNumber] });
  const places = a.importance.length;
  for (const [name, values] of Object.entries({
    "a.signed": a.signed,
    "b.importance": b.importance,
    "b.signed": b.signed,
  }))
    requireLength("agreementOnTop", name, values, places, "as many as a.importance");
  if (!isSound(a) || !isSound(b))
    return { features: Number.NaN, ranks: Number.NaN, signs: Number.NaN, signedRanks: Number.NaN };
  const [p, q] = [topPlaces(a.importance, k), topPlaces(b.importance, k)];
  const most = largerOf(p, q);
  const others = new Set(q);
  const sameSign = (i: number): boolean => Math.sign(a.signed[i]) === Math.sign(b.signed[i]);
  const shared = p.filter((i) => others.has(i));
  const level = p.filter((i, rank) => q[rank] === i);
  return {
    features: shared.length / most,
    ranks: level.length / most,
    signs: shared.filter(sameSign).length / most,
    signedRanks: level.filter(sameSign).length / most,
  };
}

/** Feature agreement of images that forgives a shift: the share of each map's top k that lie within `reach` pixels, also diagonally, of one of
 *  the other's; the mean of both directions. A reach of 0 punishes a map that moved by a single pixel as if nothing of it were left. `a` and
 *  `b` say how much each pixel counts, row after row. NaN where one holds a NaN. Source: 2312.10534 (locality-sensitive top-k). */
export function tolerantAgreement(
  a: Numbers,
  b: Numbers,
  k: number,
  sides: readonly [height: number, width: number],
  reach = 1,
): number {
  requireArguments("tolerantAgreement", {
    a: [a, numbers],
    b: [b, numbers],
    k: [k, aNumber],
    sides: [sides, tupleOf(aNumber, 2, "values")],
    reach: [reach, aNatural],
  });
  const [h, w] = sides;
  for (const [name, values] of Object.entries({ a, b }))
    requireLength("tolerantAgreement", name, values, h * w, `one for each of ${h}×${w} pixels`);
  if (!a.every(Number.isFinite) || !b.every(Number.isFinite)) return Number.NaN;
  const [p, q] = [topPlaces(a, k), topPlaces(b, k)];
  const near = (from: readonly number[], to: readonly number[]): number => {
    const covered = new Uint8Array(h * w);
    for (const i of to) {
      const [y, x] = [Math.floor(i / w), i % w];
      for (let v = Math.max(0, y - reach); v <= Math.min(h - 1, y + reach); v++)
        covered.fill(1, v * w + Math.max(0, x - reach), v * w + Math.min(w - 1, x + reach) + 1);
    }
    return from.filter((i) => covered[i]).length / largerOf(p, q);
  };
  return (near(p, q) + near(q, p)) / 2;
}

/** What shares are of: k, or what there is where neither map has as many places that are not 0. */
const largerOf = (p: readonly number[], q: readonly number[]): number => Math.max(1, p.length, q.length);

function isSound({ importance, signed }: SignedMap): boolean {
  return importance.every(Number.isFinite) && signed.every(Number.isFinite);
}
