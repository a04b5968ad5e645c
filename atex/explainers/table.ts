/** Every explainer: a new one is its file and a row here. */

import { aText } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { anyObject } from "../../nn/kinds.js";
import { oneOf, readSettings } from "../../nn/schema.js";
import { deconvNetEntry } from "./deconvNet.js";
import { deepLiftEntry } from "./deepLift.js";
import { exactShapleyEntry } from "./exactShapley.js";
import { expectedGradientsEntry } from "./expectedGradients.js";
import type { Explainer, ExplainerContext, ExplainerEntry } from "./explainer.js";
import { gradCamEntry, guidedGradCamEntry } from "./gradCam.js";
import { gradientEntry, gradientTimesInputEntry } from "./gradient.js";
import { guidedBackpropEntry } from "./guidedBackprop.js";
import { integratedGradientsEntry } from "./integratedGradients.js";
import { kernelShapEntry } from "./kernelShap.js";
import { anExplainerContext } from "./kinds.js";
import { limeEntry } from "./lime.js";
import { lrpEntry } from "./lrp.js";
import { occlusionEntry } from "./occlusion.js";
import { smoothGradEntry } from "./smoothGrad.js";
import { sparsifiedSmoothGradEntry } from "./sparsifiedSmoothGrad.js";
import { varGradEntry } from "./varGrad.js";

/** Every explainer of the library, with source, needs, options and laws: what `makeExplainer`, commands and configurations know. */
export const EXPLAINER_TABLE: readonly ExplainerEntry[] = [
  gradientEntry,
  gradientTimesInputEntry,
  smoothGradEntry,
  integratedGradientsEntry,
  lrpEntry,
  guidedBackpropEntry,
  deconvNetEntry,
  deepLiftEntry,
  gradCamEntry,
  guidedGradCamEntry,
  varGradEntry,
  sparsifiedSmoothGradEntry,
  expectedGradientsEntry,
  occlusionEntry,
  limeEntry,
  kernelShapEntry,
  exactShapleyEntry,
];

/** The name of an explainer in settings. */
export const explainerName = oneOf(...EXPLAINER_TABLE.map(({ name }) => name));

/** The entry of a name. @throws RangeError naming those there are. */
export function explainerEntryOf(name: string): ExplainerEntry {
  requireArguments("explainerEntryOf", { name: [name, aText] });
  const found = EXPLAINER_TABLE.find((entry) => entry.name === name);
  if (!found)
    throw new RangeError(
      `explainer: "${name}" is unknown; there is ${EXPLAINER_TABLE.map((entry) => entry.name).join(", ")}`,
    );
  return found;
}

/** An explainer by name, with settings as its entry declares them; those left out have their defaults.
 *  @throws RangeError for an unknown name or setting, RefusalError when the context lacks something. */
export function makeExplainer(
  name: string,
  settings: Readonly<Record<string, unknown>>,
  context: ExplainerContext,
): Explainer {
  requireArguments("makeExplainer", {
    name: [name, aText],
    settings: [settings, anyObject],
    context: [context, anExplainerContext],
  });
  const entry = explainerEntryOf(name);
  return entry.make(readSettings(entry, settings), context);
}
