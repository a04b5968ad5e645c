/** A map that hardly depends on the weights is suspicious, whoever made it. */

import { argmax, callerScope, random, scope, slice } from "../../../engine/index.js";
import { aCount } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../../engine/options.js";
import { redrawnWeights } from "../../sanity/redrawnWeights.js";
import { scoped } from "../explaining.js";
import type { DetectorEntry } from "./detector.js";
import { disagreement, mapsBy, meansOf, plainMaps } from "./maps.js";

/** How often the weights are drawn anew. */
export interface SanityCheckOptions {
  /** Networks with weights drawn anew that the map is compared with, at least 1; default 2. */
  readonly draws?: number;
}

const SANITY_CHECK_OPTIONS: KindsOf<SanityCheckOptions> = {
  draws: aCount,
};

const REDRAWN = 0x5a11;

/** Spearman's correlation of the map with those that the explainer gives for the same function with its weights drawn anew, of the class that
 *  each then predicts; the mean over the draws. NaN where the function has no weights, or a map is constant.
 *  Source: Adebayo et al. 2018, sec. 3. */
export function sanityCheckDetector(options: SanityCheckOptions = {}): DetectorEntry {
  const { draws = 2 } = checkedOptions("sanityCheckDetector", options, SANITY_CHECK_OPTIONS);
  return {
    name: "sanity-check",
    title: "sanity check",
    help: "how alike the explanation is to that of the same function with its weights drawn anew",
    source: "Adebayo et al. 2018",
    takes: "images and tables",
    async suspicion(side, context) {
      const here = callerScope();
      const { world } = context;
      const { classifier, x } = side;
      const sample = slice(x, [0, ...x.shape.slice(1).map(() => 0)], [1, ...x.shape.slice(1)]);
      const found: ArrayLike<number>[] = [];
      for (let draw = 0; draw < draws; draw++) {
        const apart = await here.wait(
          scoped("sanity check", async () => {
            const here = callerScope();
            const key = random.fold(random.key(world.seed), REDRAWN + draw);
            const other = redrawnWeights(classifier, sample, key);
            if (!other) return undefined;
            const classes = scope(() => argmax(other(x), 1));
            const maps = await here.wait(
              mapsBy({ ...side, classifier: other }, { ...context, classes }, (make) => make),
            );
            return disagreement(await here.wait(plainMaps(side, context)), maps, world.domain);
          }),
        );
        if (!apart) {
          world.say("sanity check: the function has no matrix product or convolution with weights");
          return Array<number>(x.shape[0]).fill(Number.NaN);
        }
        found.push((await here.wait(apart.read())).map((value) => 1 - value));
      }
      return meansOf(found);
    },
  };
}
