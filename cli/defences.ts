/** Defences as commands name them, with the settings that validation chose for `holdfast reproduce`. */
import { readScheme, type SchemeConfig } from "../atex/experiments/index.js";
import { choice } from "./arguments.js";
import { numberOption } from "./command.js";

const NAIVE = { kind: "naive", neighbours: 1 };
/** How all are trained. */
const SCHEDULE = { epochs: 3, batch: 32, learningRate: 0.003, decay: "cosine" };

/** What a configuration of `reproduce` says of each, for pixels that an attacker changes by at most `eps`. */
const DEFENCES = {
  atex: () => ({
    ...{ kind: "atex", title: "ATEX", directions: "gradient", along: 2, across: 2, steepest: 1 },
    learningRate: 0.005,
  }),
  naive: () => ({ ...NAIVE, title: "naive, 1 − cosine", distance: "cosine", weight: 5 }),
  "naive-l2": () => ({ ...NAIVE, title: "naive, squared L2", distance: "squaredL2", weight: 0.1 }),
  fgsm: (eps: number) => ({ kind: "fgsm", title: "FGSM training", radius: eps }),
  pgd: (eps: number) => ({ kind: "pgd", title: "PGD training", radius: eps }),
  "input-gradient": () => ({ kind: "inputGradient", title: "input-gradient penalty", weight: 0.1 }),
  curvature: () => ({ kind: "curvature", title: "curvature penalty", weight: 0.003 }),
  lga: () => ({ kind: "lga", title: "LGA", l2: 0.001, cosine: 10 }),
  ssr: () => ({ kind: "ssr", title: "SSR", weight: 0.1 }),
  r2et: () => ({ kind: "r2et", title: "R2ET", gap: 1, curvature: 0.01 }),
} satisfies Readonly<Record<string, (eps: number) => object>>;
type DefenceName = keyof typeof DEFENCES;
const NAMES = Object.keys(DEFENCES) as DefenceName[];

export const defenceOptions = {
  scheme: { type: "string", default: "atex", value: "name", help: `how: ${NAMES.join(", ")}` },
  eps: {
    type: "string",
    default: "0.05",
    value: "number",
    help: "largest change of a pixel to defend against, where pixels are 0 to 1",
  },
  epochs: {
    type: "string",
    value: "n",
    help: "passes over the training images (default 3)",
  },
  batch: { type: "string", value: "n", help: "images per step (default 32)" },
  lr: {
    type: "string",
    value: "rate",
    help: "learning rate of Adam, falling to 0 (default 0.005 for atex, else 0.003)",
  },
  seed: { type: "string", default: "0", value: "n", help: "seed of everything random" },
} as const;

type DefenceValues = { readonly [K in "scheme" | "eps" | "seed"]: string } & {
  readonly [K in "epochs" | "batch" | "lr"]: string | undefined;
};

export interface DefenceRequest {
  readonly scheme: SchemeConfig;
  readonly eps: number;
  readonly seed: number;
}

export function defenceRequest(values: DefenceValues): DefenceRequest {
  const name = choice("scheme", values.scheme, NAMES);
  const eps = numberOption("eps", values.eps, { min: 1e-4, max: 1 });
  const whole = { min: 1, integer: true };
  const given = {
    ...(values.epochs !== undefined && { epochs: numberOption("epochs", values.epochs, whole) }),
    ...(values.batch !== undefined && { batch: numberOption("batch", values.batch, whole) }),
    ...(values.lr !== undefined && { learningRate: numberOption("lr", values.lr, { min: 0 }) }),
  };
  return {
    scheme: readScheme({ ...SCHEDULE, ...DEFENCES[name](eps), ...given }),
    eps,
    seed: numberOption("seed", values.seed, { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true }),
  };
}
