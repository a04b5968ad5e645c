/**
 * The notation of the `.wgsl` files: `//@include "lib/x.wgsl"` (pasted at build), `const X = 2u; //@spec` (replaced
 * textually), `//@if FLAG`, `//@else`, `//@end` (blank the lines not chosen). No line is ever removed and every paste is
 * marked with `//@origin file line` (where the next line comes from), so a compiler message finds its file and line.
 */

/** A value for an `override`, a `//@spec` constant or a flag. */
export type SpecValue = number | boolean;

export interface Origin {
  readonly file: string;
  readonly line: number;
}

const includeLine = /^\s*\/\/@include\s+"([^"]+)"\s*$/;
const originLine = /^\/\/@origin (\S+) (\d+)$/;
const specLine = /^(\s*const\s+(\w+)(?:\s*:\s*\w+)?\s*=\s*)([^;]+)(;\s*\/\/@spec\b.*)$/;
const overrideLine = /^\s*override\s+(\w+)\b/;
const ifLine = /^\s*\/\/@if\s+(\w+)\s*$/;
const elseLine = /^\s*\/\/@else\s*$/;
const variantLine = /^\s*\/\/@variant\s+(.+?)\s*$/;
const endLine = /^\s*\/\/@end\s*$/;

/** Pastes the includes of `file`, each once, with origin markers. `read` gives a file's text by its path in shaders/. */
export function resolveIncludes(file: string, read: (file: string) => string): string {
  const out: string[] = [];
  const pasted = new Set<string>();
  const paste = (name: string): void => {
    pasted.add(name);
    out.push(`//@origin ${name} 1`);
    read(name)
      .trimEnd()
      .split("\n")
      .forEach((text, i) => {
        const include = text.match(includeLine);
        if (!include) out.push(text);
        else {
          if (!pasted.has(include[1])) paste(include[1]);
          out.push(`//@origin ${name} ${i + 2}`);
        }
      });
  };
  paste(file);
  return `${out.join("\n")}\n`;
}

/** Where line `line` (from 1) of a source with origin markers comes from. */
export function originOf(source: string, line: number): Origin {
  const lines = source.split("\n");
  for (let i = Math.min(line, lines.length) - 1; i >= 0; i--) {
    const marker = lines[i].match(originLine);
    if (marker) return { file: marker[1], line: Number(marker[2]) + (line - 2 - i) };
  }
  return { file: "", line };
}

/** What the notation of a source declares; each name may be given a value. */
export interface Notation {
  readonly overrides: ReadonlySet<string>;
  readonly specs: ReadonlySet<string>;
  readonly flags: ReadonlySet<string>;
  /** Places where generated code may be pasted (`//@hook name`). */
  readonly hooks: ReadonlySet<string>;
  /** Variants that the engine uses (`//@variant RM=4 RELU`), besides the defaults and each flag alone. */
  readonly variants: readonly Readonly<Record<string, SpecValue>>[];
}

export function notationOf(source: string): Notation {
  const names = (pattern: RegExp, group: number): Set<string> =>
    new Set(source.split("\n").flatMap((line) => line.match(pattern)?.[group] ?? []));
  return {
    overrides: names(overrideLine, 1),
    specs: names(specLine, 2),
    flags: names(ifLine, 1),
    hooks: names(/^\s*\/\/@hook\s+(\w+)\s*$/, 1),
    variants: source.split("\n").flatMap((line) => {
      const words = line.match(variantLine)?.[1].split(/\s+/);
      return words ? [Object.fromEntries(words.map(variantEntry))] : [];
    }),
  };
}

function variantEntry(word: string): [string, SpecValue] {
  const [name, value = "true"] = word.split("=");
  return [name, value === "true" || value === "false" ? value === "true" : Number(value)];
}

/** Every variant that must compile: the defaults, each flag alone, and those the source declares. */
export function variantsOf(source: string): Readonly<Record<string, SpecValue>>[] {
  const { flags, variants } = notationOf(source);
  return [{}, ...[...flags].map((flag) => ({ [flag]: true })), ...variants];
}

export interface Specialised {
  readonly wgsl: string;
  /** Values of the source's `override` constants, for the pipeline. */
  readonly constants: Record<string, number>;
}

/** Chooses one variant of a source: flags not named are off, constants not named keep their defaults.
 *  @throws Error for a name the source does not declare, a value of the wrong kind, or unbalanced `//@if`. */
export function specialise(name: string, source: string, spec: Readonly<Record<string, SpecValue>> = {}): Specialised {
  const { overrides, specs, flags } = notationOf(source);
  const constants: Record<string, number> = {};
  for (const [key, value] of Object.entries(spec)) {
    if (overrides.has(key)) constants[key] = Number(value);
    else if (flags.has(key) && typeof value !== "boolean")
      throw new Error(`shader ${name}: flag ${key} is ${value}; true or false is needed`);
    else if (!specs.has(key) && !flags.has(key))
      throw new Error(
        `shader ${name}: no constant or flag ${key}; it declares ${[...overrides, ...specs, ...flags].join(", ") || "none"}`,
      );
  }
  /** Open `//@if` blocks: whether the lines of the current branch are kept, looking at all of them. */
  const open: { kept: boolean; condition: boolean; outer: boolean }[] = [];
  const lines = source.split("\n").map((text) => {
    const flag = text.match(ifLine);
    const block = open.at(-1);
    if (flag) {
      const outer = block?.kept ?? true;
      const condition = spec[flag[1]] === true;
      open.push({ kept: outer && condition, condition, outer });
    } else if (elseLine.test(text)) {
      if (!block) throw new Error(`shader ${name}: //@else without //@if`);
      block.kept = block.outer && !block.condition;
    } else if (endLine.test(text)) {
      if (!open.pop()) throw new Error(`shader ${name}: //@end without //@if`);
    } else if (block && !block.kept && !originLine.test(text)) return "";
    const constant = text.match(specLine);
    if (!constant || spec[constant[2]] === undefined) return text;
    return `${constant[1]}${specLiteral(name, constant[2], constant[3].trim(), spec[constant[2]])}${constant[4]}`;
  });
  if (open.length > 0) throw new Error(`shader ${name}: //@if without //@end`);
  return { wgsl: lines.join("\n"), constants };
}

/** `value` written with the type of the literal it replaces. */
function specLiteral(shader: string, constant: string, literal: string, value: SpecValue): string {
  const boolean = literal === "true" || literal === "false";
  const [, digits, suffix] = literal.match(/^(-?[\d.]+(?:e[+-]?\d+)?)([uifh]?)$/) ?? [];
  if (boolean ? typeof value === "boolean" : typeof value === "number" && digits !== undefined) {
    const float = suffix === "f" || suffix === "h" || (suffix === "" && /[.e]/.test(digits ?? ""));
    if (boolean || float || Number.isInteger(value)) {
      const text = String(value);
      return boolean ? text : `${float && /^-?\d+$/.test(text) ? `${text}.0` : text}${suffix}`;
    }
  }
  throw new Error(`shader ${shader}: constant ${constant} is ${literal} in the file and cannot become ${value}`);
}
