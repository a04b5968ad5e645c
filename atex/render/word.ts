import { aCount, aText } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { GLYPH_TOP, GLYPH_WIDTH, glyphsOf } from "./font.js";

/** Rows of a capital letter. */
const LETTER_HEIGHT = 7;
/** Dots between two letters. */
const GAP = 1;

/** A word as a map: ones where there is ink, in letters as large as fit into the middle of [height, width], flattened.
 *  @throws RangeError when there are no letters or they do not fit at their smallest. */
export function wordMap(word: string, height: number, width: number): Float32Array {
  requireArguments("wordMap", { word: [word, aText], height: [height, aCount], width: [width, aCount] });
  const letters = glyphsOf(word);
  const across = letters.length * (GLYPH_WIDTH + GAP) - GAP;
  const zoom = Math.floor(Math.min((width - 2) / across, (height - 2) / LETTER_HEIGHT));
  if (letters.length === 0 || zoom < 1)
    throw new RangeError(
      `wordMap: "${word}" has ${letters.length} letters; 1 to ${Math.floor((width - 2 + GAP) / (GLYPH_WIDTH + GAP))} fit into ${width}x${height} pixels; choose another word or size`,
    );
  const [left, top] = [Math.floor((width - zoom * across) / 2), Math.floor((height - zoom * LETTER_HEIGHT) / 2)];
  const map = new Float32Array(height * width);
  for (const [i, glyph] of letters.entries())
    for (let y = 0; y < zoom * LETTER_HEIGHT; y++)
      for (let x = 0; x < zoom * GLYPH_WIDTH; x++)
        if (glyph[GLYPH_TOP + Math.floor(y / zoom)][Math.floor(x / zoom)] === "#")
          map[(top + y) * width + left + i * zoom * (GLYPH_WIDTH + GAP) + x] = 1;
  return map;
}
