/** Explainers by name, made for the samples at hand with all that they need. */

import {
  argmax,
  callerScope,
  concat,
  leaves,
  openScope,
  random,
  scope,
  slice,
  type Tensor,
  type Tree,
  tensor,
} from "../../engine/index.js";
import { aNatural, aTensor, aText, maybe, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import type { Domain } from "../../nn/index.js";
import { aDomain, anyObject } from "../../nn/kinds.js";
import { samplesAtOnce } from "../copies.js";
import { summariseBackground } from "../explainers/background.js";
import type { Explainer } from "../explainers/explainer.js";
import { segmentImages } from "../explainers/segments/segmentImages.js";
import { explainerEntryOf, makeExplainer } from "../explainers/table.js";
import { aMaker, anExplainer } from "../kinds.js";
import { classScore } from "../score.js";
import { aSide } from "./kinds.js";
import type { Side } from "./manipulation.js";

/** An explainer of the table, by name, for samples x [n, ...shape]. What it holds belongs to the scope that is open when it is made. */
export type MakeExplainer = (name: string, x: Tensor) => Promise<Explainer>;

/** What explainers of the table are made with, whatever the samples. */
export interface ExplainingOptions {
  readonly domain: Domain;
  /** What explainers compare with, [m, ...domain.shape]. */
  readonly background: Tensor;
  /** Of all that explainers draw. */
  readonly seed: number;
  /** Settings by name of the explainer; those left out have their defaults. */
  readonly settings?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export const EXPLAINING_OPTIONS: KindsOf<ExplainingOptions> = {
  domain: required(aDomain),
  background: required(aTensor),
  seed: required(aNatural),
  settings: anyObject,
};

/** Makes explainers with background, summary and segments where they use them. The summary is made once, and is kept on the host: nothing
 *  has to be freed. @throws RangeError for an unknown name or setting. */
export function explainerMaker(options: ExplainingOptions): MakeExplainer {
  const { domain, background, seed, settings = {} } = checkedOptions("explainerMaker", options, EXPLAINING_OPTIONS);
  const summarised = (): ReturnType<typeof readSummary> => readSummary(background, seed);
  let summary: ReturnType<typeof readSummary> | undefined;
  return async (name, x) => {
    const here = callerScope();
    const { uses = {} } = explainerEntryOf(name);
    const own = settings[name] ?? {};
    const image = x.rank === 4;
    const summarises = uses.background === "always" || (uses.background === "tables" && !image);
    if (summarises) summary ??= summarised();
    const found = summarises ? await here.wait(summary) : undefined;
    // Superpixels are of grey or colour images; others have square patches.
    const segmented = uses.segments && image && own.patch === undefined && [1, 3].includes(x.shape[1]);
    return makeExplainer(name, own, {
      ...{ domain, seed, background, key: random.key(seed) },
      summary: found && { rows: tensor(found.values, found.shape), weights: found.weights },
      segments: segmented ? await here.wait(segmentImages(x, { range: domain.range })) : undefined,
    });
  };
}

async function readSummary(background: Tensor, seed: number) {
  using here = openScope("summary of the background");
  const { rows, weights } = await here.wait(summariseBackground(background, { seed }));
  return { values: await here.wait(rows.read()), shape: rows.shape, weights };
}

/** What `body` makes, which then belongs to the scope that was open; all else that was made meanwhile is freed. For bodies that wait,
 *  one after the other. */
export async function scoped<T extends Tree>(name: string, body: () => Promise<T>): Promise<T> {
  const inner = openScope(name);
  let result: T | undefined;
  try {
    result = await inner.wait(body());
    return result;
  } finally {
    inner.close(leaves(result));
  }
}

/** Samples explained at once, at most. */
const CHUNK = 50;

/** Attributions by an explainer of the table, [n, ...shape]; of the classes i32 [n], default those that the network predicts. */
export function attributionsOf(make: MakeExplainer, name: string, side: Side, classes?: Tensor): Promise<Tensor> {
  requireArguments("attributionsOf", {
    make: [make, aMaker],
    name: [name, aText],
    side: [side, aSide],
    classes: [classes, maybe(aTensor)],
  });
  const { classifier, x, explainer = make } = side;
  const explained = classes ?? scope(() => argmax(classifier(x), 1));
  const [n, ...shape] = x.shape;
  const chunk = samplesAtOnce(shape, CHUNK);
  return scoped("attributions", async () => {
    const here = callerScope();
    const parts: Tensor[] = [];
    for (let from = 0; from < n; from += chunk) {
      const size = Math.min(chunk, n - from);
      const part = await here.wait(
        scoped("attributions of a part", async () => {
          const here = callerScope();
          const samples = slice(x, [from, ...shape.map(() => 0)], [size, ...shape]);
          const explain = await here.wait(explainer(name, samples));
          requireArguments("attributionsOf", { "what make() gives": [explain, anExplainer] });
          return scope(() => explain(classScore(classifier, slice(explained, [from], [size])), samples));
        }),
      );
      parts.push(part);
    }
    return parts.length === 1 ? parts[0] : concat(parts);
  });
}
