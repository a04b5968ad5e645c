/** What a target-map attack is to show: a word, a picture, or the map of another sample. */
import { classScore, type Explainer, importanceMap, type ObjectiveEntry } from "../atex/index.js";
import { wordMap } from "../atex/render/word.js";
import { argmax } from "../engine/index.js";
import { hostSamples, readImageAs } from "../nn/index.js";
import { UsageError } from "./command.js";
import { parsing, readInput } from "./files.js";
import type { Live } from "./live.js";
import type { LoadedModel } from "./model.js";
import { asBatch, isImage, openFor } from "./sample.js";

export const targetOption = {
  "target-map": {
    type: "string",
    value: "what",
    help: "of the objective target-map: a picture file.png, the number of another test sample of --data, or a word to be written",
  },
} as const;

interface Aim {
  readonly model: LoadedModel;
  readonly explainer: Explainer;
  readonly live: Live;
}

/** The map to be shown, [h,w] or [d] flattened; undefined for objectives that need none. @throws UsageError for one that is missing
 *  or superfluous. */
export async function targetOf(
  { name }: ObjectiveEntry,
  values: { readonly "target-map"?: string; readonly data?: string; readonly "data-dir"?: string },
  { model, explainer, live }: Aim,
): Promise<Float32Array | undefined> {
  const what = values["target-map"];
  if (name !== "target-map") {
    if (what !== undefined) throw new UsageError(`--target-map goes with --objective target-map, ${name} came`);
    return undefined;
  }
  if (what === undefined)
    throw new UsageError("--target-map is missing; give a picture, the number of another test sample, or a word");
  const { domain } = model;
  if (/^\d+$/.test(what)) {
    const { test } = await openFor(model, values, live);
    if (Number(what) >= test.labels.length)
      throw new UsageError(`--target-map ${what}: there are test samples 0 to ${test.labels.length - 1}`);
    const x = asBatch(hostSamples(test, [Number(what)]), domain);
    return Float32Array.from(
      await importanceMap(explainer(classScore(model.classifier, argmax(model.classifier(x), 1)), x)).read(),
    );
  }
  if (!isImage(domain))
    throw new UsageError(`--target-map ${what}: for rows of a table, the number of another row is needed`);
  const [, height, width] = domain.shape;
  if (/\.(png|jpe?g)$/i.test(what)) {
    const bytes = await readInput("target-map", what);
    return parsing(what, () => readImageAs(bytes, [1, height, width], { resize: true }));
  }
  try {
    return wordMap(what, height, width);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`--target-map ${what}: ${error.message}`);
    throw error;
  }
}
