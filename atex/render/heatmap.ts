import { aNumber, anObject, numbers, required, wordOf } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { type ColourMap, colourAt, DIVERGING, SEQUENTIAL } from "./colours.js";
import { aMapScale, anImageSize } from "./kinds.js";
import { checkImage, checkMap, type ImageSize, type MapSize, type Picture, paint } from "./picture.js";
import { aNormalisation, digits, type MapScale, mapScale, type Normalisation } from "./scale.js";

/** What colours can show; see `HeatmapMode`. */
export const HEATMAP_MODES = ["abs", "diverging", "overlay"] as const;
/** "abs": size only; "diverging": sign and size; "overlay": sign and size over the image. */
export type HeatmapMode = (typeof HEATMAP_MODES)[number];

/** How a map [height·width] becomes a picture: what colours show, and which value has the full colour. */
export interface HeatmapOptions extends MapSize {
  readonly mode: HeatmapMode;
  /** What gets the full colour: the largest |value| ("max", default), or the 99th percentile of |value| ("p99"). */
  readonly normalise?: Normalisation;
  /** A scale measured on several maps, so that they can be compared; takes the place of `normalise`. */
  readonly scale?: MapScale;
  /** What lies under an overlay: an image of the map's height and width, in [0,1], grey or colour. */
  readonly image?: { readonly values: ArrayLike<number>; readonly channels: number };
}

const HEATMAP_OPTIONS: KindsOf<HeatmapOptions> = {
  mode: required(wordOf(...HEATMAP_MODES)),
  normalise: aNormalisation,
  scale: aMapScale,
  image: anObject("an object", { values: numbers, channels: aNumber }),
  height: required(aNumber),
  width: required(aNumber),
};

/** A picture of a map with what a reader has to be told of its colours. */
export interface Heatmap extends Picture {
  /** The |value| that has the full colour. */
  readonly range: number;
  /** What the range is: "maximum", "99th percentile". */
  readonly measure: string;
  /** What the colours mean, for the reader. */
  readonly caption: string;
  /** The map is 0 everywhere: the picture is empty, and the caption says so. */
  readonly empty: boolean;
}

/** The words for a map without any value but 0. */
export const EMPTY = "zero everywhere";

/** The colours of a size, and of a sign and size. */
export const coloursOf = (mode: HeatmapMode): ColourMap => (mode === "abs" ? SEQUENTIAL : DIVERGING);

/**
 * An explanation as a picture. Values [height·width], any scale; beyond the scale's range colours stay full.
 * @throws RangeError for values that are not finite, another number of values, or an overlay without an image of its size.
 */
export function heatmap(values: ArrayLike<number>, options: HeatmapOptions): Heatmap {
  requireArguments("heatmap", { values: [values, numbers] });
  checkedOptions("heatmap", options, HEATMAP_OPTIONS);
  const { mode, normalise = "max", height, width } = options;
  checkMap("heatmap", values, options);
  // Measured even where another scale is given: it finds what cannot be drawn.
  const measured = mapScale([values], normalise);
  const { range, measure } = options.scale ?? measured;
  const empty = measured.range === 0;
  if (!(range >= 0 && range < Infinity) || (range === 0 && !empty)) {
    throw new RangeError(`heatmap: range ${range} for values up to ${measured.range}; a finite size is needed`);
  }
  const under = mode === "overlay" ? backdrop(options) : undefined;
  const share = (value: number) => (range === 0 ? 0 : Math.min(1, Math.max(-1, value / range)));
  const colour = (value: number, index: number): readonly number[] => {
    const v = share(value);
    if (mode === "abs") return colourAt(SEQUENTIAL, Math.abs(v));
    if (mode === "diverging") return colourAt(DIVERGING, (v + 1) / 2);
    // Full colour hides the image, none shows it.
    const shades = under!(index);
    return colourAt(DIVERGING, v < 0 ? 0.1 : 0.9).map((full, c) => shades[c] + (full - shades[c]) * Math.abs(v));
  };
  const meaning = mode === "abs" ? "|value|: black 0, yellow" : "blue negative, red positive, full colour at";
  return {
    ...paint(values, options, colour),
    range,
    measure,
    caption: empty ? EMPTY : `${meaning} ${digits(range)} (${measure})`,
    empty,
  };

  /** Shades keep away from black so that dark colours stand out, and colours are paler so that red and blue mean the map. */
  function backdrop({ image }: HeatmapOptions): (index: number) => readonly number[] {
    if (!image) throw new RangeError("heatmap: an overlay needs the image it lies on; give image: {values, channels}");
    checkImage("heatmap", image.values, { channels: image.channels, height, width });
    const plane = height * width;
    const level = (at: number): number => Math.min(1, Math.max(0, image.values[at]));
    if (image.channels === 1) return (index) => Array<number>(3).fill(70 + 185 * level(index));
    return (index) => {
      const rgb = [0, 1, 2].map((c) => level(c * plane + index));
      const grey = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
      return rgb.map((channel) => 70 + 185 * (0.6 * grey + 0.4 * channel));
    };
  }
}

/** An attribution of an image, [channels·height·width] or one value per pixel, as maps [height·width]. */
export interface PixelMaps {
  /** Summed over the channels. */
  readonly signed: Float64Array;
  /** Absolute values, summed over the channels: what the field compares (`saliencyMap`). */
  readonly size: Float64Array;
}

/**
 * The maps of an attribution.
 * @throws RangeError if it is neither of the image's size nor of one channel of it.
 */
export function pixelMaps(attribution: ArrayLike<number>, imageSize: ImageSize): PixelMaps {
  requireArguments("pixelMaps", { attribution: [attribution, numbers], imageSize: [imageSize, anImageSize] });
  const { channels, height, width } = imageSize;
  const plane = height * width;
  if (attribution.length !== plane && attribution.length !== channels * plane) {
    throw new RangeError(
      `pixelMaps: ${attribution.length} values for an image of [${channels},${height},${width}]; ${plane} or ${channels * plane} are needed`,
    );
  }
  const signed = new Float64Array(plane);
  const size = new Float64Array(plane);
  for (let i = 0; i < attribution.length; i++) {
    signed[i % plane] += attribution[i];
    size[i % plane] += Math.abs(attribution[i]);
  }
  return { signed, size };
}
