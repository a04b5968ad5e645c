import { ABOVE, BELOW, BEYOND, RESPELLED } from "./font-beyond.js";

/** Glyphs of the printable ASCII characters, five dots wide and eight high, drawn for this project: sixteen to a strip. */
const STRIPS: readonly string[] = [
  `
  ..... ..#.. .#.#. .#.#. ..#.. ##..# .##.. ..#.. ...#. .#... ..... ..... ..... ..... ..... ....#
  ..... ..#.. .#.#. .#.#. .#### ##..# #..#. ..#.. ..#.. ..#.. ..#.. ..#.. ..... ..... ..... ....#
  ..... ..#.. .#.#. ##### #.#.. ...#. #..#. ..#.. .#... ...#. #.#.# ..#.. ..... ..... ..... ...#.
  ..... ..#.. ..... .#.#. .###. ..#.. .##.. ..... .#... ...#. .###. ##### ..... ##### ..... ..#..
  ..... ..#.. ..... ##### ..#.# .#... #.#.# ..... .#... ...#. #.#.# ..#.. ..... ..... ..... .#...
  ..... ..... ..... .#.#. ####. #..## #..#. ..... ..#.. ..#.. ..#.. ..#.. ..##. ..... .##.. #....
  ..... ..#.. ..... .#.#. ..#.. #..## .##.# ..... ...#. .#... ..... ..... ..##. ..... .##.. #....
  ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..#.. ..... ..... .....`,
  `
  .###. ..#.. .###. .###. ...#. ##### ..##. ##### .###. .###. ..... ..... ...#. ..... .#... .###.
  #...# .##.. #...# #...# ..##. #.... .#... ....# #...# #...# .##.. .##.. ..#.. ..... ..#.. #...#
  #..## ..#.. ....# ....# .#.#. ####. #.... ...#. #...# #...# .##.. .##.. .#... ##### ...#. ....#
  #.#.# ..#.. ...#. ..##. #..#. ....# ####. ...#. .###. .#### ..... ..... #.... ..... ....# ...#.
  ##..# ..#.. ..#.. ....# ##### ....# #...# ..#.. #...# ....# .##.. .##.. .#... ##### ...#. ..#..
  #...# ..#.. .#... #...# ...#. #...# #...# ..#.. #...# ...#. .##.. .##.. ..#.. ..... ..#.. .....
  .###. .###. ##### .###. ...#. .###. .###. ..#.. .###. .##.. ..... .#... ...#. ..... .#... ..#..
  ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .....`,
  `
  .###. .###. ####. .###. ####. ##### ##### .###. #...# .###. ..### #...# #.... #...# #...# .###.
  #...# #...# #...# #...# #...# #.... #.... #...# #...# ..#.. ...#. #..#. #.... ##.## ##..# #...#
  #.### #...# #...# #.... #...# #.... #.... #.... #...# ..#.. ...#. #.#.. #.... #.#.# ##..# #...#
  #.#.# ##### ####. #.... #...# ####. ####. #.### ##### ..#.. ...#. ##... #.... #.#.# #.#.# #...#
  #.### #...# #...# #.... #...# #.... #.... #...# #...# ..#.. ...#. #.#.. #.... #...# #..## #...#
  #.... #...# #...# #...# #...# #.... #.... #...# #...# ..#.. #..#. #..#. #.... #...# #..## #...#
  .###. #...# ####. .###. ####. ##### #.... .#### #...# .###. .##.. #...# ##### #...# #...# .###.
  ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .....`,
  `
  ####. .###. ####. .#### ##### #...# #...# #...# #...# #...# ##### .###. #.... .###. ..#.. .....
  #...# #...# #...# #.... ..#.. #...# #...# #...# #...# #...# ....# .#... #.... ...#. .#.#. .....
  #...# #...# #...# #.... ..#.. #...# #...# #...# .#.#. .#.#. ...#. .#... .#... ...#. #...# .....
  ####. #...# ####. .###. ..#.. #...# #...# #.#.# ..#.. ..#.. ..#.. .#... ..#.. ...#. ..... .....
  #.... #.#.# #.#.. ....# ..#.. #...# .#.#. #.#.# .#.#. ..#.. .#... .#... ...#. ...#. ..... .....
  #.... #..#. #..#. ....# ..#.. #...# .#.#. ##.## #...# ..#.. #.... .#... ....# ...#. ..... .....
  #.... .##.# #...# ####. ..#.. .###. ..#.. #...# #...# ..#.. ##### .###. ....# .###. ..... .....
  ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... #####`,
  `
  .#... ..... #.... ..... ....# ..... ..##. ..... #.... ..#.. ...#. #.... .##.. ..... ..... .....
  ..#.. ..... #.... ..... ....# ..... .#..# ..... #.... ..... ..... #.... ..#.. ..... ..... .....
  ..... .###. ####. .###. .#### .###. .#... .#### ####. .##.. ..##. #..#. ..#.. ##.#. ####. .###.
  ..... ....# #...# #...# #...# #...# ####. #...# #...# ..#.. ...#. #.#.. ..#.. #.#.# #...# #...#
  ..... .#### #...# #.... #...# ##### .#... #...# #...# ..#.. ...#. ##... ..#.. #.#.# #...# #...#
  ..... #...# #...# #...# #...# #.... .#... .#### #...# ..#.. ...#. #.#.. ..#.. #.#.# #...# #...#
  ..... .#### ####. .###. .#### .###. .#... ....# #...# .###. #..#. #..#. .###. #.#.# #...# .###.
  ..... ..... ..... ..... ..... ..... ..... .###. ..... ..... .##.. ..... ..... ..... ..... .....`,
  `
  ..... ..... ..... ..... .#... ..... ..... ..... ..... ..... ..... ...#. ..#.. .#... .....
  ..... ..... ..... ..... .#... ..... ..... ..... ..... ..... ..... ..#.. ..#.. ..#.. .....
  ####. .#### #.##. .#### ####. #...# #...# #...# #...# #...# ##### ..#.. ..#.. ..#.. .#..#
  #...# #...# ##..# #.... .#... #...# #...# #.#.# .#.#. #...# ...#. .#... ..#.. ...#. #.#.#
  #...# #...# #.... .###. .#... #...# #...# #.#.# ..#.. #...# ..#.. ..#.. ..#.. ..#.. #..#.
  ####. .#### #.... ....# .#..# #...# .#.#. #.#.# .#.#. .#### .#... ..#.. ..#.. ..#.. .....
  #.... ....# #.... ####. ..##. .#### ..#.. .#.#. #...# ....# ##### ...#. ..#.. .#... .....
  #.... ....# ..... ..... ..... ..... ..... ..... ..... .###. ..... ..... ..... ..... .....`,
];

