#!/usr/bin/env node
/** `holdfast <command>`: finds the command, parses its arguments, runs it. */
import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { DataError } from "../nn/data/error.js";
import { DivergedError } from "../nn/diverged.js";
import { printable } from "../nn/printable.js";
import { columns, commandHelp, parseArguments, unknown } from "./arguments.js";
import { type Command, NoAdapterError, UsageError } from "./command.js";
import { endOnSigterm, Stopped } from "./stopping.js";

/** One line per command; a command is loaded only when it is asked for. */
const commands: Readonly<Record<string, () => Promise<{ readonly command: Command }>>> = {
  demo: () => import("./commands/demo.js"),
  train: () => import("./commands/train.js"),
  explain: () => import("./commands/explain.js"),
  audit: () => import("./commands/audit.js"),
  sanity: () => import("./commands/sanity.js"),
  attack: () => import("./commands/attack.js"),
  manipulate: () => import("./commands/manipulate.js"),
  defend: () => import("./commands/defend.js"),
  reproduce: () => import("./commands/reproduce.js"),
  bench: () => import("./commands/bench.js"),
  import: () => import("./commands/import.js"),
  export: () => import("./commands/export.js"),
  doctor: () => import("./commands/doctor.js"),
};

async function overview(): Promise<string> {
  const rows = await Promise.all(
    Object.entries(commands).map(async ([name, load]) => [name, (await load()).command.summary] as const),
  );
  return `holdfast <command> [options]\n\n${columns(rows)}\n\nholdfast <command> --help lists the options of a command.\n`;
}

function version(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === "--version" || name === "-v") {
    console.log(version());
    return 0;
  }
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    process.stdout.write(await overview());
    return name === undefined ? 2 : 0;
  }
  if (!Object.hasOwn(commands, name)) throw unknown("command", name, Object.keys(commands));
  const { command } = await commands[name]();
  const parsed = parseArguments(command, args);
  if (parsed === "help") {
    process.stdout.write(commandHelp(name, command));
    return 0;
  }
  return (await command.run(parsed)) ?? 0;
}

// A reader that has seen enough (`| head`) ends the command as SIGPIPE ends others: at once and without a word.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(141);
});

endOnSigterm();
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // What the user can mend is one sentence; anything else is worth its stack.
  const mistake = error instanceof UsageError || error instanceof DataError;
  if (mistake || error instanceof Stopped || error instanceof DivergedError)
    console.error(`holdfast: ${error.message}`);
  else if (error instanceof NoAdapterError) console.error(error.message);
  else
    console.error(
      inspect(error)
        .split("\n")
        .map((line) => printable(line, 2000))
        .join("\n"),
    );
  process.exitCode = mistake ? 2 : error instanceof Stopped ? error.status : 1;
}
