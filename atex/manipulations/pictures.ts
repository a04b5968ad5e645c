/** Samples and their explanations before and after a manipulation, to be shown. */
import { argmax, openScope } from "../../engine/index.js";
import type { PictureRows } from "../experiments/cells.js";
import { rounded, sampleOf } from "../experiments/measuring.js";
import { importanceMap } from "../judge.js";
import type { Manipulation, ManipulationWorld } from "./manipulation.js";
import type { ManipulationStudy } from "./study.js";

export const PICTURE_COLUMNS = ["input", "its explanation", "input after", "its explanation after"] as const;

/** The first samples, at most `most`, labelled with the class that the clean side predicts; then what the manipulation itself shows. Of
 *  tables there is only the latter. */
export async function manipulationPictures(
  { madeFor: { clean, manipulated }, pictures = [] }: Manipulation,
  { maps }: Pick<ManipulationStudy, "maps">,
  { domain, classes }: Pick<ManipulationWorld, "domain" | "classes">,
  most: number,
): Promise<readonly PictureRows[]> {
  if (domain.shape.length !== 3) return pictures;
  using here = openScope("pictures");
  const all = [clean.x, importanceMap(maps.clean), manipulated.x, importanceMap(maps.manipulated)];
  const columns = await here.wait(Promise.all(all.map(async (t) => Float32Array.from(await t.read()))));
  const predicted = await here.wait(argmax(clean.classifier(clean.x), 1).read());
  const n = predicted.length;
  const [channels, height, width] = domain.shape;
  const rows = Array.from({ length: Math.min(most, n) }, (_, i) => ({
    label: classes[predicted[i]],
    cells: columns.map((values) => rounded(sampleOf(values, i, n))),
  }));
  const size = { channels, height, width };
  return [{ name: "samples", columns: ["image", "map", "image", "map"], size, rows }, ...pictures];
}
