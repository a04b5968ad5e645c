/** How large a value has to be to get the full colour, and how a reader is told. */

import { wordOf } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { someMaps } from "../kinds.js";
import { count } from "./picture.js";

/** The largest |value|, or the 99th percentile of |value|, which a few outliers do not darken. */
export type Normalisation = "max" | "p99";
export const aNormalisation = wordOf("max", "p99");

/** How large a value has to be to have the full colour, as `mapScale` measures it. */
export interface MapScale {
  /** The |value| that gets the full colour; 0 where every value is 0. */
  readonly range: number;
  /** What `range` is: "maximum", "99th percentile of 4 maps". */
  readonly measure: string;
}

/**
 * One scale for all values of `maps`. The 99th percentile (nearest rank: the smallest size that at least 99 % of all sizes do
 * not exceed) of a sparse map can be 0 where the map is not; then it is the maximum, and `measure` says so.
 * @throws RangeError without values, or if a value is not finite.
 */
export function mapScale(maps: readonly ArrayLike<number>[], normalise: Normalisation = "max"): MapScale {
  requireArguments("mapScale", { maps: [maps, someMaps], normalise: [normalise, aNormalisation] });
  const total = maps.reduce((sum, map) => sum + map.length, 0);
  if (total === 0) throw new RangeError("heatmap: no values; at least one is needed");
  const bad = maps.reduce((sum, map) => sum + count(map, (value) => !Number.isFinite(value)), 0);
  if (bad > 0) {
    throw new RangeError(
      `heatmap: ${bad} of ${total} values are NaN or infinite; a map needs finite values; look where the network made the first one`,
    );
  }
  const sizes = new Float64Array(total);
  let at = 0;
  for (const map of maps) for (let i = 0; i < map.length; i++) sizes[at++] = Math.abs(map[i]);
  sizes.sort();
  const largest = sizes[total - 1];
  const of = maps.length > 1 ? ` of ${maps.length} maps` : "";
  if (normalise === "max") return { range: largest, measure: `maximum${of}` };
  const percentile = sizes[Math.ceil(0.99 * total) - 1];
  if (percentile > 0 || largest === 0) return { range: percentile, measure: `99th percentile${of}` };
  return { range: largest, measure: `maximum${of}; the 99th percentile is 0` };
}

/** A number for a reader: three digits, with an exponent where it would be longer without. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 999.5 && size < 1e6) return value.toFixed(0);
  return size > 0 && size < 1e-3 ? value.toExponential(2) : value.toPrecision(3);
}

/** A number with its sign, also a plus: "+1.10", "−0.0312", "0". */
export function signed(value: number): string {
  if (value === 0) return "0";
  return `${value < 0 ? "\u2212" : "+"}${digits(Math.abs(value))}`;
}
