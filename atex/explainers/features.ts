/** What is switched on and off: groups of elements of a sample that go together, such as patches of an image, its segments, or the
 *  elements of a one-hot feature. */

import {
  expand,
  gather,
  gatherAlong,
  mul,
  reshape,
  ShapeError,
  scatterAdd,
  scatterAlong,
  type Tensor,
  tensor,
} from "../../engine/index.js";
import { aCount, aShape } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import type { Domain } from "../../nn/index.js";
import { aDomain } from "../../nn/kinds.js";
import { aSegments } from "./kinds.js";

/** Segments of a batch of images: a label for every pixel. */
export interface Segments {
  /** From 0 to count − 1, in reading order of each image, image after image. */
  readonly labels: Int32Array;
  /** [n,h,w] */
  readonly shape: readonly [number, number, number];
  /** Labels there may be in an image; it does not depend on the other images. */
  readonly count: number;
}

/** Elements of a sample that are switched together: `elementGroups`, `patchGroups`, `segmentGroups`, `tableGroups` and `groupsOf`
 *  make them. */
export interface FeatureGroups {
  /** Groups of a sample. */
  readonly count: number;
  /** Of a sample, without the batch side. */
  readonly shape: readonly number[];
  /** Switches [k, count], 1 for on and 0 for off, → masks of the flattened samples [k, 1 or n, d]. */
  masks(switches: Tensor, x: Tensor): Tensor;
  /** Numbers per group [n, count] → x's shape: every element gets the number of its group ("whole"), or that divided by the size of
   *  the group ("share"), which keeps sums. */
  spread(values: Tensor, x: Tensor, how: "whole" | "share"): Tensor;
  /** Numbers per element, d of them for each sample [..., n, d], summed over each group: [..., n, count]. Not for segments. */
  gatherSums(values: Tensor): Tensor;
  /** Each sample with every group painted in its mean, channel by channel: x's shape. */
  means(x: Tensor): Tensor;
}

/** Groups from labels of positions: `labels` holds r rows, one for all samples or one per sample, for the positions of each of
 *  `channels` planes. @throws RangeError for a label out of range. */
function groupsFrom(
  shape: readonly number[],
  channels: number,
  rows: number,
  labels: Int32Array,
  count: number,
): FeatureGroups {
  const elements = shape.reduce((a, b) => a * b, 1);
  const positions = elements / channels;
  const wrong = labels.findIndex((label) => !(label >= 0 && label < count));
  if (wrong >= 0)
    throw new RangeError(`features: label ${labels[wrong]} at position ${wrong}; 0 to ${count - 1} is needed`);
  const sizes = new Float64Array(rows * count);
  labels.forEach((label, i) => {
    sizes[Math.floor(i / positions) * count + label]++;
  });

  /** How often the rows of labels repeat in a batch: copies come batch after batch. */
  const repeats = (n: number): number => {
    if (rows > 1 && n % rows !== 0)
      throw new ShapeError(`features: ${n} samples came with segments of ${rows}; a multiple of ${rows} is needed`);
    return rows > 1 ? n / rows : 1;
  };
  /** The same numbers for every copy of the batch: [rows, side] → [n, side]. */
  const tiled = (t: Tensor, n: number): Tensor => {
    const k = repeats(n);
    const side = t.shape[1];
    return k === 1 ? t : reshape(expand(t, [k, rows, side]), [k * rows, side]);
  };
  const labelRows = (): Tensor => tensor(labels, [rows, positions]);
  const shares = (): Tensor =>
    tensor(
      Float64Array.from(sizes, (s) => 1 / Math.max(1, s)),
      [rows, count],
    );

  return {
    count,
    shape,
    masks(switches, x) {
      const k = switches.shape[0];
      const n = x.shape[0];
      const own = gather(switches, labelRows(), 1); // [k, rows, positions]
      const copies = repeats(n);
      const all = copies === 1 ? own : expand(reshape(own, [k, 1, rows, positions]), [k, copies, rows, positions]);
      const samples = rows === 1 ? 1 : n;
      const plane = reshape(all, [k, samples, 1, positions]);
      return reshape(expand(plane, [k, samples, channels, positions]), [k, samples, elements]);
    },
    spread(values, x, how) {
      const n = x.shape[0];
      const per = how === "share" ? mul(mul(values, tiled(shares(), n)), 1 / channels) : values;
      const plane =
        rows === 1 ? gather(per, tensor(labels, [positions]), 1) : gatherAlong(per, tiled(labelRows(), n), 1);
      return reshape(expand(reshape(plane, [n, 1, positions]), [n, channels, positions]), x.shape);
    },
    gatherSums(values) {
      if (rows > 1 || channels > 1) throw new ShapeError("features: sums per group are there for tables only");
      return scatterAdd(values, tensor(labels, [positions]), count, values.rank - 1);
    },
    means(x) {
      const n = x.shape[0];
      const planes = reshape(x, [n, channels, positions]);
      if (rows === 1) {
        const at = tensor(labels, [positions]);
        return reshape(gather(mul(scatterAdd(planes, at, count, 2), shares()), at, 2), x.shape);
      }
      const at = expand(reshape(tiled(labelRows(), n), [n, 1, positions]), [n, channels, positions]);
      const per = reshape(tiled(shares(), n), [n, 1, count]);
      return reshape(gatherAlong(mul(scatterAlong(planes, at, count, 2), per), at, 2), x.shape);
    },
  };
}

