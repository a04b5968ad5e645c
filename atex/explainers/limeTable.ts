import {
  add,
  div,
  equal,
  exp,
  expand,
  gatherAlong,
  mul,
  notEqual,
  reshape,
  slice,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
  transpose,
  where,
} from "../../engine/index.js";
import { aCount, aNatural, aNumber, aNumberOfAtLeast0, aTensor, required, wordOf } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { type Draw, drawFrom } from "../../nn/data/integer-random.js";
import type { Domain } from "../../nn/index.js";
import { aDomain } from "../../nn/kinds.js";
import { inChunks } from "../copies.js";
import type { Score } from "../score.js";
import { columnStatistics } from "./background.js";
import { flatSamples, tableGroups } from "./features.js";
import { asLime, type Lime, type LimeOptions, limeSettings } from "./lime.js";
import { type Design, fitLocal } from "./localFit.js";
import { ridgeSolver } from "./solve.js";

/** The table whose rows LIME perturbs. */
export interface LimeTableOptions extends LimeOptions {
  /** Its features: a numeric one has one element, and the elements of a category move together. */
  readonly domain: Domain;
  /** Rows of the table, [m, d]: their deviations are the units of numeric features, their values those of the others. */
  readonly background: Tensor;
  /** Centre of the noise: the row (default), or the mean of the background, as the authors' package has it by default. */
  readonly around?: "row" | "data";
}

const LIME_TABLE_OPTIONS: KindsOf<LimeTableOptions> = {
  domain: required(aDomain),
  background: required(aTensor),
  around: wordOf("data", "row"),
  samples: aNumber,
  seed: aNatural,
  width: aNumberOfAtLeast0,
  alpha: aNumber,
  select: wordOf("none", "highest", "forward"),
  keep: aCount,
  budget: aCount,
};

/** A linear model of the score around a row. Numeric features get normal noise with the deviations of the background, others take
 *  their values from random rows of it, each feature by itself. The model is of numeric features in those deviations, and of whether
 *  other features kept their category; a coefficient is shared equally by the elements of its feature. Copies count by
 *  sqrt(exp(−d² / width²)), d² being the sum of the squares of the former and the number of changed categories; the width is
 *  0.75 √features by default. Nothing is discretised. Source: Ribeiro et al. 2016, sec. 3.2 to 3.4, with the authors' kernel. */
