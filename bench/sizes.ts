/** What a page loads for the same program in Holdfast and in its peers: the page bench/results/sizes.md. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** A program in one system, bundled for browsers and minified by esbuild. */
export interface SizeRow {
  readonly program: string;
  readonly system: string;
  readonly bytes: number;
  /** Compressed with gzip at its best. */
  readonly gzip: number;
}

const script = fileURLToPath(new URL("../../bench/peers/sizes.mjs", import.meta.url));

/** In the order of the page. */
const PROGRAMS: Readonly<Record<string, string>> = {
  gradient: "the derivative of x³",
  train: "a small network trained by gradient descent",
  attack: "ten steps of projected gradients on an image's class",
  explanation: "ten steps on an explanation of it (`attackExplanation`), which the others lack",
};
const SYSTEMS: Readonly<Record<string, string>> = { holdfast: "Holdfast", tfjs: "tfjs", jaxjs: "jax-js" };

/** Bundles every program. @throws Error outside a checkout, or where the peers are not installed. */
export async function measureSizes(): Promise<SizeRow[]> {
  if (!existsSync(script)) throw new Error(`sizes: ${script} is missing ; a checkout of the repository is needed`);
  if (!existsSync(fileURLToPath(new URL("../../bench/peers/node_modules", import.meta.url))))
    throw new Error("sizes: the peers are not installed ; (cd bench/peers && npm ci) does it");
  const { stdout } = await promisify(execFile)(process.execPath, [script], { maxBuffer: 2 ** 26 });
  return JSON.parse(stdout) as SizeRow[];
}

const kilobytes = (bytes: number): string => (bytes / 1000).toFixed(1);

/** The page. `versions` of the peers by package. @throws Error for a program without a row of Holdfast's. */
export function sizesPage(rows: readonly SizeRow[], versions: Readonly<Record<string, string>>): string {
  const cell = (program: string, system: string, own: SizeRow): string => {
    const row = rows.find((one) => one.program === program && one.system === system);
    if (!row) return "–";
    const times = row === own ? "" : `, ${(row.gzip / own.gzip).toFixed(1)}×`;
    return `${kilobytes(row.bytes)} / ${kilobytes(row.gzip)}${times}`;
  };
  const lines = Object.entries(PROGRAMS).map(([program, words]) => {
    const own = rows.find((one) => one.program === program && one.system === "holdfast");
    if (!own) throw new Error(`sizes: no row of Holdfast for ${program}`);
    return `| \`${program}\`: ${words} | ${Object.keys(SYSTEMS)
      .map((system) => cell(program, system, own))
      .join(" | ")} |`;
  });
  const peers = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `# Sizes

Written by \`npm run bench -- sizes --save\`: do not edit. Kilobytes (1000 bytes) that a page loads for the same program
(\`bench/peers/programs\`), bundled for browsers and minified by esbuild / the same compressed with gzip, and how many times Holdfast's
compressed size that is.

| program | ${Object.values(SYSTEMS).join(" | ")} |
| --- |${" --: |".repeat(Object.keys(SYSTEMS).length)}
${lines.join("\n")}

With ${peers.join(", ")}.
tfjs is imported as its documentation has it, with all gradients and the whole WebGPU backend
registered; a list of single kernels, kept by hand, makes it smaller. Of jax-js the part for WebGPU is counted, which it loads when it
starts, and those for other devices are not. \`node bench/peers/sizes.mjs --run\` runs the programs, too.
`;
}

/** Versions of what is compared with, from bench/peers/package.json. */
export function peerVersions(): Record<string, string> {
  const file = new URL("../../bench/peers/package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { dependencies: Record<string, string> }).dependencies;
}
