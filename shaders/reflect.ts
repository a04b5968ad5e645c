/** What a WGSL source says about itself, found once by the build step. */
import type { Binding, Kernel, ParamField, ParamLayout, Piece, ScalarType, Setting } from "./kernel.js";
import { hasHook } from "./kernel.js";
import { flagsOf, piecesOf } from "./preprocess.js";

const bindingDeclaration =
  /@group\((\d+)\)\s*@binding\((\d+)\)\s*var<\s*(\w+)\s*(?:,\s*(\w+)\s*)?>\s*(\w+)\s*:\s*([^;]+);/g;
const overrideDeclaration = /^\s*override\s+(\w+)\s*(?::\s*(\w+))?\s*(?:=\s*([^;]+))?;/gm;

/** Scalar types by the suffix of the short vector names (vec4f). */
const scalarOf: Readonly<Record<string, string>> = { u: "u32", i: "i32", f: "f32", h: "f16" };

/** Text of a source, and the flags it stands under. */
interface Fragment {
  readonly text: string;
  readonly when: Readonly<Record<string, boolean>>;
}

interface Declared extends Binding {
  readonly uniform: boolean;
  readonly when: Readonly<Record<string, boolean>>;
}

/** Most flags of a file: each doubles its variants. */
const maxFlags = 9;

/** `source` is a file with its includes pasted. @throws Error for a declaration the engine cannot serve. */
export function reflect(name: string, source: string): Kernel {
  const pieces = piecesOf(name, source);
  const fragments = fragmentsOf(pieces);
  const declared = bindingsOf(name, fragments);
  const flags = flagsOf(pieces);
  if (flags.length > maxFlags) throw new Error(`shader ${name}: ${flags.length} flags; ${maxFlags} at most`);
  for (const variant of everyChoice(flags)) checkVariant(name, declared, variant);
  checkHooks(name, pieces, fragments);
  const entries = fragments.filter(({ text }) => /@compute\b/.test(text));
  if (entries.length !== 1 || isConditional(entries[0]) || entries[0].text.match(/@compute\b/g)!.length > 1)
    throw new Error(`shader ${name}: one @compute entry point is needed, outside of //@if`);
  const settings = settingsOf(name, pieces, fragments);
  const storage = declared.filter(({ uniform }) => !uniform).sort((a, b) => a.binding - b.binding);
  const includes = new Set(
    fragments.flatMap(({ text }) => [...text.matchAll(/^\/\/@origin (lib\/\S+)/gm)].map(([, file]) => file)),
  );
  const constants = constantsOf(fragments);
  return compact({
    name,
    source: pieces,
    bindings: storage.map(({ uniform, when, ...binding }) =>
      Object.keys(when).length > 0 ? { ...binding, when } : binding,
    ),
    params: paramsOf(
      name,
      fragments,
      declared.filter(({ uniform }) => uniform),
      constants,
    ),
    settings: Object.keys(settings).length > 0 ? settings : undefined,
    threads: threadsOf(entries[0].text, constants),
    includes: includes.size > 0 ? [...includes] : undefined,
  });
}

/** Without fields that are undefined. */
function compact<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T;
}

/** The names of bindings that some variants lack. */
export function optionalBindings({ source, bindings }: Kernel): Set<string> {
  const variants = everyChoice(flagsOf(source));
  const isMissing = (name: string): boolean =>
    variants.some((variant) => !bindings.some((b) => b.name === name && exists(b, variant)));
  return new Set(bindings.map(({ name }) => name).filter(isMissing));
}

function everyChoice(flags: readonly string[]): Readonly<Record<string, boolean>>[] {
  return flags.reduce<Record<string, boolean>[]>(
    (choices, flag) => choices.flatMap((choice) => [false, true].map((on) => ({ ...choice, [flag]: on }))),
    [{}],
  );
}

function exists({ when = {} }: Binding, variant: Readonly<Record<string, boolean>>): boolean {
  return Object.entries(when).every(([flag, on]) => variant[flag] === on);
}

function fragmentsOf(pieces: readonly Piece[], when: Fragment["when"] = {}): Fragment[] {
  return pieces.flatMap((piece): Fragment[] => {
    if (typeof piece === "string") return [{ text: piece, when }];
    if (!("flag" in piece)) return [];
    const { flag, on, off } = piece;
    return [
      // A branch inside the other branch of its own flag never stands.
      ...(when[flag] === false ? [] : fragmentsOf(on, { ...when, [flag]: true })),
      ...(when[flag] === true ? [] : fragmentsOf(off, { ...when, [flag]: false })),
    ];
  });
}