/** Every element by itself. */
export function elementGroups(shape: readonly number[]): FeatureGroups {
  requireArguments("elementGroups", { shape: [shape, aShape] });
  const d = shape.reduce((a, b) => a * b, 1);
  return groupsFrom(
    shape,
    1,
    1,
    Int32Array.from({ length: d }, (_, i) => i),
    d,
  );
}

/** Squares of `side` × `side` pixels over all channels, cut off at the right and lower border. shape [c,h,w]
 *  @throws ShapeError unless the shape is an image's and the side fits. */
export function patchGroups(shape: readonly number[], side: number): FeatureGroups {
  requireArguments("patchGroups", { shape: [shape, aShape], side: [side, aCount] });
  const [c, h, w] = imageSides("patches", shape);
  if (side > Math.max(h, w))
    throw new ShapeError(`patches: side ${side} in images of ${h}×${w}; 1 to ${Math.max(h, w)} is needed`);
  const across = Math.ceil(w / side);
  const at = Int32Array.from(
    { length: h * w },
    (_, p) => Math.floor(Math.floor(p / w) / side) * across + Math.floor((p % w) / side),
  );
  return groupsFrom(shape, c, 1, at, across * Math.ceil(h / side));
}

/** The segments of a batch of images; copies of the batch have the same ones. shape [c,h,w]
 *  @throws ShapeError when the segments are of other images. */
export function segmentGroups(shape: readonly number[], segmentsGiven: Segments): FeatureGroups {
  requireArguments("segmentGroups", { shape: [shape, aShape], segmentsGiven: [segmentsGiven, aSegments] });
  const { labels, shape: sides, count } = segmentsGiven;
  const [c, h, w] = imageSides("segments", shape);
  const [n, ...rest] = sides;
  if (rest[0] !== h || rest[1] !== w || labels.length !== n * h * w)
    throw new ShapeError(
      `segments: ${labels.length} labels of [${sides}] came for images of [${shape}]; [n,${h},${w}] is needed`,
    );
  return groupsFrom(shape, c, n, labels, count);
}

/** The features of a table: one-hot elements of a categorical feature go together; elements without names go by themselves.
 *  @throws RangeError unless every element belongs to exactly one feature. */
export function tableGroups(domain: Domain): FeatureGroups {
  requireArguments("tableGroups", { domain: [domain, aDomain] });
  const { shape, features } = domain;
  if (!features) return elementGroups(shape);
  const d = shape.reduce((a, b) => a * b, 1);
  const at = new Int32Array(d).fill(-1);
  for (const [f, feature] of features.entries())
    for (const i of feature.at) {
      if (!(i >= 0 && i < d) || at[i] >= 0)
        throw new RangeError(
          `features: "${feature.name}" has element ${i}, which ${i >= 0 && i < d ? `"${features[at[i]].name}" has too` : `is outside of ${d}`}; every element belongs to one feature`,
        );
      at[i] = f;
    }
  const free = at.indexOf(-1);
  if (free >= 0)
    throw new RangeError(`features: element ${free} belongs to no feature; every element belongs to one feature`);
  return groupsFrom(shape, 1, 1, at, features.length);
}

/** Whether samples are rows of a table rather than images. */
export function isTable({ shape, features }: Domain): boolean {
  return features !== undefined || shape.length !== 3;
}

const GROUPS_OF_OPTIONS: KindsOf<{ readonly patch?: number; readonly segments?: Segments; readonly across?: number }> =
  {
    patch: aCount,
    segments: aSegments,
    across: aCount,
  };

/** The groups a person would name: features of a table; segments of images where there are some, else patches of side `patch`,
 *  by default so that about `across` of them cover the longer side. */
export function groupsOf(
  domain: Domain,
  options: { readonly patch?: number; readonly segments?: Segments; readonly across?: number },
): FeatureGroups {
  requireArguments("groupsOf", { domain: [domain, aDomain] });
  const { patch, segments, across = 8 } = checkedOptions("groupsOf", options, GROUPS_OF_OPTIONS);
  if (isTable(domain)) return tableGroups(domain);
  if (segments && patch === undefined) return segmentGroups(domain.shape, segments);
  const [, h, w] = domain.shape;
  // A single pixel is its own mean colour: switching it off would change nothing.
  const usual = Math.min(Math.max(2, Math.ceil(Math.max(h, w) / across)), Math.max(h, w));
  return patchGroups(domain.shape, patch ?? usual);
}

export function imageSides(name: string, shape: readonly number[]): readonly [number, number, number] {
  if (shape.length !== 3)
    throw new ShapeError(`${name}: samples of shape [${shape}] came; images of [c,h,w] are needed`);
  return shape as readonly [number, number, number];
}

/** [n, ...shape] → [n, d]. @throws ShapeError unless the samples have the shape of the groups. */
export function flatSamples(name: string, x: Tensor, shape: readonly number[]): Tensor {
  const [n, ...rest] = x.shape;
  if (rest.length !== shape.length || rest.some((side, i) => side !== shape[i]))
    throw new ShapeError(
      `${name}: samples of shape [${rest}] came, the features are of [${shape}]; one shape is needed`,
    );
  return reshape(x, [n, shape.reduce((a, b) => a * b, 1)]);
}
