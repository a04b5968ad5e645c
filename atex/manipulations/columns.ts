/** Attributions of rows of a table, seen by the features that people name. */

import { abs, matmul, type Tensor, tensor } from "../../engine/index.js";
import { aCount, aNatural, aTensor, aText, numbers } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import type { Domain, Feature } from "../../nn/index.js";
import { aDomain } from "../../nn/kinds.js";
import { wholeRows } from "../lengths.js";

/** The features of a table, by name where there are names: columns of their own else, counted from 0 like rows and pixels. */
export function featuresOf(domain: Domain): readonly Feature[] {
  requireArguments("featuresOf", { domain: [domain, aDomain] });
  const { shape, features } = domain;
  return (
    features ?? Array.from({ length: shape[0] }, (_, i): Feature => ({ name: `column ${i}`, kind: "numeric", at: [i] }))
  );
}

/** The place of a feature among those of the domain. @throws RangeError naming those there are. */
export function featureIndex(domain: Domain, name: string): number {
  requireArguments("featureIndex", { domain: [domain, aDomain], name: [name, aText] });
  const names = featuresOf(domain).map((feature) => feature.name);
  const found = names.indexOf(name);
  if (found < 0) throw new RangeError(`featureIndex: feature "${name}" is unknown; there is ${names.join(", ")}`);
  return found;
}

/** Attribution of each feature: the sum of those of its elements, so that the columns of a category count as one. [n,d] → [n, features] */
export function featureAttribution(attribution: Tensor, domain: Domain): Tensor {
  requireArguments("featureAttribution", { attribution: [attribution, aTensor], domain: [domain, aDomain] });
  const features = featuresOf(domain);
  const d = domain.shape[0];
  const belongs = new Float32Array(d * features.length);
  for (const [f, { at }] of features.entries()) for (const i of at) belongs[i * features.length + f] = 1;
  return matmul(attribution, tensor(belongs, [d, features.length]));
}

/** Importance of each feature: the absolute value of its attribution. [n,d] → [n, features] */
export function featureImportance(attribution: Tensor, domain: Domain): Tensor {
  requireArguments("featureImportance", { attribution: [attribution, aTensor], domain: [domain, aDomain] });
  return abs(featureAttribution(attribution, domain));
}

/** The rank of one feature in each row, 1 the most important: one more than the number of features that are more important. NaN where the
 *  row holds NaN. importance [n, features] flattened. @throws RangeError unless these are whole rows, or for a feature that is none of them. */
export function ranksOf(importance: ArrayLike<number>, features: number, feature: number): number[] {
  requireArguments("ranksOf", {
    importance: [importance, numbers],
    features: [features, aCount],
    feature: [feature, aNatural],
  });
  const n = wholeRows("ranksOf", "importance", importance, features);
  if (feature >= features)
    throw new RangeError(`ranksOf: feature ${feature} of ${features}; 0 to ${features - 1} is needed`);
  return Array.from({ length: n }, (_, i) => {
    const own = importance[i * features + feature];
    let rank = 1;
    for (let f = 0; f < features; f++) {
      const other = importance[i * features + f];
      if (Number.isNaN(other)) return Number.NaN;
      if (other > own) rank++;
    }
    return rank;
  });
}