function isConditional({ when }: Pick<Fragment, "when">): boolean {
  return Object.keys(when).length > 0;
}

function bindingsOf(shader: string, fragments: readonly Fragment[]): Declared[] {
  return fragments.flatMap(({ text, when }) => {
    const found = [...text.matchAll(bindingDeclaration)];
    if (found.length !== (text.match(/@group\b/g)?.length ?? 0))
      throw new Error(`shader ${shader}: cannot read one of the bindings in "${text.match(/.*@group\b.*/)?.[0]}"`);
    return found.map(([, group, binding, space, access, name, type]): Declared => {
      if (group !== "0") throw new Error(`shader ${shader}: ${name} is in group ${group}; only group 0 is used`);
      const uniform = space === "uniform";
      if (!uniform && space !== "storage")
        throw new Error(`shader ${shader}: ${name} is var<${space}>; storage or uniform is needed`);
      if (access !== undefined && access !== "read" && access !== "read_write")
        throw new Error(`shader ${shader}: ${name} is ${access}; read or read_write is needed`);
      const scalar =
        type.match(/\b(u32|i32|f32|f16)\b/)?.[1] ?? scalarOf[type.match(/\bvec[234]([uifh])\b/)?.[1] ?? ""];
      if (!uniform && !scalar)
        throw new Error(`shader ${shader}: ${name} is ${type.trim()}; an array of numbers or vectors is needed`);
      return { name, binding: Number(binding), access: access ?? "read", scalar, when, uniform };
    });
  });
}

function checkVariant(shader: string, declared: readonly Declared[], variant: Fragment["when"]): void {
  const present = declared.filter((b) => exists(b, variant));
  for (const [i, b] of present.entries())
    if (present.slice(0, i).some(({ name, binding }) => name === b.name || binding === b.binding))
      throw new Error(
        `shader ${shader}: binding ${b.binding} (${b.name}) is declared twice for ${JSON.stringify(variant)}`,
      );
}

/** What replaces a hook stores into `y`, or stands for what the file reads from `x`. */
function checkHooks(shader: string, pieces: readonly Piece[], fragments: readonly Fragment[]): void {
  for (const [hook, access, name, type] of [
    ["store_result", "read_write", "y", "f32"],
    ["store_quad", "read_write", "y", "vec4f"],
    ["load_element", "read", "x", "f32"],
    ["load_quad", "read", "x", "vec4f"],
  ])
    if (
      hasHook(pieces, hook) &&
      !fragments.some(({ text }) => text.includes(`var<storage, ${access}> ${name}: array<${type}>;`))
    )
      throw new Error(`shader ${shader}: ${hook} is a hook and ${name} is not array<${type}>`);
}

function settingsOf(
  shader: string,
  pieces: readonly Piece[],
  fragments: readonly Fragment[],
): Readonly<Record<string, Setting>> {
  const settings: Record<string, Setting> = {};
  for (const { text } of fragments)
    for (const [, name, type, value] of text.matchAll(overrideDeclaration))
      settings[name] = { kind: "override", type: typeOf(shader, name, type ?? value ?? "").type };
  const walk = (list: readonly Piece[]): void => {
    for (const piece of list) {
      if (typeof piece === "string") continue;
      if ("constant" in piece)
        settings[piece.constant] = compact({
          kind: "constant",
          ...typeOf(shader, piece.constant, piece.value),
        } as const);
      if ("flag" in piece) {
        walk(piece.on);
        walk(piece.off);
      }
    }
  };
  walk(pieces);
  for (const flag of flagsOf(pieces)) settings[flag] = { kind: "flag", type: "bool" };
  return settings;
}

/** Of a type's name or a literal. */
function typeOf(shader: string, name: string, text: string): Pick<Setting, "type" | "suffix"> {
  if (/^(bool|true|false)$/.test(text)) return { type: "bool" };
  if (/^[ui]32$/.test(text)) return { type: "int" };
  if (/^f(16|32)$/.test(text)) return { type: "float" };
  const [, digits, suffix] = text.match(/^(-?[\d.]+(?:e[+-]?\d+)?)([uifh]?)$/) ?? [];
  if (digits === undefined) throw new Error(`shader ${shader}: ${name} is ${text}; a literal is needed`);
  const type = suffix === "f" || suffix === "h" || (suffix === "" && /[.e]/.test(digits)) ? "float" : "int";
  return { type, suffix: suffix === "" ? undefined : suffix };
}

