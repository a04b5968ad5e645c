/** How it is seen that an attack of Ghorbani, Abid, Zou 2019 moved a map as it was to. */
import { scope, type Tensor } from "../../../engine/index.js";
import { usualTopK } from "../../attacks/table.js";
import { saliencyMap } from "../../explainers/explainer.js";
import type { FoolingInterval } from "../../metrics/heo.js";
import { massCentreShift } from "../../metrics/massCentreShift.js";
import { relevanceMass } from "../../metrics/relevanceMass.js";
import { topKIntersection } from "../../metrics/similarities.js";
import type { Statistic, StatisticContext } from "../manipulation.js";

export type AimName = "top-k" | "mass-centre" | "target";

export interface StatisticOptions {
  /** Shape of the samples, [n, ...]. */
  readonly shape: readonly number[];
  /** Places in the top; default 50, or a third of a short row. */
  readonly k?: number;
  /** Of the target, zeros and ones [n,h,w]. */
  readonly mask?: Tensor;
  /** Where it counts as fooled; default see `statisticOf`. */
  readonly bound?: number;
}

type OfMaps = (maps: Pick<StatisticContext, "clean" | "manipulated">) => Tensor;

/** The statistic of an aim and where it counts as fooled by default: at most 0.5 of the top k in common; the centre moved by at least a
 *  tenth of the shorter side, in pixels; at least 0.2 of the importance inside the region. */
export function statisticOf(aim: AimName, { shape, k = usualTopK(shape), mask, bound }: StatisticOptions): Statistic {
  const side = Math.min(...shape.slice(-2));
  const [name, interval, of] = (
    {
      "top-k": () => [
        `top-${k} intersection`,
        { high: bound ?? 0.5 },
        ({ clean, manipulated }) => topKIntersection(k)(saliencyMap(clean), saliencyMap(manipulated)),
      ],
      "mass-centre": () => [
        "shift of the centre in pixels",
        { low: bound ?? side / 10 },
        ({ clean, manipulated }) => massCentreShift(clean, manipulated),
      ],
      target: () => [
        "share inside the region",
        { low: bound ?? 0.2 },
        ({ manipulated }) => relevanceMass(saliencyMap(manipulated), mask!),
      ],
    } satisfies Record<AimName, () => [string, FoolingInterval, OfMaps]>
  )[aim]();
  return { name, interval, of: (context) => scope(() => of(context)).read() };
}
