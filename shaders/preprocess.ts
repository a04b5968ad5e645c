/**
 * The notation of the `.wgsl` files: `//@include "lib/x.wgsl"` (pasted), `const X = 2u; //@spec` (a value of the variant),
 * `//@if FLAG`, `//@else`, `//@end` (blank the lines not chosen), `fn … //@hook store` (may be replaced). The build step
 * cuts it in pieces. No line is ever removed and every paste is marked with `//@origin file line` (where the next line
 * comes from), so a compiler message finds its file and line.
 */
import { originLine, originOf, type Piece, type SpecValue } from "./kernel.js";

const includeLine = /^\s*\/\/@include\s+"([^"]+)"\s*$/;
const originPattern = /^\/\/@origin (\S+) (\d+)$/;
const specLine = /^(\s*const\s+(\w+)(?:\s*:\s*\w+)?\s*=\s*)([^;]+);\s*\/\/@spec\b.*$/;
const hookLine = /^(fn (\w+)\(.*\}) \/\/@hook\b.*$/;
const ifLine = /^\s*\/\/@if\s+(\w+)\s*$/;
const elseLine = /^\s*\/\/@else\s*$/;
const endLine = /^\s*\/\/@end\s*$/;
const variantLine = /^\s*\/\/@variant\s+(.+?)\s*$/;
const directive = /^\s*\/\/@|\/\/@(?:spec|hook)\b/;

/** Pastes the includes of `file`, each once, with origin markers. `read` gives a file's text by its path in shaders/. */
export function resolveIncludes(file: string, read: (file: string) => string): string {
  const out: string[] = [];
  const pasted = new Set<string>();
  const paste = (name: string): void => {
    pasted.add(name);
    out.push(originLine(name, 1).trimEnd());
    read(name)
      .trimEnd()
      .split("\n")
      .forEach((text, i) => {
        const include = text.match(includeLine);
        if (!include) out.push(text);
        else {
          if (!pasted.has(include[1])) paste(include[1]);
          out.push(originLine(name, i + 2).trimEnd());
        }
      });
  };
  paste(file);
  return `${out.join("\n")}\n`;
}

/** Without comments, line by line; what belongs to the notation stays. */
function withoutComments(source: string): string {
  return source
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ""))
    .split("\n")
    .map((line) => (directive.test(line) ? line : line.replace(/\s*\/\/.*$/, "")))
    .join("\n");
}

/** Cuts a source with its includes in pieces. @throws Error for unbalanced `//@if`. */
export function piecesOf(name: string, source: string): Piece[] {
  const pieces: Piece[] = [];
  let current = pieces;
  /** Open `//@if` blocks: where they stand, and their other branch until it begins. */
  const open: { outer: Piece[]; off: Piece[] | undefined }[] = [];
  const add = (text: string): void => {
    const last = current.at(-1);
    if (typeof last !== "string" || originPattern.test(text.trimEnd())) current.push(text);
    else current[current.length - 1] = last + text;
  };
  const lines = withoutComments(source).replace(/\n$/, "").split("\n");
  for (const [i, line] of lines.entries()) {
    const [, flag] = line.match(ifLine) ?? [];
    const [, before, constant, value] = line.match(specLine) ?? [];
    const [, hook, hookName] = line.match(hookLine) ?? [];
    if (flag) {
      add("\n");
      const [on, off]: Piece[][] = [[], []];
      current.push({ flag, on, off });
      open.push({ outer: current, off });
      current = on;
    } else if (elseLine.test(line)) {
      const block = open.at(-1);
      if (!block?.off) throw new Error(`shader ${name}: //@else without //@if`);
      add("\n");
      current = block.off;
      block.off = undefined;
    } else if (endLine.test(line)) {
      const block = open.pop();
      if (!block) throw new Error(`shader ${name}: //@end without //@if`);
      current = block.outer;
      add("\n");
    } else if (constant) {
      add(before);
      current.push({ constant, value: value.trim() });
      add(";\n");
    } else if (hookName) {
      const next = originOf(source, i + 2);
      current.push({ hook: hookName, text: `${hook}\n`, next: originLine(next.file, next.line) });
    } else add(variantLine.test(line) ? "\n" : `${line}\n`);
  }
  if (open.length > 0) throw new Error(`shader ${name}: //@if without //@end`);
  return pieces;
}

/** Every flag of a source, in its order. */
export function flagsOf(pieces: readonly Piece[]): string[] {
  const flags = pieces.flatMap((piece) =>
    typeof piece !== "string" && "flag" in piece ? [piece.flag, ...flagsOf(piece.on), ...flagsOf(piece.off)] : [],
  );
  return [...new Set(flags)];
}

/** Every variant that must compile: the defaults, each flag alone, and those the source declares
 *  (`//@variant RM=4 RELU`). */
export function variantsOf(source: string): Readonly<Record<string, SpecValue>>[] {
  const declared = source.split("\n").flatMap((line) => {
    const words = line.match(variantLine)?.[1].split(/\s+/);
    return words ? [Object.fromEntries(words.map(variantEntry))] : [];
  });
  return [{}, ...flagsOf(piecesOf("", source)).map((flag) => ({ [flag]: true })), ...declared];
}

function variantEntry(word: string): [string, SpecValue] {
  const [name, value = "true"] = word.split("=");
  return [name, value === "true" || value === "false" ? value === "true" : Number(value)];
}
