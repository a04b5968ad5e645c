/** `node shaders/build.mjs [--check]`: writes shaders/gen/kernels.ts, or with --check only parses every shader. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const bundle = await build({
  entryPoints: [join(here, "embed.ts")],
  bundle: true,
  format: "esm",
  write: false,
  logLevel: "error",
});
const { embed } = await import(`data:text/javascript,${encodeURIComponent(bundle.outputFiles[0].text)}`);

const files = readdirSync(here, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".wgsl"));
const text = embed(new Map(files.map((file) => [file, readFileSync(join(here, file), "utf8")])));
if (!process.argv.includes("--check")) {
  const target = join(here, "gen/kernels.ts");
  mkdirSync(join(here, "gen"), { recursive: true });
  // An unchanged file keeps its time, and the compiler its cache.
  if (!existsSync(target) || readFileSync(target, "utf8") !== text) writeFileSync(target, text);
}
