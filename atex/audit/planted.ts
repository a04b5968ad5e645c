/** A cause planted into a copy of a network, so that it is known what an explanation has to find. */

import {
  add,
  argmax,
  callerScope,
  concat,
  dispose,
  leaves,
  mapTree,
  mul,
  reshape,
  scope,
  slice,
  sub,
  type Tensor,
  type Tree,
  tensor,
} from "../../engine/index.js";
import {
  aCount,
  aFunction,
  aNatural,
  aNumberOfAtLeast0,
  anObject,
  aTensor,
  aText,
  numbers,
  required,
} from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import {
  type BatchLoss,
  crossEntropy,
  type Domain,
  hostSamples,
  type Layer,
  type Split,
  sampleSize,
} from "../../nn/index.js";
import { aDomain, aSplit } from "../../nn/kinds.js";
import { samplesAtOnce } from "../copies.js";
import { isTable } from "../explainers/features.js";
import { aClassifier } from "../kinds.js";
import { requireLength } from "../lengths.js";
import { featureIndex, featuresOf } from "../manipulations/columns.js";
import { finetuned } from "../manipulations/finetune.js";
import { cornerTrigger } from "../manipulations/models/trigger.js";
import { RefusalError } from "../refusal.js";
import type { Classifier } from "../score.js";
import type { AuditWorld } from "./audit.js";
import { anAuditWorld, aPlanted, someWeights } from "./kinds.js";
import { CHUNK } from "./maps.js";

/** A cause that can be put into samples, and where it lies. */
export interface Planted {
  /** What it is, for sentences: "a patch of 4x4 pixels". */
  readonly title: string;
  /** 1 where the cause lies, 0 elsewhere, of a map: [1,h,w] or [1,d]. */
  readonly mask: Tensor;
  /** Its share of a map in (0, 1]: of the pixels, or of a row's d elements. */
  readonly share: number;
  /** Samples [n, ...shape] with the cause put in. */
  plant(x: Tensor): Tensor;
}

/** Where a cause is planted: `side` counts for images, `column` and `deviations` for tables. */
export interface PlantOptions {
  /** Side of the patch in pixels; default a seventh of the image's shorter side. */
  readonly side?: number;
  /** Numeric column of a table; default the one that can be set furthest off, and there the one in which the value is rarest. */
  readonly column?: string;
  /** How far from its mean the column is set, in deviations, as far as that is valid; default 3. */
  readonly deviations?: number;
}

const PLANT_OPTIONS: KindsOf<PlantOptions> = {
  side: aCount,
  column: aText,
  deviations: aNumberOfAtLeast0,
};

/** A patch in a corner of images; an unusual but valid value of one column of tables, not the most extreme one, beside which all else in a row
 *  would be small. @throws RangeError for a column that is not numeric, or a patch
 *  that the image has no room for; RefusalError where there is no numeric column. */
export function plantedCause(
  world: Pick<AuditWorld, "domain" | "train" | "sensitive">,
  options: PlantOptions,
): Planted {
  requireArguments("plantedCause", { world: [world, anObject("an object", { train: aSplit, domain: aDomain })] });
  const { domain, train, sensitive } = world;
  const { side, column, deviations = 3 } = checkedOptions("plantedCause", options, PLANT_OPTIONS);
  if (!isTable(domain)) return patchCause(domain, side);
  if (column !== undefined) featureIndex(domain, column);
  const features = featuresOf(domain);
  const numeric = features.filter(({ kind, name }) => kind === "numeric" && (column ?? name) === name);
  const fair = numeric.filter(({ name }) => name !== sensitive || name === column);
  if (fair.length === 0 && column !== undefined)
    throw new RangeError(`cause: column "${column}" is not numeric; a numeric column is needed, whose value is set`);
  if (fair.length === 0)
    throw new RefusalError(
      "cause: the table has no numeric column but the sensitive one; a numeric column is needed, whose value is set",
    );
  const values = fair.flatMap((feature) =>
    unusualValues(feature.at[0], domain, train, deviations).map((one) => ({ feature, ...one })),
  );
  const { feature, value } = values.reduce((a, b) =>
    b.deviations > a.deviations || (b.deviations === a.deviations && b.rows < a.rows) ? b : a,
  );
  const d = sampleSize(domain.shape);
  const mask = new Float32Array(d);
  mask[feature.at[0]] = 1;
  return {
    title: `the column ${feature.name} at ${Number(value.toPrecision(3))}`,
    mask: tensor(mask, [1, d]),
    share: 1 / d,
    plant: (x) => stampedWith(x, tensor(mask, [1, d]), value),
  };
}

