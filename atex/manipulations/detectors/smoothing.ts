/** Smoothing over noisy copies: what is left of a map where its surroundings are asked too. */

import { callerScope, concat, median, type Tensor } from "../../../engine/index.js";
import { checkedOptions } from "../../../engine/options.js";
import { copiesAtOnce } from "../../copies.js";
import { explainer as explainerOf } from "../../explainers/explainer.js";
import { noisyMaps, smoothGrad } from "../../explainers/smoothGrad.js";
import { scoped } from "../explaining.js";
import type { Side } from "../manipulation.js";
import type { DetectorContext, DetectorEntry } from "./detector.js";
import { disagreement, mapsBy, plainMaps } from "./maps.js";
import { NOISE_OPTIONS, type NoiseOptions, noiseOf } from "./noise.js";

/** A detector that trusts a smoother map and suspects where the plain one is another. */
export function smootherMap(
  about: Omit<DetectorEntry, "suspicion" | "restored">,
  restored: (side: Side, context: DetectorContext) => Promise<Tensor>,
): DetectorEntry {
  return {
    ...about,
    restored: (side, context) => scoped(about.name, () => restored(side, context)),
    async suspicion(side, context) {
      const found = await scoped(about.name, async () => {
        const here = callerScope();
        const plain = await here.wait(plainMaps(side, context));
        const smoother = context.trusted ?? (await here.wait(restored(side, context)));
        return disagreement(plain, smoother, context.world.domain);
      });
      return found.read();
    },
  };
}

/** Keys of the detectors' noise. */
const [SMOOTH, MEDIAN] = [0x5300, 0x3ed1];

/** SmoothGrad of the explainer in question. Source: Smilkov et al. 2017, sec. 3; as a defence: Dombrowski et al. 2019, sec. 4. */
export function smoothGradDetector(options: NoiseOptions = {}): DetectorEntry {
  checkedOptions("smoothGradDetector", options, NOISE_OPTIONS);
  return smootherMap(
    {
      name: "smoothgrad",
      title: "SmoothGrad of the explainer",
      help: "the mean explanation of noisy copies, and how far the plain one is from it",
      source: "Smilkov et al. 2017; Dombrowski et al. 2019",
      takes: "images and tables",
    },
    (side, context) => {
      const noise = noiseOf(context, options, SMOOTH);
      return mapsBy(side, context, (make) => async (name, x) => smoothGrad({ ...noise, base: await make(name, x) }));
    },
  );
}

/** The median explanation of noisy copies, which a few wild ones do not move. Source: Gan et al. 2022 (MeTFA), without its tests of
 *  significance. */
export function medianDetector(options: NoiseOptions = {}): DetectorEntry {
  checkedOptions("medianDetector", options, NOISE_OPTIONS);
  return smootherMap(
    {
      name: "median",
      title: "median explanation of noisy copies",
      help: "the median explanation of noisy copies, element by element, and how far the plain one is from it",
      source: "Gan et al. 2022",
      takes: "images and tables",
    },
    (side, context) => {
      const noise = noiseOf(context, options, MEDIAN);
      return mapsBy(side, context, (make) => async (name, x) => {
        const here = callerScope();
        const base = await here.wait(make(name, x));
        return explainerOf({ ...base.info, name: `median of ${base.info.name}` }, (score, z) => {
          const chunk = copiesAtOnce(z.size);
          return median(concat(noisyMaps({ ...noise, base, chunk }, score, z, (maps) => maps)), { axis: 0 });
        });
      });
    },
  );
}
