/** An attack through an explainer as a user runs it, with what it leaves of the maps. */
import { attackExplanation, type Explainer, linf, signStep, studyAttack, topKSuppression } from "../atex/index.js";
import { openScope, random } from "../engine/index.js";
import { cosineDecay } from "../nn/index.js";
import type { Explained } from "./explainersWorld.js";

export const radius = 0.05;
export const topPixels = 50;

/** Agreement with the clean maps, means over the images. */
export interface MapsLeft {
  /** Over the images whose maps, the clean one and the other, are not constant: a constant map has no ranks. */
  readonly spearman: number;
  /** Images that this leaves out. */
  readonly withoutRanks?: number;
  readonly topK: number;
  readonly ssim: number;
}

export interface AttackFigures {
  /** Wall time of all steps: from the first host instruction to the result on the host. */
  readonly seconds: number;
  /** Steps that were run, where that is fewer than are spoken of: then each of the others is counted at the mean of these, and the
   *  maps are those after so many steps. */
  readonly cutTo?: number;
  readonly attacked: MapsLeft;
  /** The same changes with their pixels shuffled. */
  readonly control: MapsLeft;
  /** What is wrong with the attacked images. */
  readonly fault?: string;
}

const settingOf = (explainer: Explainer, steps: number) => ({
  ...{ explainer, steps, objective: topKSuppression(topPixels), ball: linf(radius) },
  ...{ rule: signStep(radius / 2), schedule: cosineDecay(1, steps) },
});

/** Steps of two short attacks, which differ by what steps take. */
const [shorter, longer] = [1, 4];
/** An attack of fewer steps would say little about maps. */
const fewest = 5;

/** Runs the attack on all images, after short ones that compile its kernels and say how many steps are to be had. */
export async function attackThrough(
  { classifier, x }: Explained,
  explainer: Explainer,
  { steps, seconds }: { readonly steps: number; readonly seconds: number },
): Promise<AttackFigures> {
  await secondsOf(shorter);
  const short = await secondsOf(shorter);
  const stepSeconds = Math.max(0, (await secondsOf(longer)) - short) / (longer - shorter);
  // Capture, and the maps before and after.
  const rest = Math.max(0, short - shorter * stepSeconds);
  const affordable = Math.floor((seconds - rest) / stepSeconds);
  const run = Math.min(steps, Math.max(fewest, affordable));

  let [began, ended] = [0, 0];
  const study = await studyAttack({
    ...{ classifier, x, attack: settingOf(explainer, run), explainers: [explainer], k: topPixels, key: random.key(11) },
    onProgress(stage) {
      // The second stage begins when the attacked images are on the host.
      if (stage.startsWith("attacking")) began = performance.now();
      else ended = performance.now();
    },
  });
  const { attacked, control } = study.explainers[0].under;
  const measured = (ended - began) / 1000;
  return {
    seconds: measured + ((steps - run) / run) * Math.max(0, measured - rest),
    ...(run < steps && { cutTo: run }),
    ...{ attacked: meansOf(attacked), control: meansOf(control), fault: faultOf() },
  };

  async function secondsOf(count: number): Promise<number> {
    using here = openScope("probe");
    const start = performance.now();
    await here.wait(attackExplanation(settingOf(explainer, count))({ classifier, x }).images.read());
    return (performance.now() - start) / 1000;
  }

  function faultOf(): string | undefined {
    const { images, objective } = study;
    const { kept, change, images: pixels } = images.attacked;
    if (!pixels.every((v) => v >= 0 && v <= 1) || !change.every((v) => v <= radius + 1e-6))
      return `a pixel left [0,1] or moved by more than ${radius}`;
    if (!kept.every(Boolean)) return "a prediction was not kept";
    if (!objective.attacked.every((v, i) => v >= objective.clean[i])) return "the objective of an image became smaller";
    if (!objective.attacked.some((v, i) => v > objective.clean[i])) return "the objective of no image became larger";
    return [attacked, control].every(({ maps }) => maps.every(Number.isFinite)) ? undefined : "a map is not finite";
  }
}

interface Compared {
  readonly spearman: readonly number[];
  readonly topK: readonly number[];
  readonly ssim?: readonly number[];
}

export function meansOf({ spearman, topK, ssim }: Compared): MapsLeft {
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const ranked = spearman.filter(Number.isFinite);
  const without = spearman.length - ranked.length;
  return {
    ...{ spearman: mean(ranked), topK: mean(topK), ssim: mean(ssim!) },
    ...(without > 0 && { withoutRanks: without }),
  };
}
