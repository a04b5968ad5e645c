import type { ColourMap } from "./colours.js";
import { colourAt } from "./colours.js";
import {
  type Drawing,
  LETTER,
  LINE,
  type Mark,
  rasterise,
  readableZoom,
  stack,
  textMarks,
  textWidth,
  type Zoom,
  zoomed,
} from "./drawing.js";
import { textLength } from "./font.js";
import { type Picture, paint } from "./picture.js";

/** Colours with what their two ends mean. */
export interface ColourBar {
  readonly colours: ColourMap;
  readonly from: string;
  readonly to: string;
}

export interface PanelOptions {
  /** Above everything. */
  readonly title?: string;
  /** One caption above each column. */
  readonly columns?: readonly string[];
  /** One caption left of each row. */
  readonly rows?: readonly string[];
  /** A few words under each picture; empty ones are left out. */
  readonly notes?: readonly (readonly string[])[];
  /** What the colours mean, under the pictures. */
  readonly bars?: readonly ColourBar[];
  /** Text under everything, for the scale and the data. */
  readonly footer?: string;
  /** Pixels per pixel of every picture, a whole number. Without it each picture is enlarged by a whole number to a readable size;
   *  one that is very large is made smaller. */
  readonly scale?: number;
  /** The readable size: the longer side of an enlarged picture is at most this. Default 224. */
  readonly side?: number;
}

const GAP = 8;
/** Letters of a row's caption in one line, and of the narrowest footer. */
const ROW_LETTERS = 16;
const FOOTER_LETTERS = 36;
/** Letters in the narrowest column that has a caption or notes. */
const COLUMN_LETTERS = 10;

/**
 * Pictures of any sizes in rows and columns with captions, on white; too long captions are broken into lines. A cell without a
 * picture is left empty.
 * @throws RangeError if rows have different lengths, numbers of captions do not agree, or the scale is no whole number.
 */
export function panel(cells: readonly (readonly (Picture | undefined)[])[], options: PanelOptions = {}): Picture {
  return rasterise(panelDrawing(cells, options));
}

/** As `panel`, before it becomes a bitmap or SVG. */
export function panelDrawing(
  cells: readonly (readonly (Picture | undefined)[])[],
  options: PanelOptions = {},
): Drawing {
  const { title = "", footer = "", bars = [] } = options;
  const grid = gridDrawing(cells, options);
  const width = Math.max(grid.width, footer || title ? FOOTER_LETTERS * LETTER + 2 * GAP : 0);
  const parts = [grid];
  if (title) parts.unshift(paragraph(title, width, GAP));
  if (bars.length > 0) parts.push(legend(bars, width));
  if (footer) parts.push(paragraph(footer, width, 0));
  return stack(parts);
}

function gridDrawing(cells: readonly (readonly (Picture | undefined)[])[], options: PanelOptions): Drawing {
  const { columns = [], rows = [], notes = [], scale, side: readable = 224 } = options;
  const across = cells[0]?.length ?? 0;
  if (across === 0 || cells.some((row) => row.length !== across)) {
    throw new RangeError("panel: there is no picture, or rows differ in length; a full grid is needed");
  }
  if (![0, across].includes(columns.length) || ![0, cells.length].includes(rows.length)) {
    throw new RangeError(
      `panel: ${columns.length} column and ${rows.length} row captions for ${across} columns and ${cells.length} rows; one each, or none, is needed`,
    );
  }
  if (scale !== undefined && !(Number.isInteger(scale) && scale >= 1)) {
    throw new RangeError(`panel: scale ${scale}; a positive whole number is needed`);
  }
  if (!(readable >= 1 && readable < Infinity))
    throw new RangeError(`panel: side ${readable}; at least 1 pixel is needed`);
  const zoomOf = (picture: Picture): Zoom => scale ?? readableZoom(picture, readable);
  const sizes = cells.map((row) => row.map((cell) => (cell ? zoomed(cell, zoomOf(cell)) : { width: 0, height: 0 })));
  const hasWords = (x: number): boolean => Boolean(columns[x]) || notes.some((row) => row[x]);
  const widths = Array.from({ length: across }, (_, x) =>
    Math.max(hasWords(x) ? COLUMN_LETTERS * LETTER : 0, ...sizes.map((row) => row[x].width)),
  );
  const lettersIn = (x: number): number => Math.max(1, Math.floor(widths[x] / LETTER));
  const heads = columns.map((text, x) => wrap(text, lettersIn(x)));
  const sides = rows.map((text) => wrap(text, ROW_LETTERS));
  const under = cells.map((_, y) => widths.map((_, x) => wrap(notes[y]?.[x] ?? "", lettersIn(x))));
  const side = sides.flat();
  const margin = GAP + (side.length === 0 ? 0 : Math.max(...side.map(textLength)) * LETTER + GAP);
  const marks: Mark[] = [];
  let top = GAP + tallest(heads);
  const lefts = widths.map((_, x) => margin + widths.slice(0, x).reduce((sum, width) => sum + width + GAP, 0));
  // Captions stand on the pictures, so that short ones are not far from theirs.
  heads.forEach((lines, x) => {
    marks.push(...textMarks(lines, lefts[x], top - tallest([lines])));
  });
  cells.forEach((row, y) => {
    const height = Math.max(...sizes[y].map((size) => size.height));
    const middle = Math.max(0, (height - tallest([sides[y] ?? []])) >> 1);
    marks.push(...textMarks(sides[y] ?? [], GAP, top + middle));
    row.forEach((picture, x) => {
      const alt = [rows[y], columns[x], notes[y]?.[x]].filter(Boolean).join(", ");
      if (picture) marks.push({ picture, left: lefts[x], top, zoom: zoomOf(picture), alt });
      marks.push(...textMarks(under[y][x], lefts[x], top + height + GAP, "quiet"));
    });
    const noted = tallest(under[y]);
    top += Math.max(height + (noted > 0 ? GAP + noted : 0), tallest([sides[y] ?? []])) + GAP;
  });
  const width = margin + widths.reduce((sum, width) => sum + width + GAP, 0);
  return { width, height: top, marks };
}

