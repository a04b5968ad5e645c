/** Attacks as commands name them. */

import {
  type Explainer,
  type ExplanationAttackOptions,
  linf,
  OBJECTIVE_TABLE,
  type ObjectiveContext,
  type ObjectiveEntry,
  objectiveEntryOf,
  signStep,
} from "../atex/index.js";
import { callerScope } from "../engine/index.js";
import type { FeatureRange } from "../nn/index.js";
import { cosineDecay } from "../nn/index.js";
import { choice } from "./arguments.js";
import { asUsage, numberOption } from "./command.js";
import { optionsOf, settingsFrom } from "./settings.js";

const OBJECTIVES = OBJECTIVE_TABLE.map(({ name }) => name);
const FLAT = OBJECTIVE_TABLE.filter(({ flatAtClean }) => flatAtClean).map(({ name }) => name);

export const attackOptions = {
  objective: {
    type: "string",
    default: "top-k",
    value: "name",
    help: OBJECTIVE_TABLE.map(({ name, help }) => `${name}: ${help}`).join("; "),
  },
  ...optionsOf(OBJECTIVE_TABLE),
  eps: {
    type: "string",
    value: "number",
    help: "largest change of a pixel or column, in units of the data (default 0.03 for pixels, 0.3 for columns)",
  },
  steps: { type: "string", default: "100", value: "n", help: "steps per start, shrinking by a cosine" },
  "step-size": {
    type: "string",
    value: "number",
    help: "change of a pixel or column in the first step (default eps/2)",
  },
  restarts: {
    type: "string",
    value: "n",
    help: `starts at random points, besides the sample itself (default 0; ${FLAT.join(", ")} 1)`,
  },
} as const;

type AttackValues = Readonly<Record<string, string | boolean | undefined>> & {
  readonly objective: string;
  readonly eps?: string;
  readonly steps: string;
  readonly "step-size"?: string;
  readonly restarts?: string;
};

export interface AttackRequest {
  readonly objective: ObjectiveEntry;
  readonly settings: Readonly<Record<string, unknown>>;
  /** What the options say; without, a default that depends on the kind of data. */
  readonly eps?: number;
  readonly steps: number;
  readonly stepSize?: number;
  readonly restarts: number;
}

/** @throws UsageError for what makes no sense. */
export function attackRequest(values: AttackValues): AttackRequest {
  const objective = objectiveEntryOf(choice("objective", values.objective, OBJECTIVES));
  const { eps, "step-size": stepSize, restarts } = values;
  // Where the objective has no slope at the sample itself, that is no start.
  const fewest = objective.flatAtClean ? 1 : 0;
  return {
    objective,
    settings: settingsFrom(objective, OBJECTIVE_TABLE, values),
    eps: eps === undefined ? undefined : numberOption("eps", eps, { min: 0 }),
    steps: numberOption("steps", values.steps, { min: 1, max: 100_000, integer: true }),
    stepSize: stepSize === undefined ? undefined : numberOption("step-size", stepSize, { min: 0 }),
    restarts: numberOption("restarts", restarts ?? String(fewest), { min: fewest, max: 1000, integer: true }),
  };
}

export interface AttackOn extends ObjectiveContext {
  readonly explainer: Explainer;
  readonly range: FeatureRange;
  readonly eps: number;
}

/** The attack of a request on one explainer. */
export async function makeAttack(request: AttackRequest, on: AttackOn): Promise<ExplanationAttackOptions> {
  const here = callerScope();
  const { objective, settings, steps, restarts } = request;
  const { explainer, range, eps, ...context } = on;
  return {
    ...{ explainer, range, steps, restarts },
    objective: await here.wait(
      objective.make(settings, context).catch((error: unknown) => {
        throw asUsage(error);
      }),
    ),
    ball: linf(eps),
    rule: signStep(request.stepSize ?? eps / 2),
    schedule: cosineDecay(1, steps),
  };
}
