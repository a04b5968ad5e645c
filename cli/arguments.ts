/** Parses a command's arguments and writes its help. */
import { parseArgs } from "node:util";
import { nearest } from "../nn/nearest.js";
import { type Arguments, type Command, type Options, UsageError } from "./command.js";

const helpOption = { type: "boolean", short: "h", help: "show this help" } as const;

function suggestion(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates);
  return near === undefined ? "" : `; did you mean ${near}?`;
}

/** The sentence for a word that is none of `candidates`. */
export function unknown(what: string, word: string, candidates: readonly string[]): UsageError {
  const known = suggestion(word, candidates) || `; there is ${candidates.join(", ")}`;
  return new UsageError(`unknown ${what} ${word}${known}`);
}

/** The word of `candidates` that an option gives. @throws UsageError naming the nearest one. */
export function choice<T extends string>(what: string, word: string, candidates: readonly T[]): T {
  const found = candidates.find((candidate) => candidate === word);
  if (found === undefined) throw unknown(what, word, candidates);
  return found;
}

function checkOptions(args: readonly string[], options: Options): void {
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (!option)
      throw unknown(
        "option",
        token.rawName,
        Object.keys(options).map((name) => `--${name}`),
      );
    if (option.type === "string" && token.value === undefined)
      throw new UsageError(`${token.rawName} needs a value: ${token.rawName} <${option.value ?? token.name}>`);
    if (option.type === "boolean" && token.value !== undefined)
      throw new UsageError(`${token.rawName} takes no value, ${token.value} came`);
  }
}

/** The arguments of `command`, or "help" when help is asked for. @throws UsageError with one sentence. */
export function parseArguments(command: Command, args: readonly string[]): Arguments | "help" {
  const options: Options = { ...command.options, help: helpOption };
  checkOptions(args, options);
  const { values, positionals } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true });
  if (values.help) return "help";
  if (positionals.length > 0 && command.positionals === undefined)
    throw new UsageError(`${positionals[0]} is no option, and no other argument is expected`);
  const flags = Object.entries(options).filter(([, option]) => option.type === "boolean");
  const absent = Object.fromEntries(flags.map(([name, option]) => [name, option.default ?? false]));
  return { values: { ...absent, ...values } as Arguments["values"], positionals };
}

/** Two columns, the first as wide as its longest entry. */
export function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}

export function commandHelp(name: string, command: Command): string {
  const rows = Object.entries({ ...command.options, help: helpOption }).map(
    ([option, spec]: [string, Options[string]]) => {
      const short = spec.short === undefined ? "" : `-${spec.short}, `;
      const value = spec.type === "string" ? ` <${spec.value ?? option}>` : "";
      const initial = spec.default === undefined ? "" : ` (default ${spec.default})`;
      return [`${short}--${option}${value}`, spec.help + initial] as const;
    },
  );
  const usage = ["holdfast", name, "[options]", command.positionals].filter(Boolean).join(" ");
  return `${usage}\n\n${command.summary}\n\n${columns(rows)}\n`;
}