/** Things in as few lines of at most `across` as are needed, as evenly as possible. */
export function spread<T>(all: readonly T[], across: number): T[][] {
  const lines = Math.ceil(all.length / across);
  const each = Math.ceil(all.length / lines);
  return Array.from({ length: lines }, (_, i) => all.slice(i * each, (i + 1) * each)).filter((line) => line.length > 0);
}

/** Text from edge to edge. */
export function paragraph(text: string, width: number, above: number): Drawing {
  const lines = wrap(text, Math.max(1, Math.floor((width - 2 * GAP) / LETTER)));
  return { width, height: above + lines.length * LINE, marks: textMarks(lines, GAP, above) };
}

/** The colours from one end to the other, with the meaning of the ends beside them. */
export function legend(bars: readonly ColourBar[], width: number): Drawing {
  const [long, high] = [128, 14];
  const marks: Mark[] = [];
  let [left, top] = [GAP, GAP];
  for (const { colours, from, to } of bars) {
    const need = textWidth(from) + long + textWidth(to) + 2 * GAP;
    if (left > GAP && left + need > width - GAP) [left, top] = [GAP, top + LINE];
    const picture = paint(
      Float32Array.from({ length: long * high }, (_, i) => (i % long) / (long - 1)),
      { height: high, width: long },
      (t) => colourAt(colours, t),
    );
    marks.push({ text: from, left, top, ink: "quiet" });
    marks.push({ picture, left: left + textWidth(from) + GAP, top, zoom: 1, alt: `colours from ${from} to ${to}` });
    marks.push({ text: to, left: left + textWidth(from) + long + 2 * GAP, top, ink: "quiet" });
    left += need + 4 * GAP;
  }
  const right = Math.max(...marks.map((mark) => ("text" in mark ? mark.left + textWidth(mark.text) + GAP : 0)));
  return { width: Math.max(width, right), height: top + LINE + GAP, marks };
}

const tallest = (texts: readonly string[][]): number => Math.max(0, ...texts.map((lines) => lines.length)) * LINE;

/** Breaks a text at spaces into lines of at most `length` letters; longer words are broken after hyphens and the like, or cut. */
export function wrap(text: string, length: number): string[] {
  const lines: string[] = [];
  const add = (word: string, glue: string): void => {
    const last = lines.at(-1);
    if (last !== undefined && textLength(last + glue + word) <= length) lines[lines.length - 1] = last + glue + word;
    else if (textLength(word) <= length) lines.push(word);
    else lines.push(...cut(word, length));
  };
  // A space that does not break is part of its word.
  for (const word of text.split(/[^\S\u00a0\u202f]+/).filter(Boolean)) {
    if (textLength(word) <= length) add(word, " ");
    else word.match(/[^-_/.·]*[-_/.·]+|[^-_/.·]+$/gu)!.forEach((part, i) => add(part, i === 0 ? " " : ""));
  }
  return lines;
}

function cut(word: string, length: number): string[] {
  const lines: string[] = [];
  for (const letter of word.match(/\P{M}\p{M}*|\p{M}+/gu)!) {
    const last = lines.at(-1);
    if (last !== undefined && textLength(last + letter) <= length) lines[lines.length - 1] = last + letter;
    else lines.push(letter);
  }
  return lines;
}
