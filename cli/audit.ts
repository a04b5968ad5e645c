/** What `holdfast audit` makes of its options: the plan, the world, and measurements kept between runs. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  AUDIT_TABLE,
  type AuditMeasurement,
  type AuditPlan,
  type AuditStore,
  type AuditWorld,
  auditRowOf,
  drawnSamples,
  type ExplainingOptions,
  explainerMaker,
  usualPlan,
} from "../atex/index.js";
import { random } from "../engine/index.js";
import { DataError } from "../nn/data/error.js";
import { sha256 } from "../nn/data/sha256.js";
import type { Dataset } from "../nn/index.js";
import { count, type Infer, list, number, object, optional, record, type Schema, setting, text } from "../nn/schema.js";
import { choice } from "./arguments.js";
import { UsageError } from "./command.js";
import { METHODS } from "./explainers.js";
import { parsing, readInput, writeOutput } from "./files.js";
import type { LoadedModel } from "./model.js";
import { backgroundOf } from "./sample.js";
import { sealed, unsealed } from "./sealed.js";
import { parsed } from "./settings.js";

/** A file that repeats an audit. */
const auditFile = object({
  rows: setting(list(text), undefined, "names or numbers of rows; default all"),
  explainers: setting(list(text), undefined, "names of explainers; default some that are usual for the kind of data"),
  settings: optional(record(record({ read: (value: unknown) => value, json: {} })), {}),
  samples: setting(count, undefined, "test samples that are explained and attacked"),
});
export type AuditFile = Infer<typeof auditFile>;

/** @throws UsageError for a file that is none. */
export async function readAuditFile(path: string | undefined): Promise<AuditFile> {
  if (path === undefined) return auditFile.read({}, "");
  const bytes = await readInput("config", path);
  return parsing(path, () => parseAuditFile(new TextDecoder().decode(bytes)));
}

/** @throws DataError for a text that repeats no audit. */
export function parseAuditFile(json: string): AuditFile {
  return unsealed(json, auditFile);
}

export interface PlanRequest {
  readonly rows?: string;
  readonly explainer?: string;
  readonly quick: boolean;
  /** "attack.steps=50,attack.eps=0.02,0.04": settings of rows, with commas between them and between the items of a list. */
  readonly set?: string;
}

/** Rows with their settings, explainers and controls. @throws UsageError for an unknown name or setting. */
export function auditPlan(request: PlanRequest, file: AuditFile, { domain }: Pick<LoadedModel, "domain">): AuditPlan {
  const asked = request.rows === undefined || request.rows === "all" ? file.rows : request.rows.split(",");
  const names = asked?.map(rowName) ?? AUDIT_TABLE.map(({ name }) => name);
  const given = settingsGiven(request.set);
  for (const name of [...given.keys(), ...Object.keys(file.settings)])
    if (!names.includes(name)) throw new UsageError(`settings of ${name}: this row is not asked for`);
  const wanted = request.explainer?.split(",") ?? file.explainers;
  return usualPlan(domain, {
    rows: names,
    explainers: wanted?.map((name) => choice("explainer", name, METHODS)),
    quick: request.quick,
    settings: Object.fromEntries(names.map((name) => [name, { ...file.settings[name], ...given.get(name) }])),
  });
}

function rowName(word: string): string {
  const numbered = AUDIT_TABLE.find(({ number }) => String(number) === word.trim());
  const names = AUDIT_TABLE.map(({ name }) => name);
  return numbered?.name ?? choice("row", word.trim(), names);
}

/** @throws UsageError for words that are no row.setting=value. */
function settingsGiven(text: string | undefined): Map<string, Record<string, unknown>> {
  const given = new Map<string, Record<string, unknown>>();
  // Items of a list have commas between them as well: the next setting begins where a row is named.
  for (const word of text?.split(/,(?=[^.,=]+\.[^.,=]+=)/) ?? []) {
    const [, row, name, value] = /^([^.=]+)\.([^.=]+)=(.*)$/.exec(word) ?? [];
    if (row === undefined) throw new UsageError(`--set ${word}: row.setting=value is needed, such as attack.steps=50`);
    const { name: of, options } = auditRowOf(rowName(row));
    const field = options[choice("setting", name, Object.keys(options))];
    given.set(of, { ...given.get(of), [name]: parsed(value, field.json) });
  }
  return given;
}

export interface WorldRequest {
  readonly samples: number;
  readonly seed: number;
  readonly sensitive?: string;
}

/** The network and its data as what is audited. */
export function auditWorld(
  model: LoadedModel,
  dataset: Dataset,
  { samples, seed, sensitive = dataset.sensitive }: WorldRequest,
  tell: Pick<AuditWorld, "say" | "stop" | "about">,
): AuditWorld {
  const { classifier, domain, card, parametrised: own } = model;
  const { train, test } = dataset;
  const explaining: ExplainingOptions = { domain, background: backgroundOf(dataset), seed };
  return {
    ...{ classifier, domain, classes: card.classes, train, test, seed, sensitive, explaining },
    weights: own && {
      ...{ params: own.params, layer: own.network },
      network: (params, x) => own.network.apply(params, x),
      fresh: (draw) => own.redraw(random.key(draw)),
    },
    samples: drawnSamples(test.labels.length, samples, seed),
    explainer: explainerMaker(explaining),
    ...tell,
  };
}

/** Measurements as files of a folder. One of other settings, samples or networks (`key`) does not count. */
export function auditStore(folder: string, plan: AuditPlan, key: Readonly<Record<string, unknown>>): AuditStore {
  const pathOf = (id: string): string => join(folder, "cells", `${id.replace("/", "_")}.json`);
  const keyOf = (id: string): string => {
    const settings = plan.rows.find(({ row }) => row === id.split("/")[0])?.settings ?? {};
    return JSON.stringify({ ...key, settings });
  };
  return {
    async load(id) {
      const path = pathOf(id);
      const stored = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
      });
      if (stored === undefined) return undefined;
      try {
        const { of, measurement } = readMeasurement(stored);
        return of === keyOf(id) ? measurement : undefined;
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
        throw new UsageError(`${path}: ${error.message}; remove it, and it will be made again`);
      }
    },
    save: (id, measurement) => writeOutput(pathOf(id), sealed({ of: keyOf(id), measurement })),
  };
}

/** JSON has no NaN: what is null there was one, as where a number has no interval. */
const numberOrNaN: Schema<number> = {
  json: { type: ["number", "null"] },
  read: (value, path) => (value === null ? Number.NaN : number().read(value, path)),
};

const anything: Schema<unknown> = { json: {}, read: (value) => value };

const measurementFile = object({
  of: text,
  measurement: object({
    numbers: list(
      object({
        ...{ name: text, setting: optional(text), value: numberOrNaN, low: numberOrNaN, high: numberOrNaN },
        ...{ n: number({ min: 0 }), values: optional(list(numberOrNaN, { min: 0 })) },
      }),
      { min: 0 },
    ),
    plots: optional(list(record(anything), { min: 0 })),
    pictures: optional(list(record(anything), { min: 0 })),
    refused: optional(text),
  }),
});

/** What a file of the store says, and what of. @throws DataError for a text that is no measurement, or was changed. */
export function readMeasurement(stored: string): { readonly of: string; readonly measurement: AuditMeasurement } {
  return unsealed(stored, measurementFile) as { of: string; measurement: AuditMeasurement };
}

/** What tells one network from another: the hash of its outputs on the first samples. */
export async function fingerprint(outputs: ArrayLike<number>): Promise<string> {
  return (await sha256(new Uint8Array(Float32Array.from(outputs).buffer))).slice(0, 16);
}
