/** Maps that networks are trained to show, as differentiable functions of the network. */

import {
  callerScope,
  equal,
  keep,
  max,
  min,
  reshape,
  scope,
  type Tensor,
  tensor,
  where,
} from "../../../engine/index.js";
import { anObject, aPositiveNumber, aText, required } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import { aDomain } from "../../../nn/kinds.js";
import { hasKinks, smoothed } from "../../attacks/surrogate.js";
import { atLayer } from "../../explainers/atLayer.js";
import { type ExplainerEntry, saliencyMap } from "../../explainers/explainer.js";
import { EXPLAINER_TABLE, explainerEntryOf } from "../../explainers/table.js";
import { aClassifier, aMaker, anExplaining } from "../../kinds.js";
import { rows } from "../../metrics/metric.js";
import { type Classifier, classScore } from "../../score.js";
import { explainerMaker, type MakeExplainer } from "../explaining.js";
import type { ManipulationWorld } from "../manipulation.js";

/** (network, x [n, ...], classes i32 [n]) → saliency maps [n,h,w] or [n,d]. */
export type ShownMap = (classifier: Classifier, x: Tensor, classes: Tensor) => Tensor;

/** Maps of one explainer as functions of the network, for losses. */
export interface Shown {
  /** Maps of the network itself. */
  readonly exact: ShownMap;
  /** What is trained on: where the map is a gradient and the network has kinks, that of its softplus twin, for through relu a second
   *  derivative with respect to the input is zero. */
  readonly trained: ShownMap;
  /** How the study makes explainers; missing where the table's own are meant. */
  readonly explainer?: MakeExplainer;
}

/** Through which explainer, and at which layer, a network is trained. */
export interface ShownOptions {
  /** Of the table of explainers; one with a derivative. */
  readonly explainer: string;
  /** Label of a hidden layer whose maps are explained; default the input. */
  readonly layer?: string;
  /** Sharpness of the softplus twin, above 0; of no meaning for a network without relu. */
  readonly twinBeta: number;
}

const SHOWN_OPTIONS: KindsOf<ShownOptions> = {
  explainer: required(aText),
  layer: aText,
  twinBeta: required(aPositiveNumber),
};

/** The saliency maps that a network is trained to show, by an explainer that is made once, of the world's background. At a hidden
 *  layer the explainer is asked about that layer's output (`atLayer`), unless it looks at a layer anyway.
 *  @throws RangeError for an explainer without a derivative, or one that is made anew for each image, naming those that can be
 *  trained through. */
export async function shownBy(
  world: Pick<ManipulationWorld, "classifier" | "domain" | "explainer" | "explaining">,
  options: ShownOptions,
): Promise<Shown> {
  requireArguments("shownBy", {
    world: [
      world,
      anObject("an object", { explainer: aMaker, classifier: aClassifier, domain: aDomain, explaining: anExplaining }),
    ],
  });
  const { explainer: name, layer, twinBeta } = checkedOptions("shownBy", options, SHOWN_OPTIONS);
  const here = callerScope();
  const entry = explainerEntryOf(name);
  if (!canBeTrained(entry)) {
    const known = EXPLAINER_TABLE.filter(canBeTrained).map((one) => one.name);
    throw new RangeError(`${name}: no network can be trained through it; there is ${known.join(", ")}`);
  }
  const make = layer === undefined ? world.explainer : makerAt(world, name, layer);
  const explain = await here.wait(make(name, world.explaining.background));
  const exact: ShownMap = (classifier, x, classes) => saliencyMap(explain(classScore(classifier, classes), x));
  const twin = entry.needs === "gradients" && hasKinks(world.classifier, world.domain.shape);
  return {
    exact,
    trained: twin ? (classifier, x, classes) => exact(smoothed(classifier, twinBeta), x, classes) : exact,
    explainer: layer === undefined ? undefined : make,
  };
}

/** Whether it has a derivative, and is not made anew for the images that it explains. */
const canBeTrained = ({ laws, uses }: ExplainerEntry): boolean => laws.differentiable && !uses?.segments;

/** One explainer at a hidden layer, all others as they are. Some look at a layer anyway. */
function makerAt(
  { explaining, explainer }: Pick<ManipulationWorld, "explainer" | "explaining">,
  name: string,
  layer: string,
): MakeExplainer {
  if ("layer" in explainerEntryOf(name).options) {
    const settings = { ...explaining.settings, [name]: { ...explaining.settings?.[name], layer } };
    const own = explainerMaker({ ...explaining, settings });
    return (wanted, x) => (wanted === name ? own : explainer)(wanted, x);
  }
  return async (wanted, x) => (wanted === name ? atLayer(await explainer(wanted, x), layer) : explainer(wanted, x));
}

/** Maps of which the constant ones, which no scaling to [0, 1] is defined for, are replaced by one bright element; they pass no
 *  derivative. [n, ...] */
export function neverConstant(maps: Tensor): Tensor {
  const flat = rows(maps);
  const constant = equal(max(flat, 1, { keepDims: true }), min(flat, 1, { keepDims: true }));
  const dot = tensor(
    Float32Array.from({ length: flat.shape[1] }, (_, i) => Number(i === 0)),
    [1, flat.shape[1]],
  );
  return reshape(where(constant, dot, flat), maps.shape);
}

/** Something of each sample, computed in parts and kept in one tensor on the host and back: [n, ...]. */
export async function inParts(n: number, of: (from: number, size: number) => Tensor, size = 100): Promise<Tensor> {
  const here = callerScope();
  const parts: Float32Array[] = [];
  let shape: readonly number[] = [];
  for (let from = 0; from < n; from += size) {
    const part = keep(scope(() => of(from, Math.min(size, n - from))));
    shape = part.shape.slice(1);
    parts.push(Float32Array.from(await here.wait(part.read())));
    part.dispose();
  }
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return tensor(all, [n, ...shape]);
}
