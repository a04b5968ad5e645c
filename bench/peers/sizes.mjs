/** How many bytes a page loads for the same program in each system: `node sizes.mjs` prints rows as JSON; with `--run` what each program
 *  answers, on an adapter, is in them. The rows of one program must have one answer. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const dist = fileURLToPath(new URL("../../dist/", import.meta.url));
const programs = ["gradient", "train", "attack", "explanation"];
const systems = ["holdfast", "tfjs", "jaxjs"];
/** The package's own names, which it does not find from here. */
const alias = {
  holdfast: join(dist, "engine/index.js"),
  "holdfast/attack": join(dist, "atex/attack.js"),
  "holdfast/explain": join(dist, "atex/explain.js"),
};

/** What a page loads: the module with what it imports, and of what it may ask for later (jax-js brings its backends so) the part for WebGPU. */
async function bundled(program, system) {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(here, "programs", `${program}.${system}.mjs`)],
    ...{ bundle: true, minify: true, splitting: true, outdir: here, write: false, metafile: true, alias },
    ...{ platform: "browser", format: "esm", target: "es2022", logLevel: "error" },
  });
  const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [resolve(path), output]));
  const entry = outputFiles.find(({ path }) => outputs.get(path).entryPoint?.endsWith(`${program}.${system}.mjs`)).path;
  const loaded = new Set([entry]);
  for (const path of loaded)
    for (const { path: to, kind } of outputs.get(path).imports) {
      const file = resolve(to);
      if (kind !== "dynamic-import" || /webgpu/.test(outputs.get(file)?.entryPoint ?? "")) loaded.add(file);
    }
  const files = outputFiles.map((file) => ({ ...file, contents: file.contents, isLoaded: loaded.has(file.path) }));
  return { files, entry };
}

/** What the bundle answers, run from a folder of its own. */
async function answerOf({ files, entry }) {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-sizes-"));
  try {
    for (const { path, contents } of files) writeFileSync(join(folder, basename(path)), contents);
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    const { default: run } = await import(pathToFileURL(join(folder, basename(entry))).href);
    return await run();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const run = process.argv.includes("--run");
if (run) {
  await (await import("./adapter.mjs")).installNavigator(undefined);
  // tfjs takes a process without a window for Node, and asks for modules that a bundle for browsers lacks.
  globalThis.window = globalThis;
  globalThis.document = {};
}
const rows = [];
for (const program of programs)
  for (const system of program === "explanation" ? ["holdfast"] : systems) {
    const bundle = await bundled(program, system);
    const loaded = bundle.files.filter(({ isLoaded }) => isLoaded);
    const sum = (of) => loaded.reduce((total, { contents }) => total + of(contents), 0);
    const [bytes, gzip] = [sum((c) => c.length), sum((c) => gzipSync(c, { level: 9 }).length)];
    rows.push({ program, system, bytes, gzip, ...(run && { answer: await answerOf(bundle) }) });
  }
console.log(JSON.stringify(rows));
process.exit(0);
