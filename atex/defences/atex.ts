/** ATEX: the network learns the teacher's predictions around each image, along the explanation and across it. No gradient is
 *  differentiated. */

import {
  add,
  concat,
  full,
  grad,
  mean,
  mul,
  random,
  reshape,
  split,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
} from "../../engine/index.js";
import { aCount, aFunction, aNumberOfAtLeast0, aPositiveNumber, either, required, wordOf } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { klDivergencePerSample } from "../../nn/index.js";
import { asOneBatch, repeated } from "../copies.js";
import { aClassifier } from "../kinds.js";
import type { Classifier } from "../score.js";
import { type Batch, type Defence, explained, joined, type Network, requireWeights, weighted } from "./defence.js";
import {
  type KeptDirections,
  pickDirections,
  SMOOTH_GRAD_SETTINGS,
  type SmoothGradSettings,
  smoothDirection,
} from "./directions.js";
import { aKeptDirections, aKeptPredictions } from "./kinds.js";
import { alongOptions, type KeptPredictions, pickPredictions, requireAlong, requireSamePlaces } from "./predictions.js";
import {
  type AlongOptions,
  alongExplanation,
  forCopies,
  lengthsAlong,
  steepestShifts,
  type TangentOptions,
  tangentShifts,
} from "./shifts.js";

/** φ at the images of a batch, [n,...], whose length does not matter, and g(x), [n,C], where it comes along. */
export type DirectionSource = (g: Network, batch: Batch) => readonly [direction: Tensor, logits?: Tensor];

/** The teacher's, computed before. */
export function directionsAtHand(kept: KeptDirections): DirectionSource {
  requireArguments("directionsAtHand", { kept: [kept, aKeptDirections] });
  return (_, { indices }) => [pickDirections(kept, indices)];
}

/** SmoothGrad in every batch: of the teacher (paper) or of the network that is trained (released code). */
export function freshDirections(of: Classifier | "student", settings: SmoothGradSettings = {}): DirectionSource {
  requireArguments("freshDirections", { of: [of, either(aClassifier, wordOf("student"))] });
  checkedOptions("freshDirections", settings, SMOOTH_GRAD_SETTINGS);
  return (g, { x, key }) => [stopGradient(() => smoothDirection(of === "student" ? g : of, x, key, settings))];
}

/** In every batch the gradient of the trained network's own class, one pass: the map that is attacked. */
export function freshGradients(): DirectionSource {
  return (g, { x }) => {
    const { logits, map } = explained(g, x);
    return [map, logits];
  };
}

/** How ATEX trains. Letters are those of Tang et al. 2022, eq. 4 to 6: f teaches g; xᵢ lie along the explanation φ of x, and each
 *  x_p beside one, across φ. "Paper" and "released code" mark where the two differ. */
