/** The end of the demo: an attack that makes the maps of several images spell a word. */
import {
  type AttackStudy,
  adamStep,
  type Classifier,
  type Explainer,
  gradient,
  linf,
  pearson,
  smoothed,
  studyAttack,
  surrogateOf,
  targetMap,
} from "../../atex/index.js";
import type { ImageSize } from "../../atex/render/picture.js";
import { wordMap } from "../../atex/render/word.js";
import { openScope, type Tensor, tensor } from "../../engine/index.js";
import { cosineDecay } from "../../nn/index.js";

export interface WordPlan {
  /** One letter for each map. */
  readonly text: string;
  /** Images attacked, at most; the letters are dealt out to them in turn. */
  readonly images: number;
  readonly eps: number;
  /** Steps of Adam on the pixels. */
  readonly steps: number;
  /** Sharpness of the softplus that the attack differentiates in place of relu. */
  readonly beta: number;
  /** Sharpness of the softplus with which the maps are made in the end, as a remedy. */
  readonly remedy: number;
}

/** Of which maps it is measured how much they resemble their letters; lists have one entry per image. */
export interface Likeness {
  readonly clean: readonly number[];
  readonly attacked: readonly number[];
  /** The attack's change with its pixels shuffled. */
  readonly control: readonly number[];
  /** The attacked images' maps by beta-smoothing. */
  readonly remedied: readonly number[];
}

export interface Spelled {
  /** The letters that the images were to show, image by image. */
  readonly letters: readonly string[];
  /** Gradient maps first, those by beta-smoothing second. */
  readonly study: AttackStudy;
  /** Pearson correlation of a map with its letter. */
  readonly likeness: Likeness;
  /** For each letter of the word, in order, the image on which it shows best. */
  readonly best: readonly number[];
}

interface Task {
  readonly classifier: Classifier;
  /** [n·channels·height·width] */
  readonly pixels: Float32Array;
  readonly size: ImageSize;
  readonly key: Tensor;
  readonly onStage: (stage: string) => void;
}

/** Attacks images so that the gradient map of each shows its letter (Dombrowski et al. 2019, sec. 2), and makes the maps of a network
 *  with a blunt softplus beside them (sec. 5, beta-smoothing). */
export async function spell(plan: WordPlan, { classifier, pixels, size, key, onStage }: Task): Promise<Spelled> {
  using here = openScope("word");
  const { channels, height, width } = size;
  const n = pixels.length / (channels * height * width);
  const letters = Array.from({ length: n }, (_, i) => plan.text[i % plan.text.length]);
  const wanted = new Float32Array(n * height * width);
  for (const [i, letter] of letters.entries()) wanted.set(wordMap(letter, height, width), i * height * width);
  const target = tensor(wanted, [n, height, width]);
  const study = await here.wait(
    studyAttack({
      classifier,
      surrogate: surrogateOf(classifier, [channels, height, width], plan.beta),
      x: tensor(pixels, [n, channels, height, width]),
      attack: {
        explainer: gradient,
        objective: targetMap(target),
        ball: linf(plan.eps),
        rule: adamStep(plan.eps / 10),
        schedule: cosineDecay(1, plan.steps),
        steps: plan.steps,
      },
      explainers: [gradient, betaSmoothed(plan.remedy)],
      ...{ key, onProgress: onStage },
    }),
  );
  const [plain, blunt] = study.explainers;
  const alike = async (maps: Float32Array): Promise<number[]> =>
    Array.from(await pearson(tensor(maps, target.shape), target).read());
  const likeness = {
    clean: await here.wait(alike(plain.clean.maps)),
    attacked: await here.wait(alike(plain.under.attacked.maps)),
    control: await here.wait(alike(plain.under.control.maps)),
    remedied: await here.wait(alike(blunt.under.attacked.maps)),
  };
  const best = Array.from(plan.text.slice(0, n), (_, place) => {
    const candidates = letters.flatMap((_, i) => (i % plan.text.length === place ? [i] : []));
    return candidates.reduce((a, b) => (likeness.attacked[b] > likeness.attacked[a] ? b : a));
  });
  return { letters, study, likeness, best };
}

/** The gradient of the same network with softplus in place of relu. */
function betaSmoothed(beta: number): Explainer {
  const info = { ...gradient.info, name: "gradient by beta-smoothing", source: "Dombrowski et al. 2019" };
  return Object.assign((...[score, x]: Parameters<Explainer>) => gradient(smoothed(score, beta), x), { info });
}
