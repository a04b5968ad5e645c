/** What looks like an explanation and is none. A measure that a control passes as well says nothing about the explainer: random maps
 *  (Adebayo et al. 2018), the edges of the input and the input itself (sec. 5.2 there). */

import {
  add,
  conv2d,
  expand,
  mul,
  pad,
  random,
  reshape,
  slice,
  sqrt,
  square,
  type Tensor,
  tensor,
} from "../../engine/index.js";
import { aKey, aText } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { type Explainer, type ExplainerInfo, explainer } from "../explainers/explainer.js";
import { explainerMaker } from "../manipulations/explaining.js";
import { RefusalError } from "../refusal.js";
import type { Candidate } from "./audit.js";

const infoOf = (name: string): ExplainerInfo => ({
  ...{ name, scope: "local", access: "model-agnostic" },
  source: "a control, no explanation",
});

/** Noise without any meaning, the same for every sample. */
export function randomMap(key: Tensor): Explainer {
  requireArguments("randomMap", { key: [key, aKey] });
  return explainer(infoOf("random map"), (_, x) => expand(random.normal(key, [1, ...x.shape.slice(1)]), x.shape));
}

/** The two 3×3 windows of Sobel's operator, across and down. */
const SOBEL = [-1, 0, 1, -2, 0, 2, -1, 0, 1, -1, -2, -1, 0, 0, 0, 1, 2, 1];

/** The size of Sobel's gradient in every channel of an image, zero on the border. Tables have no edges. [n,c,h,w] → [n,c,h,w] */
export const edgeMap: Explainer = explainer(infoOf("edges of the input"), (_, x) => {
  if (x.rank !== 4) throw new RefusalError("edges: the inputs are no images [n,c,h,w]; a table has no edges");
  const [n, c, h, w] = x.shape;
  if (h < 3 || w < 3) throw new RefusalError(`edges: images of ${h}x${w}; at least 3x3 is needed`);
  const both = conv2d(reshape(x, [n * c, 1, h, w]), tensor(Float32Array.from(SOBEL), [2, 1, 3, 3]));
  const [across, down] = [0, 1].map((i) => slice(both, [0, i, 0, 0], [n * c, 1, h - 2, w - 2]));
  const inside = sqrt(add(square(across), square(down)));
  const whole = pad(inside, [
    [0, 0],
    [0, 0],
    [1, 1],
    [1, 1],
  ]);
  return reshape(whole, [n, c, h, w]);
});

/** The input itself. */
export const inputMap: Explainer = explainer(infoOf("the input itself"), (_, x) => mul(x, 1));

const control = (name: string, title: string, make: (key: Tensor) => Explainer): Candidate => ({
  ...{ name, title, control: true },
  make: async ({ seed }, _, other = seed) => make(random.key(other)),
});

/** The controls of an audit by name: "random", "edges" (Sobel; images only) and "input". They are measured like explainers and
 *  explain nothing. */
export const CONTROLS: readonly Candidate[] = [
  control("random", "a random map", randomMap),
  control("edges", "the edges of the input", () => edgeMap),
  control("input", "the input itself", () => inputMap),
];

/** An explainer of the table as a candidate. */
export function tableCandidate(name: string, title: string): Candidate {
  requireArguments("tableCandidate", { name: [name, aText], title: [title, aText] });
  return {
    ...{ name, title, control: false },
    make: ({ explainer, explaining, seed }, x, other = seed) =>
      other === seed ? explainer(name, x) : explainerMaker({ ...explaining, seed: other })(name, x),
  };
}
