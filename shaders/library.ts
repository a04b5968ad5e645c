/** The functions and constants of a library file one by one, so that code carries only what it calls. */
import { itemsFor, type LibraryItem, originLine, originMark, textOf } from "./kernel.js";
import { piecesOf } from "./preprocess.js";

/** By name, in the order of the file. `source` has no includes and no notation. */
export function libraryItems(name: string, source: string): Record<string, LibraryItem> {
  const [text, ...rest] = piecesOf(name, source);
  if (typeof text !== "string" || rest.length > 0)
    throw new Error(`shader ${name}: notation in a library of functions`);
  const lines = text.split("\n").slice(1);
  const found: { name: string; text: string; line: number }[] = [];
  for (let i = 0; i < lines.length; i++) {
    const item = lines[i].match(/^(?:fn|const)\s+(\w+)/)?.[1];
    if (!item) continue;
    const first = i;
    if (lines[i].startsWith("fn"))
      while (lines[i] !== "}" && !/^fn.*\}\s*$/.test(lines[i]) && i < lines.length - 1) i++;
    else while (!lines[i].includes(";") && i < lines.length - 1) i++;
    found.push({ name: item, text: `${lines.slice(first, i + 1).join("\n")}\n`, line: first + 1 });
  }
  const uses = new Map(found.map((item) => [item.name, new Set(item.text.match(/[A-Za-z_]\w*/g))]));
  const reached = (from: string, seen = new Set<string>()): Set<string> => {
    for (const next of uses.keys()) if (uses.get(from)!.has(next) && !seen.has(next)) reached(next, seen.add(next));
    return seen;
  };
  return Object.fromEntries(
    found.map(({ name, ...item }) => {
      const needs = [...reached(name)].filter((other) => other !== name);
      return [name, needs.length > 0 ? { ...item, needs } : item];
    }),
  );
}

/** A source into which the library file `name` is pasted, with only what the rest of it uses, and the names of that. */
export function onlyUsed(
  source: string,
  name: string,
  library: Readonly<Record<string, LibraryItem>>,
): { source: string; names: string[] } {
  const lines = source.split("\n");
  const first = lines.indexOf(originLine(name, 1).trimEnd());
  if (first < 0) return { source, names: [] };
  const length = lines.slice(first + 1).findIndex((line) => line.startsWith(originMark));
  const rest = lines.toSpliced(first, 1 + length);
  const names = itemsFor(library, rest.join("\n").match(/[A-Za-z_]\w*/g) ?? []);
  const pasted = textOf(library, name, names).split("\n").slice(0, -1);
  return { source: rest.toSpliced(first, 0, ...pasted).join("\n"), names };
}
