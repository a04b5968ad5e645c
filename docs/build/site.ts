/** The documentation as a folder of static pages: what is written by hand, what the tables and the sources say. It has the paths of the
 *  repository, so that the links of Markdown files lead where they lead there. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { anchorOf, framed, type NavSection } from "./html.js";
import { commandsPage, examplesPage } from "./listings.js";
import { type Markdown, readMarkdown } from "./markdown.js";
import { documentedExports, ENTRIES, referencePage } from "./reference.js";
import { tablePages } from "./tables.js";

/** The pages by hand, in the order in which they are read; others of the folder follow. */
const GUIDE = [
  ...["index", "engine", "training", "explaining", "attacking", "defending", "auditing"],
  ...["embedding", "page", "memory", "speed", "numerics"],
];

export interface SiteOptions {
  /** Address of the sources, to which `path#Lline` is added; without it places are named and not linked. */
  readonly source?: string;
}

export interface Site {
  /** Paths of the pages in the site. */
  readonly pages: readonly string[];
  readonly byHand: number;
  readonly names: number;
  /** Lines of HTML of the pages that nobody wrote. */
  readonly generatedLines: number;
  /** Exported names without a docstring. */
  readonly silent: readonly string[];
}

export interface Page {
  readonly title: string;
  readonly body: string;
}

/** Builds the site of the checkout `root` into `out`. @throws Error naming every link that leads nowhere. */
export async function buildSite(root: string, out: string, { source }: SiteOptions = {}): Promise<Site> {
  const exports = documentedExports(root);
  const generated = await generatedPages(root, exports, source);
  const found = writtenPages(root, generated);
  const titles = (paths: readonly string[]) => paths.map((path) => [htmlOf(path), found.get(path)!.title] as const);
  const guide = [...found.keys()].filter((path) => path.startsWith("docs/")).sort(byGuide);
  const tables = [...generated].filter(([path]) => !path.includes("reference-"));
  const reference = [...generated].filter(([path]) => path.includes("reference-"));
  const sections: NavSection[] = [
    { title: "Guide", pages: titles(guide) },
    { title: "Reference", pages: reference.map(([path, { title }]) => [path, title]) },
    { title: "Tables", pages: tables.map(([path, { title }]) => [path, title]) },
    { title: "More", pages: titles([...found.keys()].filter((path) => !path.startsWith("docs/")).sort()) },
  ];
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(out, path)), { recursive: true });
    writeFileSync(join(out, path), text);
  };
  const pages: string[] = [];
  for (const [path, { title, html }] of found) {
    write(htmlOf(path), framed(htmlOf(path), title, html, sections));
    pages.push(htmlOf(path));
  }
  let generatedLines = 0;
  for (const [path, { title, body }] of generated) {
    const text = framed(path, title, body, sections);
    generatedLines += text.split("\n").length;
    write(path, text);
    pages.push(path);
  }
  for (const file of filesOf(root, found)) {
    mkdirSync(dirname(join(out, file)), { recursive: true });
    copyFileSync(join(root, file), join(out, file));
  }
  write(
    "index.html",
    '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=docs/index.html">\n',
  );
  const all = [...exports].flatMap(([entry, list]) => list.map((one) => ({ ...one, entry })));
  return {
    ...{ pages, byHand: found.size, generatedLines, names: all.length },
    silent: all.filter(({ words }) => words === "").map(({ name, entry }) => `${entry.name}: ${name}`),
  };
}

async function generatedPages(
  root: string,
  exports: ReturnType<typeof documentedExports>,
  source: string | undefined,
): Promise<Map<string, Page>> {
  const link = source === undefined ? undefined : (file: string, line: number) => `${source}${file}#L${line}`;
  const reference = ENTRIES.map((entry) => ({
    name: entry.page,
    title: entry.name,
    body: referencePage(entry, exports.get(entry)!, link),
  }));
  const all = [...reference, ...tablePages(), await commandsPage(), examplesPage(root)];
  return new Map(all.map(({ name, title, body }) => [`docs/${name}.html`, { title, body }]));
}

/** The pages by hand and what they link to, by their paths. `generated` are those that they may link to besides.
 *  @throws Error naming every link that leads nowhere. */
export function writtenPages(root: string, generated: ReadonlyMap<string, Page>): Map<string, Markdown> {
  const found = crawl(root, new Set(generated.keys()));
  const wrong = brokenLinks(root, found, generated);
  if (wrong.length > 0) throw new Error(`docs: ${wrong.length} links lead nowhere:\n${wrong.join("\n")}`);
  return found;
}

/** Markdown of the folder, and whatever Markdown it links to. */
function crawl(root: string, generated: ReadonlySet<string>): Map<string, Markdown> {
  const names = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
  const found = new Map<string, Markdown>();
  const waiting = names.map((name) => `docs/${name}`).sort(byGuide);
  for (const path of waiting) {
    if (found.has(path)) continue;
    const page = readMarkdown(readFileSync(join(root, path), "utf8"), (to) => htmlLink(root, path, to));
    found.set(path, page);
    for (const { file } of page.links.map((to) => targetOf(path, to)))
      if (file.endsWith(".md") && !generated.has(file) && existsSync(join(root, file))) waiting.push(file);
  }
  return found;
}

function byGuide(a: string, b: string): number {
  const place = (path: string): number => {
    const at = GUIDE.indexOf(path.slice("docs/".length, -".md".length));
    return at < 0 ? GUIDE.length : at;
  };
  return place(a) - place(b) || a.localeCompare(b);
}

const isOutside = (to: string): boolean => /^[a-z]+:/.test(to);
const htmlOf = (path: string): string => path.replace(/\.md$/, ".html");

/** The file that a link of a page means, relative to the root, and the place in it. */
function targetOf(page: string, to: string): { file: string; anchor: string } {
  const [path, anchor = ""] = to.split("#");
  return { file: path === "" ? page : posix.normalize(posix.join(posix.dirname(page), path)), anchor };
}

/** A link as it is in the site: pages for Markdown, the rest as it is. */
function htmlLink(root: string, page: string, to: string): string {
  if (isOutside(to)) return to;
  const { file } = targetOf(page, to);
  return file.endsWith(".md") && existsSync(join(root, file)) ? to.replace(/\.md(#|$)/, ".html$1") : to;
}

/** What pages show or link to and is no page: pictures, sources. */
function filesOf(root: string, pages: ReadonlyMap<string, Markdown>): Set<string> {
  const all = [...pages].flatMap(([page, { links }]) =>
    links.filter((to) => !isOutside(to)).map((to) => targetOf(page, to).file),
  );
  return new Set(
    all.filter((file) => !file.endsWith(".md") && existsSync(join(root, file)) && statSync(join(root, file)).isFile()),
  );
}

function brokenLinks(
  root: string,
  pages: ReadonlyMap<string, Markdown>,
  generated: ReadonlyMap<string, Page>,
): string[] {
  return [...pages].flatMap(([page, { links }]) =>
    links.flatMap((to) => {
      if (isOutside(to)) return [];
      const { file, anchor } = targetOf(page, to);
      const made = generated.get(file);
      if (!made && !existsSync(join(root, file))) return [`${page}: ${to}`];
      const anchors = made ? [...made.body.matchAll(/ id="([^"]+)"/g)].map((m) => m[1]) : pages.get(file)?.anchors;
      return anchor !== "" && anchors && !anchors.includes(anchorOf(anchor))
        ? [`${page}: ${to} (no such heading)`]
        : [];
    }),
  );
}
