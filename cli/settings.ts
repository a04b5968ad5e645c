/** Command-line options that follow from the settings of a table: one option for each name that some entry knows. */

import { ConfigError, type Fields, object } from "../nn/schema.js";
import { type Option, type Options, UsageError } from "./command.js";

interface Entry {
  readonly name: string;
  readonly options: Fields;
}

const word = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The options of all entries by their names on the command line; where several know one, help says what each takes it for. */
export function optionsOf(entries: readonly Entry[]): Options {
  const options: Record<string, Option> = {};
  for (const name of new Set(entries.flatMap((entry) => Object.keys(entry.options)))) {
    const knowing = entries.filter((entry) => Object.hasOwn(entry.options, name));
    const said = new Map<string, string[]>();
    for (const entry of knowing) said.set(helpOf(entry, name), [...(said.get(helpOf(entry, name)) ?? []), entry.name]);
    const help = [...said].map(([text, names]) => `${names.join(", ")}: ${text}`).join("; ");
    const flag = knowing.every((entry) => entry.options[name].json.type === "boolean");
    options[word(name)] = flag ? { type: "boolean", help } : { type: "string", value: kindOf(knowing[0], name), help };
  }
  return options;
}

/** One line about a setting: what it is, its words, its default. */
export function helpOf({ options }: Entry, name: string): string {
  const { description, default: initial, enum: words } = options[name].json;
  const choices = Array.isArray(words) ? ` (${words.join(", ")})` : "";
  return `${description ?? name}${choices}${initial === undefined ? "" : `, default ${initial}`}`;
}

function kindOf({ options }: Entry, name: string): string {
  const { type, enum: words } = options[name].json;
  return words ? "name" : type === "integer" ? "n" : type === "number" ? "number" : "text";
}

/** The settings of one entry among the values of a command that has the options of all. An option that belongs to other entries
 *  only is refused. @throws UsageError. */
export function settingsFrom(
  entry: Entry,
  all: readonly Entry[],
  values: Readonly<Record<string, string | boolean | undefined>>,
): Readonly<Record<string, unknown>> {
  const given: Record<string, unknown> = {};
  for (const name of new Set(all.flatMap(({ options }) => Object.keys(options)))) {
    const value = values[word(name)];
    if (value === undefined || value === false) continue;
    if (!Object.hasOwn(entry.options, name))
      throw new UsageError(
        `--${word(name)} is no option of ${entry.name}${
          Object.keys(entry.options).length > 0
            ? `; it has ${Object.keys(entry.options)
                .map((own) => `--${word(own)}`)
                .join(", ")}`
            : ", which has none"
        }`,
      );
    given[name] = typeof value === "string" ? parsed(value, entry.options[name].json) : value;
  }
  try {
    return object(entry.options).read(given, "");
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(sentence(error.message));
    throw error;
  }
}

/** A schema's complaint with the option in the place of the field. */
function sentence(message: string): string {
  const [field, ...rest] = message.split(":");
  return `--${word(field)}:${rest.join(":")}`;
}

/** The text of an option as its schema reads it; the items of a list are separated by commas. */
export function parsed(text: string, json: Readonly<Record<string, unknown>>): unknown {
  if (json.type === "array")
    return text.split(",").map((item) => parsed(item.trim(), json.items as Readonly<Record<string, unknown>>));
  const numeric = json.type === "number" || json.type === "integer";
  return numeric && text.trim() !== "" && !Number.isNaN(Number(text)) ? Number(text) : text;
}

/** "name value, name value": what a reader needs to do it again. */
export function inWords(settings: Readonly<Record<string, unknown>>): string {
  return Object.entries(settings)
    .filter(([, value]) => value !== undefined && value !== "" && value !== false)
    .map(([name, value]) => (value === true ? word(name) : `${word(name).replaceAll("-", " ")} ${value}`))
    .join(", ");
}
