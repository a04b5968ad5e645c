/**
 * A study of one attack: a batch of images is attacked through one explainer, and the maps of several explainers are compared
 * before and after. Beside the attack stands a control: the same change with its pixels shuffled, which is as large in every
 * norm and aims at nothing.
 */

import {
  abs,
  add,
  argmax,
  callerScope,
  equal,
  gather,
  type LongOptions,
  max,
  mul,
  oneHot,
  openScope,
  random,
  reshape,
  softmax,
  sub,
  sum,
  type Tensor,
  Turns,
  tensor,
} from "../engine/index.js";
import { aCount, aKey, anObject, aTensor, required } from "../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../engine/options.js";
import { PIXEL_RANGE, unitPixels } from "../nn/index.js";
import { attackExplanation, type ExplanationAttackOptions } from "./attacks/explanation.js";
import { anObjective } from "./attacks/kinds.js";
import type { Explainer } from "./explainers/explainer.js";
import { judgeOf } from "./judge.js";
import { aClassifier, anExplainer, explainers, LONG_OPTIONS } from "./kinds.js";
import { rows } from "./metrics/metric.js";
import { relevanceMass } from "./metrics/relevanceMass.js";
import { roundedTowards } from "./render/rounding.js";
import type { Classifier } from "./score.js";
import { clipTo, defaultRange } from "./subject.js";

/** `onProgress` is told what comes next. */
export interface StudyOptions extends LongOptions<string> {
  /** The network under study: it judges predictions, and its maps are compared. */
  readonly classifier: Classifier;
  /** Differentiated in its place by the attack, for networks with relu; default the same. */
  readonly surrogate?: Classifier;
  /** Images [n,c,h,w] or rows [n,d]. */
  readonly x: Tensor;
  /** The attack; its explainer is the one under attack. */
  readonly attack: ExplanationAttackOptions;
  /** Whose maps are compared. */
  readonly explainers: readonly Explainer[];
  /** Pixels that carry the class, [n,h,w] of zeros and ones, where they are known. */
  readonly masks?: Tensor;
  /** Pixels or columns in the top-k intersection; default 50. */
  readonly k?: number;
  /** Key of the attack's random starts and of the control's shuffling. */
  readonly key: Tensor;
}

const STUDY_OPTIONS: KindsOf<StudyOptions> = {
  classifier: required(aClassifier),
  surrogate: aClassifier,
  x: required(aTensor),
  attack: required(anObject("options of attackExplanation", { explainer: anExplainer, objective: anObjective })),
  explainers: required(explainers),
  masks: aTensor,
  k: aCount,
  key: required(aKey),
  ...LONG_OPTIONS,
};

/** What the clean samples are compared with: the attacked ones, these as an 8-bit file holds them (images that were bytes; a row of a
 *  table stays as it is), and the control, the attack's change with its elements shuffled. */
export const VARIANTS = ["attacked", "rounded", "control"] as const;
/** One of `VARIANTS`. */
export type VariantName = (typeof VARIANTS)[number];

/** Images of one variant; lists have one entry per image. */
export interface Variant {
  /** [n·size of a sample] */
  readonly images: Float32Array;
  /** Whether the prediction is that of the clean image. */
  readonly kept: readonly boolean[];
  /** Probability of the clean image's predicted class. */
  readonly probability: readonly number[];
  /** Largest change of an element. */
  readonly change: readonly number[];
}

/** Maps of one variant, and how much they agree with those of the clean images. */
export interface Agreement {
  /** Relative importance |φ|/‖φ‖₁, [n·size of a map]. */
  readonly maps: Float32Array;
  readonly spearman: readonly number[];
  readonly topK: readonly number[];
  /** Of maps scaled to maximum 1; only for images. */
  readonly ssim?: readonly number[];
  /** Share of the map's mass on the mask; only with masks. */
  readonly mass?: readonly number[];
}

/** One explainer's maps of the clean samples, and under each variant with their agreement. */
export interface ExplainerStudy {
  /** The explainer's name. */
  readonly name: string;
  readonly clean: Pick<Agreement, "maps" | "mass">;
  readonly under: Readonly<Record<VariantName, Agreement>>;
}

/** An attack measured: plain numbers and arrays, lists with one entry per sample, probabilities in [0, 1]. */
export interface AttackStudy {
  /** Predicted classes of the clean images, and their probabilities. */
  readonly classes: readonly number[];
  readonly probability: readonly number[];
  /** The attack's objective, to be made large. */
  readonly objective: { readonly clean: readonly number[]; readonly attacked: readonly number[] };
  /** Maps that were differentiated for each image. */
  readonly passes: number;
  readonly images: Readonly<Record<VariantName, Variant>>;
  readonly explainers: readonly ExplainerStudy[];
}

