/** The API reference, from the sources as the compiler sees them: name, signature, docstring and where it stands. */
import { join, relative } from "node:path";
import type { ClassDeclaration, Node } from "typescript/unstable/ast";
import * as is from "typescript/unstable/ast/is";
import { API, type Checker, type Symbol as CompilerSymbol, type Project, SymbolFlags } from "typescript/unstable/sync";
import { anchorOf, block, escaped, sentences } from "./html.js";

/** An entry of the package, and the file that says what it exports. */
export const ENTRIES = [
  { name: "holdfast", page: "reference-engine", file: "engine/index.ts", title: "holdfast: the engine" },
  { name: "holdfast/nn", page: "reference-nn", file: "nn/index.ts", title: "holdfast/nn: networks and data" },
  {
    ...{ name: "holdfast/atex", page: "reference-atex", file: "atex/index.ts" },
    title: "holdfast/atex: explanations, attacks, defences (in parts: explain, attack, measure, defend, audit, draw)",
  },
] as const;

export type Entry = (typeof ENTRIES)[number];

/** One exported name. */
export interface Documented {
  /** As it is imported; `random.key` for what is inside a namespace. */
  readonly name: string;
  readonly kind: "function" | "class" | "type" | "value";
  /** TypeScript, one declaration for each overload. */
  readonly signature: string;
  /** Its docstring without stars; "" where there is none. */
  readonly words: string;
  /** Sentences of `@throws`. */
  readonly throws: readonly string[];
  /** Relative to the repository. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** What the entries export, in the order of the alphabet. The compiler is started once. */
export function documentedExports(root: string): ReadonlyMap<Entry, readonly Documented[]> {
  const api = new API({ cwd: root });
  try {
    const config = join(root, "tsconfig.json");
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    if (!project) throw new Error(`reference: the compiler opened no project for ${config}`);
    return new Map(ENTRIES.map((entry) => [entry, exportsOf(root, entry, project)]));
  } finally {
    api.close();
  }
}

function exportsOf(root: string, { file, name }: Entry, project: Project): Documented[] {
  const source = project.program.getSourceFile(join(root, file));
  const module = source && project.checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`reference: ${file} is no module of the project; ${name} should be exported from it`);
  const reader = new Reader(root, project);
  return reader.inside(module, "").sort((a, b) => a.name.localeCompare(b.name, "en"));
}

class Reader {
  readonly #checker: Checker;

  constructor(
    readonly root: string,
    readonly project: Project,
  ) {
    this.#checker = project.checker;
  }

  /** What a module exports; namespaces are opened, under their name. */
  inside(module: CompilerSymbol, prefix: string): Documented[] {
    return this.#checker.getExportsOfModule(module).flatMap((exported) => {
      const symbol = exported.flags & SymbolFlags.Alias ? this.#checker.getAliasedSymbol(exported) : exported;
      if (symbol.flags & SymbolFlags.Module) return this.inside(symbol, `${prefix}${exported.name}.`);
      return [this.#documented(symbol, prefix + exported.name)];
    });
  }

  #documented(symbol: CompilerSymbol, name: string): Documented {
    const nodes = symbol.declarations.flatMap((handle) => handle.resolve(this.project) ?? []);
    // A class to which another file adds stands where it is written.
    const first = nodes.find(is.isClassDeclaration) ?? nodes[0];
    if (!first) throw new Error(`reference: nothing declares ${name}`);
    const source = first.getSourceFile();
    const tags = this.#checker.getJsDocTagsOfSymbol(symbol);
    return {
      name,
      kind: is.isFunctionDeclaration(first)
        ? "function"
        : is.isClassDeclaration(first)
          ? "class"
          : is.isVariableDeclaration(first)
            ? "value"
            : "type",
      signature: this.#signature(symbol, nodes),
      words: oneLine(this.#checker.getDocumentationCommentOfSymbol(symbol)),
      throws: tags.filter((tag) => tag.name === "throws").map(({ text = "" }) => oneLine(text)),
      file: relative(this.root, source.fileName).replaceAll("\\", "/"),
      line: source.getLineAndCharacterOfPosition(first.getStart()).line + 1,
    };
  }

  #signature(symbol: CompilerSymbol, nodes: readonly Node[]): string {
    const functions = nodes.filter(is.isFunctionDeclaration);
    if (functions.length > 0) {
      // An implementation behind overloads is nobody's business.
      const shown = functions.length > 1 ? functions.filter((node) => !node.body) : functions;
      return shown.map((node) => withoutBody(node, node.body)).join("\n");
    }
    return nodes.map((node) => this.#declaration(symbol, node)).join("\n");
  }

  #declaration(symbol: CompilerSymbol, node: Node): string {
    if (is.isVariableDeclaration(node)) {
      const type = node.type?.getText() ?? this.#checker.typeToString(this.#checker.getTypeOfSymbol(symbol)!);
      return `const ${node.name.getText()}: ${type}`;
    }
    if (is.isClassDeclaration(node)) {
      const header = node.getSourceFile().text.slice(node.getStart(), node.members.pos);
      return `${withoutExport(header)}\n${this.#members(node).join("\n")}\n}`;
    }
    return withoutExport(node.getText());
  }

  #members(node: ClassDeclaration): string[] {
    return node.members.flatMap((member) => {
      const { name, body, initializer, type } = member as { name?: Node; body?: Node; initializer?: Node; type?: Node };
      if (name?.getText().startsWith("#") || /^(private|protected)\b/.test(member.getText())) return [];
      const text = withoutBody(member, body ?? initializer).replace(/\s*[=;]$/, "");
      const inferred = initializer && name && !type ? this.#checker.getTypeAtLocation(name) : undefined;
      const typed = inferred ? `${text}: ${this.#checker.typeToString(inferred)}` : text;
      return [`${docOf(member)}  ${typed.replace(/^override /, "")};`];
    });
  }
}

/** A docstring above a member, as it stands in the source. */
function docOf(node: Node): string {
  const text = node.getSourceFile().text.slice(node.getFullStart(), node.getStart());
  const found = /\/\*\*[\s\S]*?\*\//.exec(text)?.[0];
  return found === undefined ? "" : `  ${found}\n`;
}

function withoutBody(node: Node, body: Node | undefined): string {
  const source = node.getSourceFile().text;
  return withoutExport(source.slice(node.getStart(), body ? body.getFullStart() : node.getEnd()).trim());
}

function withoutExport(text: string): string {
  return text.replace(/^export /, "").replace(/^declare /, "");
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " ").trim();
}

/** A page of the reference. `link` makes the address of a place in the sources, where there is one. */
export function referencePage(
  entry: Entry,
  all: readonly Documented[],
  link: ((file: string, line: number) => string) | undefined,
): string {
  const list = all.map(({ name }) => `<a href="#${anchorOf(name)}"><code>${escaped(name)}</code></a>`).join(" ");
  const items = all.map(({ name, signature, words, throws, file, line }) => {
    const place = `${file}:${line}`;
    const source = link ? `<a href="${escaped(link(file, line))}">${escaped(place)}</a>` : escaped(place);
    return `<h3 id="${anchorOf(name)}"><code>${escaped(name)}</code></h3>
${words === "" ? "" : `<p>${sentences(words)}</p>\n`}${block(signature)}
${throws.map((text) => `<p>Throws ${sentences(text)}</p>\n`).join("")}<p class="source">${source}</p>`;
  });
  return `<h1>${escaped(entry.title)}</h1>
<p><code>import { … } from "${entry.name}"</code>, ${all.length} names, from the sources of this version.</p>
<p>${list}</p>
${items.join("\n")}`;
}
