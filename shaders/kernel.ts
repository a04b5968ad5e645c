/** Kernels as the build step found them: the source cut in pieces, and what it declares. Nothing here reads WGSL. */

/** A value for an `override`, a `//@spec` constant or a flag. */
export type SpecValue = number | boolean;
export type Spec = Readonly<Record<string, SpecValue>>;

/** Text, or a place where the text depends on the variant. */
export type Piece = string | ConstantPiece | BranchPiece | HookPiece;

/** The value of a `//@spec` constant. */
export interface ConstantPiece {
  readonly constant: string;
  /** What the file says. */
  readonly value: string;
}

/** What stands between `//@if` and `//@end`. */
export interface BranchPiece {
  readonly flag: string;
  readonly on: readonly Piece[];
  readonly off: readonly Piece[];
}

/** A function that generated code may replace. */
export interface HookPiece {
  readonly hook: string;
  readonly text: string;
  /** Where the line after it comes from. */
  readonly next: string;
}

export interface Binding {
  readonly name: string;
  readonly binding: number;
  readonly access: "read" | "read_write";
  /** Type of the scalars in it: u32, i32, f32 or f16. */
  readonly scalar: string;
  /** The flags under which the binding exists. */
  readonly when?: Readonly<Record<string, boolean>>;
}

export type ScalarType = "u32" | "i32" | "f32";

/** One field of `Params`: a scalar, or `elements` vectors of `components` scalars, `stride` bytes apart. */
export interface ParamField {
  readonly name: string;
  readonly scalar: ScalarType;
  readonly offset: number;
  readonly components?: number;
  readonly elements?: number;
  readonly stride?: number;
}

/** The uniform block of parameters. */
export interface ParamLayout {
  readonly binding: number;
  readonly bytes: number;
  readonly fields: readonly ParamField[];
}

/** A name that a variant may give a value. */
export interface Setting {
  readonly kind: "override" | "constant" | "flag";
  readonly type: "bool" | "int" | "float";
  /** Ends the literal of a constant. */
  readonly suffix?: string;
}

export interface Kernel {
  readonly name: string;
  /** The file that it is, where no generated code was put in. */
  readonly file?: string;
  readonly source: readonly Piece[];
  /** Storage bindings in the order of their numbers. */
  readonly bindings: readonly Binding[];
  readonly params?: ParamLayout;
  readonly settings?: Readonly<Record<string, Setting>>;
  /** Invocations of a workgroup, where no setting changes them. */
  readonly threads?: number;
  /** Files that are pasted into it. */
  readonly includes?: readonly string[];
  /** What it has of lib/scalar.wgsl. */
  readonly scalarFunctions?: readonly string[];
}

/** A function or constant of a library file, for generated code. */
export interface LibraryItem {
  readonly text: string;
  readonly line: number;
  /** All that it uses, directly or not. */
  readonly needs?: readonly string[];
}

/** One variant of a kernel. */
export interface Variant {
  readonly wgsl: string;
  /** Values of `override` constants, for the pipeline. */
  readonly constants: Readonly<Record<string, number>>;
  readonly bindings: readonly Binding[];
}

/** Chooses a variant: flags not named are off, constants not named keep the values of the file. With `sizes`, the parameters of a launch, all
 *  but the first stand in the text as numbers, which spares a compiler divisions; the first stays unknown to it, for what fused
 *  kernels hide behind that.
 *  @throws Error for a name the kernel does not declare and a value of the wrong kind. */
export function variantOf(
  { name, source, bindings, params, settings = {} }: Kernel,
  spec: Spec = {},
  sizes?: Readonly<Record<string, number | readonly number[]>>,
): Variant {
  const constants: Record<string, number> = {};
  for (const [key, value] of Object.entries(spec)) {
    const setting = Object.hasOwn(settings, key) ? settings[key] : undefined;
    if (!setting)
      throw new Error(
        `shader ${name}: no constant or flag ${key}; it declares ${Object.keys(settings).join(", ") || "none"}`,
      );
    if (setting.type === "bool" ? typeof value !== "boolean" : typeof value !== "number")
      throw new Error(`shader ${name}: ${setting.kind} ${key} is ${setting.type} and cannot become ${value}`);
    if (setting.type === "int" && !Number.isInteger(value))
      throw new Error(`shader ${name}: ${setting.kind} ${key} is an integer and cannot become ${value}`);
    if (setting.kind === "override") constants[key] = Number(value);
  }
  const literal = ({ constant, value }: ConstantPiece): string =>
    spec[constant] === undefined ? value : literalOf(spec[constant], settings[constant]);
  const write = (pieces: readonly Piece[]): string =>
    pieces
      .map((piece) => {
        if (typeof piece === "string") return piece;
        if ("constant" in piece) return literal(piece);
        if ("hook" in piece) return piece.text;
        const { flag, on, off } = piece;
        return spec[flag] === true ? write(on) + blank(write(off)) : blank(write(on)) + write(off);
      })
      .join("");
  const exists = ({ when = {} }: Binding): boolean =>
    Object.entries(when).every(([flag, on]) => (spec[flag] === true) === on);
  const wgsl = write(source);
  return {
    wgsl: sizes && params ? withSizes(wgsl, params, sizes) : wgsl,
    constants,
    bindings: bindings.filter(exists),
  };
}

