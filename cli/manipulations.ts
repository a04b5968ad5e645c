/** Manipulations as commands name them, and the world that a file of weights and its data make. */
import { correctlyClassified } from "../atex/experiments/index.js";
import {
  DETECTOR_TABLE,
  type ExplainingOptions,
  explainerEntryOf,
  explainerMaker,
  featureIndex,
  MANIPULATION_TABLE,
  type ManipulationEntry,
  type ManipulationWorld,
  manipulationEntryOf,
} from "../atex/index.js";
import type { Dataset } from "../nn/index.js";
import { choice, columns } from "./arguments.js";
import { numberOption, UsageError } from "./command.js";
import { METHODS } from "./explainers.js";
import type { Live } from "./live.js";
import type { LoadedModel } from "./model.js";
import { backgroundOf, isImage } from "./sample.js";
import { optionsOf, settingsFrom } from "./settings.js";
import type { Parametrised } from "./sources/source.js";

const NAMES = MANIPULATION_TABLE.map(({ name }) => name);

/** Explainers that a manipulation is tried on, where nobody says. */
const USUAL = {
  images: ["gradient", "gradient-x-input", "integrated-gradients", "lrp", "smoothgrad"],
  rows: ["gradient", "gradient-x-input", "integrated-gradients", "lime", "kernel-shap"],
};

export const manipulationOptions = {
  ...optionsOf(MANIPULATION_TABLE),
  images: { type: "string", default: "20", value: "n", help: "test samples that are manipulated, or judged" },
  others: { type: "string", default: "20", value: "n", help: "other test samples, to see how far it reaches" },
  explainers: {
    type: "string",
    value: "names",
    help: `explanations it is tried on, with commas (default ${USUAL.images.join(",")}; for tables ${USUAL.rows.join(",")})`,
  },
  detectors: {
    type: "string",
    default: "all",
    value: "names",
    help: `what may notice or undo it, with commas, all or none: ${DETECTOR_TABLE.map(({ name }) => name).join(", ")}`,
  },
  sensitive: {
    type: "string",
    value: "column",
    help: "the column by which nobody should be judged (default that of the data set)",
  },
  seed: { type: "string", default: "0", value: "n", help: "seed of everything random" },
} as const;

type Values = Readonly<Record<string, string | boolean | undefined>> & {
  readonly [K in "images" | "others" | "detectors" | "seed"]: string;
} & { readonly explainers?: string; readonly sensitive?: string };

export interface ManipulationRequest {
  readonly entry: ManipulationEntry;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly images: number;
  readonly others: number;
  readonly seed: number;
}

/** @throws UsageError for an unknown name, or a setting that it does not have. */
export function manipulationRequest(name: string | undefined, values: Values): ManipulationRequest {
  if (name === undefined)
    throw new UsageError(`which manipulation is not said; there is ${NAMES.join(", ")}, and --list says what they do`);
  const entry = manipulationEntryOf(choice("manipulation", name, NAMES));
  const natural = (option: "images" | "others" | "seed", min: number): number =>
    numberOption(option, values[option], {
      min,
      max: option === "seed" ? Number.MAX_SAFE_INTEGER : 10_000,
      integer: true,
    });
  return {
    entry,
    settings: settingsFrom(entry, MANIPULATION_TABLE, values),
    images: natural("images", 1),
    others: natural("others", 0),
    seed: natural("seed", 0),
  };
}

/** Names of explainers and detectors, checked. @throws UsageError for an unknown one. */
export function studyPlan(values: Values, model: Pick<LoadedModel, "domain">) {
  const image = isImage(model.domain);
  const { explainers, detectors } = values;
  const usual = image ? USUAL.images : USUAL.rows;
  const known = DETECTOR_TABLE.map(({ name }) => name);
  const wanted = detectors === "all" ? known : detectors === "none" ? [] : detectors.split(",");
  return {
    explainers: (explainers?.split(",") ?? usual).map((name) => choice("explainer", name, METHODS)),
    detectors: wanted.map((name) => choice("detector", name, known)),
  };
}

/** What is manipulated. */
interface Manipulated {
  readonly model: LoadedModel;
  readonly own: Parametrised;
  readonly dataset: Dataset;
  readonly sensitive?: string;
}

/** The network in a file and the data it was trained on, as a world. @throws UsageError where too few samples are classified correctly,
 *  or there is no such sensitive column. */
export async function worldOf(
  { model, own, dataset, sensitive }: Manipulated,
  { images, others, seed, entry, settings }: ManipulationRequest,
  live: Live,
  stop: { readonly aborted: boolean },
): Promise<ManipulationWorld> {
  const { classifier, domain, card, preparation } = model;
  const { network, params } = own;
  const { train, test } = dataset;
  const found = await correctlyClassified(classifier, test, images + others);
  if (found.length < images)
    throw new UsageError(
      `--images ${images}: the network classifies ${found.length} of ${test.labels.length} test samples correctly; at most that many can be asked for`,
    );
  const column = sensitive ?? dataset.sensitive;
  if (sensitive !== undefined) requireColumn(domain, sensitive);
  const { explainer } = settings;
  if (typeof explainer === "string") explainerEntryOf(explainer);
  const explaining: ExplainingOptions = { domain, background: backgroundOf(dataset), seed };
  return {
    ...{ model: network, params, classifier, domain, classes: card.classes, preparation, sensitive: column },
    ...{ train, test, seed, explaining, stop },
    samples: found.slice(0, images),
    others: found.slice(images),
    siblings: [],
    explainer: explainerMaker(explaining),
    say: (text) => live.update(`${entry.title}: ${text}`),
  };
}

function requireColumn(domain: LoadedModel["domain"], name: string): void {
  try {
    featureIndex(domain, name);
  } catch (error) {
    throw new UsageError(`--sensitive ${name}: ${(error as Error).message}`);
  }
}

/** The table for machines. */
export function manipulationList(): object[] {
  return MANIPULATION_TABLE.map(({ name, title, help, source, changes, takes, options }) => ({
    ...{ name, title, help, source, changes, takes },
    options: Object.fromEntries(Object.entries(options).map(([option, { json }]) => [option, json])),
  }));
}

/** The table for people. */
export function manipulationLines(): string {
  return columns(
    MANIPULATION_TABLE.map(({ name, help, source, changes, takes, options }) => [
      name,
      [
        `${help} (${source})`,
        `changes the ${changes}; for ${takes}`,
        Object.keys(optionsOf([{ name, options }]))
          .map((option) => `--${option}`)
          .join(" "),
      ]
        .filter(Boolean)
        .join("; "),
    ]),
  );
}
