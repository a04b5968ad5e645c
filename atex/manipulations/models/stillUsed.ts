/** Whether a network still uses what its maps no longer show. */

import { callerScope, mean, openScope, random, type Tensor } from "../../../engine/index.js";
import { aCount, aNatural, anObject, aTensor, required } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../../engine/options.js";
import { aClassifier } from "../../kinds.js";
import { aopcCurves } from "../../metrics/aopc.js";
import { type Classifier, classScore } from "../../score.js";
import type { Measured } from "../manipulation.js";

/** Two networks, and the maps along which regions of images are replaced. */
export interface StillUsedOptions {
  readonly honest: Classifier;
  readonly fooled: Classifier;
  /** [n,c,h,w] */
  readonly x: Tensor;
  /** The explained classes, i32 [n]. */
  readonly classes: Tensor;
  /** Of the two networks, [n,h,w]. */
  readonly maps: { readonly honest: Tensor; readonly fooled: Tensor };
  /** Regions replaced, at least 1; default a third of them, at most 20. */
  readonly steps?: number;
  /** Of the random order. */
  readonly seed: number;
}

const STILL_USED_OPTIONS: KindsOf<StillUsedOptions> = {
  honest: required(aClassifier),
  fooled: required(aClassifier),
  x: required(aTensor),
  classes: required(aTensor),
  maps: required(anObject("an object", { honest: aTensor, fooled: aTensor })),
  steps: aCount,
  seed: required(aNatural),
};

/** AOPC of both networks when regions are replaced in the order of the honest network's maps, of the fooled one's, and at random. Scores
 *  are probabilities, so that both networks are measured by one scale. A fooled network whose score falls as fast along the honest maps as
 *  the honest network's has kept its reasons, whatever it shows. Source: Heo, Joo, Moon 2019, sec. 4 (fig. on AOPC); Samek et al. 2017. */
export async function stillUsed(options: StillUsedOptions): Promise<Measured[]> {
  checkedOptions("stillUsed", options, STILL_USED_OPTIONS);
  const { honest, fooled, x, classes, maps, seed } = options;
  using here = openScope("AOPC");
  const [h, w] = x.shape.slice(2);
  const side = Math.max(1, Math.floor(Math.min(h, w) / 7));
  const regions = Math.ceil(h / side) * Math.ceil(w / side);
  const steps = options.steps ?? Math.min(MOST_STEPS, Math.ceil(regions / 3));
  const found: Measured[] = [];
  const along = async (network: string, classifier: Classifier, order: string, map: Tensor): Promise<void> => {
    const here = callerScope();
    const curves = aopcCurves({ key: random.key(seed), region: side, steps });
    const { map: drop, random: chance } = curves(classScore(classifier, classes, { of: "probability" }), x, map);
    const add = async (name: string, values: Tensor): Promise<void> =>
      void found.push({
        ...{ metric: "AOPC", value: await mean(values).item(), count: x.shape[0] },
        conditions: { network, order: name },
      });
    await here.wait(add(order, drop));
    if (order === HONEST_MAPS) await here.wait(add("random", chance));
  };
  await here.wait(along("honest", honest, HONEST_MAPS, maps.honest));
  await here.wait(along("fooled", fooled, HONEST_MAPS, maps.honest));
  await here.wait(along("fooled", fooled, FOOLED_MAPS, maps.fooled));
  return found;
}

const MOST_STEPS = 20;

export const HONEST_MAPS = "honest maps";
export const FOOLED_MAPS = "fooled maps";
