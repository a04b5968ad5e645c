/** Explainers as commands name them. */
import { EXPLAINERS, type Explainer, type ExplainerName, explainerByName } from "../atex/index.js";
import { random } from "../engine/index.js";
import { choice } from "./arguments.js";
import { numberOption } from "./command.js";

export const explainerOptions = {
  method: { type: "string", default: "gradient", value: "name", help: `explanation: ${EXPLAINERS.join(", ")}` },
  samples: { type: "string", default: "50", value: "n", help: "noisy copies of smoothgrad" },
  sigma: { type: "string", default: "0.15", value: "number", help: "noise of smoothgrad, where pixels are 0 to 1" },
  points: { type: "string", default: "50", value: "n", help: "points on the path of integrated-gradients" },
  seed: { type: "string", default: "0", value: "n", help: "seed of everything random" },
} as const;

export interface ExplainerRequest {
  readonly name: ExplainerName;
  readonly samples: number;
  readonly sigma: number;
  readonly points: number;
  readonly seed: number;
}

export function explainerRequest(values: Readonly<Record<keyof typeof explainerOptions, string>>): ExplainerRequest {
  return {
    name: choice("method", values.method, EXPLAINERS),
    samples: numberOption("samples", values.samples, { min: 1, max: 10_000, integer: true }),
    sigma: numberOption("sigma", values.sigma, { min: 0, max: 10 }),
    points: numberOption("points", values.points, { min: 1, max: 10_000, integer: true }),
    seed: numberOption("seed", values.seed, { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true }),
  };
}

export function makeExplainer({ name, samples, sigma, points, seed }: ExplainerRequest): Explainer {
  return explainerByName(name, { samples, sigma, steps: points, key: random.key(seed) });
}

/** The request in words: what a reader needs to make the map again. */
export function describeExplainer({ name, samples, sigma, points, seed }: ExplainerRequest): string {
  if (name === "smoothgrad") return `SmoothGrad, ${samples} copies, sigma ${sigma}, seed ${seed}`;
  if (name === "integrated-gradients") return `integrated gradients, ${points} points from black`;
  return "gradient";
}
