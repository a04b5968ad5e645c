/** Explanations of what a network does along the data: relevance in directions that no sample takes is left out. */

import {
  add,
  callerScope,
  concat,
  matmul,
  reshape,
  scope,
  slice,
  sub,
  type Tensor,
  tensor,
} from "../../../engine/index.js";
import { aCount, aFunction, aNatural, aNumber, numbers } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import { drawFrom } from "../../../nn/data/integer-random.js";
import { hostSamples, type Split } from "../../../nn/index.js";
import { aSplit } from "../../../nn/kinds.js";
import { samplesAtOnce } from "../../copies.js";
import { explainerEntryOf } from "../../explainers/table.js";
import { importanceMap } from "../../judge.js";
import { rows } from "../../metrics/metric.js";
import { spearman } from "../../metrics/similarities.js";
import type { Classifier } from "../../score.js";
import { attributionsOf } from "../explaining.js";
import { aDetectorContext, aSide } from "../kinds.js";
import type { Side } from "../manipulation.js";
import type { DetectorContext, DetectorEntry } from "./detector.js";
import { symmetricEigen } from "./eigen.js";

/** The tangent space of the data at a sample, which maps are projected on. */
export interface TangentOptions {
  /** Nearest samples of the same class that span it, at least 1; default 32. */
  readonly neighbours?: number;
  /** Its dimensions, at least 1; default 16, and no more than half of the elements of a sample. */
  readonly directions?: number;
}

const TANGENT_OPTIONS: KindsOf<TangentOptions> = {
  neighbours: aNumber,
  directions: aNumber,
};

/** Source of the number: Anders et al. 2020; in tables of few columns something has to be left out too. */
const usualDirections = (d: number): number => Math.max(1, Math.min(16, Math.floor(d / 2)));

/** Where explanations are projected on: directions at samples, as `tangentBasis` gives them. */
export type BasisAt = (x: ArrayLike<number>, classes: ArrayLike<number>) => Float32Array;

/** Directions drawn at random, orthonormal, the same for all samples: what projecting alone does, whatever the data. `dimensions` numbers a
 *  sample; no more directions than those. */
export function randomBasis(dimensions: number, seed: number, directions = usualDirections(dimensions)): BasisAt {
  requireArguments("randomBasis", {
    dimensions: [dimensions, aCount],
    seed: [seed, aNatural],
    directions: [directions, aCount],
  });
  const count = Math.min(directions, dimensions);
  const draw = drawFrom(seed, 0x7467);
  const drawn: Float64Array[] = [];
  for (let j = 0; j < count; j++) {
    const v = Float64Array.from({ length: dimensions }, () => draw.bell());
    for (const u of drawn) {
      const along = v.reduce((sum, value, e) => sum + value * u[e], 0);
      for (let e = 0; e < dimensions; e++) v[e] -= along * u[e];
    }
    const length = Math.sqrt(v.reduce((sum, value) => sum + value * value, 0));
    drawn.push(v.map((value) => value / length));
  }
  const one = Float32Array.from(drawn.flatMap((v) => [...v]));
  return (_, classes) => Float32Array.from({ length: classes.length * one.length }, (_, i) => one[i % one.length]);
}

/**
 * The tangent space of the data at each sample: directions of largest singular value of the differences to the nearest training samples
 * of its class. Copies of the sample itself are passed over. x [n, ...] flattened, classes [n] → [n, directions, d], orthonormal rows, zeros
 * where differences span fewer dimensions. Source: Anders et al. 2020, sec. 3 (the hyperplane through the nearest neighbours).
 * @throws RangeError unless there are as many samples as classes, and numbers of at least 1.
 */
export function tangentBasis(
  x: ArrayLike<number>,
  classes: ArrayLike<number>,
  split: Split,
  options: TangentOptions = {},
): Float32Array {
  requireArguments("tangentBasis", { x: [x, numbers], classes: [classes, numbers], split: [split, aSplit] });
  const { samples, labels, shape } = split;
  const { neighbours = 32, directions = usualDirections(samples.length / labels.length) } = checkedOptions(
    "tangentBasis",
    options,
    TANGENT_OPTIONS,
  );
  const n = classes.length;
  const d = x.length / n;
  const size = samples.length / labels.length;
  if (d !== size || ![neighbours, directions].every((v) => Number.isInteger(v) && v >= 1))
    throw new RangeError(
      `tangentBasis: ${x.length} numbers for ${n} samples like [${shape}], ${neighbours} neighbours and ${directions} directions given; ${size} numbers a sample, and at least 1 of both are needed`,
    );
  const membersOf = (c: number): number[] => Array.from(labels, (_, i) => i).filter((i) => labels[i] === c);
  const basis = new Float32Array(n * directions * d);
  for (let i = 0; i < n; i++) {
    const own = Float64Array.from({ length: d }, (_, e) => x[i * d + e]);
    const near = differences(own, { samples, labels, shape }, membersOf(classes[i]), neighbours);
    for (const [j, direction] of principal(near, directions).entries()) basis.set(direction, (i * directions + j) * d);
  }
  return basis;
}

/** From a sample to those nearest to it that are not the same, the nearest first. */
function differences(own: Float64Array, split: Split, members: readonly number[], most: number): Float64Array[] {
  // One after another: as numbers, all samples of large images together are more than fits.
  return members
    .map((i) => {
      const other = hostSamples(split, [i]);
      let squared = 0;
      for (let e = 0; e < own.length; e++) squared += (other[e] - own[e]) ** 2;
      return { i, squared };
    })
    .filter(({ squared }) => squared > 0)
    .sort((a, b) => a.squared - b.squared)
    .slice(0, most)
    .map(({ i }) => {
      const other = hostSamples(split, [i]);
      return own.map((v, e) => other[e] - v);
    });
}

