/** What page and Markdown write alike. */
import type { Claim } from "../../atex/experiments/index.js";

const ORDER = ["does not hold", "undecided", "holds", "not measured"] as const;

export const badNewsFirst = (judged: readonly Claim[]): Claim[] =>
  ORDER.flatMap((verdict) => judged.filter((claim) => claim.verdict === verdict));

export const unique = (values: readonly string[]): string[] => [...new Set(values)];