function withSizes(
  wgsl: string,
  { fields }: ParamLayout,
  sizes: Readonly<Record<string, number | readonly number[]>>,
): string {
  const literals = new Map<string, string>();
  for (const { name, scalar } of fields.slice(1)) {
    const value = sizes[name];
    if (typeof value !== "number" || scalar === "f32") continue;
    literals.set(name, scalar === "u32" ? `${value >>> 0}u` : `i32(${value})`);
  }
  const [first, ...others] = wgsl.split("p.");
  let text = first;
  for (const part of others) {
    let end = 0;
    while (isWord(part[end])) end++;
    const literal = isWord(text.at(-1)) ? undefined : literals.get(part.slice(0, end));
    text += literal === undefined ? `p.${part}` : literal + part.slice(end);
  }
  return text;
}

function isWord(c = ""): boolean {
  return c === "_" || (c >= "0" && c <= "9") || (c >= "a" && c <= "z") || (c >= "A" && c <= "Z");
}

function literalOf(value: SpecValue, { type, suffix = "" }: Setting): string {
  const text = String(value);
  return type === "float" && Number.isInteger(value) && !text.includes("e") ? `${text}.0${suffix}` : text + suffix;
}

/** Empty lines in place of lines not chosen. */
function blank(text: string): string {
  return text
    .split("\n")
    .map((line) => (line.startsWith(originMark) ? line : ""))
    .join("\n");
}

/** Whether some variant has the hook. */
export function hasHook(pieces: readonly Piece[], hook: string): boolean {
  return pieces.some(
    (piece) =>
      typeof piece !== "string" &&
      ("hook" in piece ? piece.hook === hook : "flag" in piece && hasHook([...piece.on, ...piece.off], hook)),
  );
}

/** The pieces with text in place of a hook. */
export function replaceHook(pieces: readonly Piece[], hook: string, text: (piece: HookPiece) => string): Piece[] {
  return pieces.map((piece) => {
    if (typeof piece === "string" || "constant" in piece) return piece;
    if ("hook" in piece) return piece.hook === hook ? text(piece) : piece;
    return { flag: piece.flag, on: replaceHook(piece.on, hook, text), off: replaceHook(piece.off, hook, text) };
  });
}

export const originMark = "//@origin ";

/** The line that says where the next one comes from. */
export function originLine(file: string, line: number): string {
  return `${originMark}${file} ${line}\n`;
}

/** The items of a library that words name, and those that these need, in the order of its file. */
export function itemsFor(library: Readonly<Record<string, LibraryItem>>, words: Iterable<string>): string[] {
  const used = new Set<string>();
  for (const word of words)
    if (Object.hasOwn(library, word)) for (const name of [word, ...(library[word].needs ?? [])]) used.add(name);
  return Object.keys(library).filter((name) => used.has(name));
}

/** The items' text with origin markers. */
export function textOf(library: Readonly<Record<string, LibraryItem>>, file: string, names: readonly string[]): string {
  return names.map((name) => originLine(file, library[name].line) + library[name].text).join("");
}

export interface Origin {
  readonly file: string;
  readonly line: number;
}

/** Where line `line` (from 1) of a source with origin markers comes from. */
export function originOf(source: string, line: number): Origin {
  const lines = source.split("\n");
  for (let i = Math.min(line, lines.length) - 1; i >= 0; i--) {
    if (!lines[i].startsWith(originMark)) continue;
    const [file, first] = lines[i].slice(originMark.length).split(" ");
    return { file, line: Number(first) + (line - 2 - i) };
  }
  return { file: "", line };
}