/** Integer constants that no variant changes. */
function constantsOf(fragments: readonly Fragment[]): Map<string, number> {
  return new Map(
    fragments.flatMap((fragment) =>
      isConditional(fragment)
        ? []
        : [...fragment.text.matchAll(/\bconst\s+(\w+)[^=;]*=\s*(\d+)[ui]?\s*;/g)].map(
            ([, name, value]) => [name, Number(value)] as const,
          ),
    ),
  );
}

/** Invocations of a workgroup; undefined when settings decide. */
function threadsOf(text: string, constants: ReadonlyMap<string, number>): number | undefined {
  const sides = text.match(/@workgroup_size\(([^)]*)\)/)?.[1].split(",") ?? [];
  const sizes = sides.map((side) => constants.get(side.trim()) ?? Number(side.trim().replace(/u$/, "")));
  const product = sizes.reduce((a, b) => a * b, 1);
  return Number.isInteger(product) ? product : undefined;
}

function paramsOf(
  shader: string,
  fragments: readonly Fragment[],
  uniforms: readonly Declared[],
  constants: ReadonlyMap<string, number>,
): ParamLayout | undefined {
  const structs = fragments.filter(({ text }) => /\bstruct\s+Params\b/.test(text));
  if (structs.length !== uniforms.length || structs.length > 1 || [...structs, ...uniforms].some(isConditional))
    throw new Error(
      `shader ${shader}: one struct Params and one uniform binding are needed, or neither, outside of //@if`,
    );
  if (structs.length === 0) return undefined;
  const body = structs[0].text.match(/\bstruct\s+Params\s*\{([^}]*)\}/)?.[1];
  if (body === undefined) throw new Error(`shader ${shader}: struct Params is cut by a line of notation`);
  return { binding: uniforms[0].binding, ...fieldsOf(shader, body, constants) };
}

function fieldsOf(
  shader: string,
  body: string,
  constants: ReadonlyMap<string, number>,
): Pick<ParamLayout, "bytes" | "fields"> {
  const fields: ParamField[] = [];
  let end = 0;
  let largest = 4;
  for (const declaration of splitTopLevel(body)) {
    const [, name, type] = declaration.match(/^(\w+)\s*:\s*(.+)$/s) ?? [];
    if (!name) throw new Error(`shader ${shader}: cannot read the field "${declaration}" of Params`);
    const array = type.match(/^array<(.+),\s*(\w+?)u?\s*>$/s);
    const { scalar, components } = vectorType(shader, name, array ? array[1] : type);
    const align = components === 1 ? 4 : components === 2 ? 8 : 16;
    const elements = array ? (constants.get(array[2]) ?? Number(array[2])) : 1;
    if (!Number.isInteger(elements))
      throw new Error(`shader ${shader}: array length ${array?.[2]} of ${name} is unknown`);
    const stride = roundUp(components * 4, align);
    const offset = roundUp(end, align);
    fields.push({ name, scalar, offset, ...(array || components > 1 ? { components, elements, stride } : {}) });
    end = offset + (array ? stride * elements : components * 4);
    largest = Math.max(largest, align);
  }
  return { bytes: roundUp(end, Math.max(16, largest)), fields };
}

function vectorType(shader: string, field: string, type: string): { scalar: ScalarType; components: number } {
  const text = type.replace(/\s+/g, "");
  const short = { u: "u32", i: "i32", f: "f32" } as const;
  const vector = text.match(/^vec([234])(?:<(u32|i32|f32)>|([uif]))$/);
  if (vector) return { scalar: (vector[2] as ScalarType) ?? short[vector[3] as "u"], components: Number(vector[1]) };
  if (text === "u32" || text === "i32" || text === "f32") return { scalar: text, components: 1 };
  throw new Error(
    `shader ${shader}: field ${field} of Params is ${text}; use u32, i32, f32, vectors and arrays of them`,
  );
}

/** Splits at commas outside `<…>`. */
function splitTopLevel(body: string): string[] {
  const parts: string[] = [""];
  let depth = 0;
  for (const c of body) {
    if (c === "<") depth++;
    if (c === ">") depth--;
    if (c === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += c;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
