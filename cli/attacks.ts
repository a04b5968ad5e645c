/** Attacks as commands name them. */
import {
  type Explainer,
  type ExplanationAttackOptions,
  linf,
  massCentre,
  type Objective,
  signStep,
  targetRegion,
  topKSuppression,
} from "../atex/index.js";
import { random, type Tensor, tensor } from "../engine/index.js";
import { cosineDecay } from "../nn/index.js";
import { choice } from "./arguments.js";
import { numberOption } from "./command.js";

const OBJECTIVES = ["top-k", "target", "mass-centre"] as const;

export const attackOptions = {
  objective: {
    type: "string",
    default: "top-k",
    value: "name",
    help: `${OBJECTIVES.join(", ")}: drain the k most important pixels, fill a random 5x5 block, move the centre`,
  },
  k: { type: "string", default: "50", value: "n", help: "pixels of top-k, in the attack and in its measure" },
  eps: { type: "string", default: "0.03", value: "number", help: "largest change of a pixel, where pixels are 0 to 1" },
  steps: { type: "string", default: "100", value: "n", help: "steps per start, shrinking by a cosine" },
  "step-size": { type: "string", value: "number", help: "change of a pixel in the first step (default eps/2)" },
  restarts: {
    type: "string",
    value: "n",
    help: "starts at random points, besides the image itself (default 0; mass-centre 1)",
  },
} as const;

type Defaulted = Exclude<keyof typeof attackOptions, "step-size" | "restarts">;
type AttackValues = { readonly [K in Defaulted]: string } & {
  readonly [K in "step-size" | "restarts"]: string | undefined;
};

export interface AttackRequest {
  readonly objective: (typeof OBJECTIVES)[number];
  readonly k: number;
  readonly eps: number;
  readonly steps: number;
  readonly stepSize: number;
  readonly restarts: number;
}

export function attackRequest(values: AttackValues): AttackRequest {
  const eps = numberOption("eps", values.eps, { min: 0, max: 1 });
  const stepSize = values["step-size"];
  const objective = choice("objective", values.objective, OBJECTIVES);
  // The distance between two centres has no gradient where they coincide, so the image itself is no start.
  const fewest = objective === "mass-centre" ? 1 : 0;
  return {
    objective,
    k: numberOption("k", values.k, { min: 1, max: 784, integer: true }),
    eps,
    steps: numberOption("steps", values.steps, { min: 1, max: 100_000, integer: true }),
    stepSize: stepSize === undefined ? eps / 2 : numberOption("step-size", stepSize, { min: 0, max: 1 }),
    restarts: numberOption("restarts", values.restarts ?? String(fewest), { min: fewest, max: 1000, integer: true }),
  };
}

/** The attack of a request on one explainer, for `n` images of 28×28. */
export async function makeAttack(
  { objective, k, eps, steps, stepSize, restarts }: AttackRequest,
  { explainer, n, key }: { readonly explainer: Explainer; readonly n: number; readonly key: Tensor },
): Promise<ExplanationAttackOptions> {
  const makers: Record<AttackRequest["objective"], () => Promise<Objective>> = {
    "top-k": async () => topKSuppression(k),
    "mass-centre": async () => massCentre(),
    target: async () => targetRegion(tensor(await randomBlocks(n, key), [n, 28, 28])),
  };
  return {
    explainer,
    objective: await makers[objective](),
    ball: linf(eps),
    rule: signStep(stepSize),
    schedule: cosineDecay(1, steps),
    steps,
    restarts,
  };
}

/** A 5×5 block of ones at a random place for each image: [n·28²]. Source: Tang et al. 2022, sec. 5.2. */
async function randomBlocks(n: number, key: Tensor): Promise<Float32Array> {
  const corners = await random.randint(key, [n, 2], 0, 28 - 5 + 1).read();
  const masks = new Float32Array(n * 784);
  for (let i = 0; i < n; i++)
    for (let p = 0; p < 25; p++)
      masks[i * 784 + 28 * (corners[2 * i] + Math.floor(p / 5)) + corners[2 * i + 1] + (p % 5)] = 1;
  return masks;
}
