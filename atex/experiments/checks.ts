/** Further checks of trained networks at one budget: the attack crafted on another network, with the output held, in the L2 ball,
 *  and how far maps can be driven when nothing holds the prediction. */
import { argmax, div, norm, openScope, random, type Tensor } from "../../engine/index.js";
import { cosineDecay } from "../../nn/index.js";
import { signStep } from "../attacks/rules.js";
import { surrogateOf } from "../attacks/surrogate.js";
import { linf } from "../balls.js";
import { gradient } from "../explainers/gradient.js";
import { rows } from "../metrics/metric.js";
import { localLipschitz, worstCaseStability } from "../metrics/stability.js";
import { type Classifier, classScore } from "../score.js";
import type { Cell, Measurement, Outcome } from "./cells.js";
import type { ExperimentOf } from "./config.js";
import { type Lab, pickPixels, SAMPLE, type Split } from "./lab.js";
import { type AttackRun, attackImages, correctlyClassified, meansOf } from "./robustness.js";

export async function checks(lab: Lab, cell: Cell, experiment: ExperimentOf<"checks">): Promise<Outcome> {
  const { data, seed } = cell;
  const scheme = cell.scheme!;
  const { attack, eps, l2, outputBound } = experiment;
  const { test: split } = await lab.data(data);
  using network = await lab.network({ data, seed, scheme });
  using normal = await lab.network({ data, seed, scheme: "normal" });
  const { classifier } = network;
  const indices = await correctlyClassified(classifier, split, attack.images);
  const own = {
    attack,
    surrogate: surrogateOf(classifier, SAMPLE),
    indices,
    split,
    radii: [eps],
    seed,
  };
  const variants: Record<string, AttackRun> = {
    plain: own,
    "crafted on normal": {
      ...own,
      surrogate: surrogateOf(normal.classifier, SAMPLE) ?? normal.classifier,
    },
    "bounded output": { ...own, outputBound },
    L2: { ...own, norm: "l2", radii: [l2] },
  };
  const measurements: Measurement[] = [];
  for (const [check, run] of Object.entries(variants)) {
    const { under } = await attackImages(lab, classifier, run);
    measurements.push(...meansOf({ scheme, conditions: { check } }, under[0].attacked));
  }
  lab.say("worst-case stability");
  const { images, ...search } = experiment.stability;
  const found = await stabilityOf(classifier, split, indices.slice(0, images), { ...search, eps, seed });
  measurements.push(...meansOf({ scheme, conditions: { check: "stability" } }, found));
  return { measurements };
}

interface StabilityOptions {
  readonly eps: number;
  readonly steps: number;
  readonly restarts: number;
  readonly seed: number;
}

/** Worst-case stability and local Lipschitz estimate of gradient maps, one number per image. */
async function stabilityOf(
  classifier: Classifier,
  split: Split,
  indices: readonly number[],
  { eps, steps, restarts, seed }: StabilityOptions,
): Promise<Record<string, number[]>> {
  using _ = openScope("stability");
  const x = pickPixels(split, indices);
  const score = classScore(classifier, argmax(classifier(x), 1));
  const search = {
    ...{ explainer: gradient, ball: linf(eps), steps, restarts },
    ...{ rule: signStep(eps / 2), schedule: cosineDecay(1, steps), key: random.fold(random.key(seed), 4) },
  };
  const list = async (t: Tensor): Promise<number[]> => Array.from(await t.read());
  const worst = worstCaseStability(search)(score, x);
  return {
    "worst-case stability": await list(worst),
    "worst-case share": await list(div(worst, norm(rows(gradient(score, x)), 1))),
    "local Lipschitz": await list(localLipschitz(search)(score, x)),
  };
}
