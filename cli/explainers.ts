/** Explainers as commands name them. */
import {
  EXPLAINER_TABLE,
  type Explainer,
  type ExplainerContext,
  type ExplainerEntry,
  explainerEntryOf,
} from "../atex/index.js";
import { choice, columns } from "./arguments.js";
import { numberOption, UsageError } from "./command.js";
import { inWords, optionsOf, settingsFrom } from "./settings.js";

export const METHODS = EXPLAINER_TABLE.map(({ name }) => name);

export const explainerOptions = {
  method: {
    type: "string",
    default: "gradient",
    value: "name",
    help: `explanation: ${METHODS.join(", ")}; several with commas, or all`,
  },
  ...optionsOf(EXPLAINER_TABLE),
  seed: { type: "string", default: "0", value: "n", help: "seed of everything random" },
} as const;

export interface ExplainerRequest {
  readonly entry: ExplainerEntry;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly seed: number;
}

type ExplainerValues = Readonly<Record<string, string | boolean | undefined>> & {
  readonly method: string;
  readonly seed: string;
};

/** All methods for "all", with their defaults; else the named ones, separated by commas. Settings are given to one method only.
 *  @throws UsageError for an unknown method, or a setting that it does not have. */
export function explainerRequests(values: ExplainerValues): ExplainerRequest[] {
  const names = values.method === "all" ? METHODS : values.method.split(",");
  if (names.length === 1) return [explainerRequest({ ...values, method: names[0] })];
  const set = Object.keys(optionsOf(EXPLAINER_TABLE)).find(
    (name) => values[name] !== undefined && values[name] !== false,
  );
  if (set !== undefined)
    throw new UsageError(`--${set} beside several methods: settings are for one; ask for the methods one by one`);
  return names.map((method) => explainerRequest({ ...values, method }));
}

/** @throws UsageError for an unknown method, or a setting that it does not have. */
export function explainerRequest(values: ExplainerValues): ExplainerRequest {
  const entry = explainerEntryOf(choice("method", values.method, METHODS));
  return {
    entry,
    settings: settingsFrom(entry, EXPLAINER_TABLE, values),
    seed: numberOption("seed", values.seed, { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true }),
  };
}

export function requestedExplainer({ entry, settings }: ExplainerRequest, context: ExplainerContext): Explainer {
  return entry.make(settings, context);
}

/** The request in words: what a reader needs to make the map again. */
export function describeExplainer({ entry, settings, seed }: ExplainerRequest): string {
  const words = [inWords(settings), entry.laws.random ? `seed ${seed}` : ""].filter(Boolean).join(", ");
  return words === "" ? entry.info.name : `${entry.info.name}, ${words}`;
}

/** The table for machines. */
export function explainerList(): object[] {
  return EXPLAINER_TABLE.map(({ name, info, laws, options }) => ({
    name,
    source: info.source,
    scope: info.scope,
    access: info.access,
    differentiable: laws.differentiable,
    options: Object.fromEntries(Object.entries(options).map(([option, { json }]) => [option, json])),
  }));
}

/** The table for people. */
export function explainerLines(): string {
  return columns(
    EXPLAINER_TABLE.map(({ name, info, laws, options }) => [
      name,
      [
        `${info.name} (${info.source})`,
        `${info.scope}, ${info.access}`,
        laws.differentiable ? "can be attacked" : "no gradient",
        Object.keys(options).length > 0
          ? Object.keys(optionsOf([{ name, options }]))
              .map((option) => `--${option}`)
              .join(" ")
          : "",
      ]
        .filter(Boolean)
        .join("; "),
    ]),
  );
}
