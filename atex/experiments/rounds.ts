/** Experiments that train with ATEX for some rounds, which are passes over the data, and compare. */
import { ConfigError } from "../../nn/schema.js";
import { difference, select, valuesOf, type Wanted } from "./aggregate.js";
import type { ReproduceConfig } from "./config.js";
import type { Findings } from "./kind.js";
import { type Claim, judged, only } from "./verdicts.js";

/** A rate that has fallen to nothing teaches nothing more. */
export function requireRounds(
  { scheme, rounds }: { readonly scheme: string; readonly rounds: readonly number[] },
  { schemes }: ReproduceConfig,
  path: string,
): void {
  const { decay, epochs } = schemes[scheme];
  const most = Math.max(...rounds);
  if (decay !== "none" && most > epochs)
    throw new ConfigError(
      `${path}.rounds: ${most} came; the rate of ${scheme} falls to 0 in ${epochs} epochs: raise its epochs`,
    );
}

/** Whether a metric is larger after the most rounds than after none. `paper` is what the paper says of it. */
export function claimsAboutRounds(
  { config: { schemes }, all }: Findings,
  paper: string,
  { metric, conditions }: Pick<Wanted, "metric" | "conditions">,
): Claim[] {
  return [...new Set(all.map(({ data }) => data))].map((data) => {
    const of = select(all, { data, metric, conditions });
    const rounds = valuesOf<number>(of, "rounds");
    const at = (r: number) => only(of, { conditions: { rounds: r } });
    const later = rounds
      .filter((r) => r > 0)
      .map((r) => ({ label: `after ${r} rounds`, gain: difference(at(r), at(0)) }));
    // One way of ATEX in an experiment, but not the same one in all.
    const ways = [...new Set(of.map(({ scheme }) => schemes[scheme].title))].join(", ");
    return judged(`${data}: ${paper}, here: ${ways}`, later.slice(-1));
  });
}
