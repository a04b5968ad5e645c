/** Pages that list what the repository holds: commands with their options, examples with their sources. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { commandHelp } from "../../cli/arguments.js";
import type { Command } from "../../cli/command.js";
import { block, escaped, sentences } from "./html.js";
import type { TablePage } from "./tables.js";

const COMMANDS = new URL("../../cli/commands/", import.meta.url);

/** The help of every command. */
export async function commandsPage(): Promise<TablePage> {
  const names = readdirSync(COMMANDS)
    .filter((file) => file.endsWith(".js"))
    .map((file) => file.slice(0, -".js".length))
    .sort();
  const parts: string[] = [];
  for (const name of names) {
    const { command } = (await import(new URL(`${name}.js`, COMMANDS).href)) as { command: Command };
    parts.push(`<h2 id="${name}"><code>holdfast ${name}</code></h2>\n${block(commandHelp(name, command))}`);
  }
  const intro = `<p>What <code>npx holdfast &lt;command&gt; --help</code> prints. A mistake in the arguments is one sentence and exit code 2.</p>`;
  return { name: "commands", title: "Commands", body: `<h1>Commands</h1>\n${intro}\n${parts.join("\n")}` };
}

export interface Example {
  /** Relative to the repository. */
  readonly path: string;
  readonly source: string;
  /** The comment at its head. */
  readonly words: string;
}

/** The programs of the folder `examples`. */
export function examplesOf(root: string): Example[] {
  const files = readdirSync(join(root, "examples"), { recursive: true, encoding: "utf8" });
  return files
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".ts"))
    .sort()
    .map((file) => {
      const source = readFileSync(join(root, "examples", file), "utf8");
      const head = /^\/\*\*([\s\S]*?)\*\//.exec(source)?.[1] ?? "";
      return { path: `examples/${file}`, source, words: head.replaceAll(/\s*\n \*\s*/g, " ").trim() };
    });
}

export function examplesPage(root: string): TablePage {
  const all = examplesOf(root);
  const parts = all.map(
    ({ path, source, words }) =>
      `<h2 id="${path.slice("examples/".length, -".ts".length)}">${escaped(path)}</h2>\n<p>${sentences(words)}</p>\n` +
      block(source.replace(/^\/\*\*[\s\S]*?\*\/\n/, "")),
  );
  const intro = `<p>${all.length} short programs, which the tests run. After <code>npm ci</code> in a clone: <code>node dist/examples/xor.js</code>. In a
project of your own they are the same: they import <code>holdfast</code> and nothing else.</p>`;
  return { name: "examples", title: "Examples", body: `<h1>Examples</h1>\n${intro}\n${parts.join("\n")}` };
}
