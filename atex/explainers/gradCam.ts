import {
  describe,
  expand,
  type Inside,
  inspect,
  mean,
  mul,
  ones,
  relu,
  resize2d,
  ShapeError,
  sum,
  type Tensor,
} from "../../engine/index.js";
import { aFlag, aTensor, aText } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { flag, setting, text } from "../../nn/schema.js";
import { aScore } from "../kinds.js";
import { RefusalError } from "../refusal.js";
import type { Score } from "../score.js";
import { type Explainer, explainer, explainerEntry } from "./explainer.js";
import { guidedBackprop } from "./guidedBackprop.js";

/** Which layer's maps are weighted, and whether evidence against the class shows. */
export interface GradCamOptions {
  /** A label whose output is a stack of maps [n,k,h,w], such as the name of a layer or block; default the last one with more than
   *  one position, the end of the convolutional part. */
  readonly layer?: string;
  /** Show only what speaks for the class, as the paper does (default); false keeps the sign, so that evidence against it shows. */
  readonly positive?: boolean;
}

const GRAD_CAM_OPTIONS: KindsOf<GradCamOptions> = {
  layer: aText,
  positive: aFlag,
};

const info = {
  name: "Grad-CAM",
  scope: "local",
  access: "model-transparent",
  source: "Selvaraju et al. 2017",
} as const;

/** relu(Σₖ αₖ Aₖ), αₖ the mean slope of the score over map Aₖ of a layer, enlarged bilinearly to the size of x [n,c,h,w] (pixel
 *  centres at half integers). The map is divided evenly over the c channels of x, so that the attribution has the shape of x and
 *  its saliency map, a sum over channels, is the map itself. Source: Selvaraju et al. 2017, sec. 3, eq. 1 and 2; sec. 3.1 for
 *  evidence against a class. @throws RangeError for an unknown layer, naming those there are; ShapeError for a layer that has no
 *  maps and for an x that is no image. */
export function gradCam(options: GradCamOptions = {}): Explainer {
  checkedOptions("gradCam", options, GRAD_CAM_OPTIONS);
  return explainer(info, (score, x) => {
    const map = classMap("gradCam", score, x, options);
    return expand(mul(map, 1 / x.shape[1]), x.shape);
  });
}

/** Guided backpropagation times the Grad-CAM map: fine and specific to the class. x [n,c,h,w]; options, errors as `gradCam`.
 *  Source: Selvaraju et al. 2017, sec. 3.2. */
export function guidedGradCam(options: GradCamOptions = {}): Explainer {
  checkedOptions("guidedGradCam", options, GRAD_CAM_OPTIONS);
  return explainer({ ...info, name: "Guided Grad-CAM" }, (score, x) =>
    mul(guidedBackprop(score, x), classMap("guidedGradCam", score, x, options)),
  );
}

/** The map at the size of x: [n,1,h,w]. */
function classMap(who: string, score: Score, x: Tensor, options: GradCamOptions): Tensor {
  return resize2d(mapAtLayer(who, score, x, options), [x.shape[2], x.shape[3]]);
}

/** The map of `gradCam` as it is at the positions of the layer, before it is enlarged: [n,1,h',w']. Options, errors as there. */
export function gradCamCells(score: Score, x: Tensor, options: GradCamOptions = {}): Tensor {
  requireArguments("gradCamCells", { score: [score, aScore], x: [x, aTensor] });
  checkedOptions("gradCamCells", options, GRAD_CAM_OPTIONS);
  return mapAtLayer("gradCamCells", score, x, options);
}

function mapAtLayer(who: string, score: Score, x: Tensor, { layer, positive = true }: GradCamOptions): Tensor {
  if (x.rank !== 4) throw new RefusalError(`${who}: x is ${describe(x)}; images [n,c,h,w] are needed`);
  return inspect(score, x, (inside) => {
    const maps = mapsAt(who, inside, layer, x.shape[0]);
    const slopes = inside.pullback(ones(inside.output.shape)).at(maps);
    const weighted = sum(mul(mean(slopes, [2, 3], { keepDims: true }), maps), 1, { keepDims: true });
    return positive ? relu(weighted) : weighted;
  });
}

function mapsAt(who: string, { steps, at }: Inside, layer: string | undefined, n: number): Tensor {
  const isStack = (t: Tensor): boolean => t.rank === 4 && t.shape[0] === n;
  // Labels with the blocks around them, by where they end.
  const labels = new Set(
    steps
      .toReversed()
      .flatMap(({ label }) => label.split(".").map((_, i, all) => all.slice(0, all.length - i).join("."))),
  );
  labels.delete("");
  const stacked = [...labels].filter((name) => isStack(at(name)));
  const given = layer ?? stacked.find((name) => at(name).shape[2] * at(name).shape[3] > 1);
  const known =
    stacked.length > 0
      ? `there is ${stacked.toReversed().join(", ")}`
      : "no label has any, put label(name, () => ...) around one";
  if (given === undefined) throw new RefusalError(`${who}: a layer with maps [n,k,h,w] is needed; ${known}`);
  if (!labels.has(given)) throw new RangeError(`${who}: nothing is labelled "${given}"; ${known}`);
  const maps = at(given);
  if (!isStack(maps))
    throw new ShapeError(`${who}: "${given}" gives ${describe(maps)}; maps [n,k,h,w] are needed; ${known}`);
  return maps;
}

const options = {
  layer: setting(text, undefined, "label of the layer whose maps are weighted; default the last one with maps"),
  positive: setting(flag, true, "only what speaks for the class; false keeps the sign"),
} as const;

export const gradCamEntry = explainerEntry({
  name: "grad-cam",
  info,
  needs: "inside",
  needsGrid: true,
  options,
  // The map is coarse: a position of the layer shares what it has with all the pixels around.
  laws: { differentiable: true, dummy: false, symmetry: false, inputInvariance: true },
  make: (settings) => gradCam(settings),
});

export const guidedGradCamEntry = explainerEntry({
  name: "guided-grad-cam",
  info: { ...info, name: "Guided Grad-CAM" },
  needs: "inside",
  needsGrid: true,
  options,
  laws: { differentiable: true, dummy: false, symmetry: false, inputInvariance: true },
  make: (settings) => guidedGradCam(settings),
});
