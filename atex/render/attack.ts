/** Pictures of an attack on explanations, from the numbers of a study. */
import { heatmap } from "./heatmap.js";
import { type ImageSize, imagePicture, type MapSize, type Picture } from "./picture.js";
import { mapScale } from "./scale.js";

/** How many times a change of the image is exaggerated. */
export const EXAGGERATION = 10;

export interface MapPictures {
  /** One list per set of maps, one picture per image. */
  readonly sets: readonly (readonly Picture[])[];
  /** What the colours mean. */
  readonly caption: string;
}

/** Sets of maps of relative importance [n·height·width] on one scale. */
export function mapPictures(sets: readonly Float32Array[], size: MapSize): MapPictures {
  const scale = mapScale(sets, "p99");
  const { range, measure } = scale;
  const { height, width } = size;
  const draw = (map: Float32Array): Picture => heatmap(map, { mode: "abs", scale, height, width });
  const all = measure.startsWith("maximum") ? "maximum of all their pixels" : "99th percentile of all their pixels";
  return {
    sets: sets.map((set) => split(set, height * width).map(draw)),
    caption:
      "Maps show relative importance: the size of each pixel's attribution as a share of the whole map's. One scale for all " +
      `maps of this panel: black is 0, the brightest colour ${percent(range)} and more (${all}).`,
  };
}

/** Images [n·channels·height·width] in [0,1]. */
export function imagePictures(images: Float32Array, size: ImageSize): Picture[] {
  return split(images, volume(size)).map((image) => imagePicture(image, size));
}

/**
 * What was added to the images, exaggerated. Grey images: blue darker, red brighter, full colour where a pixel changed by
 * 1 / EXAGGERATION. Colour images: each channel about a middle grey, at its end where it changed by 1 / EXAGGERATION.
 */
export function differencePictures(clean: Float32Array, attacked: Float32Array, size: ImageSize): Picture[] {
  const { channels, height, width } = size;
  const change = attacked.map((value, i) => value - clean[i]);
  const scale = { range: 1 / EXAGGERATION, measure: "a fixed scale" };
  return split(change, volume(size)).map((one) =>
    channels === 1
      ? heatmap(one, { mode: "diverging", scale, height, width })
      : imagePicture(
          one.map((value) => 0.5 + (value * EXAGGERATION) / 2),
          size,
        ),
  );
}

/** The words for `differencePictures`. */
export function differenceCaption({ channels }: ImageSize): string {
  const end = 1 / EXAGGERATION;
  return channels === 1
    ? `Difference: red brighter, blue darker, full colour at a change of ${end}.`
    : `Difference: middle grey is no change, black and full colour a change by ${end} of the channel.`;
}

const volume = ({ channels, height, width }: ImageSize): number => channels * height * width;

/** @throws RangeError if values are left over. */
function split(values: Float32Array, size: number): Float32Array[] {
  if (values.length % size !== 0)
    throw new RangeError(`pictures: ${values.length} values in pieces of ${size}; whole pieces are needed`);
  return Array.from({ length: values.length / size }, (_, i) => values.subarray(i * size, (i + 1) * size));
}

const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;
