/** The explanation of a smoother network: kinks, along which maps can be bent at will, are rounded off. */

import { shapeOf, softplus, withOps, zeros } from "../../../engine/index.js";
import { aPositiveNumber, aShape, aText } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import { hasKinks, smoothed } from "../../attacks/surrogate.js";
import { aClassifier } from "../../kinds.js";
import type { Classifier } from "../../score.js";
import type { DetectorEntry } from "./detector.js";
import { mapsBy } from "./maps.js";
import { smootherMap } from "./smoothing.js";

/** How blunt the network is made whose explanations are compared. */
export interface BetaSmoothingOptions {
  /** What the row is called; default "beta-smoothing". */
  readonly name?: string;
  /** Sharpness of the softplus in the place of relu, above 0; default 3. The smaller, the smoother. */
  readonly beta?: number;
}

const BETA_SMOOTHING_OPTIONS: KindsOf<BetaSmoothingOptions> = {
  name: aText,
  beta: aPositiveNumber,
};

/** A network with softplus of sharpness beta in the place of relu (`smoothed`), and of softplus that is sharper; undefined where it has
 *  neither. `shape` is that of a sample. Source: Dombrowski et al. 2019, sec. 4. @throws RangeError for beta <= 0. */
export function softened(classifier: Classifier, shape: readonly number[], beta: number): Classifier | undefined {
  requireArguments("softened", {
    classifier: [classifier, aClassifier],
    shape: [shape, aShape],
    beta: [beta, aPositiveNumber],
  });
  const smooth = smoothed(classifier, beta);
  if (!hasKinks(classifier, shape) && !hasSharper(classifier, shape, beta)) return undefined;
  return (x) =>
    withOps({ softplus: ([z], attrs, run) => (sharpnessOf(attrs) > beta ? softplus(z, beta) : run([z])) }, () =>
      smooth(x),
    );
}

const sharpnessOf = (attrs: unknown): number => (attrs as { beta: number }).beta;

/** Found by tracing, without computing. */
function hasSharper(classifier: Classifier, shape: readonly number[], beta: number): boolean {
  let found = false;
  shapeOf(() => {
    const sample = zeros([1, ...shape]);
    return withOps(
      {
        softplus: ([z], attrs, run) => {
          found ||= sharpnessOf(attrs) > beta;
          return run([z]);
        },
      },
      () => classifier(sample),
    );
  });
  return found;
}

/** beta-smoothing. A network without anything to smooth keeps its maps, and nothing is said about them.
 *  Source: Dombrowski et al. 2019, sec. 4. */
export function betaSmoothingDetector(options: BetaSmoothingOptions = {}): DetectorEntry {
  const { name = "beta-smoothing", beta = 3 } = checkedOptions(
    "betaSmoothingDetector",
    options,
    BETA_SMOOTHING_OPTIONS,
  );
  const smoother = smootherMap(
    {
      name,
      title: `beta-smoothing, beta ${beta}`,
      help: `the explanation of the network with softplus of beta ${beta} for relu, and how far the plain one is from it`,
      source: "Dombrowski et al. 2019",
      takes: "images and tables",
    },
    async (side, context) => {
      const smooth = softened(side.classifier, context.world.domain.shape, beta);
      return mapsBy(smooth ? { ...side, classifier: smooth } : side, context, (make) => make);
    },
  );
  return {
    ...smoother,
    async suspicion(side, context) {
      const { shape } = context.world.domain;
      if (softened(side.classifier, shape, beta)) return smoother.suspicion!(side, context);
      context.world.say(`${name}: the network has no relu and no softplus sharper than beta ${beta}`);
      return Array<number>(side.x.shape[0]).fill(Number.NaN);
    },
  };
}