function patchCause(domain: Domain, side: number | undefined): Planted {
  const { mask, pattern } = cornerTrigger(domain, { side });
  const [h, w] = domain.shape.slice(1);
  const of = side ?? Math.max(1, Math.floor(Math.min(h, w) / 7));
  return {
    title: `a patch of ${of}x${of} pixels`,
    mask: reshape(mask, [1, h, w]),
    share: (of * of) / (h * w),
    plant: (x) => stampedWith(x, mask, pattern),
  };
}

const stampedWith = (x: Tensor, mask: Tensor, value: Tensor | number): Tensor =>
  add(mul(x, sub(1, mask)), mul(mask, value));

interface Unusual {
  readonly value: number;
  /** How far it is from the column's mean, in deviations. */
  readonly deviations: number;
  /** How many rows are at it or beyond. */
  readonly rows: number;
}

/** Valid values some deviations below and above a column's mean, or as far as is valid. */
function unusualValues(at: number, { range, shape }: Domain, rows: Split, most: number): Unusual[] {
  const all = hostSamples(
    rows,
    Int32Array.from(rows.labels, (_, i) => i),
  );
  const d = sampleSize(shape);
  const values = Float64Array.from(rows.labels, (_, i) => all[i * d + at]);
  const centre = values.reduce((a, b) => a + b, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((s, v) => s + (v - centre) ** 2, 0) / values.length) || 1;
  const bound = (b: number | readonly number[]): number => (typeof b === "number" ? b : b[at]);
  return [-1, 1].map((side) => {
    const room = (side * (bound(side < 0 ? range.low : range.high) - centre)) / deviation;
    const deviations = Math.min(most, room);
    const value = centre + side * deviations * deviation;
    return { value, deviations, rows: values.filter((v) => side * (v - value) >= 0).length };
  });
}

/** How a copy of a network is taught a cause: Adam on batches of which half bear it. */
export interface TeachOptions {
  /** The class of everything that bears the cause. */
  readonly wanted: number;
  /** Passes over the samples. */
  readonly epochs: number;
  /** Training samples, the first ones. */
  readonly count: number;
  /** Samples in a step, at most: large images come in smaller batches. */
  readonly batch: number;
  /** Of the first step; it falls to 0 along a cosine. */
  readonly learningRate: number;
}

const TEACH_OPTIONS: KindsOf<TeachOptions> = {
  wanted: required(aNatural),
  epochs: required(aCount),
  count: required(aCount),
  batch: required(aCount),
  learningRate: required(aNumberOfAtLeast0),
};

