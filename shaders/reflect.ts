/** What a WGSL source says about itself: bindings with access and type, and the byte layout of its `Params` struct. */

export interface Binding {
  readonly name: string;
  readonly group: number;
  readonly binding: number;
  readonly access: "read" | "read_write" | "uniform";
  /** The WGSL type, for example `array<vec4<f32>>` or `Params`. */
  readonly type: string;
  /** The scalar type of the elements of an array. */
  readonly scalar: string | undefined;
}

export type ScalarType = "u32" | "i32" | "f32";

/** One field of `Params`: `elements` vectors of `components` scalars, `stride` bytes apart. */
export interface ParamField {
  readonly name: string;
  readonly scalar: ScalarType;
  readonly components: number;
  readonly elements: number;
  readonly offset: number;
  readonly stride: number;
}

export interface ParamLayout {
  readonly fields: readonly ParamField[];
  readonly bytes: number;
}

export interface Reflection {
  readonly bindings: readonly Binding[];
  readonly params: ParamLayout | undefined;
}

const bindingDeclaration =
  /@group\((\d+)\)\s*@binding\((\d+)\)\s*var<\s*(\w+)\s*(?:,\s*(\w+)\s*)?>\s*(\w+)\s*:\s*([^;]+);/g;

/** Scalar types by the suffix of the short vector names (vec4f). */
const scalarOf: Readonly<Record<string, string>> = { u: "u32", i: "i32", f: "f32", h: "f16" };

/** @throws Error for a declaration the engine cannot serve. */
export function reflect(name: string, source: string): Reflection {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
  const bindings = [...code.matchAll(bindingDeclaration)].map(([, group, binding, space, access, variable, type]) => ({
    name: variable,
    group: Number(group),
    binding: Number(binding),
    access: accessOf(name, variable, space, access),
    type: type.replace(/\s+/g, ""),
    scalar: type.match(/\b(u32|i32|f32|f16)\b/)?.[1] ?? scalarOf[type.match(/\bvec[234]([uifh])\b/)?.[1] ?? ""],
  }));
  for (const b of bindings)
    if (b.group !== 0) throw new Error(`shader ${name}: ${b.name} is in group ${b.group}; only group 0 is used`);
  const struct = code.match(/\bstruct\s+Params\s*\{([^}]*)\}/);
  return { bindings, params: struct ? paramLayout(name, struct[1], constantsOf(code)) : undefined };
}

function accessOf(shader: string, name: string, space: string, access: string | undefined): Binding["access"] {
  if (space === "uniform") return "uniform";
  if (space === "storage" && (access === "read_write" || access === "read" || access === undefined))
    return access ?? "read";
  throw new Error(`shader ${shader}: ${name} is var<${space}>; storage or uniform is needed`);
}

/** Integer constants that may size an array. */
function constantsOf(code: string): Map<string, number> {
  return new Map([...code.matchAll(/\bconst\s+(\w+)[^=;]*=\s*(\d+)[ui]?\s*;/g)].map((m) => [m[1], Number(m[2])]));
}

function paramLayout(shader: string, body: string, constants: Map<string, number>): ParamLayout {
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
    fields.push({ name, scalar, components, elements, offset, stride });
    end = offset + (array ? stride * elements : components * 4);
    largest = Math.max(largest, align);
  }
  return { fields, bytes: roundUp(end, Math.max(16, largest)) };
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

export function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
