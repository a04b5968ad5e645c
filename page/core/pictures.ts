/** What is seen of an answer, as pictures: drawn where it was computed, so that the page's own thread does no more than put them on a canvas. */
import { heatmap, imagePicture, mapScale, type Picture, pixelMaps } from "holdfast/atex";
import type { Shown } from "./attack.js";
import { SETTINGS, type Settings } from "./settings.js";
import { shareOf } from "./words.js";

type View = Settings["view"];

/** An image, and its map in both ways to colour it. */
export interface Drawn {
  readonly image: Picture;
  readonly map: Readonly<Record<View, Picture>>;
}

const sizeOf = ([channels, height, width]: readonly number[]) => ({ channels, height, width });

/** Attributions as pictures: shares of each map's whole, by size, or with signs; on one scale, or each on its `own`. */
export function mapsOf(
  attributions: readonly Shown["attribution"][],
  shape: readonly number[],
  view: View,
  own = false,
): Picture[] {
  const size = sizeOf(shape);
  const { height, width } = size;
  const maps = attributions.map((one) => shareOf(pixelMaps(one, size)[view === "size" ? "size" : "signed"]));
  const shared = own ? undefined : mapScale(maps, "p99");
  const mode = view === "size" ? "abs" : "diverging";
  return maps.map((values) => heatmap(values, { mode, height, width, normalise: "p99", scale: shared }));
}

/** Images with their maps, all maps of a view on one scale. */
export function drawn(all: readonly Pick<Shown, "image" | "attribution">[], shape: readonly number[]): Drawn[] {
  const attributions = all.map(({ attribution }) => attribution);
  const views = SETTINGS.view.all.map((view) => [view, mapsOf(attributions, shape, view)] as const);
  return all.map(({ image }, i) => ({
    image: imagePicture(image, sizeOf(shape)),
    map: Object.fromEntries(views.map(([view, maps]) => [view, maps[i]])) as Record<View, Picture>,
  }));
}
