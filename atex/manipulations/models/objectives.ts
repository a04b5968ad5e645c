/** What maps a network is trained to show, and how it is seen on a sample that it does. */

import { abs, div, mean, neg, sub, type Tensor, tensor } from "../../../engine/index.js";
import { aCount, aShare } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../../engine/options.js";
import { saliencyMap } from "../../explainers/explainer.js";
import { type FoolingInterval, locationLoss, topKLoss } from "../../metrics/heo.js";
import { centreOfMass } from "../../metrics/importance.js";
import { massCentreDisplacement } from "../../metrics/massCentreShift.js";
import type { Statistic } from "../manipulation.js";
import { neverConstant } from "./shown.js";

/** A loss on maps [n,h,w], and the statistic by which it is judged. */
export interface FoolingObjective {
  readonly name: string;
  /** What the loss has to know of the original network's map of the sample: maps [n, ...] → [n, ...]. */
  reference?(maps: Tensor): Tensor;
  /** Per sample, [n]. */
  loss(maps: Tensor, reference: Tensor | undefined): Tensor;
  /** Maps of the original network and of the one in question → [n]. */
  statistic(original: Tensor, maps: Tensor): Tensor;
  readonly statisticName: string;
  /** Where Heo, Joo, Moon 2019, sec. 4, count a sample as fooled. */
  readonly interval: FoolingInterval;
}

const LOCATION_FOOLING_OPTIONS: KindsOf<{ readonly width?: number }> = {
  width: aCount,
};

/** The map is to lie in a frame along the border: mean (m − h)², h scaled to [0, 1]. `width` in pixels, default a seventh of the shorter
 *  side. Source: Heo, Joo, Moon 2019, sec. 3.2, location fooling. */
export function locationFooling(options: { readonly width?: number } = {}): FoolingObjective {
  const { width } = checkedOptions("locationFooling", options, LOCATION_FOOLING_OPTIONS);
  const loss = locationLoss({ width });
  return {
    name: "location",
    loss: (maps) => loss(neverConstant(maps)),
    statistic: (_, maps) => loss(maps),
    statisticName: "location loss",
    interval: { low: 0, high: 0.2 },
  };
}

const TOP_K_FOOLING_OPTIONS: KindsOf<{ readonly share?: number }> = {
  share: aShare,
};

/** The largest `share` of the original map is to vanish: the mean of h² there, h scaled to [0, 1].
 *  Source: Heo, Joo, Moon 2019, sec. 3.2, top-k fooling. */
export function topKFooling(options: { readonly share?: number } = {}): FoolingObjective {
  const { share = 0.1 } = checkedOptions("topKFooling", options, TOP_K_FOOLING_OPTIONS);
  const loss = topKLoss(share);
  return {
    name: "top-k",
    reference: (maps) => maps,
    loss: (maps, reference) => loss(neverConstant(reference!), neverConstant(maps)),
    statistic: loss,
    statisticName: "top-k loss",
    interval: { low: 0, high: 0.3 },
  };
}

/** The map's centre of mass is to move, in any direction: −(|dh| + |dw|) / 2 in units of the image's sides less one, where the paper counts
 *  pixels, so that a weight means the same for all sizes. Source: Heo, Joo, Moon 2019, sec. 3.2, centre-of-mass fooling. */
export function massCentreFooling(): FoolingObjective {
  return {
    name: "mass-centre",
    reference: centreOfMass,
    loss(maps, reference) {
      const sides = maps.shape.slice(-2).map((side) => Math.max(1, side - 1));
      return neg(mean(abs(div(sub(centreOfMass(maps), reference!), tensor(sides))), 1));
    },
    statistic: massCentreDisplacement,
    statisticName: "mass-centre displacement",
    interval: { low: 0.1, high: 1 },
  };
}

/** The usual interval with other ends. @throws RangeError where nothing lies in it. */
export function intervalWithin(usual: FoolingInterval, given: FoolingInterval): FoolingInterval {
  const interval = { ...usual, ...given };
  const { low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY } = interval;
  if (low > high)
    throw new RangeError(
      `fooling: low ${low} and high ${high}, between which nothing counts as fooled; low has to be at most high`,
    );
  return interval;
}

/** The objective's statistic for the study, from attributions. @throws RangeError where nothing would count as fooled. */
export function statisticOf(objective: FoolingObjective, interval: FoolingInterval): Statistic {
  return {
    name: objective.statisticName,
    interval: intervalWithin(objective.interval, interval),
    of: ({ clean, manipulated }) => objective.statistic(saliencyMap(clean), saliencyMap(manipulated)).read(),
  };
}
