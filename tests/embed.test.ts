/** The package as its users meet it: packed, installed into empty projects, type-checked, run in Node, bundled for a browser. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { readMarkdown } from "../docs/build/markdown.js";
import { check, gpuTest, onShutdown, root, test } from "./harness.js";
import { runInTurn } from "./inTurn.js";

/** The programs of README and documentation by name: "attacking-0" is the first one of docs/attacking.md. */
const documented: ReadonlyMap<string, string> = new Map(
  ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)]
    .filter((path) => path.endsWith(".md"))
    .flatMap((path) =>
      readMarkdown(readFileSync(join(root, path), "utf8"))
        .blocks.filter(({ language }) => language === "ts")
        .map(({ text }, i) => [`${basename(path, ".md")}-${i}`, text] as const),
    ),
);
/** That of the README: a derivative of a derivative. */
const program = documented.get("README-0")!;
/** What a page and its worker look like; they need the DOM library. */
const browser = ["page", "worker"].map((name) => `browser/${name}.ts`);

/** What a user's project may look like; the default library of the compiler includes the DOM. */
const configurations: Readonly<Record<string, object>> = {
  "with the DOM library": { target: "ES2022", lib: ["ES2022", "DOM"] },
  "without the DOM library": { target: "ES2022", lib: ["ES2022"] },
  "with the compiler's defaults": {},
};

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  name: string;
  version: string;
  exports: Record<string, { types: string } | string>;
  dependencies: Record<string, string>;
};

/** The folder of the only project, made by the first test that asks. */
let project: string | undefined;
onShutdown(() => project && rmSync(project, { recursive: true, force: true }));

function npm(args: string[], cwd: string): string {
  // `npm test` names the npm that runs it, which is a script for Node on every system.
  const script = process.env.npm_execpath;
  const [program, first] = script ? [process.execPath, [script]] : ["npm", []];
  return execFileSync(program, [...first, ...args], {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 120_000,
  });
}

/** Packs this repository and installs the tarball; what it depends on is linked, so that no network is needed. */
function installed(): string {
  if (project) return project;
  project = mkdtempSync(join(tmpdir(), "holdfast-embed-"));
  npm(["pack", "--ignore-scripts", "--pack-destination", project], root);
  const linked = [...Object.keys(manifest.dependencies), "webgpu", "typescript"];
  const dependencies = Object.fromEntries(linked.map((name) => [name, `file:${join(root, "node_modules", name)}`]));
  const tarball = `file:${manifest.name}-${manifest.version}.tgz`;
  const own = { name: "user", private: true, type: "module", dependencies: { ...dependencies, holdfast: tarball } };
  writeFileSync(join(project, "package.json"), JSON.stringify(own));
  npm(["install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund"], project);
  writeFileSync(join(project, "main.ts"), program);
  for (const [name, text] of documented) writeFileSync(join(project, `${name}.ts`), text);
  mkdirSync(join(project, "browser"));
  for (const path of browser) copyFileSync(join(root, "examples", path), join(project, path));
  return project;
}

/** Every entry point there is a declaration file for, so that all public types are checked. */
function entries(folder: string): string[] {
  const paths = Object.entries(manifest.exports).filter(([, target]) => typeof target === "object");
  const present = paths.filter(([, target]) =>
    existsSync(join(folder, "node_modules/holdfast", (target as { types: string }).types)),
  );
  return present.map(([path]) => path.replace(/^\./, "holdfast"));
}

function compile(folder: string, name: string, options: object): { code: number | null; text: string } {
  const imports = entries(folder).map((entry, i) => `import * as entry${i} from "${entry}";\nexport { entry${i} };`);
  writeFileSync(join(folder, "entries.ts"), imports.join("\n"));
  const compilerOptions = {
    module: "NodeNext",
    moduleResolution: "NodeNext",
    strict: true,
    skipLibCheck: false,
    types: [],
    outDir: "built",
    ...options,
  };
  const config = `tsconfig.${name.replaceAll(/\W+/g, "-")}.json`;
  // Without the DOM library and without Node's types nobody declares console and performance.
  const bare = "lib" in options && !(options.lib as string[]).includes("DOM");
  const programs = [...documented.keys()].map((one) => `${one}.ts`);
  const files = ["main.ts", ...programs, ...(bare ? [] : browser), "entries.ts", "console.d.ts"];
  writeFileSync(join(folder, config), JSON.stringify({ compilerOptions, files }));
  writeFileSync(
    join(folder, "console.d.ts"),
    bare ? "declare const console: { log(...values: unknown[]): void };" : "",
  );
  const tsc = join(folder, "node_modules/typescript/bin/tsc");
  const result = spawnSync(process.execPath, [tsc, "-p", config], { cwd: folder, encoding: "utf8", timeout: 120_000 });
  return { code: result.status, text: result.stdout + result.stderr };
}

