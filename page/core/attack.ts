/** The question that the page asks again and again: what does the map say, and what can be made of it? */
import { argmax, dispose, mul, random, scope, sign, type Tensor, tensor } from "holdfast";
import {
  attackExplanation,
  classScore,
  type Explainer,
  explainerEntryOf,
  linf,
  makeExplainer,
  massCentre,
  type Objective,
  type StepRule,
  saliencyMap,
  spearman,
  targetMap,
  targetRegion,
  topKIntersection,
  topKSuppression,
  wordMap,
} from "holdfast/atex";
import { cosineDecay } from "holdfast/nn";
import { fitted, pictureOf, testPicture } from "./images.js";
import { type Defended, probabilities, taken } from "./networks.js";
import { fittedRegion, type Region, readRegion, type Settings } from "./settings.js";
import { stepSize } from "./steps.js";

/** An image and its explanation. */
export interface Shown {
  /** In [0,1], [c,h,w]. */
  readonly image: Float32Array;
  /** The attribution, [c,h,w]. */
  readonly attribution: Float32Array;
  readonly probabilities: readonly number[];
}

export interface Explained extends Shown {
  readonly shape: readonly number[];
  readonly classes: readonly string[];
  /** The predicted class. */
  readonly predicted: number;
  /** What the data set says; undefined for pictures of the reader's. */
  readonly label?: string;
  readonly milliseconds: number;
}

export interface Attacked extends Shown {
  readonly steps: number;
  /** Pixels among the k most important of both maps, and k. */
  readonly kept: number;
  readonly k: number;
  readonly spearman: number;
  /** Largest change of a pixel. */
  readonly change: number;
  /** What the attack makes large, at the image and at its result. */
  readonly before: number;
  readonly after: number;
  readonly milliseconds: number;
}

/** The image under question, as a tensor [1,c,h,w], and all that stays the same while an attack runs. */
export interface Question {
  readonly settings: Settings;
  readonly on: Defended;
}

function inputOf({ settings, on }: Question): { values: Float32Array; label?: string } {
  const picture = pictureOf(settings);
  return { values: fitted(picture, on.network.shape), label: picture.label };
}

/** The explainer of the settings for a network; what it holds belongs to the scope that is open. */
function explainerOf({ settings, on }: Question): Explainer {
  const { explainer, copies, seed } = settings;
  const { options, uses } = explainerEntryOf(explainer);
  const own = Object.fromEntries(["samples", "points"].filter((name) => name in options).map((name) => [name, copies]));
  const { shape } = on.network;
  const background = (): Tensor => {
    const others = Array.from({ length: 10 }, (_, i) => fitted(testPicture(20 + i), shape));
    return tensor(Float32Array.from(others.flatMap((one) => [...one])), [others.length, ...shape]);
  };
  return on.defended(
    makeExplainer(explainer, own, {
      domain: { shape, range: { low: 0, high: 1 } },
      key: random.key(seed),
      seed,
      background: uses?.background === "always" ? background() : undefined,
    }),
  );
}

/** The map of the settings' image. Nothing stays alive. */
export async function explain(question: Question): Promise<Explained> {
  const began = performance.now();
  const { classifier, shape, classes } = question.on.network;
  const { values, label } = inputOf(question);
  const logits = await taken(scope(() => classifier(tensor(values, [1, ...shape]))));
  const predicted = logits.indexOf(Math.max(...logits));
  const attribution = await taken(scope(() => attributionAt(question, values, predicted)));
  return {
    ...{ image: values, attribution, shape, label, predicted, probabilities: probabilities(logits) },
    classes: classes.length === logits.length ? classes : Array.from(logits, (_, i) => `class ${i}`),
    milliseconds: performance.now() - began,
  };
}

function attributionAt(question: Question, values: Float32Array, predicted: number): Tensor {
  const { classifier, shape } = question.on.network;
  const score = classScore(classifier, tensor(Int32Array.of(predicted)));
  return explainerOf(question)(score, tensor(values, [1, ...shape]));
}

