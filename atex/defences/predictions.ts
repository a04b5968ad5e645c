/** What ATEX's teacher says, computed before: where it looks, and its logits there. */
import { concat, type Done, gather, type LongOptions, reshape, type Tensor, transpose } from "../../engine/index.js";
import { aCount, aNumberOfAtLeast0, maybe, required, wordOf } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import type { ResidentImages } from "../../nn/index.js";
import { aResidentData } from "../../nn/kinds.js";
import { asOneBatch } from "../copies.js";
import { aClassifier, LONG_OPTIONS } from "../kinds.js";
import type { Classifier } from "../score.js";
import type { AtexOptions } from "./atex.js";
import { type KeptDirections, overData, pickDirections } from "./directions.js";
import { aKeptDirections } from "./kinds.js";
import { type AlongOptions, alongExplanation, gridLengths } from "./shifts.js";

/** The teacher's logits where it looks in every pass over a data set, kept on the GPU. */
export interface KeptPredictions {
  readonly along: AlongOptions;
  /** [count, P·C]: each image's own, then those at its points where these are a grid. */
  readonly logits: Tensor;
}

const ALONG_OPTIONS: KindsOf<Pick<AtexOptions, "delta1" | "normalisation" | "points" | "spacing">> = {
  delta1: required(aNumberOfAtLeast0),
  normalisation: wordOf("l2", "maxAbs"),
  points: aCount,
  spacing: wordOf("grid", "sampled"),
};

/** Where along the explanation ATEX looks. */
export function alongOptions(
  options: Pick<AtexOptions, "delta1" | "normalisation" | "points" | "spacing">,
): AlongOptions {
  checkedOptions("alongOptions", options, ALONG_OPTIONS);
  const { delta1: length, normalisation = "maxAbs", points = 1, spacing = "sampled" } = options;
  return { length, normalisation, points, spacing };
}

/** Where the teacher's predictions are wanted: the places that `alongOptions` makes of ATEX's options, to which they have to
 *  belong. */
export interface PredictionOptions extends AlongOptions, LongOptions<Done> {
  /** Images at once; default 100. */
  readonly batchSize?: number;
}

const PREDICTION_OPTIONS: KindsOf<PredictionOptions> = {
  batchSize: aCount,
  length: required(aNumberOfAtLeast0),
  points: required(aCount),
  spacing: required(wordOf("grid", "sampled")),
  normalisation: required(wordOf("l2", "maxAbs")),
  ...LONG_OPTIONS,
};

/** The teacher's logits at x, and where the points are a grid along directions at hand at these too, for every image: they do not
 *  change while ATEX trains. 26 MB for Fashion-MNIST and a grid of 10 points, and a step then needs no pass of the teacher.
 *  @throws TypeError for a grid without directions: those made in every batch lead to other points every time; the reason of `signal`. */
export async function teacherPredictions(
  teacher: Classifier,
  data: ResidentImages,
  directions: KeptDirections | undefined,
  options: PredictionOptions,
): Promise<KeptPredictions> {
  requireArguments("teacherPredictions", {
    teacher: [teacher, aClassifier],
    data: [data, aResidentData],
    directions: [directions, maybe(aKeptDirections)],
  });
  const {
    batchSize = 100,
    onProgress,
    signal,
    ...along
  } = checkedOptions("teacherPredictions", options, PREDICTION_OPTIONS);
  requireAlong("teacherPredictions", along);
  const { spacing, normalisation } = along;
  const grid = spacing === "grid" ? directions : undefined;
  if (spacing === "grid" && !grid)
    throw new TypeError(
      "teacherPredictions: a grid without directions given; directions at hand, or sampled points, are needed",
    );
  const logits = await overData("teacherPredictions", data, batchSize, { onProgress, signal }, (x, _, indices) => {
    const points = (kept: KeptDirections): Tensor =>
      asOneBatch(alongExplanation(x, pickDirections(kept, indices), gridLengths(along, x), normalisation));
    const rows = teacher(grid ? concat([x, points(grid)]) : x);
    const all = reshape(rows, [-1, x.shape[0], rows.shape[1]]);
    return reshape(transpose(all, [1, 0, 2]), [x.shape[0], -1]);
  });
  return { along, logits };
}

/** i32 [b] → [1 + points or 1, b, C] */
export function pickPredictions({ along, logits }: KeptPredictions, indices: Tensor): Tensor {
  const places = along.spacing === "grid" ? 1 + along.points : 1;
  return transpose(reshape(gather(logits, indices, 0), [indices.shape[0], places, -1]), [1, 0, 2]);
}

export function requireAlong(name: string, { length, points, spacing }: AlongOptions): void {
  const fewest = spacing === "grid" ? 2 : 1;
  if (!Number.isInteger(points) || points < fewest || !(length >= 0))
    throw new RangeError(
      `${name}: ${points} ${spacing} points up to ${length} given; at least ${fewest} and a length of at least 0 are needed`,
    );
}

export function requireSamePlaces(wanted: AlongOptions, kept: AlongOptions): void {
  const [a, b] = [wanted, kept].map(({ length, points, spacing, normalisation }) =>
    spacing === "grid" ? `${points} grid points up to ${length} ${normalisation}` : "sampled points",
  );
  if (a !== b) throw new RangeError(`atex: predictions of ${b} for shifts of ${a}; make them again for these`);
}
