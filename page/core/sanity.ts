/** The sanity check as a cascade: what becomes of maps while the layers of the network forget what they learnt. */
import { dispose, random, scope, type Tensor, type Tree, tensor } from "holdfast";
import {
  cascadeVerdict,
  type Explainer,
  layerTitle,
  makeExplainer,
  type Picture,
  randomisationTest,
  type SanityVerdict,
  sanitySimilarities,
  stageSummaries,
} from "holdfast/atex";
import { fitted, pictureOf, testPicture } from "./images.js";
import type { Defended } from "./networks.js";
import { mapsOf } from "./pictures.js";
import type { Settings } from "./settings.js";

/** Explainers side by side: one that passes in most networks, one that fails, and what lies between. */
const SHOWN = ["gradient", "gradient-x-input", "integrated-gradients", "guided-backprop", "lrp"] as const;
/** Pictures that the verdict is about; the first of them is shown. */
const COUNT = 12;

export interface SanityRow {
  readonly explainer: string;
  /** Of the picture that is shown: the trained network, then one more layer made random; [c,h,w] each. */
  readonly attributions: readonly Float32Array[];
  /** The same as pictures, each with a scale of its own. */
  readonly maps: readonly Picture[];
  /** Mean rank correlation with the trained network's maps, one for each of them; NaN where there is none. */
  readonly alike: readonly number[];
  readonly verdict: SanityVerdict;
}

export interface SanityAnswer {
  readonly shape: readonly number[];
  /** What was made random, from the output down. */
  readonly layers: readonly string[];
  readonly rows: readonly SanityRow[];
  readonly count: number;
}

/** The cascade for the settings' picture and some others. */
export async function sanityCascade(
  settings: Settings,
  { network }: Defended,
  tell: (share: number) => void,
): Promise<SanityAnswer> {
  const { shape, layer, params } = network;
  const pictures = [pictureOf(settings), ...Array.from({ length: COUNT - 1 }, (_, i) => testPicture(20 + i))];
  const x = tensor(Float32Array.from(pictures.flatMap((one) => [...fitted(one, shape)])), [COUNT, ...shape]);
  const fresh = scope(() => layer.init(random.key(settings.seed + 1), shape).params);
  const key = random.key(settings.seed);
  const context = { domain: { shape, range: { low: 0, high: 1 } }, key };
  const explainers: Record<string, Explainer> = Object.fromEntries(
    SHOWN.map((name) => [name, makeExplainer(name, name === "integrated-gradients" ? { points: 12 } : {}, context)]),
  );
  try {
    const { stages } = await randomisationTest({
      ...{
        network: (now: Tree, z: Tensor) => layer.apply(now, z),
        params,
        fresh,
        x,
        explainers,
        order: "cascading",
        keep: 1,
        chunk: COUNT,
      },
      similarities: sanitySimilarities(shape).slice(0, 2),
      onProgress: ({ done, total }) => tell(done / total),
    });
    const rows = SHOWN.map((explainer): SanityRow => {
      const summaries = stageSummaries(stages[explainer]);
      const attributions = stages[explainer].map(({ kept }) => kept);
      return {
        explainer,
        attributions,
        maps: mapsOf(attributions, shape, settings.view, true),
        alike: summaries.map(({ similarity }) => similarity.Spearman.mean ?? Number.NaN),
        verdict: cascadeVerdict(summaries),
      };
    });
    const layers = stages[SHOWN[0]].slice(1).map((stage) => layerTitle(layer, stage.layer ?? ""));
    return { shape, layers, rows, count: COUNT };
  } finally {
    dispose([x, fresh, key]);
  }
}