export const GLYPH_WIDTH = 5;
/** Rows of a glyph with those for accents above capitals, which are free between lines. */
export const GLYPH_HEIGHT = 11;
/** Rows of a glyph for accents above capitals. */
export const GLYPH_TOP = 3;

/** Rows of dots, "#" for ink, GLYPH_HEIGHT of them. */
export type Glyph = readonly string[];

const ASCII: ReadonlyMap<string, readonly string[]> = new Map(
  STRIPS.flatMap((strip, index) => {
    const lines = strip
      .trim()
      .split("\n")
      .map((line) => line.trim().split(" "));
    return lines[0].map((_, column) => {
      const letter = String.fromCharCode(0x20 + 16 * index + column);
      return [letter, lines.map((line) => line[column])] as const;
    });
  }),
);
const UNKNOWN = ["#####", "#...#", "#...#", "#...#", "#...#", "#...#", "#####", "....."];
const NOTHING = ".....";

/**
 * A text as glyphs: ASCII, Greek, common signs, and letters with accents are drawn; Cyrillic is spelled in Latin letters, a ligature in
 * its parts. Whatever else is an empty box, two for the letters of East Asia, which are as wide in other faces.
 */
export function glyphsOf(text: string): Glyph[] {
  return text.match(/\P{M}\p{M}*|\p{M}+/gu)?.flatMap(clusterGlyphs) ?? [];
}

/** The number of glyphs of a text, which all have one width. */
export const textLength = (text: string): number => glyphsOf(text).length;

const remembered = new Map<string, Glyph[]>();

function clusterGlyphs(cluster: string): Glyph[] {
  let glyphs = remembered.get(cluster);
  if (!glyphs) {
    glyphs = drawCluster(cluster);
    remembered.set(cluster, glyphs);
  }
  return glyphs;
}

function drawCluster(cluster: string): Glyph[] {
  if (/^[\p{Cc}\p{Cf}]/u.test(cluster)) return [];
  // The whole comes before its parts: й is spelled otherwise than an и with a breve, and ≠ is a sign of its own.
  const whole = cluster.normalize("NFC");
  const sign = BEYOND.get(whole);
  if (sign) return [accented("", sign, [])];
  const spelled = RESPELLED.get(whole);
  if (spelled !== undefined) return glyphsOf(spelled);
  const [base, ...marks] = cluster.normalize("NFD");
  // There is no room under a g: its cedilla is written as a comma above.
  const accents = base === "g" ? marks.map((mark) => (mark === "\u0327" ? "\u0312" : mark)) : marks;
  const known = ASCII.get(base) ?? BEYOND.get(base);
  if (known) return [accented(base, known, accents)];
  const box = accented("", UNKNOWN, []);
  if (/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(cluster)) return [box, box];
  if (RESPELLED.has(base)) return glyphsOf(RESPELLED.get(base)! + accents.join(""));
  const parts = cluster.normalize("NFKD");
  return parts === cluster ? [box] : glyphsOf(parts);
}

/** A glyph with its accents; those that are not known are left out. */
function accented(base: string, known: readonly string[], accents: readonly string[]): Glyph {
  const above = accents.flatMap((accent) => ABOVE.get(accent) ?? []);
  // An accent takes the place of the dot.
  const letter = above.length > 0 && base === "i" ? BEYOND.get("ı")! : known;
  const rows = [...Array<string>(GLYPH_TOP).fill(NOTHING), ...letter];
  const ink = rows.findIndex((row) => row.includes("#"));
  // One row of air, where there is room for it.
  const top = Math.max(0, ink - 1 - above.length);
  above.slice(0, ink).forEach((row, i) => {
    rows[top + i] = row;
  });
  for (const accent of accents) {
    const row = BELOW.get(accent);
    if (row) rows[GLYPH_HEIGHT - 1] = merged(rows[GLYPH_HEIGHT - 1], row);
  }
  return rows;
}

const merged = (a: string, b: string): string => [...a].map((dot, i) => (b[i] === "#" ? "#" : dot)).join("");
