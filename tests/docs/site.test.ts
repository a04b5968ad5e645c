/** The documentation: pages are made of everything there is, links lead somewhere, code blocks are programs. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXPLAINER_TABLE, METRIC_TABLE } from "../../atex/index.js";
import { readMarkdown } from "../../docs/build/markdown.js";
import { opRow } from "../../docs/build/rules.js";
import { buildSite, type Site, writtenPages } from "../../docs/build/site.js";
import { tablePages } from "../../docs/build/tables.js";
import { table as OPS } from "../../engine/ops/table.js";
import { LAYER_KINDS } from "../../nn/index.js";
import { check, onShutdown, root, test } from "../harness.js";

const timeoutMs = 300_000;
let out: string | undefined;
onShutdown(() => out && rmSync(out, { recursive: true, force: true }));
let built: Promise<Site> | undefined;

/** The site of this checkout, built by the first test that asks. */
function site(): Promise<Site> {
  out ??= mkdtempSync(join(tmpdir(), "holdfast-docs-"));
  built ??= buildSite(root, out, { source: "https://example.org/blob/" });
  return built;
}
const page = (path: string): string => readFileSync(join(out!, path), "utf8");

test(
  "every page is built, by hand and generated, and every link of theirs leads somewhere",
  async () => {
    const { pages, byHand, generatedLines } = await site();
    check.ok(byHand >= 13 && pages.length - byHand >= 16, `${byHand} by hand, ${pages.length} in all`);
    check.ok(generatedLines > 3000, `${generatedLines} generated lines`);
    for (const path of pages) {
      const html = page(path);
      check.match(html, /<h1/, path);
      const links = [...html.matchAll(/(?:href|src)="([^"#]*)/g)].map((m) => m[1]);
      const lost = links.filter((to) => to !== "" && !/^[a-z]+:/.test(to) && !existsSync(join(out!, path, "..", to)));
      check.equal([...new Set(lost)], [], path);
    }
  },
  { timeoutMs },
);

test(
  "the reference has every exported name, with signature, docstring and place",
  async () => {
    const { names } = await site();
    const entries = { engine: "../../engine/index.js", nn: "../../nn/index.js", atex: "../../atex/index.js" };
    for (const [entry, path] of Object.entries(entries)) {
      const html = page(`docs/reference-${entry}.html`);
      const missing = Object.keys(await import(path)).filter(
        (name) => !html.includes(`<code>${name}</code></h3>`) && !html.includes(`<code>${name}.`),
      );
      check.equal(missing, [], entry);
    }
    check.ok(names > 400, `${names} names`);
    const engine = page("docs/reference-engine.html");
    check.match(engine, "function einsum(equation: string, ...inputs: readonly Tensor[]): Tensor");
    check.match(engine, /function arange\(stop: number\): Tensor;?\nfunction arange\(start: number/);
    check.match(engine, /https:\/\/example\.org\/blob\/engine\/ops\/matmul\.ts#L\d+/);
    check.match(engine, "random.normal");
    check.match(
      engine,
      /class Tensor implements[\s\S]*?read\(\): Promise&lt;HostArray&gt;;[\s\S]*?interface Tensor [\s\S]*?sub\(other: TensorOrNumber\): Tensor;/,
    );
  },
  { timeoutMs },
);

test(
  "every public export has a docstring",
  async () => {
    check.equal((await site()).silent, []);
  },
  { timeoutMs },
);

test(
  "generated tables have a row for everything that the library has",
  async () => {
    await site();
    const rows: readonly [page: string, names: readonly string[]][] = [
      ["ops", OPS.map(({ name }) => name)],
      ["explainers", EXPLAINER_TABLE.map(({ name }) => name)],
      ["metrics", METRIC_TABLE.map(({ name }) => name)],
      ["layers", LAYER_KINDS.map(({ kind }) => kind)],
    ];
    for (const [name, wanted] of rows) {
      const html = page(`docs/${name}.html`);
      check.equal(
        wanted.filter((word) => !html.includes(`<code>${word}</code>`)),
        [],
        name,
      );
    }
    for (const { name, body } of tablePages()) check.ok((body.match(/<tr>/g) ?? []).length > 3, `${name} has rows`);
    check.match(page("docs/commands.html"), "holdfast audit [options]");
    check.match(page("docs/examples.html"), "examples/xor.ts");
  },
  { timeoutMs },
);

test("derivative rules are written as they are", () => {
  const rule = (name: string) => opRow(OPS.find((op) => op.name === name)!);
  check.equal(rule("mul").gradients, ["g · w", "g · x"]);
  check.equal(rule("tanh").gradients, ["g · (1 − square(y))"]);
  check.equal(rule("div").gradients, ["g / w", "−(g · (y / w))"]);
  check.equal(rule("matmul").gradients, ["matmul(g, wᵀ)", "matmul(xᵀ, g)"]);
  check.equal(rule("floor").gradients, ["none"]);
  check.is(rule("add").value, "x + w");
  for (const op of OPS) {
    const { gradients } = opRow(op);
    const inputs = op.samples()[0].inputs.length;
    check.ok(gradients.length > 0 || inputs === 0, op.name);
  }
});

test("a link that leads nowhere, and a heading that is not there, are found", () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-broken-"));
  try {
    mkdirSync(join(folder, "docs"));
    const text = "# A page\n\n[a](missing.md) [b](#a-page) [c](#nothing) [d](ops.html) [e](https://example.org)\n";
    writeFileSync(join(folder, "docs/index.md"), text);
    const ops = { title: "Operations", body: "<h1>Operations</h1>" };
    check.throws(
      () => writtenPages(folder, new Map([["docs/ops.html", ops]])),
      /^docs: 2 links lead nowhere:\ndocs\/index\.md: missing\.md\ndocs\/index\.md: #nothing \(no such heading\)$/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a TypeScript block of the documentation is a whole program", () => {
  const files = ["README.md", ...readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"))];
  let programs = 0;
  for (const file of files) {
    const { blocks } = readMarkdown(readFileSync(join(root, file === "README.md" ? "" : "docs", file), "utf8"));
    for (const { language, text } of blocks) {
      check.ok(language !== "", `${file}: a block without a language:\n${text}`);
      if (language !== "ts") continue;
      programs++;
      check.match(text, /^import /, `${file}: give the whole program, or another language`);
      check.match(text, /shutdown\(\)/, `${file}: a program closes the engine`);
    }
  }
  check.ok(programs >= 12, `${programs} programs`);
});