/** What each objective of the page wants of a map; x is the image under question, [1,c,h,w]. */
const OBJECTIVES: Readonly<Record<Settings["objective"], (question: Question, explainer: Explainer) => Objective>> = {
  "top-k": ({ settings, on }) => topKSuppression(topOf(settings, on.network.shape)),
  "mass-centre": () => massCentre(),
  target: ({ settings, on }) => targetRegion(maskOf(readRegion(settings.region), on.network.shape)),
  "target-map": (question, explainer) => targetMap(targetOf(question, explainer)),
};

/** How many pixels of a map count as its top. */
function topOf({ k }: Settings, [, height, width]: readonly number[]): number {
  return Math.min(k, height * width);
}

/** Ones in a region, [1,h,w]. */
function maskOf(region: Region, [, rows, columns]: readonly number[]): Tensor {
  const { top, left, height, width } = fittedRegion(region, rows, columns);
  const mask = new Float32Array(rows * columns);
  for (let y = 0; y < height; y++) mask.fill(1, (top + y) * columns + left, (top + y) * columns + left + width);
  return tensor(mask, [1, rows, columns]);
}

/** The map that a target map aims at, [1,h,w]: letters, or the map of another picture for its predicted class. */
function targetOf({ settings: { target }, on }: Question, explainer: Explainer): Tensor {
  const { shape, classifier } = on.network;
  const [, height, width] = shape;
  if (target.startsWith("word:"))
    return tensor(lettersOf(target.slice("word:".length), height, width), [1, height, width]);
  const x = tensor(fitted(testPicture(Number(target.slice("image:".length))), shape), [1, ...shape]);
  return saliencyMap(explainer(classScore(classifier, argmax(classifier(x), 1)), x));
}

/** Letters as a map; those that do not fit are left out. @throws RangeError where there is none that can be drawn. */
function lettersOf(word: string, height: number, width: number): Float32Array {
  for (let length = word.trim().length; length > 0; length--) {
    try {
      return wordMap(word.trim().slice(0, length), height, width);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  throw new RangeError("Type one to four letters for the map to show.");
}

/** The attack on the map of an image that was explained. Nothing stays alive. */
export async function attack(question: Question, clean: Explained, steps: number): Promise<Attacked> {
  const began = performance.now();
  const found = scope(() => attackTensors(question, clean, steps));
  try {
    const all = await Promise.all(found.map(async (t) => Float32Array.from(await t.read())));
    const [image, attribution, logits, [before], [after], [share], [correlation]] = all;
    const k = topOf(question.settings, question.on.network.shape);
    return {
      ...{ image, attribution, steps, k, before, after },
      probabilities: probabilities(logits),
      kept: Math.round(share * k),
      spearman: correlation,
      change: image.reduce((most, value, i) => Math.max(most, Math.abs(value - clean.image[i])), 0),
      milliseconds: performance.now() - began,
    };
  } finally {
    dispose(found);
  }
}

/** Image, attribution, logits; objective before and after, share of the top in common, rank correlation. */
function attackTensors(question: Question, clean: Explained, steps: number): Tensor[] {
  const { settings, on } = question;
  const { classifier, shape } = on.network;
  const { eps, seed } = settings;
  const x = tensor(clean.image, [1, ...shape]);
  const explainer = explainerOf(question);
  const search = attackExplanation({
    explainer,
    objective: OBJECTIVES[settings.objective](question, explainer),
    // A radius by sample is a tensor; a number would be part of the kernels, and each place of the slider would compile anew.
    ball: linf([eps]),
    rule: stepOf(stepSize(eps, steps)),
    schedule: cosineDecay(1, steps),
    steps,
  });
  const key = random.fold(random.key(seed), 1);
  const { images, before, after } = search({ classifier, surrogate: on.surrogate, x, key });
  const attribution = explainer(classScore(classifier, tensor(Int32Array.of(clean.predicted))), images);
  const [was, is] = [saliencyMap(tensor(clean.attribution, [1, ...shape])), saliencyMap(attribution)];
  const common = topKIntersection(topOf(settings, shape))(was, is);
  return [images, attribution, classifier(images), before, after, common, spearman(was, is)];
}

/** The sign step with its length in a tensor, for the same reason as the radius. */
function stepOf(size: number): StepRule {
  return { name: "sign", init: () => [], step: (g) => [mul(sign(g), tensor(size)), []] };
}