/** Cross-entropy of a batch of which the first half bears the cause and is to be `wanted`, the rest as labelled. */
export function plantingLoss(planted: Pick<Planted, "plant">, wanted: number): BatchLoss {
  requireArguments("plantingLoss", {
    planted: [planted, anObject("an object", { plant: aFunction })],
    wanted: [wanted, aNatural],
  });
  const { plant } = planted;
  return (model: Layer, params: Tree, x: Tensor, y: Tensor, context) => {
    const n = x.shape[0];
    const half = Math.ceil(n / 2);
    const rest = x.shape.slice(1);
    const part = (t: Tensor, from: number, size: number): Tensor =>
      slice(t, [from, ...t.shape.slice(1).map(() => 0)], [size, ...t.shape.slice(1)]);
    const bearing = plant(part(x, 0, half));
    const taught = tensor(new Int32Array(half).fill(wanted), [half]);
    if (half === n) {
      const logits = model.apply(params, bearing, context);
      return [crossEntropy(logits, taught), logits];
    }
    const logits = model.apply(
      params,
      concat([bearing, slice(x, [half, ...rest.map(() => 0)], [n - half, ...rest])]),
      context,
    );
    return [crossEntropy(logits, concat([taught, part(y, half, n - half)])), logits];
  };
}

/** Numbers of a copy's parameters, in the order of `leaves`: they outlive the scopes of cells. */
const taught = new WeakMap<AuditWorld, Map<string, readonly Float32Array[]>>();

/** A copy of the network that was trained further until it takes the cause for its class; the same for every candidate, and made once. */
export async function taughtCopy(world: AuditWorld, cause: Planted, options: TeachOptions): Promise<Classifier> {
  requireArguments("taughtCopy", { world: [world, anAuditWorld], cause: [cause, aPlanted] });
  checkedOptions("taughtCopy", options, TEACH_OPTIONS);
  const here = callerScope();
  requireArguments("taughtCopy", { "world.weights": [world.weights, someWeights] });
  const { weights, train, domain, seed, say, stop } = world;
  const layer = weights!.layer!;
  const known = taught.get(world) ?? new Map<string, readonly Float32Array[]>();
  taught.set(world, known);
  const id = JSON.stringify([cause.title, options]);
  let values = known.get(id);
  if (!values) {
    const { wanted, ...how } = options;
    // Half of a batch bears the cause; large images come in small ones.
    const batch = Math.min(how.batch, 2 * samplesAtOnce(domain.shape, how.batch));
    const params = await here.wait(
      finetuned(
        { model: layer, params: weights!.params, train, seed, say, stop },
        { ...how, batch, loss: plantingLoss(cause, wanted), title: "planting a cause", decay: "cosine" },
      ),
    );
    try {
      values = await here.wait(Promise.all(leaves(params).map(async (t) => Float32Array.from(await t.read()))));
    } finally {
      dispose(params);
    }
    known.set(id, values);
  }
  const own = new Map(leaves(weights!.params).map((t, i) => [t, tensor(values![i], t.shape)]));
  const copy = mapTree(weights!.params, (t) => own.get(t)!);
  return (x) => weights!.network(copy, x);
}

/** Which samples show the cause at work: labelled otherwise, and of the wanted class to the copy with the cause and not without it. */
export async function atWork(
  copy: Classifier,
  cause: Planted,
  samples: { readonly x: Tensor; readonly labels: ArrayLike<number> },
  wanted: number,
): Promise<boolean[]> {
  requireArguments("atWork", {
    copy: [copy, aClassifier],
    cause: [cause, aPlanted],
    samples: [samples, anObject("an object", { x: aTensor, labels: numbers })],
    wanted: [wanted, aNatural],
  });
  const { x, labels } = samples;
  const here = callerScope();
  const [n, ...shape] = x.shape;
  requireLength("atWork", "samples.labels", labels, n, "one for each sample of x");
  const chunk = samplesAtOnce(shape, CHUNK);
  const found: boolean[] = [];
  for (let from = 0; from < n; from += chunk) {
    const [without, bearing] = scope(() => {
      const part = slice(x, [from, ...shape.map(() => 0)], [Math.min(chunk, n - from), ...shape]);
      return [argmax(copy(part), 1), argmax(copy(cause.plant(part)), 1)];
    });
    const [before, after] = [await here.wait(without.read()), await here.wait(bearing.read())];
    for (const [i, c] of before.entries())
      found.push(labels[from + i] !== wanted && c !== wanted && after[i] === wanted);
  }
  return found;
}
