/** An audit as a page and as Markdown. */
import type { AuditNumber } from "../audit/audit.js";
import { AUDIT_LIMIT, type AuditedRow, type AuditReport } from "../audit/report.js";
import { type Html, line, lines, notice, page, section, strong, table } from "./html.js";
import { markdownTable, markdownText } from "./markdown.js";

/** Drawn elsewhere: curves and pictures of a row. */
export type RowDrawings = Readonly<Record<string, readonly Html[]>>;

/** "0.812 (0.790 to 0.834)". */
export function numberText({ value, low, high }: Pick<AuditNumber, "value" | "low" | "high">): string {
  if (Number.isNaN(value)) return "–";
  const short = (v: number): string => (Math.abs(v) >= 100 || Number.isInteger(v) ? v.toFixed(0) : v.toPrecision(3));
  return Number.isNaN(low) ? short(value) : `${short(value)} (${short(low)} to ${short(high)})`;
}

/** A line for each number, a column for each candidate. */
function numbersOf({ candidates }: AuditedRow): { header: string[]; rows: string[][] } {
  const nameOf = ({ name, setting }: Pick<AuditNumber, "name" | "setting">): string =>
    setting === undefined ? name : `${name}, ${setting}`;
  const names = [...new Set(candidates.flatMap(({ numbers }) => numbers.map(nameOf)))];
  return {
    header: ["", ...candidates.map(({ title, control }) => (control ? `control: ${title}` : title))],
    rows: names.map((name) => [
      name,
      ...candidates.map(({ numbers, refused }) => {
        const found = numbers.find((one) => nameOf(one) === name);
        return found ? numberText(found) : refused === undefined ? "" : "refused";
      }),
    ]),
  };
}

/** Verdicts of all rows, a column for each explainer; findings about the network stand in all of them. */
function verdicts({ rows, explainers }: AuditReport): { header: string[]; rows: string[][] } {
  return {
    header: ["", "question", ...explainers.map(({ title }) => title)],
    rows: rows.map(({ number, title, question, findings }) => [
      `${number} ${title}`,
      question,
      ...explainers.map(
        ({ name }) => findings.find(({ explainer }) => explainer === undefined || explainer === name)?.verdict ?? "",
      ),
    ]),
  };
}

/** The bad news of the front page, in one line. */
function headline({ rows }: AuditReport): string {
  const all = rows.flatMap(({ findings }) => findings);
  const count = (verdict: string): number => all.filter((one) => one.verdict === verdict).length;
  const tested = all.length - count("not tested");
  return `${count("does not hold")} of ${tested} tested statements do not hold, ${count("holds")} hold; ${count("not tested")} were not tested.`;
}

export function auditPage(report: AuditReport, drawings: RowDrawings = {}): string {
  const { header, rows } = verdicts(report);
  const marked = rows.map((cells) => cells.map((text) => (text === "does not hold" ? strong(text) : line(text))));
  return page({
    title: "Can these explanations be trusted?",
    lead: headline(report),
    sections: [
      notice(line(AUDIT_LIMIT)),
      section("Verdicts", table(header, marked), ...leftOut(report).map((text) => line(text))),
      ...report.rows.map((row) => rowSection(row, drawings[row.name] ?? [])),
      section("How it was made", table(["", ""], Object.entries(report.about))),
    ],
    footer: report.about.command ?? "",
  });
}

function leftOut({ left }: AuditReport): string[] {
  return left.length > 0 ? [`Not asked for: ${left.join("; ")}.`] : [];
}

function rowSection(row: AuditedRow, drawings: readonly Html[]): Html {
  const { number, title, question, words, source, findings, settings } = row;
  const said = findings.map(({ explainer, verdict, sentence, caveats }) =>
    lines(
      line(strong(`${explainer ? `${titleOf(row, explainer)}: ` : ""}${verdict}. `), sentence),
      ...caveats.map((text) => line(`But ${text}.`)),
    ),
  );
  const { header, rows } = numbersOf(row);
  const how = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
  return section(
    `${number} ${title}: ${question}`,
    ...said,
    ...drawings,
    table(header, rows),
    line(
      `Numbers with their 95 % intervals. ${words} Source: ${source}.${how.length > 0 ? ` Settings: ${how.join(", ")}.` : ""}`,
    ),
  );
}

function titleOf({ candidates }: AuditedRow, name: string): string {
  return candidates.find((one) => one.name === name)?.title ?? name;
}

export function auditMarkdown(report: AuditReport): string {
  const grid = ({ header, rows }: { header: readonly string[]; rows: readonly (readonly string[])[] }): string =>
    markdownTable(header, rows);
  return `${[
    "# Can these explanations be trusted?",
    headline(report),
    AUDIT_LIMIT,
    "## Verdicts",
    grid(verdicts(report)),
    ...leftOut(report),
    ...report.rows.flatMap((row) => [
      `## ${row.number} ${row.title}: ${row.question}`,
      ...row.findings.map(
        ({ explainer, verdict, sentence, caveats }) =>
          `- ${explainer ? `${titleOf(row, explainer)}: ` : ""}**${verdict}**. ${markdownText([sentence, ...caveats.map((text) => `But ${text}.`)].join(" "))}`,
      ),
      grid(numbersOf(row)),
      `${row.words} Source: ${row.source}.`,
    ]),
    Object.entries(report.about)
      .map(([name, value]) => `${name}: ${markdownText(value)}`)
      .join("; "),
  ].join("\n\n")}\n`;
}
