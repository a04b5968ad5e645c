/** Every objective of attacks on explanations: a new one is its function and a row here. */

import { callerScope, ShapeError, type Tensor, tensor } from "../../engine/index.js";
import { aCount, aKey, aShape, aText, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { count, type Fields, oneOf, type Read, setting, text } from "../../nn/schema.js";
import type { AgreementName } from "../judge.js";
import { WINDOW } from "../metrics/ssim.js";
import { randomBlocks } from "./blocks.js";
import { ENSEMBLE_MEASURES } from "./ensemble.js";
import {
  ensembleOf,
  type Member,
  massCentre,
  type Objective,
  rankSuppression,
  structureSuppression,
  targetMap,
  targetRegion,
  topKSuppression,
} from "./objectives.js";

/** What an objective may need to know beyond its settings. */
export interface ObjectiveContext {
  /** Shape of the samples under attack, [n,...]. */
  readonly shape: readonly number[];
  /** Key of what is chosen at random. */
  readonly key: Tensor;
  /** The map to be shown in place of the true one, [n,h,w] or [n,d]; only for target maps. */
  readonly target?: Tensor;
}

/** A row of the table of objectives: what the command line, help and generated tests need. */
export interface ObjectiveEntry<F extends Fields = Fields> {
  /** What commands and files call it: "top-k". */
  readonly name: string;
  /** What it does to a map, for help texts. */
  readonly help: string;
  readonly source: string;
  /** Whether it asks for a map of somebody's choice. */
  readonly targeted: boolean;
  /** Made for images [n,c,h,w] only. */
  readonly needsGrid?: boolean;
  /** It has no slope at the clean sample: the attack has to start elsewhere in the ball. */
  readonly flatAtClean?: boolean;
  /** Smallest side of the images it is made for. */
  readonly side?: number;
  /** The measure it aims at. */
  readonly aims?: AgreementName;
  /** The ensemble goes without it: it asks for what only somebody can choose, or is the ensemble itself. */
  readonly apart?: boolean;
  readonly options: F;
  /** @throws TypeError when the context lacks something, ShapeError or RangeError when a setting does not fit the samples. */
  make(settings: Read<F>, context: ObjectiveContext): Promise<Objective>;
}

/** Pixels of a map, or columns, of samples [n,...]. */
function elementsOf([, ...sample]: readonly number[]): number {
  return (sample.length === 3 ? sample.slice(1) : sample).reduce((a, b) => a * b, 1);
}

/** How many count as the top of a map where nobody says: 50, or a third of a short row. Samples are [n,...]. */
export function usualTopK(shape: readonly number[]): number {
  requireArguments("usualTopK", { shape: [shape, aShape] });
  return Math.min(50, Math.ceil(elementsOf(shape) / 3));
}

/** Whether an objective is made for samples of a shape, [n,...]. */
function fits({ needsGrid, side = 1 }: ObjectiveEntry, [, ...sample]: readonly number[]): boolean {
  if (!needsGrid) return true;
  return sample.length === 3 && Math.min(...sample.slice(1)) >= side;
}

const ENSEMBLE_MEMBERS_OPTIONS: KindsOf<Pick<ObjectiveContext, "shape" | "key"> & { readonly k?: number }> = {
  shape: required(aShape),
  key: required(aKey),
  k: aCount,
};

/** The attacks of an ensemble on samples of a shape: every objective of the table that can be had for them. */
export async function ensembleMembers(
  context: Pick<ObjectiveContext, "shape" | "key"> & { readonly k?: number },
): Promise<Member[]> {
  checkedOptions("ensembleMembers", context, ENSEMBLE_MEMBERS_OPTIONS);
  const here = callerScope();
  const members: Member[] = [];
  for (const entry of OBJECTIVE_TABLE) {
    if (entry.apart || !fits(entry, context.shape)) continue;
    const settings = Object.hasOwn(entry.options, "k") ? { k: context.k } : {};
    const { name, targeted, aims } = entry;
    members.push({ name, targeted, aims, objective: await here.wait(entry.make(settings, context)) });
  }
  return members;
}

function objectiveEntry<const F extends Fields>(entry: ObjectiveEntry<F>): ObjectiveEntry {
  return entry as unknown as ObjectiveEntry;
}

/** Every objective that `holdfast attack` and `objectiveEntryOf` know, with its options: top-k, rank, mass-centre, ssim, target,
 *  target-map, ensemble. */
export const OBJECTIVE_TABLE: readonly ObjectiveEntry[] = [
  objectiveEntry({
    name: "top-k",
    help: "drain the k most important pixels or columns",
    source: "Ghorbani et al. 2019; Tang et al. 2022",
    targeted: false,
    aims: "topK",
    options: {
      k: setting(count, undefined, "pixels or columns of the clean map's top; default 50, a third of a short row"),
    },
    make: async ({ k }, { shape }) => {
      const all = elementsOf(shape);
      if (k !== undefined && k > all)
        throw new RangeError(`top-k: k ${k} of maps with ${all} pixels or columns; take at most that many`);
      return topKSuppression(k ?? usualTopK(shape));
    },
  }),
  objectiveEntry({
    name: "rank",
    help: "undo the order of importance",
    source: "this project; aims at Spearman's correlation",
    targeted: false,
    aims: "spearman",
    options: {},
    make: async () => rankSuppression(),
  }),
  objectiveEntry({
    name: "mass-centre",
    help: "move the centre of the map",
    source: "Ghorbani et al. 2019",
    targeted: false,
    needsGrid: true,
    flatAtClean: true,
    aims: "centre",
    options: {},
    make: async () => massCentre(),
  }),
  objectiveEntry({
    name: "ssim",
    help: "undo the structure of the map",
    source: "this project; Wang et al. 2004 for the measure",
    targeted: false,
    needsGrid: true,
    flatAtClean: true,
    side: WINDOW,
    aims: "ssim",
    options: {},
    make: async () => structureSuppression(),
  }),
  objectiveEntry({
    name: "target",
    help: "fill a region",
    source: "Ghorbani et al. 2019; Tang et al. 2022",
    targeted: true,
    needsGrid: true,
    side: 5,
    options: { region: setting(text, undefined, "top,left,height,width; default a 5x5 block at a random place") },
    make: async ({ region }, { shape, key }) => {
      const here = callerScope();
      return targetRegion(region === undefined ? await here.wait(randomBlocks(shape, key)) : regionMask(region, shape));
    },
  }),
  objectiveEntry({
    name: "target-map",
    help: "show a picture: the map of another image, or a word",
    source: "Dombrowski et al. 2019",
    targeted: true,
    apart: true,
    options: {},
    make: async (_, { target }) => {
      if (!target) throw new TypeError("target-map: no target in the context; the map to be shown is needed");
      return targetMap(target);
    },
  }),
  objectiveEntry({
    name: "ensemble",
    help: "the worst of all others but target-map, by a measure",
    source: "this project; Croce, Hein 2020 for predictions",
    targeted: false,
    flatAtClean: true,
    apart: true,
    options: {
      k: setting(count, undefined, "pixels or columns of the top; default 50, a third of a short row"),
      measure: setting(
        oneOf(...ENSEMBLE_MEASURES),
        "topK",
        "what has to agree least with the clean map: its top, the order, SSIM or the centre, the last two of images",
      ),
    },
    make: async ({ k, measure }, { shape, key }) => {
      const here = callerScope();
      const members = await here.wait(ensembleMembers({ shape, key, k }));
      if (!members.some(({ aims }) => aims === measure))
        throw new ShapeError(
          `ensemble: measure ${measure} of samples [${shape.slice(1)}]; there is ${members.flatMap(({ aims }) => aims ?? []).join(", ")}`,
        );
      return ensembleOf({ members, measure, k: k ?? usualTopK(shape) });
    },
  }),
];

/** The entry of a name. @throws RangeError naming those there are. */
export function objectiveEntryOf(name: string): ObjectiveEntry {
  requireArguments("objectiveEntryOf", { name: [name, aText] });
  const found = OBJECTIVE_TABLE.find((entry) => entry.name === name);
  if (!found)
    throw new RangeError(
      `objective: "${name}" is unknown; there is ${OBJECTIVE_TABLE.map((entry) => entry.name).join(", ")}`,
    );
  return found;
}

/** Ones in a rectangle of every image, [n,h,w]. */
function regionMask(region: string, [n, ...sample]: readonly number[]): Tensor {
  const [h, w] = sample.slice(-2);
  const [top, left, height, width, ...rest] = region.split(",").map(Number);
  const whole = [top, left, height, width].every((v) => Number.isInteger(v) && v >= 0);
  if (!whole || rest.length > 0 || sample.length < 2 || height < 1 || width < 1 || top + height > h || left + width > w)
    throw new ShapeError(
      `target: region "${region}" of samples [${sample}]; top,left,height,width inside ${h}x${w} are needed, such as 0,0,5,5`,
    );
  const mask = new Float32Array(n * h * w);
  for (let i = 0; i < n; i++)
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) mask[(i * h + top + y) * w + left + x] = 1;
  return tensor(mask, [n, h, w]);
}
