/** Rows of a table as people read them: features by name, values in their own units. */
import { type ShownFeature, shownFeatures } from "../atex/render/bars.js";
import { type Domain, type Feature, featureValues, type NetworkFile } from "../nn/index.js";

/** The features of a domain; nameless columns where it has no names. */
export function featuresOf({ features, shape: [columns] }: Domain): readonly Feature[] {
  return (
    features ?? Array.from({ length: columns }, (_, i): Feature => ({ name: `column ${i}`, kind: "numeric", at: [i] }))
  );
}

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
