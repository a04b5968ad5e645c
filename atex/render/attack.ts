/** Pictures of an attack on explanations, from the numbers of a study. */
import { heatmap, sharedRange } from "./heatmap.js";
import { greyPicture, type Picture } from "./picture.js";

/** How many times a change of the image is exaggerated. */
export const EXAGGERATION = 10;

export interface MapPictures {
  /** One list per set of maps, one picture per image. */
  readonly sets: readonly (readonly Picture[])[];
  /** What the colours mean. */
  readonly caption: string;
}

/** Sets of maps of relative importance [n·side²] on one scale. */
export function mapPictures(sets: readonly Float32Array[], side = 28): MapPictures {
  const range = sharedRange(sets, "p99");
  const draw = (map: Float32Array): Picture => heatmap(map, { mode: "abs", range, width: side });
  return {
    sets: sets.map((set) => split(set, side * side).map(draw)),
    caption:
      "Maps show relative importance: the size of each pixel's attribution as a share of the whole map's. One scale for all " +
      `maps of this panel: black is 0, the brightest colour ${percent(range)} and more (99th percentile of all their pixels).`,
  };
}

/** Images [n·side²] in [0,1]. */
export function imagePictures(images: Float32Array, side = 28): Picture[] {
  return split(images, side * side).map((image) => greyPicture(image, side));
}

/** What was added to the images, exaggerated: full colour where a pixel changed by 1 / EXAGGERATION. */
export function differencePictures(clean: Float32Array, attacked: Float32Array, side = 28): Picture[] {
  const change = attacked.map((value, i) => value - clean[i]);
  return split(change, side * side).map((one) =>
    heatmap(one, { mode: "diverging", range: 1 / EXAGGERATION, width: side }),
  );
}

function split(values: Float32Array, size: number): Float32Array[] {
  return Array.from({ length: values.length / size }, (_, i) => values.subarray(i * size, (i + 1) * size));
}

const percent = (share: number): string => `${(100 * share).toPrecision(2)} %`;
