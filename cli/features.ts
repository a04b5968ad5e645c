/** Rows of a table as people read them: features by name, values in their own units. */
import { featuresOf } from "../atex/index.js";
import { type ShownFeature, shownFeatures } from "../atex/render/bars.js";
import { featureValues, type NetworkFile } from "../nn/index.js";

/** What a sample says: in the units of the table where the file knows how rows were prepared, else as the network sees it. */
export function shownRow({ domain, preparation }: NetworkFile, sample: ArrayLike<number>): ShownFeature[] {
  const features = featuresOf(domain);
  if (!preparation) return shownFeatures(features, sample);
  const said = featureValues(preparation, sample);
  return features.map(({ name }) => {
    const value = said[name];
    return { name, value: typeof value === "number" ? String(Number(value.toPrecision(4))) : value };
  });
}