/** Right singular vectors of the largest singular values, by the eigenvectors u of the Gram matrix of the rows: v = Dᵀ u / σ. */
function principal(differences: readonly Float64Array[], most: number): Float64Array[] {
  const k = differences.length;
  if (k === 0) return [];
  const gram = new Float64Array(k * k);
  for (let i = 0; i < k; i++)
    for (let j = i; j < k; j++)
      for (let e = 0; e < differences[i].length; e++) gram[i * k + j] += differences[i][e] * differences[j][e];
  const { values, vectors } = symmetricEigen(gram, k);
  // Squares of singular values: half of the digits are lost.
  const counts = Array.from(values).filter((v) => v > 1e-12 * values[0]).length;
  return Array.from({ length: Math.min(most, counts) }, (_, j) => {
    const direction = new Float64Array(differences[0].length);
    for (let i = 0; i < k; i++)
      for (let e = 0; e < direction.length; e++) direction[e] += vectors[j * k + i] * differences[i][e];
    return direction.map((v) => v / Math.sqrt(values[j]));
  });
}

/** A network that sees of its input what lies in the tangent space at x [n, ...]: z ↦ f(x + P (z − x)). Its gradient at x is the
 *  projected gradient P ∇f. basis [n, directions, d]; z holds whole copies of the batch. */
function alongTangent(classifier: Classifier, x: Tensor, basis: Tensor): Classifier {
  const [n, , d] = basis.shape;
  const at = reshape(x, [1, n, 1, d]);
  return (z) => {
    const away = sub(reshape(z, [z.shape[0] / n, n, 1, d]), at);
    return classifier(reshape(add(at, projected(away, basis)), z.shape));
  };
}

/** [..., n, 1, d] on the rows of [n, directions, d]. */
function projected(v: Tensor, basis: Tensor): Tensor {
  return matmul(matmul(v, basis, { transposeB: true }), basis);
}

/** Samples whose bases are held at once, at most. */
const CHUNK = 25;

/**
 * Attributions without what lies off the data, [n, ...shape]. Explainers that ask for outputs and gradients are given the network along the
 * tangent space, so that the gradient is projected and gradient x input is x · P ∇f; of those that look inside the attribution is projected.
 * Source: Anders et al. 2020, sec. 3.
 */
export async function tangentAttributions(
  side: Side,
  context: Pick<DetectorContext, "explainer" | "classes"> & {
    readonly world: Pick<DetectorContext["world"], "train" | "explainer">;
  },
  basisAt: BasisAt = (x, of) => tangentBasis(x, of, context.world.train),
): Promise<Tensor> {
  requireArguments("tangentAttributions", {
    side: [side, aSide],
    context: [context, aDetectorContext],
    basisAt: [basisAt, aFunction],
  });
  const { classifier, x, explainer: own } = side;
  const { world, explainer, classes } = context;
  const here = callerScope();
  const [n, ...shape] = x.shape;
  const d = x.size / n;
  const chunk = samplesAtOnce(shape, CHUNK);
  const inside = explainerEntryOf(explainer).needs === "inside";
  const parts: Tensor[] = [];
  for (let from = 0; from < n; from += chunk) {
    const size = Math.min(chunk, n - from);
    const part = slice(x, [from, ...shape.map(() => 0)], [size, ...shape]);
    const of = slice(classes, [from], [size]);
    const directions = basisAt(await here.wait(part.read()), await here.wait(of.read()));
    requireArguments("tangentAttributions", { "what basisAt gives": [directions, numbers] });
    const basis = tensor(directions, [size, directions.length / size / d, d]);
    const seen = inside ? classifier : alongTangent(classifier, part, basis);
    const found = await here.wait(
      attributionsOf(world.explainer, explainer, { classifier: seen, x: part, explainer: own }, of),
    );
    parts.push(inside ? scope(() => reshape(projected(reshape(found, [size, 1, d]), basis), part.shape)) : found);
  }
  return parts.length === 1 ? parts[0] : concat(parts);
}

/** Attributions along the tangent space in place of the plain ones; 1 − the rank correlation of the two maps is how suspicious a sample is.
 *  Source: Anders et al. 2020, sec. 3. */
export function tangentProjectionDetector(options: TangentOptions = {}): DetectorEntry {
  checkedOptions("tangentProjectionDetector", options, TANGENT_OPTIONS);
  const restored: DetectorEntry["restored"] = (side, context) =>
    tangentAttributions(side, context, (x, classes) => tangentBasis(x, classes, context.world.train, options));
  return {
    name: "tangent-projection",
    title: "tangent-space projection",
    help: "leaves out of a map what lies off the data: suspicious where little of the order of the map is left",
    source: "Anders et al. 2020",
    takes: "images and tables",
    restored,
    async suspicion(side, context) {
      const here = callerScope();
      const { world, explainer, classes } = context;
      const plain = await here.wait(attributionsOf(world.explainer, explainer, side, classes));
      const along = await here.wait(restored(side, context));
      return await here.wait(
        scope(() => sub(1, spearman(rows(importanceMap(plain)), rows(importanceMap(along))))).read(),
      );
    },
  };
}
