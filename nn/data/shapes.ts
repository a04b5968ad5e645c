import { aNumber, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { FIGURES, type Figure } from "./figures.js";
import { type Draw, drawFrom } from "./integer-random.js";
import { unitPixels } from "./pixels.js";

/** Names of the ten classes, by label. */
export const SHAPE_CLASSES: readonly string[] = FIGURES.map((figure) => figure.name);

/** How many pictures of `shapes` are drawn, and from which random numbers. */
export interface ShapesOptions {
  readonly count: number;
  readonly seed?: number;
  /** Independent sets under one seed: 0 for training and 1 for testing, by convention. */
  readonly stream?: number;
}

const SHAPES_OPTIONS: KindsOf<ShapesOptions> = {
  count: required(aNumber),
  seed: aNumber,
  stream: aNumber,
};

/** Pictures as bytes: 0 is black and 255 white. */
export interface ShapeBytes {
  /** [n,28,28] */
  readonly images: Uint8Array;
  /** [n], 0 to 9; label i is i mod 10, so every ten neighbours show every class. */
  readonly labels: Uint8Array;
  /** [n,28,28], 1 where the figure that gives the class its name covers at least half of the pixel. */
  readonly masks: Uint8Array;
}

const SIDE = 28;
const AREA = SIDE * SIDE;
/** Sub-pixels per side: coverage comes in sixteenths. */
const SUB = 4;
/** How far the centre of a figure may be from the centre of the picture, in pixels. */
const SHIFT = 3.5;
/** Tangent of half of the largest rotation, 14 degrees: a plus stays a plus, and bars keep their direction. */
const TILT = 0.12;

/**
 * Draws grey pictures of ten figures that vary in place, size, rotation and contrast, over an uneven
 * background with specks and noise. Picture i depends on `seed`, `stream` and i alone, and uses only integer and IEEE
 * arithmetic, so that it is the same on every machine and for every `count`.
 * @throws RangeError if count is not a positive integer.
 */
export function shapeBytes(options: ShapesOptions): ShapeBytes {
  const drawing = drawShapes(options);
  for (;;) {
    const drawn = drawing.next();
    if (drawn.done) return drawn.value;
  }
}

/** `shapeBytes` picture by picture: gives the number of those that are there. */
export function* drawShapes(options: ShapesOptions): Generator<number, ShapeBytes, void> {
  const { count, seed = 0, stream = 0 } = checkedOptions("shapeBytes", options, SHAPES_OPTIONS);
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`shapes: count ${count}; a positive integer is needed`);
  }
  const images = new Uint8Array(count * AREA);
  const labels = new Uint8Array(count);
  const masks = new Uint8Array(count * AREA);
  for (let i = 0; i < count; i++) {
    labels[i] = i % FIGURES.length;
    const coverage = paint(FIGURES[labels[i]], drawFrom(seed, stream, i), images.subarray(i * AREA, (i + 1) * AREA));
    for (let p = 0; p < AREA; p++) masks[i * AREA + p] = coverage[p] >= (SUB * SUB) / 2 ? 1 : 0;
    yield i + 1;
  }
  return { images, labels, masks };
}

/** `shapeBytes` with images as numbers in [0,1], [n,1,28,28]; every value is a multiple of 1/255. */
export function shapes(options: ShapesOptions): { images: Float32Array; labels: Uint8Array; masks: Uint8Array } {
  checkedOptions("shapes", options, SHAPES_OPTIONS);
  const { images, labels, masks } = shapeBytes(options);
  return { images: unitPixels(images), labels, masks };
}

/** Paints one picture into `image` and returns the figure's coverage per pixel, in sixteenths. */
function paint(figure: Figure, draw: Draw, image: Uint8Array): Uint8Array {
  const coverage = rasterise(figure, draw);
  const background = draw.between(0.05, 0.35);
  const slopeX = draw.between(-0.006, 0.006);
  const slopeY = draw.between(-0.006, 0.006);
  const contrast = draw.between(0.3, 0.6);
  const noise = draw.between(0.02, 0.08);
  const level = new Float64Array(AREA);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) level[y * SIDE + x] = background + slopeX * (x - 13.5) + slopeY * (y - 13.5);
  }
  scatterSpecks(level, draw);
  for (let p = 0; p < AREA; p++) {
    const share = coverage[p] / (SUB * SUB);
    const value = level[p] * (1 - share) + (background + contrast) * share + noise * draw.bell();
    image[p] = Math.round(255 * Math.min(1, Math.max(0, value)));
  }
  return coverage;
}

/** Two to five small bright or dark blots, which belong to no class. */
function scatterSpecks(level: Float64Array, draw: Draw): void {
  for (let left = draw.below(4) + 2; left > 0; left--) {
    const width = draw.below(3) + 1;
    const height = draw.below(3) + 1;
    const x0 = draw.below(SIDE - width);
    const y0 = draw.below(SIDE - height);
    const offset = draw.between(-0.3, 0.5);
    for (let y = y0; y < y0 + height; y++) for (let x = x0; x < x0 + width; x++) level[y * SIDE + x] += offset;
  }
}

/** How many of a pixel's 4x4 sub-pixels lie in the figure, for a random place, size, rotation and thickness. */
function rasterise(figure: Figure, draw: Draw): Uint8Array {
  const radius = draw.between(6.5, 10.5);
  const centreX = SIDE / 2 + draw.between(-SHIFT, SHIFT);
  const centreY = SIDE / 2 + draw.between(-SHIFT, SHIFT);
  const thickness = draw.between(1.8, 3.2) / radius;
  // Rotation by 2 atan(t), from rational functions of t: engines may round Math.sin and Math.cos differently.
  const t = draw.between(-TILT, TILT);
  const cos = (1 - t * t) / (1 + t * t);
  const sin = (2 * t) / (1 + t * t);
  const coverage = new Uint8Array(AREA);
  // A figure lies in [-1,1]^2 before rotation, so within 1.5 radii of its centre after it.
  const reach = 1.5 * radius;
  const edge = 1 + 0.75 / radius;
  const x1 = Math.min(SIDE - 1, Math.ceil(centreX + reach));
  const y1 = Math.min(SIDE - 1, Math.ceil(centreY + reach));
  for (let y = Math.max(0, Math.floor(centreY - reach)); y <= y1; y++) {
    for (let x = Math.max(0, Math.floor(centreX - reach)); x <= x1; x++) {
      const toX = (x + 0.5 - centreX) / radius;
      const toY = (y + 0.5 - centreY) / radius;
      // No sub-pixel is farther than √½ pixels from the middle of its pixel.
      if (Math.max(Math.abs(cos * toX + sin * toY), Math.abs(cos * toY - sin * toX)) > edge) continue;
      let covered = 0;
      for (let s = 0; s < SUB * SUB; s++) {
        const dx = (x + ((s % SUB) + 0.5) / SUB - centreX) / radius;
        const dy = (y + (Math.floor(s / SUB) + 0.5) / SUB - centreY) / radius;
        const u = cos * dx + sin * dy;
        const v = cos * dy - sin * dx;
        if (Math.abs(u) <= 1 && Math.abs(v) <= 1 && figure.covers(u, v, thickness)) covered++;
      }
      coverage[y * SIDE + x] = covered;
    }
  }
  return coverage;
}
