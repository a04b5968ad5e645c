import { abs, sum, type Tensor } from "../../engine/index.js";
import { aTensor, tensorOf } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import type { Domain } from "../../nn/index.js";
import type { Fields, Read } from "../../nn/schema.js";
import { anEntry, aScore } from "../kinds.js";
import { checkedScore, type Score } from "../score.js";
import type { Background } from "./background.js";
import type { Segments } from "./features.js";

/** A feature attribution: (score, x [n,...]) → raw, signed attribution [n,...]. Where it is made of ops of x it can be
 *  differentiated: that is how it is attacked and defended. A sample's attribution does not depend on what else is in the batch. */
export interface Explainer {
  (score: Score, x: Tensor): Tensor;
  readonly info: ExplainerInfo;
  /** How far an attribution's sum is from what its method promises (completeness, conservation, summation to delta), per sample:
   *  0 where the promise is kept. Only for methods that promise a sum. → [n] */
  readonly gap?: (score: Score, x: Tensor, attribution: Tensor) => Tensor;
}

/** How an explainer is called and cited, and where it stands in the survey's taxonomy (Heusser 2021). */
export interface ExplainerInfo {
  /** The field's name for it. */
  readonly name: string;
  /** Explains one prediction, or the model as a whole. */
  readonly scope: "local" | "global";
  /** Needs only outputs, or looks inside (gradients, layers). */
  readonly access: "model-agnostic" | "model-transparent";
  readonly source: string;
}

/** What an explainer may need to know beyond score and input. */
export interface ExplainerContext {
  readonly domain: Domain;
  /** Key of everything random in it. */
  readonly key: Tensor;
  /** Seed of what is drawn on the host, where a key cannot be read: coalitions, masks; default 0. */
  readonly seed?: number;
  /** Samples to compare with, [m, ...domain.shape]. */
  readonly background?: Tensor;
  /** The background in a few weighted rows, for explainers that ask the score at every row (`summariseBackground`); default all
   *  of the background. */
  readonly summary?: Background;
  /** Segments of the images that are explained (`segmentImages`), for explainers that switch them; default square patches. */
  readonly segments?: Segments;
}

/** What holds for an explainer and is tested for every entry of the table. */
export interface ExplainerLaws {
  /** Its attribution has a derivative with respect to x. */
  readonly differentiable: boolean;
  /** A feature the score does not use gets exactly 0. */
  readonly dummy: boolean;
  /** Two features the score uses alike, with equal values, get the same. */
  readonly symmetry: boolean;
  /** It draws random numbers: another key or seed gives another attribution. */
  readonly random?: boolean;
  /** A constant added to every input and taken off again by the network changes nothing (Kindermans et al. 2019): always, or for
   *  tables only, where what stands for a missing feature moves along. */
  readonly inputInvariance: boolean | "tables";
}

/** A row of the table of explainers: all that the command line, configurations, help, documentation and generated tests need. */
export interface ExplainerEntry<F extends Fields = Fields> {
  /** What commands and files call it: "integrated-gradients". */
  readonly name: string;
  readonly info: ExplainerInfo;
  /** Outputs of the network, gradients with respect to x, or the ops in between (`inspect`). */
  readonly needs: "outputs" | "gradients" | "inside";
  /** What of the context it works with: whoever calls it makes only that. A background for tables only, or always; segments of images. */
  readonly uses?: { readonly background?: "tables" | "always"; readonly segments?: true };
  /** Made for images [n,c,h,w] only. */
  readonly needsGrid?: boolean;
  readonly options: F;
  readonly laws: ExplainerLaws;
  /** @throws RefusalError when the context lacks something it needs, such as a background. */
  make(settings: Read<F>, context: ExplainerContext): Explainer;
}

/** An entry with the types of its settings inferred; the table needs none of them. */
export function explainerEntry<const F extends Fields>(entry: ExplainerEntry<F>): ExplainerEntry {
  requireArguments("explainerEntry", { entry: [entry, anEntry] });
  return entry as unknown as ExplainerEntry;
}

const SAMPLES = tensorOf("a tensor of samples, f32[n,...],", (t) => t.dtype === "f32" && t.rank > 0);

export function explainer(
  info: ExplainerInfo,
  explain: (score: Score, x: Tensor) => Tensor,
  gap?: Explainer["gap"],
): Explainer {
  const { name } = info;
  const checked = (score: Score, x: Tensor): Tensor => {
    requireArguments(name, { score: [score, aScore], x: [x, SAMPLES] });
    return explain(checkedScore(name, score), x);
  };
  return Object.assign(checked, { info, gap });
}

/** What is shown and compared: absolute attribution, of an image summed over its channels. [n,c,h,w] → [n,h,w], a table's [n,d]
 *  stays. Source: Simonyan et al. 2014, sec. 3.1, with the sum in place of the maximum. */
export function saliencyMap(attribution: Tensor): Tensor {
  requireArguments("saliencyMap", { attribution: [attribution, aTensor] });
  return attribution.rank < 3 ? abs(attribution) : sum(abs(attribution), 1);
}

/** Sum over all sides but the first. [n,...] → [n] */
export function sumPerSample(x: Tensor): Tensor {
  return sum(
    x,
    x.shape.slice(1).map((_, i) => i + 1),
  );
}
