/** Patches that decide what a network sees and keep Grad-CAM from showing them. */

import {
  add,
  argmax,
  div,
  equal,
  greater,
  mean,
  mul,
  neg,
  pad,
  random,
  reshape,
  ShapeError,
  scope,
  slice,
  sub,
  sum,
  type Tensor,
  tensor,
  where,
} from "../../../engine/index.js";
import {
  aCount,
  aFlag,
  aNumber,
  aNumberOfAtLeast0,
  aShape,
  aTensor,
  required,
  tupleOf,
  wordOf,
} from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import { crossEntropyPerSample, type FeatureRange, PIXEL_RANGE } from "../../../nn/index.js";
import { anyObject, aRange } from "../../../nn/kinds.js";
import { ascend } from "../../attacks/loop.js";
import { signStep } from "../../attacks/rules.js";
import type { Ball } from "../../balls.js";
import { saliencyMap } from "../../explainers/explainer.js";
import { type GradCamOptions, gradCam, gradCamCells } from "../../explainers/gradCam.js";
import { aClassifier } from "../../kinds.js";
import { relativeImportance } from "../../metrics/importance.js";
import { relevanceMass } from "../../metrics/relevanceMass.js";
import { type Classifier, classScore } from "../../score.js";
import { aPatchPlace } from "../kinds.js";

/** A square of an image, in pixels. */
export interface PatchPlace {
  readonly top: number;
  readonly left: number;
  readonly side: number;
}

export const PATCH_CORNERS = ["top-left", "top-right", "bottom-left", "bottom-right", "centre"] as const;
/** Where `patchPlace` puts a square. */
export type PatchCorner = (typeof PATCH_CORNERS)[number];

/** A square in a corner of images [c,h,w], or in their middle. `side` below 1 is a share of the shorter side, else pixels.
 *  @throws ShapeError for a square that does not fit, RangeError for no size at all. */
export function patchPlace(shape: readonly number[], corner: PatchCorner, side: number): PatchPlace {
  requireArguments("patchPlace", {
    shape: [shape, aShape],
    corner: [corner, wordOf(...PATCH_CORNERS)],
    side: [side, aNumber],
  });
  const [, h, w] = shape;
  if (!(side > 0)) throw new RangeError(`patch: side ${side} came; a share below 1, or pixels, is needed`);
  const pixels = Math.max(1, Math.round(side < 1 ? side * Math.min(h, w) : side));
  if (pixels >= Math.min(h, w))
    throw new ShapeError(`patch: ${pixels} pixels of images ${h}×${w}; a patch smaller than the image is needed`);
  const [bottom, right] = [h - pixels, w - pixels];
  if (corner === "centre") return { top: bottom >> 1, left: right >> 1, side: pixels };
  const [row, column] = corner.split("-");
  return { top: row === "top" ? 0 : bottom, left: column === "left" ? 0 : right, side: pixels };
}

/** How much of each cell of a grid [rows, columns] over an image of h × w pixels is covered, from 0 to 1. With as many cells as pixels
 *  it is the mask of the patch. */
export function patchCover(
  place: PatchPlace,
  image: readonly [number, number],
  sides: readonly [number, number],
): Float32Array {
  requireArguments("patchCover", {
    place: [place, aPatchPlace],
    image: [image, tupleOf(aNumber, 2, "numbers")],
    sides: [sides, tupleOf(aNumber, 2, "numbers")],
  });
  const { top, left, side } = place;
  const [h, w] = image;
  const [rows, columns] = sides;
  const overlap = (from: number, i: number, cells: number, pixels: number): number => {
    const size = pixels / cells;
    return Math.max(0, Math.min(from + side, (i + 1) * size) - Math.max(from, i * size)) / size;
  };
  return Float32Array.from(
    { length: rows * columns },
    (_, k) => overlap(top, Math.floor(k / columns), rows, h) * overlap(left, k % columns, columns, w),
  );
}

/** Which images get a patch, what it is to win, and whether Grad-CAM may show it. */
export interface PatchOptions {
  /** x [n,c,h,w] → logits [n,C]; to hide a patch a layer with maps is needed, as by `gradCam`. */
  readonly classifier: Classifier;
  /** Images [n,c,h,w]. */
  readonly x: Tensor;
  /** What they are to be taken for, i32 [n]; with `away`, what they are not to be taken for. */
  readonly classes: Tensor;
  readonly away?: boolean;
  /** The square that is replaced, as `patchPlace` gives it. */
  readonly place: PatchPlace;
  /** Keep Grad-CAM from showing the patch (default), or only win: the ordinary adversarial patch. */
  readonly hide?: boolean;
  /** One patch for all images, or one for each (default). */
  readonly universal?: boolean;
  /** The layer that Grad-CAM looks at, and whether it keeps signs; default that of `gradCam`. */
  readonly gradCam?: GradCamOptions;
  /** Weight of the cross-entropy beside the mean of the map inside the patch, at least 0; default 0.05. */
  readonly weight?: number;
  /** Sign steps, at least 1; default 750. */
  readonly steps?: number;
  /** Their length, in units of the pixels; default 0.005. */
  readonly size?: number;
  /** Valid pixels; default 0 to 1. */
  readonly range?: FeatureRange;
}

const PATCH_OPTIONS: KindsOf<PatchOptions> = {
  classifier: required(aClassifier),
  x: required(aTensor),
  classes: required(aTensor),
  away: aFlag,
  place: required(aPatchPlace),
  hide: aFlag,
  universal: aFlag,
  gradCam: anyObject,
  weight: aNumberOfAtLeast0,
  steps: aCount,
  size: aNumberOfAtLeast0,
  range: aRange,
};

