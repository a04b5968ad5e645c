/** What all pages have in common: frame, tables, text made safe. */

/** Text as HTML. */
export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** Plain sentences as HTML; what stands between backticks becomes code. */
export function sentences(text: string): string {
  return escaped(text).replace(/`([^`]+)`/g, "<code>$1</code>");
}

/** The anchor of a heading, as code hosts make it. */
export function anchorOf(text: string): string {
  return text
    .toLowerCase()
    .replace(/<[^>]+>|&\w+;/g, "")
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");
}

/** A table of cells that are HTML already. */
export function tableOf(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join("")}</tr>`;
  return `<div class="wide"><table>\n<thead>${line(heading.map(escaped), "th")}</thead>\n<tbody>\n${rows
    .map((row) => line(row, "td"))
    .join("\n")}\n</tbody></table></div>`;
}

export function code(text: string): string {
  return `<code>${escaped(text)}</code>`;
}

export function block(text: string): string {
  return `<pre><code>${escaped(text)}</code></pre>`;
}

export interface NavSection {
  readonly title: string;
  /** Path in the site, and what it is called. */
  readonly pages: readonly (readonly [path: string, title: string])[];
}

/** A whole page. `path` is its own in the site, from which links are relative. */
export function framed(path: string, title: string, body: string, sections: readonly NavSection[]): string {
  const up = "../".repeat(path.split("/").length - 1);
  const nav = sections.map(({ title: section, pages }) => {
    const links = pages.map(([to, name]) => {
      const here = to === path ? ' aria-current="page"' : "";
      return `<li><a href="${up}${to}"${here}>${escaped(name)}</a></li>`;
    });
    return `<h2>${escaped(section)}</h2><ul>${links.join("")}</ul>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)} · Holdfast</title><style>${STYLE}</style></head>
<body><nav aria-label="Pages">${nav.join("\n")}</nav>
<main>
${body}
</main></body></html>
`;
}

const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); --soft: color-mix(in srgb, currentColor 7%, transparent) }
body { margin: 0; display: grid; grid-template-columns: 15rem minmax(0, 1fr); font: 16px/1.55 system-ui, sans-serif }
nav { padding: 1rem; border-right: 1px solid var(--line); font-size: .9rem; position: sticky; top: 0; max-height: 100vh; overflow: auto; box-sizing: border-box }
nav h2 { font-size: .8rem; margin: 1rem 0 .2rem; opacity: .7 } nav ul { list-style: none; margin: 0; padding: 0 }
nav a { display: block; padding: .15rem 0; text-decoration: none } nav a[aria-current] { font-weight: 700 }
main { padding: 1rem 2rem 4rem; max-width: 60rem } h1 { line-height: 1.2 } h2 { margin-top: 2.2rem } h3 { margin-top: 1.8rem }
a { color: LinkText } img { max-width: 100%; background: #fff } code { font: .88em ui-monospace, monospace }
pre { background: var(--soft); padding: .8rem 1rem; overflow: auto; border-radius: 4px; line-height: 1.4 }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: .9rem } th, td { border-bottom: 1px solid var(--line); padding: .3rem .7rem .3rem 0; text-align: left; vertical-align: top }
td[align=right], th[align=right] { text-align: right } .source { opacity: .7; font-size: .85rem }
@media (max-width: 50rem) { body { display: block } nav { position: static; max-height: none; border: 0; border-bottom: 1px solid var(--line) } main { padding: 1rem } }
`;
