/** How sanity checks compare attributions: with signs and without, and where there is a grid, as pictures. */

import { div, max, maximum, type Tensor } from "../../engine/index.js";
import { aShape } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { saliencyMap } from "../explainers/explainer.js";
import { hogPearson } from "../metrics/hog.js";
import { pearson, spearman } from "../metrics/similarities.js";
import { ssim } from "../metrics/ssim.js";

/** A measure of how alike two attributions are, by the name that reports carry. */
export interface SanitySimilarity {
  readonly name: string;
  /** Two attributions [n,...] → [n]. */
  readonly compare: (a: Tensor, b: Tensor) => Tensor;
}

/** Smallest side that has a block of HOG's cells and a window of SSIM. */
const SMALLEST_GRID = 12;

/** The four of Adebayo et al. 2018, sec. 4, for images [n,c,h,w] of at least 12×12; Spearman and Pearson otherwise, for rows of a
 *  table above all, with signs and without. */
export function sanitySimilarities(shape: readonly number[]): readonly SanitySimilarity[] {
  requireArguments("sanitySimilarities", { shape: [shape, aShape] });
  const unsigned = { name: "Spearman", compare: (a: Tensor, b: Tensor) => spearman(saliencyMap(a), saliencyMap(b)) };
  const signed = { name: "Spearman, signed", compare: (a: Tensor, b: Tensor) => spearman(a, b) };
  if (shape.length !== 3 || Math.min(shape[1], shape[2]) < SMALLEST_GRID)
    return [unsigned, signed, { name: "Pearson, signed", compare: (a, b) => pearson(a, b) }];
  return [
    unsigned,
    signed,
    { name: "SSIM", compare: (a, b) => ssim(toMaximum(saliencyMap(a)), toMaximum(saliencyMap(b)), { range: 1 }) },
    { name: "HOG", compare: (a, b) => hogPearson(toMaximum(saliencyMap(a)), toMaximum(saliencyMap(b))) },
  ];
}

/** Maps [n,h,w] scaled to maximum 1; a map of zeros stays one. */
function toMaximum(map: Tensor): Tensor {
  return div(map, maximum(max(map, [1, 2], { keepDims: true }), 1e-30));
}
