/** Markdown of text that others chose: titles of configurations, names of classes, columns and files. */
import { printable } from "../../nn/printable.js";

/** Text as a reader sees it: no markup of its own, on one line. */
export function markdownText(text: string): string {
  return printable(text).replace(/[\\|<>[\]`]/g, "\\$&");
}

/** A table with its header. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const escaped = (cells: readonly string[]): string => line(cells.map(markdownText));
  return [escaped(header), line(header.map(() => "---")), ...rows.map(escaped)].join("\n");
}

/** "- name: text", a line each. */
export function markdownList(all: Readonly<Record<string, string>>): string {
  return Object.entries(all)
    .map(([name, text]) => `- ${markdownText(name)}: ${markdownText(text)}`)
    .join("\n");
}
