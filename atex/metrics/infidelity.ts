import {
  add,
  arange,
  concat,
  div,
  expand,
  floor,
  greaterEqual,
  less,
  mean,
  mul,
  random,
  reshape,
  ShapeError,
  square,
  sub,
  sum,
  type Tensor,
} from "../../engine/index.js";
import { asOneBatch } from "../explainers/explainer.js";
import type { Score } from "../score.js";
import { chunks, type SampleOptions } from "./chunks.js";
import { type MetricInfo, rows } from "./metric.js";

/** What is taken away from images: (key, x [m,c,h,w]) → I [m,c,h,w]; the score is asked at x − I. */
export type Perturbation = (key: Tensor, x: Tensor) => Tensor;

/** Normal noise in every pixel. Source: Yeh et al. 2019 ("noisy baseline"). */
export function noisePerturbation(sigma: number): Perturbation {
  return (key, x) => random.normal(key, x.shape, { deviation: sigma });
}

/** All pixels of one square of `side` × `side` at a random place. Source: Yeh et al. 2019 ("square removal"). */
export function squareRemoval(side: number): Perturbation {
  return (key, x) => {
    const [m, , h, w] = x.shape;
    if (!Number.isInteger(side) || side < 1 || side > h || side > w)
      throw new ShapeError(`squareRemoval: side ${side} in images of ${h}×${w}; 1 to ${Math.min(h, w)} is needed`);
    const [down, across] = random.split(key, 2);
    const inside = (place: Tensor, length: number, shape: number[]): Tensor => {
      const first = floor(mul(random.uniform(place, [m, 1, 1, 1]), length - side + 1));
      const at = reshape(arange(0, length), shape);
      return mul(greaterEqual(at, first), less(at, add(first, side)));
    };
    return mul(x, mul(inside(down, h, [1, 1, h, 1]), inside(across, w, [1, 1, 1, w])));
  };
}

export interface InfidelityOptions extends SampleOptions {
  readonly perturbation: Perturbation;
  /** Multiply each attribution with the number that makes it most faithful, so that its size does not count; default false. */
  readonly scaled?: boolean;
}

/** (score, images [n,c,h,w], attribution of the images' shape) → [n] */
export interface Infidelity {
  (score: Score, x: Tensor, attribution: Tensor): Tensor;
  readonly info: MetricInfo;
}

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
 *  β = E[⟨I, φ⟩ (f(x) − f(x − I))] / E[⟨I, φ⟩²] of each image when `scaled`. */
export function infidelity(options: InfidelityOptions): Infidelity {
  const { perturbation, scaled = false } = options;
  const draws = chunks("infidelity", options);
  return Object.assign(
    (score: Score, x: Tensor, attribution: Tensor): Tensor => {
      const here = score(x);
      const parts = draws().map(({ count, key }) => {
        const copies = asOneBatch(expand(reshape(x, [1, ...x.shape]), [count, ...x.shape]));
        const taken = perturbation(key, copies);
        const phi = asOneBatch(expand(reshape(attribution, [1, ...x.shape]), [count, ...x.shape]));
        const said = reshape(sum(rows(mul(taken, phi)), 1), [count, x.shape[0]]);
        const happened = sub(here, reshape(score(sub(copies, taken)), said.shape));
        return [said, happened] as const;
      });
      const said = concat(parts.map(([s]) => s));
      const happened = concat(parts.map(([, h]) => h));
      const best = scaled ? div(mean(mul(said, happened), 0), mean(square(said), 0)) : 1;
      return mean(square(sub(mul(said, best), happened)), 0);
    },
    { info: infidelityInfo },
  );
}
