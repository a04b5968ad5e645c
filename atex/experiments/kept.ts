/** What ATEX needs of every training image and what never changes while it trains: made once, kept on the GPU. */
import { dispose, type Tensor } from "../../engine/index.js";
import type { ResidentImages } from "../../nn/index.js";
import type { Classifier } from "../score.js";
import {
  type AtexOptions,
  alongOptions,
  explanationDirections,
  type KeptDirections,
  type KeptPredictions,
  teacherPredictions,
} from "../training/index.js";
import type { SchemeConfig } from "./config.js";

export type AtexConfig = Extract<SchemeConfig, { kind: "atex" }>;

export interface Kept extends Disposable {
  readonly directions?: KeptDirections;
  readonly predictions?: KeptPredictions;
}

export interface KeptOptions {
  /** eps1 that is trained for. */
  readonly eps: number;
  readonly teacher: Classifier;
  readonly data: ResidentImages;
  readonly key: Tensor;
  readonly onProgress?: (done: number, count: number) => void;
}

/** The lengths of ATEX's shifts for one eps1. */
export function shiftsOf({ along, across, steepest, normalisation, points, spacing }: AtexConfig, eps: number) {
  const lengths: Pick<AtexOptions, "delta1" | "delta2" | "steepest"> = {
    delta1: along * eps,
    delta2: across === undefined ? undefined : across * eps,
    steepest: steepest === undefined ? undefined : steepest * eps,
  };
  return { ...lengths, normalisation, points, spacing };
}

/** Nothing for schemes other than ATEX. Directions made in every batch are not kept, nor is what is taught at a grid along them. */
export async function keptFor(
  config: SchemeConfig,
  { eps, teacher, data, key, onProgress }: KeptOptions,
): Promise<Kept | undefined> {
  if (config.kind !== "atex") return undefined;
  const { samples, sigma } = config;
  const atHand = config.directions === "kept";
  const directions = atHand
    ? await explanationDirections(teacher, data, { samples, sigma, key, onProgress })
    : undefined;
  const along = alongOptions(shiftsOf(config, eps));
  const predictions =
    atHand || along.spacing === "sampled" ? await teacherPredictions(teacher, data, directions, along) : undefined;
  const tensors = [directions?.words, predictions?.logits].filter((t) => t !== undefined);
  return { directions, predictions, [Symbol.dispose]: () => dispose(tensors) };
}
