import type { Tensor } from "../../engine/index.js";
import { aCount, aKey, aNumberOfAtLeast0, wordOf } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import type { Explainer } from "./explainer.js";
import { gradient } from "./gradient.js";
import { integratedGradients } from "./integratedGradients.js";
import { smoothGrad } from "./smoothGrad.js";

/** What `explainerByName` makes: explainers that need to know nothing of the inputs. `makeExplainer` makes all. */
export const EXPLAINERS = ["gradient", "smoothgrad", "integrated-gradients"] as const;
/** One of `EXPLAINERS`. */
export type ExplainerName = (typeof EXPLAINERS)[number];

/** Settings of the three explainers together; each takes what is its own. */
export interface ExplainerSettings {
  /** Noisy copies of SmoothGrad; default 50. */
  readonly samples?: number;
  /** Standard deviation of SmoothGrad's noise in units of the input, at least 0; default 0.15. */
  readonly sigma?: number;
  /** Points on the path of integrated gradients; default 50. */
  readonly steps?: number;
  /** Key of SmoothGrad's noise, u32[2]; SmoothGrad needs it. */
  readonly key?: Tensor;
}

const EXPLAINER_SETTINGS: KindsOf<ExplainerSettings> = {
  samples: aCount,
  sigma: aNumberOfAtLeast0,
  steps: aCount,
  key: aKey,
};

/** An explainer by the name that the command line and files use. @throws TypeError for SmoothGrad without a key. */
export function explainerByName(name: ExplainerName, settings: ExplainerSettings = {}): Explainer {
  requireArguments("explainerByName", { name: [name, wordOf(...EXPLAINERS)] });
  checkedOptions("explainerByName", settings, EXPLAINER_SETTINGS);
  const { samples, sigma, steps, key } = settings;
  if (name === "gradient") return gradient;
  if (name === "integrated-gradients") return integratedGradients({ steps });
  if (!key) throw new TypeError("smoothgrad: no random key given; one is needed for its noise");
  return smoothGrad({ samples, sigma, key });
}
