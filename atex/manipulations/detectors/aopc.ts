/** A map that points where the network does not look. */
import { callerScope, random, scope, sub, type Tensor } from "../../../engine/index.js";
import { saliencyMap } from "../../explainers/explainer.js";
import { aopc } from "../../metrics/aopc.js";
import { seventh } from "../../metrics/metric.js";
import { classScore } from "../../score.js";
import { featureImportance } from "../columns.js";
import { attributionsOf, explainerMaker, type MakeExplainer, scoped } from "../explaining.js";
import type { DetectorContext, DetectorEntry } from "./detector.js";
import { isImage, plainMaps } from "./maps.js";

const REPLACED = 0xa09c;

/** By how much the area over the perturbation curve of the map stays behind that of occlusion, which asks the network itself; in units of
 *  the probability of the explained class. Source: Samek et al. 2017 (AOPC); Heo, Joo, Moon 2019, sec. 5 (that a fooled network still uses
 *  the old pixels). */
export function aopcDetector(): DetectorEntry {
  return {
    name: "aopc",
    title: "AOPC beside that of occlusion",
    help: "how much less the prediction suffers where the explanation points than where occlusion does",
    source: "Samek et al. 2017; Heo et al. 2019",
    takes: "images and tables",
    async suspicion(side, context) {
      const { world, classes } = context;
      const { domain, seed } = world;
      const { x, classifier } = side;
      const behind = await scoped("aopc", async () => {
        const here = callerScope();
        const own = await here.wait(plainMaps(side, context));
        const occluded = await here.wait(attributionsOf(coarse(world), "occlusion", { x, classifier }, classes));
        const key = random.fold(random.key(seed), REPLACED);
        const { range, features } = domain;
        const area = aopc({ key, range, features, steps: isImage(domain) ? firstRegions(x) : undefined });
        const score = classScore(classifier, classes, { of: "probability" });
        const areaOf = (attribution: Tensor): Tensor =>
          scope(() =>
            area(score, x, isImage(domain) ? saliencyMap(attribution) : featureImportance(attribution, domain)),
          );
        return sub(areaOf(occluded), areaOf(own));
      });
      return behind.read();
    },
  };
}

/** A third of the regions of images [n,c,h,w]: where the most important ones are, orders differ most. */
function firstRegions({ shape: [, , h, w] }: Tensor): number {
  const side = seventh(h, w);
  return Math.ceil((Math.ceil(h / side) * Math.ceil(w / side)) / 3);
}

/** Occlusion of images by the regions that are replaced, each once. */
function coarse({ domain, explaining, explainer }: DetectorContext["world"]): MakeExplainer {
  if (!isImage(domain)) return explainer;
  const patch = seventh(domain.shape[1], domain.shape[2]);
  return explainerMaker({ ...explaining, settings: { ...explaining.settings, occlusion: { patch, stride: patch } } });
}
