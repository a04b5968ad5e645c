/** What the launches of tiles have in common. */
import type { LaunchContext, Operand } from "../lower.js";

/** Whether a kernel of tiles adds so many terms that it does so in blocks: not worth its memory for shorter sums. */
export function isLong(terms: number): boolean {
  return terms > 1024;
}

/** Whether the lanes of a register tile have fewer columns each where these are loaded one by one: otherwise they come by fours as well. */
export function isApart(columns: number): boolean {
  return columns % 32 !== 0;
}

/** Where workgroup tiles put aside what long sums have come to: four numbers of eight rows for each of side² invocations. */
export function sumsOf(ctx: LaunchContext, tiles: number, side: number): Operand {
  return ctx.temp([tiles, 32 * side * side]);
}
