/** Explaining many samples without holding anybody up. */

import {
  argmax,
  concat,
  type Done,
  describe,
  type LongOptions,
  openScope,
  ShapeError,
  scope,
  slice,
  type Tensor,
  Turns,
} from "../../engine/index.js";
import { aFunction, aNumber, aTensor, either, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, shown } from "../../engine/options.js";
import { aClassifier, anExplainer, LONG_OPTIONS } from "../kinds.js";
import { type Classifier, classScore } from "../score.js";
import type { Explainer } from "./explainer.js";

/** Which samples are explained, by what, and how many at a time. */
export interface AttributionOptions extends LongOptions<Done> {
  /** x [n,...] → logits [n,C]; what is explained is the logit of `classes`. */
  readonly classifier: Classifier;
  /** The explainer, or a function that makes it for some of the samples, where it belongs to them (segments of images). */
  readonly explainer: Explainer | ((x: Tensor) => Explainer | Promise<Explainer>);
  /** Samples [n,...]. */
  readonly x: Tensor;
  /** i32 [n]; default the classes that the network predicts. */
  readonly classes?: Tensor;
  /** Samples explained between two turns for others; default 1. An explainer's sample does not depend on the others. */
  readonly batchSize?: number;
}

const ATTRIBUTION_OPTIONS: KindsOf<AttributionOptions> = {
  classifier: required(aClassifier),
  explainer: required(either(anExplainer, aFunction)),
  x: required(aTensor),
  classes: aTensor,
  batchSize: aNumber,
  ...LONG_OPTIONS,
};

/** Attributions [n,...] of samples, a few at a time; `onProgress` counts samples. @throws ShapeError for a single sample without its
 *  batch side, RangeError for a batch of none; the reason of `signal`, with nothing left behind. */
export async function attributions(options: AttributionOptions): Promise<Tensor> {
  checkedOptions("attributions", options, ATTRIBUTION_OPTIONS);
  const { classifier, explainer, x, batchSize = 1 } = options;
  if (x.rank < 2) throw new ShapeError(`attributions: x is ${describe(x)}; samples [n,...] are needed`);
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new RangeError(`attributions: batchSize is ${shown(batchSize)}; a whole number of at least 1 is needed`);
  using here = openScope("attributions");
  const turns = new Turns("attributions", options);
  const [total, ...shape] = x.shape;
  const classes = options.classes ?? scope(() => argmax(classifier(x), 1));
  const parts: Tensor[] = [];
  for (let from = 0; from < total; from += batchSize) {
    const size = Math.min(batchSize, total - from);
    const part = slice(x, [from, ...shape.map(() => 0)], [size, ...shape]);
    const explain = isExplainer(explainer) ? explainer : await here.wait(explainer(part));
    parts.push(scope(() => explain(classScore(classifier, slice(classes, [from], [size])), part)));
    await here.wait(turns.next({ done: from + size, total }));
  }
  return here.pass(parts.length === 1 ? parts[0] : concat(parts));
}

function isExplainer(explainer: AttributionOptions["explainer"]): explainer is Explainer {
  return "info" in explainer;
}
