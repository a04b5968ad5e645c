/** Explainers by name, made for the samples at hand with all that they need. */
import { argmax, concat, keep, random, scope, slice, type Tensor } from "../../engine/index.js";
import type { Domain } from "../../nn/index.js";
import { type Background, summariseBackground } from "../explainers/background.js";
import type { Explainer } from "../explainers/explainer.js";
import { segmentImages } from "../explainers/segments/segmentImages.js";
import { explainerEntryOf, makeExplainer } from "../explainers/table.js";
import { classScore } from "../score.js";
import type { Side } from "./manipulation.js";

/** An explainer of the table, by name, for samples x [n, ...shape]. */
export type MakeExplainer = (name: string, x: Tensor) => Promise<Explainer>;

export interface ExplainingOptions {
  readonly domain: Domain;
  /** What explainers compare with, [m, ...domain.shape]. */
  readonly background: Tensor;
  readonly seed: number;
  /** Settings by name of the explainer; those left out have their defaults. */
  readonly settings?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Makes explainers with background, summary and segments where they use them. The summary is made once, and kept.
 *  @throws RangeError for an unknown name or setting. */
export function explainerMaker({ domain, background, seed, settings = {} }: ExplainingOptions): MakeExplainer {
  let summary: Promise<Background> | undefined;
  return async (name, x) => {
    const { uses = {} } = explainerEntryOf(name);
    const own = settings[name] ?? {};
    const image = x.rank === 4;
    if (uses.background === "always" || (uses.background === "tables" && !image))
      summary ??= summariseBackground(background, { seed }).then((made) => {
        keep(made.rows);
        return made;
      });
    return makeExplainer(name, own, {
      ...{ domain, seed, background, key: random.key(seed), summary: await summary },
      segments: uses.segments && image && own.patch === undefined ? await segmentImages(x) : undefined,
    });
  };
}

/** Samples explained at once. */
const CHUNK = 50;

/** Attributions by an explainer of the table, [n, ...shape]; of the classes i32 [n], default those that the network predicts. */
export async function attributionsOf(
  make: MakeExplainer,
  name: string,
  { classifier, x, explainer = make }: Side,
  classes: Tensor = scope(() => argmax(classifier(x), 1)),
): Promise<Tensor> {
  const [n, ...shape] = x.shape;
  const parts: Tensor[] = [];
  for (let from = 0; from < n; from += CHUNK) {
    const size = Math.min(CHUNK, n - from);
    const part = slice(x, [from, ...shape.map(() => 0)], [size, ...shape]);
    const explain = await explainer(name, part);
    parts.push(scope(() => explain(classScore(classifier, slice(classes, [from], [size])), part)));
  }
  return parts.length === 1 ? parts[0] : concat(parts);
}