export function limeTable(given: LimeTableOptions): Lime {
  const {
    domain,
    background,
    around = "row",
    budget,
    ...options
  } = checkedOptions("limeTable", given, LIME_TABLE_OPTIONS);
  const groups = tableGroups(domain);
  const g = groups.count;
  const { samples, seed, width, alpha, select, keep } = limeSettings(options, 0.75 * Math.sqrt(g));
  const [m, d] = flatSamples("lime, background", background, domain.shape).shape;
  const kinds = kindsOf(domain, d);
  const drawn = drawPerturbations(domain, samples, d, m, drawFrom(seed, 0x4c74, d, m));
  const allNumeric = kinds.elements.every((numeric) => numeric === 1);
  const solver = allNumeric && around === "row" && select === "none" ? solverOf(drawn.noise) : undefined;

  return asLime((score: Score, x: Tensor) => {
    const [n, ...shape] = x.shape;
    const own = flatSamples("lime", x, domain.shape);
    const rows = flatSamples("lime, background", background, domain.shape);
    const { mean, deviation } = columnStatistics(rows);
    const noise = tensor(drawn.noise, [samples, 1, d]);
    // The first copy is the row itself: 1 for all others.
    const moves = tensor(
      Float32Array.from({ length: samples }, (_, s) => Math.min(s, 1)),
      [samples, 1, 1],
    );
    // Distance from the row in deviations, [samples, 1 or n, d], where features are numeric.
    const way = around === "row" ? noise : add(noise, mul(moves, div(sub(mean, reshape(own, [1, n, d])), deviation)));
    const others = allNumeric
      ? undefined
      : reshape(gatherAlong(rows, tensor(drawn.sources, [samples, d]), 0), [samples, 1, d]);
    const isNumeric = tensor(kinds.elements, [d]);

    const values = inChunks(samples, n * d, budget, ({ start, count }) => {
      const part = (t: Tensor): Tensor => slice(t, [start, 0, 0], [count, t.shape[1], t.shape[2]]);
      const moved = add(reshape(own, [1, n, d]), mul(part(way), deviation));
      const taken = others && where(part(moves), part(others), reshape(own, [1, n, d]));
      const points = taken ? where(isNumeric, moved, taken) : moved;
      return reshape(score(reshape(expand(points, [count, n, d]), [count * n, ...shape])), [count, n]);
    });
    const fit = fitLocal({ ...designOf(), values: transpose(values), solver }, { alpha, select, keep });
    return { ...fit, attribution: groups.spread(fit.coefficients, x, "share") };

    function designOf(): Pick<Design, "features" | "weights"> {
      let features = groups.gatherSums(mul(way, isNumeric)); // [samples, 1 or n, g]
      let distance = sum(square(features), 2);
      if (others) {
        const isCategory = tensor(kinds.categories, [g]);
        const changed = mul(mul(notEqual(others, reshape(own, [1, n, d])), sub(1, isNumeric)), moves);
        const same = mul(equal(groups.gatherSums(changed), 0), isCategory);
        distance = add(distance, sum(sub(isCategory, same), 2));
        features = add(features, same);
      }
      const weights = exp(mul(distance, -1 / (2 * width * width)));
      return { features: transpose(features, [1, 0, 2]), weights: transpose(weights) };
    }
  });

  /** Around the row, the features of a numeric table are the noise itself: the regression is the same for all rows. */
  function solverOf(noise: Float64Array): Float64Array {
    const weights = Float64Array.from({ length: samples }, (_, s) => {
      const squares = noise.subarray(s * d, (s + 1) * d).reduce((a, v) => a + v * v, 0);
      return Math.exp(-squares / (2 * width * width));
    });
    const order = Int32Array.from({ length: g });
    (domain.features ?? Array.from({ length: d }, (_, i) => ({ at: [i] }))).forEach(({ at }, f) => {
      order[f] = at[0];
    });
    const features = Float64Array.from({ length: samples * g }, (_, i) => noise[Math.floor(i / g) * d + order[i % g]]);
    const found = ridgeSolver(features, weights, g, alpha);
    if (found) return found;
    throw new RangeError(
      `lime: ${samples} copies do not tell ${g} features apart; more samples or an alpha above ${alpha} are needed`,
    );
  }
}

/** 1 for elements of numeric features, 1 for features that are categories. @throws RangeError for a numeric feature of several
 *  elements. */
function kindsOf({ features }: Domain, d: number): { elements: Float64Array; categories: Float64Array } {
  if (!features) return { elements: new Float64Array(d).fill(1), categories: new Float64Array(d) };
  const elements = new Float64Array(d);
  const categories = Float64Array.from(features, ({ kind }) => (kind === "numeric" ? 0 : 1));
  for (const { name, kind, at } of features) {
    if (kind !== "numeric") continue;
    if (at.length !== 1)
      throw new RangeError(`lime: the numeric feature "${name}" has ${at.length} elements; one is needed`);
    elements[at[0]] = 1;
  }
  return { elements, categories };
}

/** For each copy but the first: normal noise of numeric elements, and from which row of the background each other feature is
 *  taken. Both [samples, d]. */
function drawPerturbations(
  { features }: Domain,
  samples: number,
  d: number,
  m: number,
  draw: Draw,
): { noise: Float64Array; sources: Int32Array } {
  const noise = new Float64Array(samples * d);
  const sources = new Int32Array(samples * d);
  const columns = features ?? Array.from({ length: d }, (_, i) => ({ kind: "numeric", at: [i] }));
  for (let s = 1; s < samples; s++)
    for (const { kind, at } of columns) {
      const row = draw.below(m);
      const step = normal(draw);
      for (const i of at)
        if (kind === "numeric") noise[s * d + i] = step;
        else sources[s * d + i] = row;
    }
  return { noise, sources };
}

/** Standard normal. Source: Box, Muller 1958. */
function normal(draw: Draw): number {
  const radius = Math.sqrt(-2 * Math.log1p(-draw.between(0, 1)));
  return radius * Math.cos(2 * Math.PI * draw.between(0, 1));
}
