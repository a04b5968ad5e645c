/** A page of Markdown: its HTML, its title, its anchors, where its links lead, its programs. */
import { Marked } from "marked";
import { anchorOf, escaped } from "./html.js";

export interface Markdown {
  readonly title: string;
  readonly html: string;
  /** As they are written, pictures included. */
  readonly links: readonly string[];
  readonly anchors: readonly string[];
  /** Blocks of code with the language behind the fence, in their order. */
  readonly blocks: readonly { readonly language: string; readonly text: string }[];
}

/** Reads one page; `link` says what a link is in the site. */
export function readMarkdown(text: string, link: (to: string) => string = (to) => to): Markdown {
  const links: string[] = [];
  const anchors: string[] = [];
  const blocks: { language: string; text: string }[] = [];
  let title = "";
  const marked = new Marked({
    gfm: true,
    renderer: {
      heading({ tokens, depth, text }) {
        const inside = this.parser.parseInline(tokens);
        const plain = text.replaceAll("`", "");
        if (depth === 1 && title === "") title = plain;
        const anchor = anchorOf(plain);
        anchors.push(anchor);
        return `<h${depth} id="${anchor}">${inside}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        links.push(href);
        return `<a href="${escaped(link(href))}">${this.parser.parseInline(tokens)}</a>`;
      },
      image({ href, text }) {
        links.push(href);
        return `<img src="${escaped(href)}" alt="${escaped(text)}">`;
      },
      code({ text, lang = "" }) {
        blocks.push({ language: lang, text });
        return `<pre><code>${escaped(text)}</code></pre>\n`;
      },
    },
  });
  const html = marked.parse(text, { async: false });
  return { title, html, links, anchors, blocks };
}
