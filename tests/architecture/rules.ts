/** The rules of architecture.test.ts, as functions from sources to complaints, so that they can be tried on bad sources. */
import { isBuiltin } from "node:module";
import { posix } from "node:path";

export interface Source {
  /** Relative to the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** package.json "imports": name → condition → file under ./dist. */
export type PackageImports = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** From the ground up: a folder may import itself and what stands before it. */
export const layers = ["shaders", "engine", "nn", "atex", "bench", "cli", "docs"] as const;
/** Layers that must run in a browser. */
const portable: readonly string[] = layers.slice(0, 4);
/** Folders of the page that must, too. */
const portablePage = /^page\/(app|core)\//;

export const longestFile = 400;
export const aimedLength = 300;

const importPattern =
  /(?:^|[\n;])\s*(?:import|export)\b[^;'"]*?\bfrom\s*["']([^"']+)["']|(?:^|[\n;])\s*import\s*["']([^"']+)["']|\bimport\s*\(\s*["']([^"']+)["']/g;

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

/** Everything a module imports, statically or dynamically. */
export function importsOf({ text }: Source): string[] {
  return [...withoutComments(text).matchAll(importPattern)].map((match) => match[1] ?? match[2] ?? match[3]);
}

export function folderOf(path: string): string {
  return path.split("/")[0];
}

/** The file an import means, relative to the root; undefined for a package. */
function target(from: string, specifier: string): string | undefined {
  // Plain JavaScript beside the sources imports what the compiler wrote.
  return specifier.startsWith(".") ? posix.join(posix.dirname(from), specifier).replace(/^dist\//, "") : undefined;
}

/** Imports that point from a lower layer to a higher one, or out of the layers (to tests). */
export function backwardImports(sources: readonly Source[], imports: PackageImports): string[] {
  const rank = (path: string) => (layers as readonly string[]).indexOf(folderOf(path));
  return sources.flatMap((source) => {
    if (rank(source.path) < 0) return [];
    return importsOf(source).flatMap((specifier) => {
      const files = specifier.startsWith("#")
        ? Object.values(imports[specifier] ?? { missing: "?" }).map((file) => file.replace(/^\.\/dist\//, ""))
        : [target(source.path, specifier)].filter((file) => file !== undefined);
      const wrong = files.filter((file) => rank(file) < 0 || rank(file) > rank(source.path));
      return wrong.map((file) => `${source.path} imports ${specifier} (${file}): ${layers.join(" <- ")}`);
    });
  });
}

/** The page is a user of the library like any other: imports of the page that reach beyond the public entries ("holdfast/nn") and its own
 *  folder, and imports of the page by others. */
export function beyondPublicEntries(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const here = folderOf(source.path);
    if (here === "tests") return [];
    return importsOf(source).flatMap((specifier) => {
      const there = target(source.path, specifier);
      const crosses = there !== undefined && (here === "page") !== (folderOf(there) === "page");
      const internal = here === "page" && specifier.startsWith("#");
      return crosses || internal ? [`${source.path} imports ${specifier}; the page goes by the public entries`] : [];
    });
  });
}

/** Library code that would not run in a browser. Only *.node.ts may use Node, and only package.json "imports" lead there. */
export function nodeOnlyCode(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const runsInBrowsers = portable.includes(folderOf(source.path)) || portablePage.test(source.path);
    if (!runsInBrowsers || !source.path.endsWith(".ts") || source.path.endsWith(".node.ts")) return [];
    const wrong = importsOf(source).filter(
      (specifier) => isBuiltin(specifier) || specifier === "webgpu" || /\.node\.js$/.test(specifier),
    );
    const globals = withoutComments(source.text).match(/\b(?:process\.\w+|Buffer\.\w+|__dirname|require\()/g) ?? [];
    return [...wrong.map((specifier) => `imports ${specifier}`), ...globals.map((name) => `uses ${name}`)].map(
      (what) => `${source.path} ${what}; only *.node.ts behind package.json "imports" may`,
    );
  });
}

/** What of shaders/ is there at run time; the rest belongs to the build step. */
const embedded: readonly string[] = ["shaders/kernel.js", "shaders/gen/kernels.js"];

/** Library and tools that reach for the build step of the kernels. */
export function buildStepImports(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    if (["shaders", "tests"].includes(folderOf(source.path))) return [];
    const files = importsOf(source).map((specifier) => target(source.path, specifier) ?? "");
    const wrong = files.filter((file) => folderOf(file) === "shaders" && !embedded.includes(file));
    return wrong.map((file) => `${source.path} imports ${file}; at run time there are ${embedded.join(" and ")}`);
  });
}

/** Where WGSL passes at run time, but for the files that only read names and messages of the platform. */
const seesKernels =
  /^(shaders\/kernel|engine\/(gpu\/(?!adapter|device)\w+|graph\/\w+|lower|expression|literal|ops\/\w+\.launch))\.ts$/;
const regularExpression = /(?:^|[=(,:[!&|?;{}]|\breturn\b|=>)\s*\/(?![/*\s])[^/\n]+\/|\bRegExp\b/m;

/** Files that read with a regular expression what the build step has found out. */
export function readsKernels(sources: readonly Source[]): string[] {
  const found = sources.filter(
    ({ path, text }) => seesKernels.test(path) && regularExpression.test(withoutComments(text)),
  );
  return found.map(({ path }) => `${path} has a regular expression; shaders/gen/kernels.ts knows what kernels declare`);
}

export function lengthOf({ text }: Source): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}

export function tooLong(sources: readonly Source[]): string[] {
  const long = sources.filter((source) => lengthOf(source) > longestFile);
  return long.map(
    (source) => `${source.path} has ${lengthOf(source)} lines, ${longestFile} at most; split it by meaning`,
  );
}

/** Test files that neither assert nor import a helper that does. */
export function withoutAssertion(sources: readonly Source[]): string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const asserts = (source: Source, seen: Set<string>): boolean => {
    if (/\bcheck\.\w+\(/.test(source.text)) return true;
    seen.add(source.path);
    return importsOf(source).some((specifier) => {
      const helper = byPath.get((target(source.path, specifier) ?? "").replace(/\.js$/, ".ts"));
      return (
        helper !== undefined && folderOf(helper.path) === "tests" && !seen.has(helper.path) && asserts(helper, seen)
      );
    });
  };
  const tests = sources.filter((source) => source.path.endsWith(".test.ts"));
  return tests.filter((source) => !asserts(source, new Set())).map((source) => `${source.path} asserts nothing`);
}

/** Where a size or a range of somebody's data may stand: data sets, presets, and what old files mean. */
const OF_DATA = /^nn\/(data\/(sets\/|shapes|domain)|presets|network-file)/;
/** What is made for images only may ask for them. */
const FOR_IMAGES = /^atex\/(audit|explainers|manipulations|metrics|render)\//;
const FIXED: readonly (readonly [RegExp, string])[] = [
  [/\b784\b|\b28\s*[,*]\s*28\b|[=:]\s*28\b/, "the size of one data set's images"],
  [/\blow: 0, high: 1\b|\bclamp\([^()]*, 0, 1\)|\brange\b[^=]*=\s*\[0, 1\]/, "the range of pixels"],
];
const IMAGES: (typeof FIXED)[number] = [/\brank !== 4\b/, "images where samples of any rank may come"];

/** Code above the engine that takes for granted what one kind of data is like. */
export function fixedSizes(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    if (!["nn", "atex", "cli"].includes(folderOf(source.path)) || OF_DATA.test(source.path)) return [];
    const forbidden = FOR_IMAGES.test(source.path) ? FIXED : [...FIXED, IMAGES];
    return withoutComments(source.text)
      .split("\n")
      .flatMap((line) =>
        forbidden
          .filter(([pattern]) => pattern.test(line))
          .map(
            ([, what]) =>
              `${source.path}: ${line.trim()}: ${what}; take it from the data (Domain) or the tensor's shape`,
          ),
      );
  });
}
