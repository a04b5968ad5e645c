/** The loss of networks whose maps (and answers) change under a trigger alone. Source: Noppel, Peter, Wressnegger 2023, sec. 4. */

import {
  add,
  concat,
  div,
  expand,
  full,
  gather,
  mean,
  mul,
  slice,
  sqrt,
  square,
  sub,
  type Tensor,
} from "../../../engine/index.js";
import { aFunction, aNatural, aShare, aTensor, required } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import { type BatchLoss, crossEntropy } from "../../../nn/index.js";
import { rows } from "../../metrics/metric.js";
import { aTrigger } from "../kinds.js";
import type { ShownMap } from "./shown.js";
import { stamped, type Trigger } from "./trigger.js";

/** What a network is to show and to predict, without the trigger and with it. */
export interface BackdoorLossOptions {
  /** The map that is trained, of the class that is to be predicted. */
  readonly map: ShownMap;
  readonly trigger: Trigger;
  /** λ, the maps' share of the loss, 0 to 1; the predictions have the rest. */
  readonly weight: number;
  /** The original network's maps of the training samples, standardised, [samples, d]: what is shown without the trigger. */
  readonly original: Tensor;
  /** What is shown under the trigger, standardised, [1, d]; the sample's original map where it is missing (full disguise). */
  readonly target?: Tensor;
  /** What is predicted under the trigger; the label where it is missing (simple fooling). */
  readonly wanted?: number;
}

const BACKDOOR_LOSS_OPTIONS: KindsOf<BackdoorLossOptions> = {
  map: required(aFunction),
  trigger: required(aTrigger),
  weight: required(aShare),
  original: required(aTensor),
  target: aTensor,
  wanted: aNatural,
};

/** (1 − λ) CE + λ MSE of standardised maps, both over the batch without the trigger and over half of it with the trigger, so that half of
 *  what the network sees is triggered. Explained is the class that is to be predicted. For nn's `train`. */
export function backdoorLoss(options: BackdoorLossOptions): BatchLoss {
  checkedOptions("backdoorLoss", options, BACKDOOR_LOSS_OPTIONS);
  const { map, trigger, weight, original, target, wanted } = options;
  return (model, params, x, y, context) => {
    const n = x.shape[0];
    const half = Math.ceil(n / 2);
    const firstOf = (t: Tensor, from: number, size: number): Tensor =>
      slice(t, [from, ...t.shape.slice(1).map(() => 0)], [size, ...t.shape.slice(1)]);
    const triggered = n - half;
    const all = concat([firstOf(x, 0, half), stamped(firstOf(x, half, triggered), trigger)]);
    const label = wanted === undefined ? firstOf(y, half, triggered) : full([triggered], wanted, "i32");
    const labels = concat([firstOf(y, 0, half), label]);
    const logits = model.apply(params, all, context);
    const honest = gather(original, context.indices);
    const shown = target ? concat([firstOf(honest, 0, half), expand(target, [triggered, target.shape[1]])]) : honest;
    const maps = standardised(map((z) => model.apply(params, z), all, labels));
    const explained = mean(square(sub(maps, shown)));
    return [add(mul(crossEntropy(logits, labels), 1 - weight), mul(explained, weight)), logits];
  };
}

/** Maps [n, ...] as rows of mean 0 and variance 1, [n, d]: their mean squared difference is 2 − 2 r, r Pearson's. Constant rows become
 *  zeros. */
export function standardised(maps: Tensor): Tensor {
  requireArguments("standardised", { maps: [maps, aTensor] });
  const flat = rows(maps);
  const size = mean(flat, 1, { keepDims: true });
  const apart = sub(flat, size);
  const variance = mean(square(apart), 1, { keepDims: true });
  // Far below what a map's values differ by, and above 0.
  return div(apart, sqrt(add(variance, add(mul(square(size), 1e-6), 1e-20))));
}
