/** Tables and pictures of measurements as HTML. */
import type { PictureRows, TableData } from "../../atex/experiments/index.js";
import { imagePictures, mapPictures } from "../../atex/render/attack.js";
import { type Html, line, pictureGrid, table } from "../../atex/render/html.js";
import type { Picture } from "../../atex/render/picture.js";

export function asTable({ title, header, rows, caption }: TableData): Html {
  const { html } = table(header, rows, caption);
  return { html: `<h3>${line(title).html}</h3>${html.replace("<caption>", '<caption style="caption-side:bottom">')}` };
}

/** Rows of images and maps as a grid; none of no rows. `titles` count where the rows have none of their own. */
export function pictureRows(
  { columns, rows, size: stored, titles: own }: PictureRows,
  titles: readonly string[],
  caption: string,
): Html[] {
  if (rows.length === 0) return [];
  const side = Math.sqrt(rows[0].cells[0].length);
  const size = stored ?? { channels: 1, height: side, width: side };
  const at = (column: number): Float32Array => Float32Array.from(rows.flatMap(({ cells }) => cells[column]));
  const mapColumns = columns.flatMap((kind, i) => (kind === "map" ? [i] : []));
  const maps = mapPictures(mapColumns.map(at), size);
  const drawn = columns.map((kind, i): readonly Picture[] =>
    kind === "map" ? maps.sets[mapColumns.indexOf(i)] : imagePictures(at(i), size),
  );
  const grid = rows.map(({ label }, row) => ({ label, pictures: drawn.map((column) => column[row]) }));
  return [pictureGrid(own ?? titles, grid, `${caption} ${maps.caption}`)];
}
