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
  type Candidate,
  CONTROLS,
  type ExplainingOptions,
  explainerEntryOf,
  explainerMaker,
  tableCandidate,
} from "../atex/index.js";
import { random } from "../engine/index.js";
import { sha256 } from "../nn/data/sha256.js";
import type { Dataset } from "../nn/index.js";
import { ConfigError, count, type Infer, list, object, optional, record, setting, text } from "../nn/schema.js";
import { choice } from "./arguments.js";
import { UsageError } from "./command.js";
import { METHODS } from "./explainers.js";
import { parsing, readInput, writeOutput } from "./files.js";
import type { LoadedModel } from "./model.js";
import { backgroundOf, isImage } from "./sample.js";
import { drawnSamples } from "./sanity.js";
import { parsed } from "./settings.js";

/** Explainers that are audited where nobody says. */
const USUAL = {
  images: ["gradient", "integrated-gradients", "smoothgrad"],
  rows: ["gradient-x-input", "lime", "kernel-shap"],
};

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
  try {
    return await parsing(path, () => auditFile.read(JSON.parse(new TextDecoder().decode(bytes)), ""));
  } catch (error) {
    if (error instanceof ConfigError || error instanceof SyntaxError) throw new UsageError(`${path}: ${error.message}`);
    throw error;
  }
}

export interface PlanRequest {
  readonly rows?: string;
  readonly explainer?: string;
  readonly quick: boolean;
  /** "attack.steps=50", several with commas. */
  readonly set?: string;
}

/** Rows with their settings, explainers and controls. @throws UsageError for an unknown name or setting. */
export function auditPlan(request: PlanRequest, file: AuditFile, { domain }: Pick<LoadedModel, "domain">): AuditPlan {
  const image = isImage(domain);
  const asked = request.rows === undefined || request.rows === "all" ? file.rows : request.rows.split(",");
  const names = asked?.map(rowName) ?? AUDIT_TABLE.map(({ name }) => name);
  const given = settingsGiven(request.set);
  for (const name of [...given.keys(), ...Object.keys(file.settings)])
    if (!names.includes(name)) throw new UsageError(`settings of ${name}: this row is not asked for`);
  const wanted = request.explainer?.split(",") ?? file.explainers ?? (image ? USUAL.images : USUAL.rows);
  const fitting = CONTROLS.filter(({ name }) => image || name !== "edges");
  return {
    rows: names.map((name) => ({
      row: name,
      settings: {
        ...(request.quick ? auditRowOf(name).quick : {}),
        ...file.settings[name],
        ...given.get(name),
      },
    })),
    explainers: [...new Set(wanted)].map((name): Candidate => {
      const { info } = explainerEntryOf(choice("explainer", name, METHODS));
      return tableCandidate(name, info.name);
    }),
    controls: fitting,
  };
}

function rowName(word: string): string {
  const numbered = AUDIT_TABLE.find(({ number }) => String(number) === word.trim());
  const names = AUDIT_TABLE.map(({ name }) => name);
  return numbered?.name ?? choice("row", word.trim(), names);
}

/** @throws UsageError for words that are no row.setting=value. */
function settingsGiven(text: string | undefined): Map<string, Record<string, unknown>> {
  const given = new Map<string, Record<string, unknown>>();
  for (const word of text?.split(",") ?? []) {
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
        const { of, measurement } = JSON.parse(stored) as { of: string; measurement: AuditMeasurement };
        return of === keyOf(id) ? revived(measurement) : undefined;
      } catch {
        throw new UsageError(`${path}: it is no measurement; remove it, and it will be made again`);
      }
    },
    save: (id, measurement) => writeOutput(pathOf(id), `${JSON.stringify({ of: keyOf(id), measurement })}\n`),
  };
}

/** JSON has no NaN: what is null there was one. */
function revived(measurement: AuditMeasurement): AuditMeasurement {
  const number = (value: number | null): number => value ?? Number.NaN;
  return {
    ...measurement,
    numbers: measurement.numbers.map((one) => ({
      ...one,
      ...{ value: number(one.value), low: number(one.low), high: number(one.high) },
      values: one.values?.map(number),
    })),
  };
}

/** What tells one network from another: the hash of its outputs on the first samples. */
export async function fingerprint(outputs: ArrayLike<number>): Promise<string> {
  return (await sha256(new Uint8Array(Float32Array.from(outputs).buffer))).slice(0, 16);
}
