import { interpolateInferno, interpolateRdBu } from "d3-scale-chromatic";
import { aNumber, byteArray } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";

/** 256 colours, three bytes each. */
export type ColourMap = Uint8Array;

/** Black to yellow with steadily growing lightness: keeps its order in grey print and for colour-blind readers. */
export const SEQUENTIAL: ColourMap = tabulate(interpolateInferno);

/** Blue (negative) over white (zero) to red (positive): a ColorBrewer scale that colour-blind readers tell apart. */
export const DIVERGING: ColourMap = tabulate((t) => interpolateRdBu(1 - t));

/** The colour (red, green, blue) at t in [0,1]; clipped outside. */
export function colourAt(map: ColourMap, t: number): number[] {
  requireArguments("colourAt", { map: [map, byteArray], t: [t, aNumber] });
  const at = 3 * Math.round(255 * Math.min(1, Math.max(0, t)));
  return [map[at], map[at + 1], map[at + 2]];
}

function tabulate(colour: (t: number) => string): ColourMap {
  const table = new Uint8Array(3 * 256);
  for (let i = 0; i < 256; i++) table.set(parseColour(colour(i / 255)), 3 * i);
  return table;
}

/** The two spellings d3 uses: "#rrggbb" and "rgb(r, g, b)". */
function parseColour(text: string): number[] {
  const hexadecimal = /^#(..)(..)(..)$/.exec(text);
  if (hexadecimal) return hexadecimal.slice(1).map((pair) => Number.parseInt(pair, 16));
  return text.match(/\d+/g)!.map(Number);
}