test(
  "the tarball holds what is published and nothing else",
  () => {
    const top = join(installed(), "node_modules/holdfast");
    check.equal(readdirSync(top).sort(), [
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "bench",
      "cli",
      "dist",
      "docs",
      "package.json",
    ]);
    check.ok(
      readdirSync(join(top, "docs")).every((name) => name.endsWith(".md")),
      "pages by hand, not what builds them",
    );
    // What `holdfast bench` compares its results with.
    check.equal(readdirSync(join(top, "bench"), { recursive: true }).sort(), [
      "README.md",
      "peers",
      "peers/goldens.json",
    ]);
    const published = ["atex", "bench", "cli", "engine", "nn", "shaders"];
    check.equal(
      readdirSync(join(top, "dist")).filter((folder) => !published.includes(folder)),
      [],
    );
    check.equal(entries(installed()), [
      ...["holdfast", "holdfast/methods", "holdfast/nn", "holdfast/atex"],
      ...[
        "holdfast/explain",
        "holdfast/attack",
        "holdfast/measure",
        "holdfast/defend",
        "holdfast/draw",
        "holdfast/audit",
      ],
    ]);
  },
  { timeoutMs: 180_000 },
);

for (const [name, options] of Object.entries(configurations))
  test(
    `a program type-checks ${name} under skipLibCheck: false`,
    () => {
      const { code, text } = compile(installed(), name, options);
      check.is(text, "");
      check.is(code, 0);
    },
    { timeoutMs: 180_000 },
  );

test(
  "a mistake in the program is found, so the declarations are in force",
  () => {
    const folder = installed();
    writeFileSync(join(folder, "main.ts"), program.replace("tensor(3)", 'tensor("three")'));
    const { code, text } = compile(folder, "with-a-mistake", {});
    writeFileSync(join(folder, "main.ts"), program);
    check.ok(code !== 0, "the compiler refuses it");
    check.match(text, /main\.ts.*error TS/);
  },
  { timeoutMs: 180_000 },
);

gpuTest(
  "the program runs in Node and ends by itself",
  () => {
    const folder = installed();
    compile(folder, "to-run", {});
    const result = spawnSync(process.execPath, ["built/main.js"], { cwd: folder, encoding: "utf8", timeout: 60_000 });
    check.is(result.status, 0, result.stderr);
    check.is(result.stdout, "27 18\n");
  },
  { timeoutMs: 180_000 },
);

/** What each program of the documentation printed; they run one after the other, in one process. */
let printed: ReadonlyMap<string, string> | undefined;
function printedBy(name: string): string {
  const folder = installed();
  const pathOf = (one: string): string => join(folder, "built", `${one}.js`);
  if (!printed) {
    const { code, text } = compile(folder, "documentation", { target: "ES2022", lib: ["ES2022", "DOM"] });
    check.is(code, 0, text);
    printed = runInTurn([...documented.keys()].map(pathOf), folder, 170_000);
  }
  return printed.get(pathOf(name))!;
}

for (const name of documented.keys())
  gpuTest(
    `the program ${name} of the documentation runs`,
    () => {
      const out = printedBy(name);
      check.ok(out.trim().length > 0, "it prints something");
      check.ok(!/NaN|undefined|Infinity/.test(out), out);
    },
    { timeoutMs: 180_000 },
  );