/** Patches and the images that bear them. */
export interface Patches {
  /** The images with their patches. */
  readonly images: Tensor;
  /** Images that are the patch inside of its place: [n,c,h,w], [1,c,h,w] where it is universal. */
  readonly canvas: Tensor;
  /** [1,1,h,w], 1 inside of the place. */
  readonly mask: Tensor;
}

/** Whether the class is won: [n], 1 or 0. */
function won(classifier: Classifier, z: Tensor, classes: Tensor, away: boolean): Tensor {
  const same = equal(argmax(classifier(z), 1), classes);
  return away ? sub(1, same) : same;
}

const PATCH_LOSS_OPTIONS: KindsOf<Omit<PatchOptions, "x" | "steps" | "size" | "range">> = {
  classes: required(aTensor),
  classifier: required(aClassifier),
  away: aFlag,
  place: required(aPatchPlace),
  hide: aFlag,
  universal: aFlag,
  gradCam: anyObject,
  weight: aNumberOfAtLeast0,
};

/** What is minimised: the mean of the sum-1 Grad-CAM of the class inside the patch's cells (of the predicted class where the patch leads
 *  away from one), and the weighted cross-entropy for as long as the class is not won. [n,c,h,w] → [n].
 *  Source: Subramanya, Pillai, Pirsiavash 2019, sec. 3.2 and their code. */
export function patchLoss(options: Omit<PatchOptions, "x" | "steps" | "size" | "range">): (z: Tensor) => Tensor {
  checkedOptions("patchLoss", options, PATCH_LOSS_OPTIONS);
  const { classifier, classes, away = false, place, hide = true, gradCam: how, weight = 0.05 } = options;
  return (z) => {
    const logits = classifier(z);
    const ce = crossEntropyPerSample(logits, classes);
    const toWin = away ? neg(ce) : ce;
    if (!hide) return toWin;
    const cells = gradCamCells(classScore(classifier, away ? argmax(logits, 1) : classes), z, how);
    const [, , rows, columns] = cells.shape;
    const cover = patchCover(place, [z.shape[2], z.shape[3]], [rows, columns]);
    const inside = sum(mul(relativeImportance(cells), tensor(cover, [1, rows * columns])), 1);
    const shown = div(
      inside,
      cover.reduce((a, b) => a + b),
    );
    return add(shown, where(won(classifier, z, classes, away), 0, mul(toWin, weight)));
  };
}

/** Patches in place of a square of each image: of all iterates that win the class, the one that Grad-CAM shows least; without `hide`, the
 *  one of the largest probability. Images of which no iterate won stay as they are where the patch hides.
 *  Source: Subramanya, Pillai, Pirsiavash 2019, sec. 3; Brown et al. 2017 (the ordinary patch). */
export function attackWithPatch(options: PatchOptions): Patches {
  checkedOptions("attackWithPatch", options, PATCH_OPTIONS);
  const { classifier, x, classes, place, away = false, hide = true, universal = false } = options;
  const { steps = 750, size = 0.005, range = PIXEL_RANGE } = options;
  if (x.rank !== 4) throw new ShapeError(`patch: x has ${x.rank} sides; images [n,c,h,w] are needed`);
  const [n, c, h, w] = x.shape;
  const mask = tensor(patchCover(place, [h, w], [h, w]), [1, 1, h, w]);
  return scope(() => {
    const pasted = (canvas: Tensor): Tensor => where(mask, canvas, x);
    const { x: _x, steps: _steps, size: _size, range: _range, ...rest } = options;
    const loss = patchLoss(rest);
    const explain = gradCam(options.gradCam);
    const each = (values: Tensor): Tensor => (universal ? mean(values, 0, { keepDims: true }) : values);
    const worth = (z: Tensor): Tensor => {
      if (!hide) return neg(loss(z));
      const shown = away ? argmax(classifier(z), 1) : classes;
      const map = saliencyMap(explain(classScore(classifier, shown), z));
      const says = greater(sum(reshape(map, [n, h * w]), 1), 0);
      return mul(mul(won(classifier, z, classes, away), says), sub(1, relevanceMass(map, reshape(mask, [1, h, w]))));
    };
    const region: Ball = {
      name: "patch",
      project: (moved, from) => where(mask, moved, from),
      sample: (key, from, shared) => {
        const { low, high } = range;
        const drawn = random.uniform(key, shared ? [1, c, h, w] : from.shape);
        if (typeof low !== "number" || typeof high !== "number")
          throw new TypeError("patch: pixels of one range are needed");
        return where(mask, add(low, mul(drawn, high - low)), from);
      },
    };
    const first = universal ? mul(reshape(mean(x, 0), [1, c, h, w]), 1) : x;
    const { images: canvas } = ascend(first, {
      ...{ ball: region, rule: signStep(size), steps, range },
      objective: (z) => each(worth(pasted(z))),
      guide: (z) => each(neg(loss(pasted(z)))),
    });
    return { canvas, images: pasted(canvas), mask };
  }, "patch");
}

/** The patch of a canvas [n,c,h,w] at another place of the same side. */
export function patchMoved(canvas: Tensor, from: PatchPlace, to: PatchPlace): Tensor {
  requireArguments("patchMoved", { canvas: [canvas, aTensor], from: [from, aPatchPlace], to: [to, aPatchPlace] });
  const [n, c, h, w] = canvas.shape;
  if (from.side !== to.side)
    throw new ShapeError(`patch: ${from.side} pixels to a place of ${to.side}; two places of one side are needed`);
  const patch = slice(canvas, [0, 0, from.top, from.left], [n, c, from.side, from.side]);
  return pad(patch, [
    [0, 0],
    [0, 0],
    [to.top, h - to.top - to.side],
    [to.left, w - to.left - to.side],
  ]);
}
