/** Explainers that disagree about one prediction. */

import { callerScope, div, equal, mul, sign, sum, type Tensor, topKMask } from "../../../engine/index.js";
import { aCount, aShare, aTensor } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import { texts } from "../../kinds.js";
import { spearman } from "../../metrics/similarities.js";
import { attributionsOf, explainerMaker, scoped } from "../explaining.js";
import type { DetectorEntry } from "./detector.js";
import { importanceOf, isImage, meansOf, plainMaps, signedParts } from "./maps.js";

/** The panel of explainers that one explanation is held against, by names of `EXPLAINER_TABLE`. */
export interface AgreementOptions {
  /** For images, default gradient-x-input, integrated-gradients, lrp; for tables, default kernel-shap, lime, gradient-x-input. The
   *  explainer in question is not held against itself. */
  readonly images?: readonly string[];
  readonly tables?: readonly string[];
  /** Share of the elements or features that count as the top, 0 to 1, at least one of them; default a quarter. */
  readonly top?: number;
}

const AGREEMENT_OPTIONS: KindsOf<AgreementOptions> = {
  images: texts,
  tables: texts,
  top: aShare,
};

/** Sign agreement: the share of the k most important elements of each that are among those of the other and have the same sign there.
 *  Signed values [n,d] each → [n]. Source: Krishna et al. 2022, sec. 3. @throws ShapeError unless 1 <= k <= d. */
export function signAgreement(a: Tensor, b: Tensor, k: number): Tensor {
  requireArguments("signAgreement", { a: [a, aTensor], b: [b, aTensor], k: [k, aCount] });
  const top = (values: Tensor): Tensor => topKMask(mul(values, sign(values)), k);
  return div(sum(mul(mul(top(a), top(b)), equal(sign(a), sign(b))), 1), k);
}

/** Of the path of integrated gradients where nothing else is set: ranks and signs need fewer than sums. */
const POINTS = 20;

/** 1 − the mean of rank correlation and sign agreement with each explainer of a panel. The panel's explainers are those of whoever suspects,
 *  also where the side brings its own. NaN where all of the panel's maps, or the map itself, are constant.
 *  Source: Krishna et al. 2022, sec. 3. */
export function agreementDetector(options: AgreementOptions = {}): DetectorEntry {
  const {
    images = ["gradient-x-input", "integrated-gradients", "lrp"],
    tables = ["kernel-shap", "lime", "gradient-x-input"],
    top = 0.25,
  } = checkedOptions("agreementDetector", options, AGREEMENT_OPTIONS);
  return {
    name: "agreement",
    title: "agreement between explainers",
    help: "how little the explanation agrees with those of a fixed panel of explainers, in ranks and in signs",
    source: "Krishna et al. 2022",
    takes: "images and tables",
    async suspicion(side, context) {
      const here = callerScope();
      const { world, explainer, classes } = context;
      const { domain } = world;
      const panel = (isImage(domain) ? images : tables).filter((name) => name !== explainer);
      const { explaining } = world;
      const settings = { "integrated-gradients": { points: POINTS }, ...explaining.settings };
      const make = explainerMaker({ ...explaining, settings });
      const found: ArrayLike<number>[] = [];
      for (const name of panel) {
        const { x, classifier } = side;
        const agreed = await here.wait(
          scoped("agreement", async () => {
            const here = callerScope();
            const own = await here.wait(plainMaps(side, context));
            const other = await here.wait(attributionsOf(make, name, { x, classifier }, classes));
            const [a, b] = [signedParts(own, domain), signedParts(other, domain)];
            const k = Math.max(1, Math.round(top * a.shape[1]));
            return [spearman(importanceOf(own, domain), importanceOf(other, domain)), signAgreement(a, b, k)];
          }),
        );
        const [ranks, signs] = await here.wait(Promise.all(agreed.map((t) => t.read())));
        found.push(Array.from(ranks, (rank, i) => 1 - (rank + signs[i]) / 2));
      }
      return meansOf(found);
    },
  };
}
