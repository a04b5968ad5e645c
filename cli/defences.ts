/** Defences as commands name them: the presets of the table. */
import { readScheme, type SchemeConfig } from "../atex/experiments/index.js";
import { DEFENCES, type DefenceEntry, type Preset } from "../atex/index.js";
import { ConfigError, object } from "../nn/schema.js";
import { choice, columns, unknown } from "./arguments.js";
import { numberOption, UsageError } from "./command.js";
import { helpOf, inWords, parsed } from "./settings.js";

/** How all are trained, unless told otherwise. */
const SCHEDULE = { epochs: 3, batch: 32, learningRate: 0.003, decay: "cosine" };

/** What belongs to the optimiser, and does not suit another one. */
const OF_ADAM = { batch: SCHEDULE.batch, learningRate: SCHEDULE.learningRate };

const PRESETS: ReadonlyMap<string, { readonly entry: DefenceEntry; readonly preset: Preset }> = new Map(
  DEFENCES.flatMap((entry) => Object.entries(entry.presets).map(([name, preset]) => [name, { entry, preset }])),
);
const NAMES = [...PRESETS.keys()];

export const defenceOptions = {
  scheme: { type: "string", default: "atex", value: "name", help: `how: ${NAMES.join(", ")}` },
  set: {
    type: "string",
    value: "name=value,...",
    help: "settings of the scheme in place of those that validation chose; --list prints them",
  },
  control: {
    type: "string",
    default: "normal",
    value: "name",
    help: "what is trained alike beside it, to tell the defence from more training: normal, without a defence; or none",
  },
  eps: {
    type: "string",
    default: "0.05",
    value: "number",
    help: "largest change of a pixel to defend against, where pixels are 0 to 1",
  },
  epochs: { type: "string", value: "n", help: `passes over the training images (default ${SCHEDULE.epochs})` },
  batch: {
    type: "string",
    value: "n",
    help: `images per step (default ${SCHEDULE.batch}, unless --list tells another)`,
  },
  lr: {
    type: "string",
    value: "rate",
    help: `learning rate, falling to 0 (default ${SCHEDULE.learningRate}, unless --list tells another)`,
  },
  seed: { type: "string", default: "0", value: "n", help: "seed of everything random" },
  list: { type: "boolean", help: "print the schemes there are, with their sources and settings, and stop" },
  json: { type: "boolean", help: "with --list: for machines" },
} as const;

type DefenceValues = { readonly [K in "scheme" | "control" | "eps" | "seed"]: string } & {
  readonly [K in "set" | "epochs" | "batch" | "lr"]: string | undefined;
};

export interface DefenceRequest {
  readonly scheme: SchemeConfig;
  /** Training alike without a defence, where it is asked for and the scheme is not that itself. */
  readonly control?: SchemeConfig;
  readonly eps: number;
  readonly seed: number;
}

/** @throws UsageError for an unknown scheme, or settings that it does not have or that exclude each other. */
export function defenceRequest(values: DefenceValues): DefenceRequest {
  const { entry, preset } = PRESETS.get(choice("scheme", values.scheme, NAMES))!;
  const eps = numberOption("eps", values.eps, { min: 1e-4, max: 1 });
  const whole = { min: 1, integer: true };
  const { learningRate = SCHEDULE.learningRate, batch = SCHEDULE.batch, ...chosen } = preset.settings(eps);
  const how = {
    ...SCHEDULE,
    ...{ learningRate, batch },
    ...(values.epochs !== undefined && { epochs: numberOption("epochs", values.epochs, whole) }),
    ...(values.batch !== undefined && { batch: numberOption("batch", values.batch, whole) }),
    ...(values.lr !== undefined && { learningRate: numberOption("lr", values.lr, { min: 0 }) }),
  };
  const own = settingsFrom(entry, values.set ?? "");
  const settings = checked(entry, { ...chosen, ...own }, eps);
  const title = [preset.title, inWords(own)].filter(Boolean).join(", ");
  const control = choice("control", values.control, ["normal", "none"]);
  return {
    scheme: readScheme({ kind: entry.name, title, ...how, ...settings }),
    control:
      control === "normal" && !entry.plain
        ? readScheme({ kind: "normal", title: "normal training", ...how, ...(entry.optimiser && OF_ADAM) })
        : undefined,
    eps,
    seed: numberOption("seed", values.seed, { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true }),
  };
}

/** "name=value,name=value" */
function settingsFrom({ name: defence, options }: DefenceEntry, text: string): Record<string, unknown> {
  const known = Object.keys(options);
  const pairs = text.split(",").filter((part) => part.trim() !== "");
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name, value] = pair.split("=").map((part) => part.trim());
      if (value === undefined || value === "")
        throw new UsageError(`--set ${pair.trim()}: name=value is needed, for example weight=0.1`);
      if (known.length === 0) throw new UsageError(`--set ${name}: ${defence} has no settings`);
      if (!known.includes(name)) throw unknown(`setting of ${defence}`, name, known);
      return [name, parsed(value, options[name].json)];
    }),
  );
}

/** The settings, complete. Those that exclude each other are found here, before the work. */
function checked(entry: DefenceEntry, settings: Readonly<Record<string, unknown>>, eps: number) {
  try {
    const read = object(entry.options).read(settings, "");
    entry.check?.(read, eps);
    return read;
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(`--set ${error.message}`);
    if (error instanceof RangeError) throw new UsageError(`--set: ${error.message}`);
    throw error;
  }
}

/** The table for machines. */
export function defenceList(): object[] {
  return [...PRESETS].map(([name, { entry, preset }]) => ({
    name,
    title: preset.title,
    defence: entry.name,
    source: entry.info.source,
    order: entry.order,
    needs: entry.needs,
    options: Object.fromEntries(Object.entries(entry.options).map(([option, { json }]) => [option, json])),
  }));
}

/** The table for people. */
export function defenceLines(eps = 0.05): string {
  const schemes = [...PRESETS].map(([name, { entry, preset }]): [string, string] => [
    name,
    [
      `${preset.title} (${entry.info.source})`,
      `derivatives of order ${entry.order}`,
      `learns from ${entry.needs.map((need) => (need === "teacher" ? "the network as it was" : need)).join(" and ")}`,
      inWords(preset.settings(eps)),
    ]
      .filter(Boolean)
      .join("; "),
  ]);
  const settings = DEFENCES.filter(({ options }) => Object.keys(options).length > 0).map(
    (entry) =>
      `\nsettings of ${Object.keys(entry.presets).join(" and ")}\n${columns(
        Object.keys(entry.options).map((name) => [name, helpOf(entry, name)]),
      )}`,
  );
  return [columns(schemes), ...settings].join("\n");
}
