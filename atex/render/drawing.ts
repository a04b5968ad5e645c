/** Drawings of pictures, text and boxes at whole pixels, which become a bitmap or SVG with the same layout. */
import { GLYPH_HEIGHT, GLYPH_TOP, GLYPH_WIDTH, glyphsOf, textLength } from "./font.js";
import { escapeHtml } from "./html.js";
import { blank, enlarge, type Picture, place, shrink, toDataUri } from "./picture.js";

/** What a colour is for; pages give each a value for light and for dark. */
export type Ink = "paper" | "ink" | "quiet" | "line" | "positive" | "negative";

/** Pixels per pixel of a picture: a whole number, or its reciprocal for pictures that are made smaller. */
export type Zoom = number;

export type Mark =
  | {
      readonly picture: Picture;
      readonly left: number;
      readonly top: number;
      readonly zoom: Zoom;
      readonly alt: string;
    }
  | { readonly text: string; readonly left: number; readonly top: number; readonly ink?: Ink; readonly end?: boolean }
  | {
      readonly ink: Ink;
      readonly left: number;
      readonly top: number;
      readonly width: number;
      readonly height: number;
      /** What it says when it is pointed at or has the focus; in SVG only. */
      readonly title?: string;
    };

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly marks: readonly Mark[];
}

/** Letters are drawn with dots of two by two pixels. */
const DOT = 2;
/** Pixels from letter to letter, and from line to line. */
export const LETTER = (GLYPH_WIDTH + 1) * DOT;
export const LINE = GLYPH_HEIGHT * DOT;

/** The colours of bitmaps and of SVG outside of pages. Positive and negative are those of the diverging maps. */
const RGB: Readonly<Record<Ink, readonly number[]>> = {
  paper: [255, 255, 255],
  ink: [40, 40, 40],
  quiet: [98, 104, 115],
  line: [200, 204, 210],
  positive: [178, 24, 43],
  negative: [33, 102, 172],
};

/** The width of a text in pixels. */
export const textWidth = (text: string): number => Math.max(0, textLength(text) * LETTER - DOT);

/** The sides of a picture after zooming. */
export function zoomed({ width, height }: Picture, zoom: Zoom): { readonly width: number; readonly height: number } {
  const side = (size: number): number => (zoom >= 1 ? size * zoom : Math.ceil(size / Math.round(1 / zoom)));
  return { width: side(width), height: side(height) };
}

/** The zoom at which a picture's longer side comes nearest to `side` from below; at least 1 up to twice that. */
export function readableZoom({ width, height }: Picture, side: number): Zoom {
  const longer = Math.max(width, height);
  if (longer <= side) return Math.floor(side / longer);
  return longer <= 2 * side ? 1 : 1 / Math.ceil(longer / (2 * side));
}

/** Lines of text from (left, top) down. */
export function textMarks(lines: readonly string[], left: number, top: number, ink: Ink = "ink"): Mark[] {
  return lines.map((text, row) => ({ text, left, top: top + row * LINE, ink }));
}

/** The drawing moved to the right and down. */
export function moved(marks: readonly Mark[], right: number, down: number): Mark[] {
  return marks.map((mark) => ({ ...mark, left: mark.left + right, top: mark.top + down }));
}

/** Drawings below each other. */
export function stack(drawings: readonly Drawing[], gap = 0): Drawing {
  const marks: Mark[] = [];
  let top = 0;
  for (const drawing of drawings) {
    marks.push(...moved(drawing.marks, 0, top));
    top += drawing.height + gap;
  }
  return { width: Math.max(...drawings.map(({ width }) => width)), height: top - gap, marks };
}

/** Drawings from left to right, their upper edges in a line. */
export function beside(drawings: readonly Drawing[], gap = 0): Drawing {
  const marks: Mark[] = [];
  let left = 0;
  for (const drawing of drawings) {
    marks.push(...moved(drawing.marks, left, 0));
    left += drawing.width + gap;
  }
  return { width: left - gap, height: Math.max(...drawings.map(({ height }) => height)), marks };
}

/** The drawing as a bitmap. */
export function rasterise({ width, height, marks }: Drawing): Picture {
  const sheet = blank(width, height);
  for (const mark of marks) {
    if ("picture" in mark) {
      const { picture, zoom, left, top } = mark;
      place(sheet, zoom >= 1 ? enlarge(picture, zoom) : shrink(picture, Math.round(1 / zoom)), left, top);
    } else if ("text" in mark) {
      write(
        sheet,
        mark.text,
        mark.end ? mark.left - textWidth(mark.text) : mark.left,
        mark.top,
        RGB[mark.ink ?? "ink"],
      );
    } else if (mark.width > 0 && mark.height > 0) {
      place(sheet, blank(mark.width, mark.height, RGB[mark.ink]), mark.left, mark.top);
    }
  }
  return sheet;
}

/** One line of text; what would lie outside of the sheet is left out. */
function write(sheet: Picture, text: string, left: number, top: number, rgb: readonly number[]): void {
  const ink = blank(DOT, DOT, rgb);
  glyphsOf(text).forEach((glyph, column) => {
    glyph.forEach((row, y) => {
      for (let x = 0; x < GLYPH_WIDTH; x++) {
        const [right, down] = [left + DOT * (column * (GLYPH_WIDTH + 1) + x), top + DOT * (y - GLYPH_TOP)];
        const inside = right >= 0 && down >= 0 && right + DOT <= sheet.width && down + DOT <= sheet.height;
        if (row[x] === "#" && inside) place(sheet, ink, right, down);
      }
    });
  });
}

/** The drawing as an SVG element, which stands alone as a file and takes the colours of a page it is part of. `title` says what it shows. */
export function toSvg({ width, height, marks }: Drawing, title: string): string {
  const fill = (ink: Ink): string => `fill="var(--${ink}, rgb(${RGB[ink].join(" ")}))"`;
  const body = marks.map((mark) => {
    const at = `x="${mark.left}" y="${mark.top}"`;
    if ("picture" in mark) {
      const { width, height } = zoomed(mark.picture, mark.zoom);
      return `<image ${at} width="${width}" height="${height}" image-rendering="pixelated" href="${toDataUri(mark.picture)}"><title>${escapeXml(mark.alt)}</title></image>`;
    }
    if ("text" in mark) {
      // A glyph stands on the seventh row of dots; the letters of most typewriter faces are 0.6 of their size wide.
      const baseline = `x="${mark.left}" y="${mark.top + 7 * DOT}"`;
      return `<text ${baseline}${mark.end ? ' text-anchor="end"' : ""} ${fill(mark.ink ?? "ink")}>${escapeXml(mark.text)}</text>`;
    }
    const box = `<rect ${at} width="${mark.width}" height="${mark.height}" ${fill(mark.ink)}`;
    if (mark.title === undefined) return `${box}/>`;
    const words = escapeXml(mark.title);
    return `${box} tabindex="0" role="img" aria-label="${words}"><title>${words}</title></rect>`;
  });
  // Assistive technology reads the parts of a group, and a picture as one.
  const role = marks.some((mark) => "title" in mark && mark.title !== undefined) ? "group" : "img";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="${role}" aria-label="${escapeXml(title)}" font-family="ui-monospace, 'SF Mono', Menlo, 'DejaVu Sans Mono', monospace" font-size="${LETTER / 0.6}" style="white-space:pre">
<rect width="${width}" height="${height}" ${fill("paper")}/>
${body.join("\n")}
</svg>`;
}

/** Text in XML: escaped, and without the control characters that it cannot hold at all. */
function escapeXml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return escapeHtml(text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu, "\ufffd"));
}
