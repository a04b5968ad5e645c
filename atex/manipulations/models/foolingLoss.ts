/** Losses of networks that are trained to show other maps. Source: Heo, Joo, Moon 2019, sec. 3. */

import {
  add,
  concat,
  div,
  gather,
  mean,
  mul,
  random,
  slice,
  square,
  sub,
  type Tensor,
  tensor,
} from "../../../engine/index.js";
import { aCount, aFunction, aNumber, aNumberOfAtLeast0, aTensor, required, tupleOf } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../../engine/options.js";
import { type BatchLoss, crossEntropy } from "../../../nn/index.js";
import { rows } from "../../metrics/metric.js";
import { normalised } from "../../metrics/similarities.js";
import { aFoolingObjective } from "../kinds.js";
import type { FoolingObjective } from "./objectives.js";
import { neverConstant, type ShownMap } from "./shown.js";

/** What the maps of a network shall show, and how much that weighs beside the cross-entropy. */
export interface FoolingLossOptions {
  /** What the map shall do: `locationFooling`, `topKFooling` or `massCentreFooling`. */
  readonly objective: FoolingObjective;
  /** The map that is trained, of the label's class. */
  readonly map: ShownMap;
  /** λ, the weight of L_F, at least 0. */
  readonly weight: number;
  /** What the objective has to know of the original map of each training sample, [samples, ...]; where it has a `reference`. */
  readonly references?: Tensor;
}

const FOOLING_LOSS_OPTIONS: KindsOf<FoolingLossOptions> = {
  objective: required(aFoolingObjective),
  map: required(aFunction),
  weight: required(aNumberOfAtLeast0),
  references: aTensor,
};

/** CE + λ L_F with L_F the objective's mean over the batch, for nn's `train`. Source: Heo, Joo, Moon 2019, eq. 4 (passive fooling). */
export function foolingLoss(options: FoolingLossOptions): BatchLoss {
  const { objective, map, weight, references } = checkedOptions("foolingLoss", options, FOOLING_LOSS_OPTIONS);
  return (model, params, x, y, context) => {
    const logits = model.apply(params, x, context);
    const maps = map((z) => model.apply(params, z), x, y);
    const fooling = mean(objective.loss(maps, references && gather(references, context.indices)));
    return [add(crossEntropy(logits, y), mul(fooling, weight)), logits];
  };
}

/** The images, maps and classes of a network that shall show the map of one class for the other. */
export interface SwapLossOptions {
  /** The map that is trained. */
  readonly map: ShownMap;
  /** λ, the weight of L_F, at least 0. */
  readonly weight: number;
  /** Images that hold both classes, [m, ...]. */
  readonly images: Tensor;
  /** What the original network predicts for them, i32 [m]. */
  readonly predicted: Tensor;
  /** The original network's maps of both classes at them, scaled to [0, 1]: [m, d] each. */
  readonly original: readonly [Tensor, Tensor];
  /** The two classes. */
  readonly classes: readonly [number, number];
  /** Such images in a step. */
  readonly batch: number;
}

const SWAP_LOSS_OPTIONS: KindsOf<SwapLossOptions> = {
  map: required(aFunction),
  weight: required(aNumberOfAtLeast0),
  images: required(aTensor),
  predicted: required(aTensor),
  original: required(tupleOf(aTensor, 2, "values")),
  classes: required(tupleOf(aNumber, 2, "numbers")),
  batch: required(aCount),
};

/** CE + λ L_F with L_F = (MSE(h_c1(w), h_c2(w₀)) + MSE(h_c2(w), h_c1(w₀))) / 2 on images that hold both classes, drawn anew for each
 *  batch. CE is that of the training samples, as in the paper, and, so that predictions of those images stay, also of them with what the
 *  original network predicts. Source: Heo, Joo, Moon 2019, sec. 3.3 (active fooling); the second CE is ours. */
export function swapLoss(options: SwapLossOptions): BatchLoss {
  checkedOptions("swapLoss", options, SWAP_LOSS_OPTIONS);
  const { map, weight, images, predicted, original, classes, batch: n } = options;
  return (model, params, x, y, context) => {
    const logits = model.apply(params, x, context);
    const at = random.randint(random.fold(context.key, 1), [n], 0, images.shape[0]);
    const both = gather(images, at);
    const plain = (z: Tensor): Tensor => model.apply(params, z);
    const [first, second] = original.map((maps) => gather(maps, at));
    const shown = scaled(map(plain, concat([both, both]), classesOf(classes, n)));
    const apart = (from: number, wanted: Tensor): Tensor =>
      mean(square(sub(slice(shown, [from, 0], [n, shown.shape[1]]), wanted)));
    const fooling = div(add(apart(0, second), apart(n, first)), 2);
    const loss = add(crossEntropy(logits, y), crossEntropy(plain(both), gather(predicted, at)));
    return [add(loss, mul(fooling, weight)), logits];
  };
}

/** Maps [n, ...] scaled to [0, 1] by their smallest and largest value, as rows [n, d]. */
export function scaled(maps: Tensor): Tensor {
  return normalised(rows(neverConstant(maps)), "min-max");
}

/** n times the first class, n times the second: i32 [2n]. */
export function classesOf([first, second]: readonly [number, number], n: number): Tensor {
  return tensor(Int32Array.from({ length: 2 * n }, (_, i) => (i < n ? first : second)));
}
