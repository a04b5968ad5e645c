/** Builds the page as a folder of static files: `npm run page:build` writes `out/page`. */
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type BuildOptions, build } from "esbuild";
import { EXPLAINER_TABLE, toDataUri } from "holdfast/atex";
import type { Attacked, Explained } from "../core/attack.js";
import { drawn } from "../core/pictures.js";
import type { Settings } from "../core/settings.js";
import { sentenceOf, wordsOf } from "../core/words.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const source = join(root, "page");

/** What `npm run page:networks` keeps of the first picture. */
interface First {
  readonly settings: Settings;
  readonly explained: Explained;
  readonly attacked: Attacked;
}

/** The template with the first picture in it: readable before any script runs, and without. */
async function firstPage(): Promise<string> {
  const template = await readFile(join(source, "index.html"), "utf8");
  const { settings, explained, attacked }: First = JSON.parse(
    await readFile(join(source, "networks/first.json"), "utf8"),
  );
  const [before, after] = drawn([explained, attacked], explained.shape);
  const pieces: Readonly<Record<string, string>> = {
    image: toDataUri(before.image),
    map: toDataUri(before.map.size),
    attacked: toDataUri(after.image),
    attackedMap: toDataUri(after.map.size),
    sentence: sentenceOf(settings, explained, attacked),
    ...wordsOf(settings, explained, attacked),
  };
  const page = template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    if (pieces[name] === undefined) throw new Error(`page/index.html asks for ${name}, which the first picture lacks`);
    return pieces[name];
  });
  return page.replace(/\n\s+/g, "\n");
}

const capital = (text: string): string => text[0].toUpperCase() + text.slice(1);

/** Explainers for people, by name. */
function explainers(): Record<string, { title: string; source: string }> {
  return Object.fromEntries(
    EXPLAINER_TABLE.map(({ name, info }) => [
      name,
      { title: capital(info.name.replace(/ of gradient$/, "")), source: info.source },
    ]),
  );
}

/** Writes the page into a folder, which is emptied first. */
export async function buildPage(folder = join(root, "out/page")): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, "networks"), { recursive: true });
  const common: BuildOptions = {
    ...{ outdir: folder, bundle: true, minify: true, define: { EXPLAINERS: JSON.stringify(explainers()) } },
    ...{ platform: "browser", format: "esm", target: "es2022", logLevel: "silent" },
  };
  // Apart, so that the page's own thread does not read the engine: what both need is small.
  const seen = await build({
    ...common,
    entryPoints: { main: join(source, "app/main.ts"), style: join(source, "style.css") },
  });
  const worker = await build({
    ...common,
    entryPoints: { worker: join(source, "core/worker.ts") },
    splitting: true,
    chunkNames: "parts/[name]-[hash]",
  });
  for (const { text } of [...seen.warnings, ...worker.warnings]) console.warn(text);
  await writeFile(join(folder, "index.html"), await firstPage());
  for (const file of await readdir(join(source, "networks")))
    if (file.endsWith(".safetensors")) await copyFile(join(source, "networks", file), join(folder, "networks", file));
  return folder;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) console.log(await buildPage());