/** Attacks, explains and measures. @throws the reason of `signal`. */
export async function studyAttack(options: StudyOptions): Promise<AttackStudy> {
  checkedOptions("studyAttack", options, STUDY_OPTIONS);
  using here = openScope("study");
  const { classifier, surrogate, x, attack, explainers, key, signal } = options;
  const turns = new Turns<string>("studyAttack", options);
  await here.wait(turns.next(`attacking ${attack.explainer.info.name} maps`));
  const [attackKey, shuffleKey] = random.split(key, 2);
  const range = attack.range ?? defaultRange(x);
  const result = await here.wait(
    attackExplanation(attack).inTurns({ classifier, surrogate, x, key: attackKey }, { signal }),
  );
  const moved = add(x, shuffled(sub(result.images, x), shuffleKey));
  // Reading waits for the attack, so that the next stage is announced when it begins.
  const after = await here.wait(list(result.after));
  const variants: Record<VariantName, Tensor> = {
    attacked: result.images,
    rounded: range === PIXEL_RANGE ? await here.wait(inBytes(x, result.images)) : result.images,
    control: range ? clipTo(range, moved) : moved,
  };
  const classes = await here.wait(list(result.classes));
  const studied: ExplainerStudy[] = [];
  for (const explainer of explainers) {
    await here.wait(turns.next(`comparing ${explainer.info.name} maps`));
    studied.push(await here.wait(studyMaps(options, explainer, result.classes, variants)));
  }
  return {
    classes,
    probability: await here.wait(list(probabilityOf(classifier(x), result.classes))),
    objective: { clean: await here.wait(list(result.before)), attacked: after },
    passes: result.passes,
    images: await here.wait(eachVariant((name) => describeVariant(classifier, x, variants[name], result.classes))),
    explainers: studied,
  };
}

/** What an 8-bit file holds of attacked images: rounded towards the clean ones, so that no budget is exceeded. */
async function inBytes(clean: Tensor, attacked: Tensor): Promise<Tensor> {
  const here = callerScope();
  return tensor(
    unitPixels(roundedTowards(await here.wait(floats(clean)), await here.wait(floats(attacked)))),
    attacked.shape,
  );
}

async function describeVariant(classifier: Classifier, x: Tensor, images: Tensor, classes: Tensor): Promise<Variant> {
  const here = callerScope();
  const logits = classifier(images);
  return {
    images: await here.wait(floats(images)),
    kept: (await here.wait(list(equal(argmax(logits, 1), classes)))).map(Boolean),
    probability: await here.wait(list(probabilityOf(logits, classes))),
    change: await here.wait(list(max(abs(rows(sub(images, x))), 1))),
  };
}

async function studyMaps(
  { classifier, x, masks, k = 50 }: StudyOptions,
  explainer: Explainer,
  classes: Tensor,
  variants: Readonly<Record<VariantName, Tensor>>,
): Promise<ExplainerStudy> {
  using here = openScope(explainer.info.name);
  const judge = judgeOf({ classifier, explainer, classes, x, k });
  const describeMap = async (map: Tensor) => {
    const mass = masks && relevanceMass(map, masks);
    return { maps: await floats(map), mass: mass && (await list(mass)) };
  };
  return {
    name: explainer.info.name,
    clean: await here.wait(describeMap(judge.clean)),
    under: await here.wait(
      eachVariant(async (name) => {
        const here = callerScope();
        const { map, agreement } = judge(variants[name]);
        return {
          ...(await here.wait(describeMap(map))),
          spearman: await here.wait(list(agreement.spearman)),
          topK: await here.wait(list(agreement.topK)),
          ssim: agreement.ssim && (await here.wait(list(agreement.ssim))),
        };
      }),
    ),
  };
}

async function eachVariant<T>(describe: (name: VariantName) => Promise<T>): Promise<Record<VariantName, T>> {
  const here = callerScope();
  const entries: [VariantName, T][] = [];
  for (const name of VARIANTS) entries.push([name, await here.wait(describe(name))]);
  return Object.fromEntries(entries) as Record<VariantName, T>;
}

/** Each sample's elements in another order, the same for all. [n,...] */
function shuffled(change: Tensor, key: Tensor): Tensor {
  return reshape(gather(rows(change), random.permutation(key, change.size / change.shape[0]), 1), change.shape);
}

function probabilityOf(logits: Tensor, classes: Tensor): Tensor {
  return sum(mul(softmax(logits), oneHot(classes, logits.shape[1])), 1);
}

async function list(t: Tensor): Promise<number[]> {
  return Array.from(await t.read());
}

async function floats(t: Tensor): Promise<Float32Array> {
  return Float32Array.from(await t.read());
}