export interface AtexOptions {
  /** f, the normally trained network. */
  readonly teacher: Classifier;
  /** φ of each image of a batch: `directionsAtHand`, `freshDirections` or `freshGradients`. */
  readonly directions: DirectionSource;
  /** Δ₁ and Δ₂, the longest shifts along and across the explanation, in units of `normalisation`. Δ₂ is Δ₁ unless told otherwise.
   *  A good Δ₁ is twice the largest change that an attacker is allowed. */
  readonly delta1: number;
  readonly delta2?: number;
  /** Default "maxAbs". */
  readonly normalisation?: AlongOptions["normalisation"];
  /** Points along the explanation, default 1, sampled; tangent copies of each, default 1. */
  readonly points?: number;
  readonly spacing?: AlongOptions["spacing"];
  readonly copies?: number;
  /** Default "symmetric" and "asProjected", the released code's; the paper's are "positive" and "unit". */
  readonly noise?: TangentOptions["noise"];
  readonly scale?: TangentOptions["scale"];
  /** Δ₃, the longest of one more shift of each x_p: across the explanation, where the second term grows fastest, which one more
   *  gradient with respect to the points tells (ours). 0: none (paper and released code). Default Δ₁/2. */
  readonly steepest?: number;
  /** Weight of the second term, whose sums are means here: the paper's α times points · copies. Default 3: the
   *  larger, the more of the maps is kept, and the smaller, the more accuracy. */
  readonly alpha?: number;
  /** Both terms of eq. 4 (paper) or only the second (released code). Default "both". */
  readonly terms?: "both" | "second";
  /** What L compares: softmax predictions by KL(f ‖ g) (paper and released code); logits by their mean squared difference (Ba and
   *  Caruana 2014, eq. 1), which also holds what all logits have in common; or how predictions change from x to x_p (ours): KL(f ‖ g)
   *  with g's logits at x_p moved by f(x) − g(x), or the second term also fights a difference at x itself, which no map shows.
   *  Default "changes" with both terms, "predictions" with one. */
  readonly matching?: "changes" | "predictions" | "logits";
  /** Temperatures of the teacher's and the student's softmax in L; default 10, and the teacher's (released code: 4 and 1). At 1 a
   *  sure prediction teaches little; above 0, and well above 1 L holds the differences of logits (Hinton et al. 2015, eq. 2 to 4). */
  readonly temperature?: number;
  readonly studentTemperature?: number;
  /** The teacher's predictions computed before, for directions at hand. */
  readonly predictions?: KeptPredictions;
}

const ATEX_OPTIONS: KindsOf<AtexOptions> = {
  teacher: required(aClassifier),
  directions: required(aFunction),
  delta1: required(aNumberOfAtLeast0),
  delta2: aNumberOfAtLeast0,
  normalisation: wordOf("l2", "maxAbs"),
  points: aCount,
  spacing: wordOf("grid", "sampled"),
  copies: aCount,
  noise: wordOf("positive", "symmetric"),
  scale: wordOf("unit", "asProjected"),
  steepest: aNumberOfAtLeast0,
  alpha: aNumberOfAtLeast0,
  terms: wordOf("both", "second"),
  matching: wordOf("changes", "predictions", "logits"),
  temperature: aPositiveNumber,
  studentTemperature: aPositiveNumber,
  predictions: aKeptPredictions,
};

export const ATEX = { name: "ATEX", source: "Tang et al. 2022, eq. 4 to 6" };

/** L(g(x), f(x)) + α · mean over xᵢ, x_p of L(g(x_p), f(xᵢ)), L = KL(f ‖ g). The teacher sees each xᵢ once, however many tangent
 *  copies the student sees of it, and no gradient is differentiated. Defaults were chosen on validation images of
 *  Fashion-MNIST (`holdfast reproduce`, ablation). Source: Tang et al. 2022, eq. 4 to 6; ours are the shift `steepest` and the
 *  matching of changes.
 *  @throws RangeError for impossible lengths, numbers of points or copies, and for predictions made for another grid. */