gpuTest(
  "the longer example trains, and its attack moves the explanations",
  () => {
    const out = printedBy("attacking-0");
    const accuracy = Number(out.match(/accuracy ([\d.]+)/)?.[1]);
    check.ok(accuracy > 0.5, `accuracy ${accuracy}; guessing gives 0.1`);
    const common =
      out
        .match(/in common (.*)/)?.[1]
        .split(" ")
        .map(Number) ?? [];
    check.is(common.length, 3);
    for (const share of common) check.ok(share < 0.9, `top-50 intersection ${share} after the attack`);
  },
  { timeoutMs: 180_000 },
);

gpuTest(
  "the look into a function keeps what is explained",
  () => {
    const out = printedBy("explaining-0");
    const [, relevance, sum, output] = out.match(/relevance (.*) sum (\S+) of (\S+)/) ?? [];
    check.is(relevance?.split(" ").length, 3, out);
    check.ok(Math.abs(Number(output)) > 1e-3, `the output is ${output}`);
    check.close([Number(sum)], [Number(output)], { rtol: 1e-3 });
  },
  { timeoutMs: 180_000 },
);

test(
  "the component of the documentation is bundled, with React left to its project",
  async () => {
    const folder = installed();
    const { blocks } = readMarkdown(readFileSync(join(root, "docs/embedding.md"), "utf8"));
    const components = blocks.filter(({ language }) => language === "tsx");
    check.is(components.length, 1);
    const { outputFiles, warnings } = await build({
      stdin: { contents: components[0].text, resolveDir: folder, loader: "tsx" },
      ...{ bundle: true, platform: "browser", format: "esm", target: "es2022", write: false, logLevel: "silent" },
      ...{ external: ["react", "react/jsx-runtime"], jsx: "automatic" },
    });
    check.equal(warnings, []);
    check.ok(outputFiles[0].text.length > 50_000, "the engine is in it");
  },
  { timeoutMs: 180_000 },
);

test(
  "bundled for a browser, nothing of Node or webgpu is left",
  async () => {
    const folder = installed();
    const imports = entries(folder).map((entry, i) => `export * as entry${i} from "${entry}";`);
    mkdirSync(join(folder, "bundle"), { recursive: true });
    writeFileSync(join(folder, "bundle/all.ts"), imports.join("\n"));
    const bundle = await build({
      entryPoints: [join(folder, "main.ts"), join(folder, "bundle/all.ts")],
      outdir: join(folder, "bundle/out"),
      bundle: true,
      platform: "browser",
      format: "esm",
      target: "es2022",
      write: false,
      metafile: true,
      logLevel: "silent",
    });
    check.equal(bundle.warnings, []);
    for (const { text, path } of bundle.outputFiles) {
      check.ok(text.length > 1000, `${path} is a bundle`);
      check.equal(text.match(/(?:import|require)\s*\(?\s*["'](?:webgpu|node:[a-z/]+)["']/g), null, path);
      check.equal(text.match(/\bfrom\s*["'][\w@./:-]+["']/g), null, path);
    }
    const inputs = Object.keys(bundle.metafile.inputs);
    check.equal(
      inputs.filter((path) => /\.node\.js$|node_modules\/webgpu\//.test(path)),
      [],
    );
  },
  { timeoutMs: 180_000 },
);

/** Kilobytes of a minified bundle: what a page that imports so little has to load. `init` brings the executor for the GPU. */
const budgets: readonly (readonly [names: string, kilobytes: number])[] = [
  ["grad, tensor, mul", 33],
  ["init, grad, tensor, mul", 119],
  // A capture knows no op.
  ["init, capture, grad, tensor, mul", 133],
];

test(
  "a bundle holds what its program uses",
  async () => {
    const folder = installed();
    for (const [names, kilobytes] of budgets) {
      const contents = `import { ${names} } from "holdfast"; globalThis.used = [${names}];`;
      const { outputFiles } = await build({
        stdin: { contents, resolveDir: folder },
        ...{ bundle: true, minify: true, platform: "browser", format: "esm", target: "es2022", write: false },
      });
      const size = outputFiles[0].contents.length / 1000;
      check.ok(size <= kilobytes, `${names}: ${size} kB, at most ${kilobytes}`);
    }
  },
  { timeoutMs: 180_000 },
);
