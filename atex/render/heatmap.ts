import { colourAt, DIVERGING, SEQUENTIAL } from "./colours.js";
import { type Picture, paint } from "./picture.js";

export interface HeatmapOptions {
  /** "abs": size only; "diverging": sign and size; "overlay": sign and size over `image`. */
  readonly mode: "abs" | "diverging" | "overlay";
  /** What gets the full colour: the largest |value|, or the 99th percentile of |value|. */
  readonly normalise?: Normalisation;
  /** The |value| with the full colour, to give several maps one scale; takes the place of `normalise`. */
  readonly range?: number;
  readonly width?: number;
  /** [height*width] in [0,1], under an overlay. */
  readonly image?: ArrayLike<number>;
}

export type Normalisation = "max" | "p99";

export interface Heatmap extends Picture {
  /** The |value| that has the full colour. */
  readonly range: number;
  /** What the colours mean, for the reader. */
  readonly caption: string;
}

/**
 * An explanation as a picture. Values [height*width], any scale; beyond `range` colours stay full.
 * @throws RangeError for values that are not finite, rows that are not whole, or an overlay without an image.
 */
export function heatmap(values: ArrayLike<number>, options: HeatmapOptions): Heatmap {
  const { mode, normalise = "max", width = 28, image } = options;
  const measured = sharedRange([values], normalise);
  const range = options.range ?? measured;
  if (!(range >= 0 && range < Infinity)) throw new RangeError(`heatmap: range ${range}; a finite size is needed`);
  if (mode === "overlay" && image?.length !== values.length) {
    throw new RangeError(
      `heatmap: ${values.length} values over an image of ${image?.length ?? 0}; an overlay needs an image of the same size`,
    );
  }
  const scaled = (value: number) => (range === 0 ? 0 : Math.min(1, Math.max(-1, value / range)));
  const colour = (value: number, index: number): readonly number[] => {
    const v = scaled(value);
    if (mode === "abs") return colourAt(SEQUENTIAL, Math.abs(v));
    if (mode === "diverging") return colourAt(DIVERGING, (v + 1) / 2);
    // Full colour hides the image, none shows it; shades keep away from black so that dark colours stand out.
    const shade = 70 + 185 * image![index];
    return colourAt(DIVERGING, v < 0 ? 0.1 : 0.9).map((channel) => shade + (channel - shade) * Math.abs(v));
  };
  const measure = options.range !== undefined ? "shared scale" : normalise === "max" ? "maximum" : "99th percentile";
  const scale = mode === "abs" ? "|value|: black 0, yellow" : "blue negative, red positive, full colour at";
  return {
    ...paint(values, width, colour),
    range,
    caption: range === 0 ? "zero everywhere" : `${scale} ${range.toPrecision(3)} (${measure})`,
  };
}

/**
 * The |value| to give the full colour to in all of `maps`.
 * @throws RangeError if a value is not finite.
 */
export function sharedRange(maps: readonly ArrayLike<number>[], normalise: Normalisation = "max"): number {
  const sizes = maps.flatMap((map) => Array.from(map, Math.abs)).sort((a, b) => a - b);
  const bad = sizes.filter((size) => !Number.isFinite(size)).length;
  if (bad > 0) {
    throw new RangeError(
      `heatmap: ${bad} of ${sizes.length} values are NaN or infinite; a map needs finite values; look where the network made the first one`,
    );
  }
  // Nearest rank: the smallest size that at least 99 % of all sizes do not exceed.
  return sizes[normalise === "max" ? sizes.length - 1 : Math.ceil(0.99 * sizes.length) - 1] ?? 0;
}