export function atex(options: AtexOptions): Defence {
  checkedOptions("atex", options, ATEX_OPTIONS);
  const { teacher, directions, delta2 = options.delta1, predictions } = options;
  const { copies = 1, noise = "symmetric", scale = "asProjected", steepest = options.delta1 / 2 } = options;
  const { alpha = 3, terms = "both", matching = terms === "both" ? "changes" : "predictions" } = options;
  const { temperature = 10, studentTemperature = temperature } = options;
  const { delta1, spacing } = options;
  const along = alongOptions({ delta1, spacing, points: options.points, normalisation: options.normalisation });
  const { points, normalisation } = along;
  const tangent: TangentOptions = { length: delta2, copies, noise, scale, normalisation };
  requireAlong("atex", along);
  if (terms === "second") requireWeights("atex", { alpha });
  if (matching === "changes" && terms === "second")
    throw new RangeError(
      'atex: matching "changes" given with only the second term; both are needed, for nothing else holds predictions at x',
    );
  if (predictions) requireSamePlaces(along, predictions.along);

  const compared = matching === "changes" ? "g(x_p) + f(x) − g(x)" : "g(x_p)";
  return {
    ...ATEX,
    formula: `L(g(x), f(x)) + α · mean over xᵢ, x_p of L(${compared}, f(xᵢ)), L = ${matching === "logits" ? "mean (f − g)²" : "KL(f ‖ g)"}`,
    loss(g, batch) {
      const { x, indices, key } = batch;
      const [lengthKey, tangentKey, steepestKey, directionKey] = random.split(key, 4);
      const [direction, given] = directions(g, { ...batch, key: directionKey });
      // The steepest shift needs them first; else one pass makes all predictions.
      const before = given ?? (steepest > 0 || alpha === 0 ? g(x) : undefined);
      const perSample = (f: Tensor, student: Tensor): Tensor =>
        matching === "logits"
          ? mean(square(sub(f, student)), 1)
          : klDivergencePerSample(f, student, { temperature, studentTemperature });
      const distilled = (f: Tensor, student: Tensor): Tensor => mean(perSample(f, student));
      /** g's logits at x_p as if it began at x where f does. */
      const moved = (student: Tensor, f: Tensor, logits: Tensor): Tensor =>
        matching === "changes" ? add(student, repeated(sub(f, logits), points * copies)) : student;
      const { around, taught, own, nearby } = stopGradient(() => {
        const centres = alongExplanation(x, direction, lengthsAlong(along, x, lengthKey), normalisation);
        const taught = taughtAt(teacher, x, asOneBatch(centres), predictions, indices);
        const [own, atCentres] = split(taught, [1, points]);
        const nearby = forCopies(atCentres, copies);
        const copied = forCopies(centres, copies);
        const beside = delta2 > 0 ? add(copied, tangentShifts(direction, points, tangent, tangentKey)) : copied;
        const further = (logits: Tensor): Tensor => {
          const uphill = grad((z: Tensor) => distilled(nearby, moved(g(z), asOneBatch(own), logits)))(beside);
          return steepestShifts(uphill, direction, { length: steepest, normalisation }, steepestKey);
        };
        const around = before && steepest > 0 ? add(beside, further(before)) : beside;
        return { around, taught, own: asOneBatch(own), nearby };
      });
      const { logits, student, all } = predictionsAt(g, x, around, before);
      if (all && terms === "both" && matching !== "changes") {
        // One comparison of all that one pass made.
        const f = copies === 1 ? asOneBatch(taught) : concat([own, nearby]);
        const share = ({ shape: [samples] }: Tensor, weight: number): Tensor => full([samples], weight / samples);
        return [sum(mul(perSample(f, all), concat([share(own, 1), share(nearby, alpha)]))), logits];
      }
      const loss = weighted(
        [terms === "both" ? 1 : 0, () => distilled(own, logits)],
        [alpha, () => distilled(nearby, moved(student(), own, logits))],
      );
      return [loss, logits];
    },
  };
}

/** g's logits at x and at the points around it; where those at x are not known by one pass, which makes `all`. */
function predictionsAt(
  g: Network,
  x: Tensor,
  around: Tensor,
  known: Tensor | undefined,
): { readonly logits: Tensor; student(): Tensor; readonly all?: Tensor } {
  if (known) return { logits: known, student: () => g(around) };
  const batch = joined([x, around]);
  const all = g(batch.all);
  const [logits, student] = batch.apart(all);
  return { logits, student: () => student, all };
}

/** f at x and then at the points [points·n,...], run where its predictions are not at hand: [1 + points, n, C]. */
function taughtAt(
  f: Classifier,
  x: Tensor,
  centres: Tensor,
  predictions: KeptPredictions | undefined,
  indices: Tensor,
): Tensor {
  const run = (images: Tensor): Tensor => {
    const logits = f(images);
    return reshape(logits, [-1, x.shape[0], logits.shape[1]]);
  };
  if (!predictions) return run(concat([x, centres]));
  const known = pickPredictions(predictions, indices);
  return predictions.along.spacing === "grid" ? known : concat([known, run(centres)]);
}
