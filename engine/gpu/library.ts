/** The functions of shaders/lib/scalar.wgsl, so that generated code carries only what it calls. */
import { librarySources } from "../../shaders/gen/kernels.js";

interface Item {
  readonly name: string;
  readonly text: string;
  readonly line: number;
  readonly needs: readonly string[];
}

const file = "lib/scalar.wgsl";
let items: Map<string, Item> | undefined;

/** Top-level functions and constants, in the order of the file. */
function libraryItems(): Map<string, Item> {
  if (items) return items;
  const source: string = librarySources["lib/scalar"];
  const lines = source.split("\n").slice(1);
  const found: { name: string; text: string; line: number }[] = [];
  for (let i = 0; i < lines.length; i++) {
    const name = lines[i].match(/^(?:fn|const)\s+(\w+)/)?.[1];
    if (!name) continue;
    const first = i;
    if (lines[i].startsWith("fn"))
      while (lines[i] !== "}" && !/^fn.*\}\s*$/.test(lines[i]) && i < lines.length - 1) i++;
    else while (!lines[i].includes(";") && i < lines.length - 1) i++;
    found.push({ name, text: lines.slice(first, i + 1).join("\n"), line: first + 1 });
  }
  const names = new Set(found.map((f) => f.name));
  items = new Map(
    found.map((f) => [f.name, { ...f, needs: identifiers(f.text).filter((n) => n !== f.name && names.has(n)) }]),
  );
  return items;
}

function identifiers(code: string): string[] {
  return code.replace(/\/\/.*$/gm, "").match(/[A-Za-z_]\w*/g) ?? [];
}

/** What `code` uses of the library, with origin markers; empty when it uses nothing. */
export function libraryFor(code: string): string {
  const all = libraryItems();
  const used = new Set<string>();
  const visit = (name: string): void => {
    if (used.has(name) || !all.has(name)) return;
    used.add(name);
    all.get(name)!.needs.forEach(visit);
  };
  identifiers(code).forEach(visit);
  return [...all.values()]
    .filter((item) => used.has(item.name))
    .map((item) => `//@origin ${file} ${item.line}\n${item.text}\n`)
    .join("");
}
