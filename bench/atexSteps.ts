/** The steps the ATEX suites time: training as nn does it, in one captured step (images gathered from the resident data set, loss,
 *  gradients, Adam), with one scheme or another. */

import {
  atex,
  batchLoss,
  classScore,
  cosineDistance,
  type Defence,
  type Distance,
  directionsAtHand,
  explanationDirections,
  freshDirections,
  freshGradients,
  gradient,
  type KeptDirections,
  linf,
  type NaiveOptions,
  naive,
  normal,
  type PredictionOptions,
  squaredL2,
  teacherPredictions,
} from "../atex/index.js";
import {
  add,
  capture,
  dispose,
  grad,
  keep,
  mul,
  random,
  square,
  sum,
  type Tensor,
  type Tree,
  tensor,
  valueAuxAndGrad,
} from "../engine/index.js";
import { adam, paperNetwork, pickImages, type ResidentImages, residentImages } from "../nn/index.js";

/** What a step is measured at; the data set is one batch. */
export interface AtexSetting {
  readonly batch: number;
  /** Augmented images per image, even: ATEX's points and their tangent copies, or naive's neighbours. */
  readonly samples: number;
  /** Side of the square images. */
  readonly side: number;
}

const RADIUS = 0.08;
const SMOOTHGRAD_COPIES = 20;

/** The network of every case. */
export const model = paperNetwork();

export interface World {
  readonly data: ResidentImages;
  readonly teacher: (x: Tensor) => Tensor;
  readonly setting: AtexSetting;
  /** What schemes keep beside the data. */
  readonly kept: Tree[];
}

/** Two tangent copies per point, as long as there are two points. At the default temperature the loss of these untrained networks
 *  is too close to 0 to be compared with the reference. */
function distilling({ setting: { samples } }: World) {
  const points = Math.max(2, samples / 2);
  return { delta1: RADIUS, points, copies: samples / points, steepest: 0, spacing: "grid", temperature: 1 } as const;
}
const naiveWith =
  (distance: Distance, choice: NaiveOptions["choice"] = "random") =>
  async ({ setting }: World): Promise<Defence> =>
    naive({ ball: linf(RADIUS), neighbours: setting.samples, distance, choice });

type Along = Pick<PredictionOptions, "length" | "points" | "spacing">;

/** What the teacher predicts where ATEX looks, kept: of a grid at all its points, of sampled points at the images. */
async function predictionsFor({ teacher, data, kept }: World, along: Along, directions?: KeptDirections) {
  const batchSize = Math.min(16, data.count);
  const options = { normalisation: "maxAbs", batchSize, ...along } as const;
  const predictions = await teacherPredictions(teacher, data, directions, options);
  kept.push([predictions.logits]);
  return predictions;
}

async function atHand(world: World, withPredictions: boolean, steepest = 0): Promise<Defence> {
  const { teacher, data } = world;
  const options = distilling(world);
  const batchSize = Math.min(16, data.count);
  const directions = await explanationDirections(teacher, data, { samples: 2, key: random.key(3), batchSize });
  world.kept.push([directions.words]);
  const along = { length: RADIUS, points: options.points, spacing: "grid" } as const;
  const predictions = withPredictions ? await predictionsFor(world, along, directions) : undefined;
  return atex({ teacher, directions: directionsAtHand(directions), predictions, ...options, steepest });
}

/** What the cases train with. */
export const schemes = {
  "normal-step": async () => normal(),
  // Directions and the teacher's predictions along them are constants of the whole training.
  "atex-step": (world) => atHand(world, true),
  "atex-step-steepest": (world) => atHand(world, true, RADIUS / 4),
  // The teacher's predictions at the images are at hand, those along the gradient of the moment cannot be.
  "atex-step-own-gradient": async (world) => {
    const { teacher } = world;
    const { points, copies, temperature } = distilling(world);
    const predictions = await predictionsFor(world, { length: 2 * RADIUS, points, spacing: "sampled" });
    return atex({
      ...{ teacher, directions: freshGradients(), predictions, points, copies, temperature },
      ...{ delta1: 2 * RADIUS, steepest: RADIUS },
    });
  },
  "atex-step-with-teacher": (world) => atHand(world, false),
  "atex-step-with-smoothgrad": async (world) => {
    const directions = freshDirections(world.teacher, { samples: SMOOTHGRAD_COPIES });
    return atex({ teacher: world.teacher, directions, ...distilling(world) });
  },
  "naive-step": naiveWith(squaredL2),
  "naive-step-cosine": naiveWith(cosineDistance),
  "naive-step-adversarial": naiveWith(squaredL2, { adversarial: { steps: 1, stepSize: RADIUS } }),
} satisfies Record<string, (world: World) => Promise<Defence>>;
export type StepName = keyof typeof schemes;

