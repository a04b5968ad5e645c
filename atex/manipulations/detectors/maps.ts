/** What detectors have in common: the maps in doubt, and how two maps are compared. */
import { sub, type Tensor } from "../../../engine/index.js";
import type { Domain } from "../../../nn/index.js";
import { saliencyMap } from "../../explainers/explainer.js";
import { rows } from "../../metrics/metric.js";
import { spearman } from "../../metrics/similarities.js";
import { featureAttribution, featureImportance } from "../columns.js";
import { attributionsOf, type MakeExplainer } from "../explaining.js";
import type { Side } from "../manipulation.js";
import type { DetectorContext } from "./detector.js";

/** The attributions in doubt: what the explainer in question says of the side. [n, ...shape] */
export async function plainMaps(side: Side, { world, explainer, classes, plain }: DetectorContext): Promise<Tensor> {
  return plain ?? attributionsOf(world.explainer, explainer, side, classes);
}

/** Attributions by explainers made of the one in question, by the side's own where it has some. [n, ...shape] */
export function mapsBy(
  side: Side,
  { world, explainer, classes }: DetectorContext,
  wrap: (make: MakeExplainer) => MakeExplainer,
): Promise<Tensor> {
  const wrapped = wrap(side.explainer ?? world.explainer);
  return attributionsOf(wrapped, explainer, { ...side, explainer: wrapped }, classes);
}

/** What a person would name, with its sign: elements of an image, features of a table. [n, ...shape] → [n, parts] */
export function signedParts(attribution: Tensor, domain: Domain): Tensor {
  return isImage(domain) ? rows(attribution) : featureAttribution(attribution, domain);
}

/** Importance of what a person would name: pixels of an image, features of a table. [n, ...shape] → [n, parts] */
export function importanceOf(attribution: Tensor, domain: Domain): Tensor {
  return isImage(domain) ? rows(saliencyMap(attribution)) : featureImportance(attribution, domain);
}

export const isImage = ({ shape }: Domain): boolean => shape.length === 3;

/** 1 − Spearman's correlation of the importances, in [0, 2]; NaN where a map is constant. [n, ...shape] each → [n] */
export function disagreement(a: Tensor, b: Tensor, domain: Domain): Tensor {
  return sub(1, spearman(importanceOf(a, domain), importanceOf(b, domain)));
}

/** The mean of what has a value, sample by sample; NaN where nothing has. Lists of n each → n */
export function meansOf(lists: readonly ArrayLike<number>[]): number[] {
  return Array.from(lists[0] ?? [], (_, i) => {
    const found = lists.map((list) => list[i]).filter((value) => !Number.isNaN(value));
    return found.reduce((a, b) => a + b, 0) / found.length;
  });
}
