import { GLYPH_HEIGHT, GLYPH_WIDTH, glyphDot } from "./font.js";
import { blank, enlarge, type Picture, place } from "./picture.js";

export interface PanelOptions {
  /** One caption above each column. */
  readonly columns?: readonly string[];
  /** One caption left of each row. */
  readonly rows?: readonly string[];
  /** A line under everything, for the scale and the data. */
  readonly footer?: string;
  /** Pixels per pixel of the pictures. */
  readonly scale?: number;
}

const GAP = 8;
const LETTER = GLYPH_WIDTH + 1;
const LINE = GLYPH_HEIGHT + 3;
/** Letters are drawn with dots of two by two pixels. */
const DOT = 2;

/**
 * Pictures of one size in rows and columns with captions, on white; too long captions are broken into lines.
 * @throws RangeError if sizes or numbers of captions do not agree.
 */
export function panel(cells: readonly (readonly Picture[])[], options: PanelOptions = {}): Picture {
  const { columns = [], rows = [], footer = "", scale = 4 } = options;
  const across = cells[0]?.length ?? 0;
  const [first] = cells[0] ?? [];
  const uniform = cells.every(
    (row) => row.length === across && row.every((cell) => cell.width === first.width && cell.height === first.height),
  );
  if (across === 0 || !uniform) {
    throw new RangeError(
      "panel: the pictures differ in size or rows in length; a full grid of equal pictures is needed",
    );
  }
  if (![0, across].includes(columns.length) || ![0, cells.length].includes(rows.length)) {
    throw new RangeError(
      `panel: ${columns.length} column and ${rows.length} row captions for ${across} columns and ${cells.length} rows; one each, or none, is needed`,
    );
  }
  const cellWidth = first.width * scale;
  const cellHeight = first.height * scale;
  const perLine = Math.max(1, Math.floor(cellWidth / (LETTER * DOT)));
  const columnLines = columns.map((text) => wrap(text, perLine));
  const rowLines = rows.map((text) => wrap(text, 16));
  const left = GAP + widest(rowLines);
  const top = GAP + tallest(columnLines);
  const width = left + across * (cellWidth + GAP);
  const footerLines = footer ? wrap(footer, Math.floor((width - 2 * GAP) / (LETTER * DOT))) : [];
  const heightOfCells = cells.length * (cellHeight + GAP);
  const sheet = blank(width, top + heightOfCells + tallest([footerLines]));
  columnLines.forEach((lines, column) => {
    // Captions stand on the pictures, so that short ones are not far from theirs.
    write(sheet, lines, left + column * (cellWidth + GAP), top - tallest([lines]));
  });
  cells.forEach((row, y) => {
    const middle = top + y * (cellHeight + GAP) + Math.max(0, (cellHeight - tallest([rowLines[y] ?? []])) >> 1);
    write(sheet, rowLines[y] ?? [], GAP, middle);
    row.forEach((cell, x) => {
      place(sheet, enlarge(cell, scale), left + x * (cellWidth + GAP), top + y * (cellHeight + GAP));
    });
  });
  write(sheet, footerLines, GAP, top + heightOfCells);
  return sheet;
}

const widest = (texts: readonly string[][]): number =>
  texts.length === 0 ? 0 : Math.max(...texts.flat().map((line) => line.length)) * LETTER * DOT + GAP;

const tallest = (texts: readonly string[][]): number => Math.max(0, ...texts.map((lines) => lines.length)) * LINE * DOT;

/** Breaks a text at spaces into lines of at most `length` letters; longer words are cut. */
export function wrap(text: string, length: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= length) lines[lines.length - 1] = `${last} ${word}`;
    else for (let at = 0; at < word.length; at += length) lines.push(word.slice(at, at + length));
  }
  return lines;
}

/** Writes lines of text in dark grey. */
function write(sheet: Picture, lines: readonly string[], left: number, top: number): void {
  const ink = blank(DOT, DOT, [40, 40, 40]);
  lines.forEach((line, row) => {
    [...line].forEach((letter, column) => {
      for (let y = 0; y < GLYPH_HEIGHT; y++) {
        for (let x = 0; x < GLYPH_WIDTH; x++) {
          if (glyphDot(letter, x, y))
            place(sheet, ink, left + DOT * (column * LETTER + x), top + DOT * (row * LINE + y));
        }
      }
    });
  });
}
