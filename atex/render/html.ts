import { STYLE } from "./html-style.js";
import { type Picture, toDataUri } from "./picture.js";

/** A finished piece of a page. Plain strings are text and get escaped; only this module makes markup. */
export interface Html {
  readonly html: string;
}

export type Content = string | number | Html;

export interface ReportPage {
  readonly title: string;
  /** One or two sentences under the title. */
  readonly lead: Content;
  readonly sections: readonly Html[];
  /** The last line: versions, adapter, seed. */
  readonly footer?: Content;
  /** What makes the page answer to pointer and keys; it has to be readable without. */
  readonly script?: Script;
}

/** A program of this library, and the data that it reads from the element "data". */
export interface Script {
  readonly program: string;
  readonly data: unknown;
}

/** A page in one file: nothing loaded from elsewhere, no scripts but one that is asked for, light and dark, fit for printing. */
export function page({ title, lead, sections, footer, script }: ReportPage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header><h1>${escapeHtml(title)}</h1><p class="lead">${markup(lead)}</p></header>
${sections.map(({ html }) => html).join("\n")}
${footer === undefined ? "" : `<footer>${markup(footer)}</footer>`}
</main>${script === undefined ? "" : scripts(script)}
</body>
</html>
`;
}

/** Data cannot end its element: "<" is spelled out. */
const scripts = ({ program, data }: Script): string =>
  `\n<script type="application/json" id="data">${JSON.stringify(data).replaceAll("<", "\\u003c")}</script>\n<script>${program}</script>`;

/** A heading with what belongs under it. */
export function section(title: string, ...blocks: readonly Content[]): Html {
  return { html: `<section><h2>${escapeHtml(title)}</h2>\n${blocks.map(block).join("\n")}</section>` };
}

/** A warning or a result that must not be overlooked. */
export function notice(text: Content): Html {
  return { html: `<p class="notice">${markup(text)}</p>` };
}

/** Numbers to see at a glance: each with a name under it. */
export function facts(entries: readonly (readonly [name: string, value: Content])[]): Html {
  const cells = entries.map(([name, value]) => `<div><dd>${markup(value)}</dd><dt>${escapeHtml(name)}</dt></div>`);
  return { html: `<dl class="facts">${cells.join("")}</dl>` };
}

/** A table; cells that are numbers or begin with a digit, a sign or a point stand on the right. */
export function table(header: readonly string[], rows: readonly (readonly Content[])[], caption = ""): Html {
  const cell = (content: Content) => `<td${isNumeric(content) ? ' class="number"' : ""}>${markup(content)}</td>`;
  // A heading stands on the side of what is below it.
  const heading = (text: string, column: number) =>
    `<th scope="col"${rows.length > 0 && rows.every((row) => isNumeric(row[column])) ? ' class="number"' : ""}>${escapeHtml(text)}</th>`;
  return {
    html: `<div class="scroll"><table>${caption && `<caption>${escapeHtml(caption)}</caption>`}
<thead><tr>${header.map(heading).join("")}</tr></thead>
<tbody>${rows.map((row) => `<tr>${row.map(cell).join("")}</tr>`).join("\n")}</tbody></table></div>`,
  };
}

/** One picture with a caption. `alt` says in words what it shows. */
export function figure(picture: Picture, alt: string, caption: Content): Html {
  return {
    html: `<figure>${image(picture, escapeHtml(alt), "wide")}<figcaption>${markup(caption)}</figcaption></figure>`,
  };
}

/** One row of pictures in a grid. */
export interface GridRow {
  readonly label: Content;
  readonly pictures: readonly Picture[];
  /** A line under each picture. */
  readonly notes?: readonly Content[];
}

/** Small pictures in rows and columns, sharp at any size, with headings that a reader can search and copy. */
export function pictureGrid(columns: readonly string[], rows: readonly GridRow[], caption: Content): Html {
  const line = ({ label, pictures, notes = [] }: GridRow) => {
    const cells = pictures.map((picture, i) => {
      const alt = `${plain(label)}, ${escapeHtml(columns[i] ?? "")}`;
      return `<td>${image(picture, alt, "tile")}${notes[i] === undefined ? "" : `<small>${markup(notes[i])}</small>`}</td>`;
    });
    return `<tr><th scope="row">${markup(label)}</th>${cells.join("")}</tr>`;
  };
  const head = columns.map((column) => `<th scope="col">${escapeHtml(column)}</th>`).join("");
  return {
    html: `<figure><div class="scroll"><table class="grid"><thead><tr><td></td>${head}</tr></thead>
<tbody>${rows.map(line).join("\n")}</tbody></table></div><figcaption>${markup(caption)}</figcaption></figure>`,
  };
}

/** Text in a typewriter face: commands, file names. */
export const code = (text: string): Html => ({ html: `<code>${escapeHtml(text)}</code>` });

/** Emphasised text. */
export const strong = (text: Content): Html => ({ html: `<strong>${markup(text)}</strong>` });

/** Several pieces of text in a line. */
export const line = (...pieces: readonly Content[]): Html => ({ html: pieces.map(markup).join("") });

/** Pieces of text below each other. */
export const lines = (...pieces: readonly Content[]): Html => ({ html: pieces.map(markup).join("<br>") });

/** Text as it has to stand in HTML, inside attributes as well. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (character) => entities[character]);
}

const markup = (content: Content): string => (typeof content === "object" ? content.html : escapeHtml(String(content)));

const plain = (content: Content): string =>
  typeof content === "object" ? content.html.replace(/<[^>]*>/g, "") : escapeHtml(String(content));

/** A bare string among blocks is a paragraph. */
const block = (content: Content): string =>
  typeof content === "object" ? content.html : `<p>${escapeHtml(String(content))}</p>`;

const isNumeric = (content: Content): boolean =>
  typeof content === "number" || (typeof content === "string" && /^[-+−±.]?\d/.test(content));

/** `alt` is escaped by the caller where it comes from text. */
function image(picture: Picture, alt: string, kind: "wide" | "tile"): string {
  return `<img class="${kind}" width="${picture.width}" height="${picture.height}" alt="${alt}" src="${toDataUri(picture)}">`;
}
