/** What a reproduction consists of: data, networks, training schemes, and the experiments that compare them. */
import {
  ConfigError,
  count,
  described,
  type Fields,
  type Infer,
  list,
  natural,
  object,
  record,
  type Schema,
  setting,
  text,
  variant,
  variations,
} from "../../nn/schema.js";
import { defenceEntryOf } from "../defences/index.js";
import { cellsOf } from "./grid.js";
import { KINDS, kindOf } from "./kinds.js";
import { common, dataPlan, type ExperimentConfig, network, type SchemeConfig, scheme } from "./settings.js";

export type { AttackConfig, DataName, DataPlan, ExperimentConfig, RuleName, SchemeConfig } from "./settings.js";

const experiment = variant(
  Object.fromEntries(KINDS.map(({ kind, settings }): [string, Fields] => [kind, { ...common, ...settings }])),
) as Schema<unknown> as Schema<ExperimentConfig>;

const shape = object({
  $schema: setting(text, undefined, "where an editor finds the schema; of no meaning here"),
  title: text,
  lead: setting(text, undefined, "what the reader of the report is told first; default what the ATEX paper is about"),
  seeds: list(natural),
  network,
  k: setting(count, 50, "pixels in the top-k intersection and the untargeted objective"),
  data: record(dataPlan),
  schemes: described(variations(scheme), "a scheme may be like another one: one setting changed at a time"),
  experiments: record(experiment),
});

export type ReproduceConfig = Infer<typeof shape>;

/** The JSON Schema (draft 2020-12) of a configuration. */
export const configSchema: Readonly<Record<string, unknown>> = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  ...shape.json,
};

/** A training scheme with its defaults. @throws ConfigError naming the place of the first mistake. */
export function readScheme(value: unknown): SchemeConfig {
  return scheme.read(value, "scheme");
}

/** A configuration with its defaults. @throws ConfigError naming the place of the first mistake. */
export function readConfig(value: unknown): ReproduceConfig {
  const config = (shape as Schema<ReproduceConfig>).read(value, "");
  if (config.schemes.normal?.kind !== "normal")
    throw new ConfigError("schemes.normal: a scheme of kind normal is needed; it is the teacher of the others");
  for (const [name, { kind, from }] of Object.entries(config.schemes))
    if (from === "scratch" && defenceEntryOf(kind).needs.includes("teacher"))
      throw new ConfigError(`schemes.${name}.from: "scratch" came; ${kind} learns from the teacher and starts from it`);
  for (const [what, named] of [
    ["schemes", config.schemes],
    ["experiments", config.experiments],
  ] as const)
    for (const name of Object.keys(named))
      if (!NAME.test(name))
        throw new ConfigError(
          `${what}.${name}: names of files are made of it; letters, digits, "_", "-" and "." are needed, at most 60, not with "." first`,
        );
  for (const [name, e] of Object.entries(config.experiments)) {
    const path = `experiments.${name}`;
    for (const data of e.data) requireKnown(`${path}.data`, data, config.data);
    for (const used of kindOf(e).schemes(e)) requireKnown(path, used, config.schemes);
    const bare = e.data.find((data) => config.data[data].eps === undefined || config.data[data].trainEps === undefined);
    if (bare && !kindOf(e).withoutEps)
      throw new ConfigError(`data.${bare}: eps and trainEps are missing; ${path} needs both`);
    kindOf(e).check?.(e, config, path);
    const unsplit = e.data.find((data) => config.data[data].validation === undefined);
    if (e.split === "validation" && unsplit)
      throw new ConfigError(`${path}: data.${unsplit} sets no validation images aside; give their number`);
  }
  requireApart(config);
  return config;
}

/** What names of files may be made of. */
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,59}$/;

/** More than any grid that ends. */
const MOST_CELLS = 100_000;

/** @throws ConfigError for two cells of one name: their results would overwrite each other. File systems that do not tell capital
 *  letters from small ones are the measure. */
function requireApart(config: ReproduceConfig): void {
  const found = new Map<string, string>();
  let cells = 0;
  for (const [name, e] of Object.entries(config.experiments)) {
    cells += e.data.length * (e.seeds ?? config.seeds).length * Math.max(1, kindOf(e).schemes(e).length);
    if (cells > MOST_CELLS)
      throw new ConfigError(`experiments: ${cells} cells of the grid; at most ${MOST_CELLS} are needed`);
    for (const { id } of cellsOf(config, [name])) {
      const other = found.get(id.toLowerCase());
      if (other !== undefined)
        throw new ConfigError(
          `experiments.${name}: the result of two cells would be ${id}.json${other === name ? "" : `, here and in experiments.${other}`}; leave out what stands there twice, or rename an experiment or a scheme`,
        );
      found.set(id.toLowerCase(), name);
    }
  }
}

function requireKnown(path: string, name: string, known: Readonly<Record<string, unknown>>): void {
  if (!Object.hasOwn(known, name))
    throw new ConfigError(`${path}: ${name} is not defined; there is ${Object.keys(known).join(", ")}`);
}
