/** Turns the files of shaders/ into the text of gen/kernels.ts: sources as strings, kernel names as a type. */
import { resolveIncludes, specialise, variantsOf } from "./preprocess.js";
import { reflect } from "./reflect.js";

/** `files`: path in shaders/ → text. @throws Error for a file that does not parse. */
export function embed(files: ReadonlyMap<string, string>): string {
  const read = (file: string): string => {
    const text = files.get(file);
    if (text === undefined) throw new Error(`shaders: ${file} is included and does not exist`);
    return text;
  };
  const sources = [...files.keys()].sort().map((file) => {
    const name = file.replace(/\.wgsl$/, "");
    const source = resolveIncludes(file, read);
    if (!file.startsWith("lib/")) checkKernel(name, source);
    return { name, source };
  });
  const kernels = sources.filter((s) => !s.name.startsWith("lib/"));
  const libraries = sources.filter((s) => s.name.startsWith("lib/"));
  return [
    "// Written by shaders/build.mjs from the .wgsl files; not in version control.",
    `export type KernelName = ${kernels.map((k) => JSON.stringify(k.name)).join(" | ") || "never"};`,
    `export const kernelSources: Readonly<Record<KernelName, string>> = ${table(kernels)};`,
    `export const librarySources: Readonly<Record<${libraries.map((k) => JSON.stringify(k.name)).join(" | ") || "never"}, string>> = ${table(libraries)};`,
    "",
  ].join("\n");
}

function table(sources: readonly { name: string; source: string }[]): string {
  return `{\n${sources.map((s) => `  ${JSON.stringify(s.name)}: ${JSON.stringify(s.source)},\n`).join("")}}`;
}

/** Every variant must parse; the WGSL itself is compiled in the tests. */
function checkKernel(name: string, source: string): void {
  for (const variant of variantsOf(source)) reflect(name, specialise(name, source, variant).wgsl);
  if (!/@compute\b/.test(source)) throw new Error(`shader ${name}: no @compute entry point`);
}
