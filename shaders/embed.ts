/** Turns the files of shaders/ into the text of gen/kernels.ts: kernels in pieces with what they declare, as values and types. */
import type { Kernel, LibraryItem, Piece } from "./kernel.js";
import { libraryItems, onlyUsed } from "./library.js";
import { resolveIncludes } from "./preprocess.js";
import { optionalBindings, reflect } from "./reflect.js";

export const scalarLibrary = "lib/scalar.wgsl";

/** `files`: path in shaders/ → text. @throws Error for a file that does not parse. */
export function embed(files: ReadonlyMap<string, string>): string {
  const read = (file: string): string => {
    const text = files.get(file);
    if (text === undefined) throw new Error(`shaders: ${file} is included and does not exist`);
    return text;
  };
  const library = libraryItems(scalarLibrary, resolveIncludes(scalarLibrary, read));
  const kernels = [...files.keys()]
    .filter((file) => !file.startsWith("lib/"))
    .sort()
    .map((file) => kernelOf(file, read, library));
  const shared = sharedTexts(kernels);
  return [
    "// Written by shaders/build.mjs from the .wgsl files; not in version control.",
    'import type { Kernel, LibraryItem } from "../kernel.js";',
    "/** Per kernel: bindings that it always has, those that flags decide on, the fields of Params, what a variant may set. */",
    `export interface KernelDeclarations {\n${kernels.map(declaration).join("")}}`,
    "export type KernelName = keyof KernelDeclarations;",
    "/** The kernel of one file. Of several: one of theirs. */",
    "export type KernelFile<K extends KernelName> = { [N in K]: Kernel & { readonly name: N } }[K];",
    ...[...shared].map(([text, name]) => `const ${name} = ${JSON.stringify(text)};`),
    ...kernels.map(
      (kernel) =>
        `export const ${constantOf(kernel.name)}: KernelFile<${JSON.stringify(kernel.name)}> = ${written(kernel, shared)};`,
    ),
    "/** All of them; what needs one names it, so that bundles leave the others out. */",
    `export const kernels: { readonly [K in KernelName]: KernelFile<K> } = {\n${kernels.map(({ name }) => `  ${nameOf(name)}: ${constantOf(name)},\n`).join("")}};`,
    "/** Digest of the kernels that tuning chooses from. */",
    `export const tunedSources = ${JSON.stringify(digest(kernels.filter(({ name }) => tuned.test(name))))};`,
    table("library", "Record<string, LibraryItem>", library, shared),
    "",
  ].join("\n");
}

/** The kernel of a file, which `read` gives as it does those it pastes. */
export function kernelOf(
  file: string,
  read: (file: string) => string,
  library: Readonly<Record<string, LibraryItem>>,
): Kernel {
  const { source, names } = onlyUsed(resolveIncludes(file, read), scalarLibrary, library);
  const kernel = { ...reflect(file.replace(/\.wgsl$/, ""), source), file };
  return names.length > 0 ? { ...kernel, scalarFunctions: names } : kernel;
}

/** Kernels that come in families, of which measurements choose. */
const tuned = /^(matmul|conv2d|winograd|fourier)/;

function digest(kernels: readonly Kernel[]): string {
  let hash = 0x811c9dc5;
  for (const { source } of kernels) {
    const text = JSON.stringify(source);
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}

function constantOf(name: string): string {
  return `${name.replace(/\.(\w)/g, (_, letter: string) => letter.toUpperCase())}Kernel`;
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
