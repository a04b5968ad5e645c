/** Turns the files of shaders/ into the text of gen/kernels.ts: kernels in pieces with what they declare, as values and types. */
import type { Kernel, LibraryItem, Piece } from "./kernel.js";
import { libraryItems } from "./library.js";
import { resolveIncludes } from "./preprocess.js";
import { optionalBindings, reflect } from "./reflect.js";

const scalarLibrary = "lib/scalar.wgsl";

/** `files`: path in shaders/ → text. @throws Error for a file that does not parse. */
export function embed(files: ReadonlyMap<string, string>): string {
  const read = (file: string): string => {
    const text = files.get(file);
    if (text === undefined) throw new Error(`shaders: ${file} is included and does not exist`);
    return text;
  };
  const kernels = [...files.keys()]
    .filter((file) => !file.startsWith("lib/"))
    .sort()
    .map((file) => reflect(file.replace(/\.wgsl$/, ""), resolveIncludes(file, read)));
  const library = libraryItems(scalarLibrary, resolveIncludes(scalarLibrary, read));
  const shared = sharedTexts(kernels);
  return [
    "// Written by shaders/build.mjs from the .wgsl files; not in version control.",
    'import type { Kernel, LibraryItem } from "../kernel.js";',
    "/** Per kernel: bindings that it always has, those that flags decide on, the fields of Params, what a variant may set. */",
    `export interface KernelDeclarations {\n${kernels.map(declaration).join("")}}`,
    "export type KernelName = keyof KernelDeclarations;",
    ...[...shared].map(([text, name]) => `const ${name} = ${JSON.stringify(text)};`),
    table("kernels", "Record<KernelName, Kernel>", Object.fromEntries(kernels.map((k) => [k.name, k])), shared),
    table("library", "Record<string, LibraryItem>", library, shared),
    "",
  ].join("\n");
}

function table(
  name: string,
  type: string,
  entries: Readonly<Record<string, Kernel | LibraryItem>>,
  shared: ReadonlyMap<string, string>,
): string {
  const lines = Object.entries(entries).map(([key, value]) => `  ${nameOf(key)}: ${written(value, shared)},\n`);
  return `export const ${name}: Readonly<${type}> = {\n${lines.join("")}};`;
}

function declaration(kernel: Kernel): string {
  const optional = optionalBindings(kernel);
  const names = (wanted: boolean): string =>
    [...new Set(kernel.bindings.map(({ name }) => name))]
      .filter((name) => optional.has(name) === wanted)
      .map((name) => JSON.stringify(name))
      .join(" | ") || "never";
  const fields = kernel.params?.fields.map(({ name, elements }) => [name, elements ? "readonly number[]" : "number"]);
  const settings = Object.entries(kernel.settings ?? {}).map(([name, { type }]) => [
    `${name}?`,
    type === "bool" ? "boolean" : "number",
  ]);
  const record = (members: string[][]): string =>
    members.length > 0
      ? `{ ${members.map(([name, type]) => `${name}: ${type}`).join("; ")} }`
      : "Readonly<Record<string, never>>";
  return `  ${nameOf(kernel.name)}: { always: ${names(false)}; flagged: ${names(true)}; params: ${fields ? record(fields) : "undefined"}; settings: ${record(settings)} };\n`;
}

/** Shorter texts are not worth a name. */
const shortest = 100;

/** Texts that several kernels paste, each with the name of a constant. */
function sharedTexts(kernels: readonly Kernel[]): Map<string, string> {
  const counts = new Map<string, number>();
  const count = (pieces: readonly Piece[]): void => {
    for (const piece of pieces)
      if (typeof piece === "string") counts.set(piece, (counts.get(piece) ?? 0) + 1);
      else if ("flag" in piece) [piece.on, piece.off].forEach(count);
  };
  for (const { source } of kernels) count(source);
  const shared = [...counts].filter(([text, times]) => times > 1 && text.length > shortest);
  return new Map(shared.map(([text], i) => [text, `text${i}`]));
}

/** `value` as an expression of TypeScript. */
function written(value: unknown, shared: ReadonlyMap<string, string>): string {
  if (typeof value === "string") return shared.get(value) ?? JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((v) => written(v, shared)).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  const members = Object.entries(value).map(([key, v]) => `${nameOf(key)}: ${written(v, shared)}`);
  return `{ ${members.join(", ")} }`;
}

function nameOf(key: string): string {
  return /^[A-Za-z_]\w*$/.test(key) ? key : JSON.stringify(key);
}
