import {
  add,
  arange,
  concat,
  describe,
  div,
  equal,
  expand,
  floor,
  greaterEqual,
  less,
  mean,
  mul,
  random,
  reshape,
  ShapeError,
  scope,
  square,
  sub,
  sum,
  type Tensor,
  where,
} from "../../engine/index.js";
import { aCount, aFlag, aFunction, aKey, aNumber, aNumberOfAtLeast0, maybe, required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import type { FeatureRange } from "../../nn/index.js";
import { aRange } from "../../nn/kinds.js";
import { count, flag, oneOf, setting, size } from "../../nn/schema.js";
import type { Score } from "../score.js";
import { chunksOf, requireSamples, type SampleOptions } from "./chunks.js";
import {
  atMostOne,
  type Faithfulness,
  faithful,
  type MetricInfo,
  metricEntry,
  ofFinite,
  requireAttributionOf,
  rows,
  seventh,
} from "./metric.js";
import { widthOf } from "./replacement.js";

/** What is taken away from inputs: (key, x [m,...]) → I [m,...] or [1,...]; the score is asked at x − I. The draw is the same for all
 *  samples, so that none depends on the others. */
export type Perturbation = (key: Tensor, x: Tensor) => Tensor;

/** Normal noise in every element, of deviation `sigma` in units of the range, or of the inputs where none is given.
 *  Source: Yeh et al. 2019 ("noisy baseline"). */
export function noisePerturbation(sigma: number, range?: FeatureRange): Perturbation {
  requireArguments("noisePerturbation", { sigma: [sigma, aNumberOfAtLeast0], range: [range, maybe(aRange)] });
  return (key, x) => {
    const noise = random.normal(key, [1, ...x.shape.slice(1)], { deviation: sigma });
    return range ? mul(noise, widthOf(range, x)) : noise;
  };
}

/** All pixels of one square of `side` × `side` at a random place; default side: two sevenths of the image's shorter side.
 *  Source: Yeh et al. 2019 ("square removal"). */
export function squareRemoval(side?: number): Perturbation {
  requireArguments("squareRemoval", { side: [side, maybe(aCount)] });
  return (key, x) => {
    if (x.rank !== 4)
      throw new ShapeError(
        `squareRemoval: inputs are ${describe(x)}; images [n,c,h,w] are needed, a table has no squares`,
      );
    const [, , h, w] = x.shape;
    const taken = side ?? Math.min(2 * seventh(h, w), h, w);
    if (taken > h || taken > w)
      throw new ShapeError(`squareRemoval: side ${taken} in images of ${h}×${w}; 1 to ${Math.min(h, w)} is needed`);
    const [down, across] = random.split(key, 2);
    const inside = (place: Tensor, length: number, shape: number[]): Tensor => {
      const first = floor(mul(random.uniform(place, [1, 1, 1, 1]), length - taken + 1));
      const at = reshape(arange(0, length), shape);
      return mul(greaterEqual(at, first), less(at, add(first, taken)));
    };
    return mul(x, mul(inside(down, h, [1, 1, h, 1]), inside(across, w, [1, 1, 1, w])));
  };
}

/** What is taken away from inputs, how often, and whether the size of an attribution counts. */
export interface InfidelityOptions extends SampleOptions {
  /** `noisePerturbation`, `squareRemoval` or a function of your own. */
  readonly perturbation: Perturbation;
  /** Multiply each attribution with the number that makes it most faithful, so that its size does not count; default false. */
  readonly scaled?: boolean;
}

const INFIDELITY_OPTIONS: KindsOf<InfidelityOptions> = {
  perturbation: required(aFunction),
  scaled: aFlag,
  samples: aNumber,
  key: required(aKey),
  chunk: aNumber,
};

/** (score, inputs [n,...], attribution of the inputs' shape) → [n] */
export type Infidelity = Faithfulness;

export const infidelityInfo: MetricInfo = {
  name: "infidelity",
  range: [0, Number.POSITIVE_INFINITY],
  larger: "less faithful",
  perfect: 0,
  random: "the mean square of the change of the score, when scaled",
  differentiable: true,
  source: "Yeh et al. 2019",
};

/** E over perturbations I of (⟨I, β φ⟩ − (f(x) − f(x − I)))², with β = 1, or the optimal
 *  β = E[⟨I, φ⟩ (f(x) − f(x − I))] / E[⟨I, φ⟩²] of each sample when `scaled`, which is 0 for an attribution of zeros. */
export function infidelity(options: InfidelityOptions): Infidelity {
  checkedOptions("infidelity", options, INFIDELITY_OPTIONS);
  const { perturbation, scaled = false, key, chunk } = options;
  const samples = requireSamples("infidelity", options);
  return faithful("infidelity", infidelityInfo, (score: Score, x: Tensor, attribution: Tensor): Tensor => {
    requireAttributionOf("infidelity", x, attribution);
    const here = score(x);
    const phi = scaled ? reshape(atMostOne(rows(attribution)), x.shape) : attribution;
    const keys = random.split(key, samples);
    const parts = chunksOf(x, samples, chunk).map((draws) =>
      scope(() => {
        const taken = draws.map((i) => expand(perturbation(keys[i], x), x.shape));
        const said = taken.map((t) => reshape(sum(rows(mul(t, phi)), 1), [1, x.shape[0]]));
        const without = score(concat(taken.map((t) => sub(x, t))));
        return [concat(said), sub(here, reshape(without, [draws.length, x.shape[0]]))] as const;
      }, "infidelity"),
    );
    const said = concat(parts.map(([s]) => s));
    const happened = concat(parts.map(([, h]) => h));
    const power = mean(square(said), 0);
    const best = scaled ? div(mean(mul(said, happened), 0), where(equal(power, 0), 1, power)) : 1;
    return ofFinite(mean(square(sub(mul(said, best), happened)), 0), attribution);
  });
}

export const infidelityEntry = metricEntry({
  name: "infidelity",
  kind: "faithfulness",
  info: infidelityInfo,
  needs: { attribution: true, key: true },
  options: {
    samples: setting(count, 50, "random perturbations"),
    perturbation: setting(oneOf("noise", "square"), "noise", "what is taken from the input"),
    sigma: setting(size, 0.2, "deviation of the noise, in units of the input range"),
    side: setting(count, undefined, "of the square, in pixels; two sevenths of the image's side if left out"),
    scaled: setting(flag, false, "multiply each attribution with the number that makes it most faithful"),
  },
  laws: {},
  make: ({ perturbation, sigma, side, samples, scaled }, { key, domain }) =>
    infidelity({
      perturbation: perturbation === "noise" ? noisePerturbation(sigma, domain?.range) : squareRemoval(side),
      ...{ samples, scaled, key: key! },
    }),
});