/** Images, labels and a teacher of fixed seeds; the data set is one batch. */
export function worldOf(setting: AtexSetting): World {
  const { batch, side } = setting;
  let word = 1;
  const bytes = Uint8Array.from({ length: batch * side * side }, () => {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    return word >>> 24;
  });
  const labels = Uint8Array.from({ length: batch }, (_, i) => i % 10);
  const taught = model.init(random.key(2), [1, side, side]).params;
  return {
    data: residentImages(bytes, labels, [1, side, side]),
    teacher: (x) => model.apply(taught, x),
    setting,
    kept: [],
  };
}

/** Work with what it gives for a check. */
export interface AtexWork {
  /** Runs it. Returns few numbers that are wrong if it is. */
  results(): Promise<number[]>;
  submit(): void;
  dispose(): void;
}

type State = { params: Tree; optimiser: Tree; count: Tensor };

/** A training step over the whole data set as one batch; its results are the losses of the first two steps. */
export function trainingStep({ data, kept }: World, scheme: Defence): AtexWork {
  const optimiser = adam();
  const { params } = model.init(random.key(1), data.shape);
  const loss = batchLoss(scheme);
  const key = random.key(5);
  // An argument, as in training: from constants, capture would compute the batch and the teacher's predictions once and for all.
  const order = tensor(Int32Array.from({ length: data.count }, (_, i) => i));
  const step = capture(
    function trainingStep(state: State, indices: Tensor) {
      const { x, y } = pickImages(data, indices);
      const context = { training: true, key: random.fold(key, state.count), indices };
      const [value, , gradients] = valueAuxAndGrad((p: Tree) => loss(model, p, x, y, context))(state.params);
      const [params, next] = optimiser.update(state.params, gradients, state.optimiser);
      return { state: { params, optimiser: next, count: add(state.count, 1) }, loss: value };
    },
    { donate: [0] },
  );
  let state: State = keep({ params, optimiser: optimiser.init(params), count: tensor(0, [], "u32") });
  const run = (): Tensor => {
    const next = step(state, order);
    state = keep(next.state);
    return next.loss;
  };
  return {
    // The second has gone through the gradients of the first.
    results: async () => [await run().item(), await run().item()],
    submit: () => run().dispose(),
    dispose() {
      step.dispose();
      dispose([state, data, kept]);
    },
  };
}

/** One pixel's row of the input Hessian of every image of a batch, ∂² logit / ∂ x_t ∂ x; its results are sums of squares over the
 *  rows. */
export function hessianRow({ data, kept }: World): AtexWork {
  const { params } = model.init(random.key(1), data.shape);
  const { x, y } = pickImages(data, tensor(Int32Array.from({ length: data.count }, (_, i) => i)));
  const step = capture(function hessianRow(p: Tree, z: Tensor, labels: Tensor, pixel: Tensor) {
    const score = classScore((q) => model.apply(p, q), labels);
    return grad((q: Tensor) => sum(mul(gradient(score, q), pixel)))(z);
  });
  const middle = Math.floor(x.size / data.count / 2);
  const pixel = tensor(new Float32Array(x.size / data.count).fill(1, middle, middle + 1), [1, ...data.shape]);
  return {
    results: async () => [...(await sum(square(step(params, x, y, pixel)), [1, 2, 3]).read())],
    submit: () => step(params, x, y, pixel).dispose(),
    dispose() {
      step.dispose();
      dispose([data, kept]);
    },
  };
}
