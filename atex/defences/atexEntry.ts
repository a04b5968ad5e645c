import { callerScope, dispose } from "../../engine/index.js";
import { count, oneOf, positive, type Read, setting, size } from "../../nn/schema.js";
import {
  ATEX,
  type AtexOptions,
  atex,
  type DirectionSource,
  directionsAtHand,
  freshDirections,
  freshGradients,
} from "./atex.js";
import type { Defence } from "./defence.js";
import { explanationDirections, type KeptDirections } from "./directions.js";
import { type DefenceContext, defenceEntry, implied, type PreparationContext } from "./entry.js";
import { alongOptions, type KeptPredictions, teacherPredictions } from "./predictions.js";

const options = {
  along: setting(size, 1, "longest shift along the explanation, as a multiple of eps"),
  across: setting(size, undefined, "longest shift across it, as a multiple of eps; default that of along"),
  normalisation: implied(oneOf("l2", "maxAbs"), "maxAbs", "what has length 1: an L2 norm, or a largest element, of 1"),
  points: setting(count, 1, "points along the explanation"),
  spacing: implied(oneOf("grid", "sampled"), "sampled", "how they are chosen"),
  copies: setting(count, 1, "points across, of each point along"),
  noise: implied(oneOf("positive", "symmetric"), "symmetric", "signs of the random shifts across"),
  scale: implied(oneOf("unit", "asProjected"), "asProjected", "their lengths: drawn, or what projection leaves"),
  steepest: setting(
    size,
    undefined,
    "longest further shift to where the loss grows fastest, as a multiple of eps; default half of along",
  ),
  alpha: implied(size, 3, "weight of the predictions beside the samples"),
  terms: implied(oneOf("both", "second"), "both", "with predictions at the samples, or without"),
  matching: setting(
    oneOf("changes", "predictions", "logits"),
    undefined,
    "what is matched with the teacher's; default changes with both terms, else predictions",
  ),
  temperature: implied(positive, 10, "temperature of the teacher's softmax"),
  studentTemperature: setting(positive, undefined, "that of the student's; default the teacher's"),
  directions: setting(
    oneOf("kept", "teacher", "student", "gradient"),
    "kept",
    "explanations: the teacher's SmoothGrad once before training, in every batch the teacher's or the student's, or there the student's gradient",
  ),
  samples: implied(count, 10, "noisy copies of SmoothGrad"),
  sigma: implied(size, 0.1, "its noise, in units of the inputs' range"),
};
type Settings = Read<typeof options>;

/** What ATEX needs of every sample and what never changes while it trains. */
interface Kept {
  readonly directions?: KeptDirections;
  readonly predictions?: KeptPredictions;
}

/** The lengths of ATEX's shifts for one eps. */
function shiftsOf({ along, across, steepest, normalisation, points, spacing }: Settings, eps: number) {
  const lengths: Pick<AtexOptions, "delta1" | "delta2" | "steepest"> = {
    delta1: along * eps,
    delta2: across === undefined ? undefined : across * eps,
    steepest: steepest === undefined ? undefined : steepest * eps,
  };
  return { ...lengths, normalisation, points, spacing };
}

/** Directions made in every batch are not kept, nor is what is taught at a grid along them. */
async function prepare(settings: Settings, context: PreparationContext): Promise<Kept & Disposable> {
  const here = callerScope();
  const { eps, teacher, data, key, onProgress, signal } = context;
  const { samples, sigma } = settings;
  const atHand = settings.directions === "kept";
  const directions = atHand
    ? await here.wait(explanationDirections(teacher!, data, { samples, sigma, key, onProgress, signal }))
    : undefined;
  const { delta1, normalisation, points, spacing } = shiftsOf(settings, eps);
  const along = alongOptions({ delta1, normalisation, points, spacing });
  const predictions =
    atHand || along.spacing === "sampled"
      ? await here.wait(teacherPredictions(teacher!, data, directions, { ...along, signal }))
      : undefined;
  const tensors = [directions?.words, predictions?.logits].filter((t) => t !== undefined);
  return { directions, predictions, [Symbol.dispose]: () => dispose(tensors) };
}

function directionsOf(settings: Settings, { teacher, prepared }: DefenceContext<Kept>): DirectionSource {
  const { directions: whose, samples, sigma } = settings;
  if (whose === "gradient") return freshGradients();
  if (whose !== "kept") return freshDirections(whose === "student" ? "student" : teacher!, { samples, sigma });
  if (!prepared?.directions) throw new TypeError('atex: directions "kept" and none at hand; prepare the defence first');
  return directionsAtHand(prepared.directions);
}

function atexOf(
  settings: Settings,
  eps: number,
  lesson: Pick<AtexOptions, "teacher" | "directions" | "predictions">,
): Defence {
  const { copies, noise, scale, alpha, terms, matching, temperature, studentTemperature } = settings;
  return atex({
    ...lesson,
    ...shiftsOf(settings, eps),
    copies,
    noise,
    scale,
    alpha,
    terms,
    matching,
    temperature,
    studentTemperature,
  });
}

export const atexEntry = defenceEntry({
  name: "atex",
  info: ATEX,
  order: 1,
  needs: ["teacher"],
  options,
  reach({ along, across = along, steepest = along / 2 }, eps) {
    return { most: (along + across + steepest) * eps, of: "root mean square" };
  },
  samples: ({ points, copies }) => points * copies,
  presets: {
    atex: {
      title: "ATEX",
      settings: () => ({ directions: "gradient", along: 2, across: 2, steepest: 1, learningRate: 0.005 }),
    },
  },
  prepare,
  check: (settings, eps) => void atexOf(settings, eps, { teacher: (x) => x, directions: freshGradients() }),
  make: (settings, context) =>
    atexOf(settings, context.eps, {
      teacher: context.teacher!,
      directions: directionsOf(settings, context),
      predictions: context.prepared?.predictions,
    }),
});
