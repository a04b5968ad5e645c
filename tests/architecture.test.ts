/** What holds the code base together: each rule is tried on this repository and on sources that break it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  aimedLength,
  backwardImports,
  beyondPublicEntries,
  buildStepImports,
  fixedSizes,
  importsOf,
  layers,
  lengthOf,
  nodeOnlyCode,
  type PackageImports,
  readsKernels,
  type Source,
  tooLong,
  withoutAssertion,
} from "./architecture/rules.js";
import { check, root, test } from "./harness.js";

function sourcesUnder(folder: string): Source[] {
  const paths = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  const kept = paths.filter((path) => /\.(ts|mjs|wgsl)$/.test(path) && !/(^|\/)(gen|node_modules)\//.test(path));
  return kept
    .map((path) => `${folder}/${path.replaceAll("\\", "/")}`)
    .map((path) => ({
      path,
      text: readFileSync(join(root, path), "utf8"),
    }));
}

const sources = [...layers, "examples", "page", "tests"]
  .filter((folder) => existsSync(join(root, folder)))
  .flatMap(sourcesUnder);
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  imports: PackageImports;
  exports: Record<string, unknown>;
};

function file(path: string, text: string): Source {
  return { path, text };
}

test("the sources are found", () => {
  check.ok(sources.length > 30, `${sources.length} sources`);
  check.ok(sources.flatMap(importsOf).length > sources.length, "imports are read");
});

test("imports point one way", () => {
  check.equal(backwardImports(sources, manifest.imports), []);
});

test("an import that points back is found, however it is written", () => {
  const imports = { "#up": { node: "./dist/nn/up.node.js", default: "./dist/nn/up.js" } };
  for (const line of [
    'import { a } from "../nn/a.js";',
    'import {\n  a,\n} from "../nn/a.js";',
    'import type { A } from "../atex/a.js";',
    'export * from "../nn/a.js";',
    'import "../cli/a.js";',
    'const a = 1; import "../nn/a.js";',
    'const a = await import("../bench/a.js");',
    'import { a } from "../tests/a.js";',
    'import { a } from "#up";',
    'import { a } from "#unknown";',
  ])
    check.ok(backwardImports([file("engine/x.ts", line)], imports).length > 0, line);
  const good = 'import { a } from "../shaders/a.js";\nimport fc from "fast-check";\n// import "../nn/a.js";\n';
  check.equal(backwardImports([file("engine/x.ts", good)], imports), []);
});

test("the page uses the library by its public entries", () => {
  check.equal(beyondPublicEntries(sources), []);
});

test("an import of the page that reaches inside the library is found, and one of the page by others", () => {
  for (const bad of [
    file("page/core/x.ts", 'import { heatmap } from "../../atex/render/heatmap.js";'),
    file("page/app/x.ts", 'import { init } from "../../engine/index.js";'),
    file("page/tools/x.ts", 'import { openGpu } from "#gpu";'),
    file("atex/x.ts", 'import { SETTINGS } from "../page/core/settings.js";'),
    file("cli/commands/x.ts", 'const page = await import("../../page/tools/build.js");'),
  ])
    check.is(beyondPublicEntries([bad]).length, 1, bad.text);
  const good =
    'import { init } from "holdfast";\nimport { heatmap } from "holdfast/atex";\nimport { x } from "../core/x.js";\n';
  check.equal(
    beyondPublicEntries([file("page/app/x.ts", good), file("tests/x.ts", 'import "../page/core/x.js";')]),
    [],
  );
});

test("library code runs in browsers", () => {
  check.equal(nodeOnlyCode(sources), []);
});

test("library code that needs Node is found", () => {
  for (const line of [
    'import { join } from "node:path";',
    'import "fs";',
    'await import("webgpu");',
    'import { f } from "./files.node.js";',
    "const home = process.env.HOME;",
  ])
    for (const path of ["nn/x.ts", "page/app/x.ts", "page/core/x.ts"])
      check.is(nodeOnlyCode([file(path, line)]).length, 1, `${path}: ${line}`);
  check.equal(
    nodeOnlyCode([
      file("nn/x.node.ts", 'import "node:fs";'),
      file("cli/x.ts", 'import "node:fs";'),
      file("page/tools/x.ts", 'import "node:fs";'),
    ]),
    [],
  );
});

test("both sides of every switch between Node and browser exist", () => {
  const files = Object.values(manifest.imports).flatMap((conditions) => Object.values(conditions));
  check.ok(files.length > 0, "package.json has imports");
  for (const path of files) check.ok(existsSync(join(root, path)), `${path} exists`);
});

test("nothing reads WGSL at run time", () => {
  check.equal(buildStepImports(sources), []);
  check.equal(readsKernels(sources), []);
});

test("code that reads WGSL at run time is found", () => {
  for (const line of [
    "const names = source.matchAll(/var<storage>/g);",
    "return /@hook/.test(source);",
    "const hook =\n  /^fn store/m;",
    "const all = [/a/, 1];",
    'const found = new RegExp("@binding").exec(source);',
  ])
    check.is(readsKernels([file("engine/gpu/x.ts", line), file("engine/ops/x.launch.ts", line)]).length, 2, line);
  const good = "// what /a/ finds\nconst half = (a + b) / 2 / c;\nconst path = lib/a/b;\n";
  check.equal(readsKernels([file("engine/gpu/x.ts", good), file("engine/gpu/device.ts", "f(/a/)")]), []);
  const imports = 'import { reflect } from "../../shaders/reflect.js";';
  check.is(buildStepImports([file("engine/gpu/x.ts", imports)]).length, 1);
  check.equal(buildStepImports([file("engine/gpu/x.ts", imports.replace("reflect.js", "kernel.js"))]), []);
});

test("no file is too long", () => {
  check.equal(tooLong(sources), []);
  const aim = sources.filter((source) => lengthOf(source) > aimedLength);
  for (const source of aim) console.log(`\n    ${source.path}: ${lengthOf(source)} lines, the aim is ${aimedLength}`);
});

test("a file that is too long is found", () => {
  check.equal(tooLong([file("engine/x.ts", "x\n".repeat(400))]), []);
  check.is(tooLong([file("engine/x.ts", "x\n".repeat(401))]).length, 1);
});

test("no size and no range of one data set is taken for granted", () => {
  check.equal(fixedSizes(sources), []);
});

test("a size, a range or a rank that is taken for granted is found", () => {
  for (const line of [
    "const x = tensor(pixels, [n, 1, 28, 28]);",
    "values.subarray(0, 784)",
    "{ width = 28 }",
    "const range = { low: 0, high: 1 };",
    "function clip(x, range = [0, 1]) {}",
    "return clamp(x, 0, 1);",
    "if (x.rank !== 4) throw new ShapeError();",
  ])
    check.is(fixedSizes([file("atex/x.ts", line)]).length, 1, line);
  check.equal(
    fixedSizes([file("nn/presets.ts", "[1, 28, 28]"), file("atex/x.ts", "// 28x28: [1, 28, 28]\nx(128, 28);")]),
    [],
  );
});

test("every test file asserts", () => {
  check.equal(withoutAssertion(sources), []);
});

test("a test file without an assertion is found, one that asserts in a helper is not", () => {
  const bare = file("tests/bare.test.ts", 'import { test } from "./harness.js";\ntest("nothing", () => {});');
  const helped = file("tests/helped.test.ts", 'import { same } from "./helper.js";\nsame(1, 1);');
  const helper = file("tests/helper.ts", 'import "./helped.test.js";\nexport const same = (a, b) => check.is(a, b);');
  check.equal(withoutAssertion([bare, helped, helper]), ["tests/bare.test.ts asserts nothing"]);
});

test("every command is one line in the dispatcher", () => {
  const main = sources.find((source) => source.path === "cli/main.ts");
  const commands = sources.filter((source) => /^cli\/commands\/[^/]+\.ts$/.test(source.path));
  check.ok(commands.length > 0, "there are commands");
  for (const { path } of commands) {
    const name = path.slice("cli/commands/".length, -".ts".length);
    check.match(main!.text, `${name}: () => import("./commands/${name}.js"),`);
  }
});

test("examples are programs of users: they import the package and what is beside them", () => {
  const examples = sources.filter((source) => source.path.startsWith("examples/"));
  check.ok(examples.length >= 10, `${examples.length} examples`);
  const allowed = /^(holdfast(\/nn|\/atex|\/methods)?|\.\/[\w-]+\.js)$/;
  for (const source of examples) {
    check.equal(
      importsOf(source).filter((specifier) => !allowed.test(specifier)),
      [],
      source.path,
    );
    check.ok(lengthOf(source) < 60, `${source.path} has ${lengthOf(source)} lines; fewer than 60 are read in one go`);
    check.match(source.text, /^\/\*\* [\s\S]*?One[\s*]+learns:\s[\s\S]*?\*\//, `${source.path} says what one learns`);
  }
});

test("every folder at the top has its row in CONTRIBUTING", () => {
  const folders = readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !/^(\.|node_modules$|dist$|out$|shared$)/.test(entry.name))
    .map(({ name }) => name);
  const text = readFileSync(join(root, "CONTRIBUTING.md"), "utf8");
  const rows = [...text.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
  check.equal(folders.sort(), rows.sort());
});

test("the lock file names no host", () => {
  const lock = readFileSync(join(root, "package-lock.json"), "utf8");
  check.equal(lock.match(/https?:\/\/[^"]*\.tgz/g), null);
  check.ok(!lock.includes('"resolved"'), "packages are found by name, version and checksum");
});
