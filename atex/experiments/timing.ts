/** Section 5.2: the time of one training step, scheme by scheme, on one batch size. */
import {
  capture,
  dispose,
  keep,
  openScope,
  random,
  scope,
  type Tensor,
  type Tree,
  tensor,
  valueAuxAndGrad,
} from "../../engine/index.js";
import { adam, pickImages, residentImages } from "../../nn/index.js";
import { batchLoss, type Scheme } from "../training/index.js";
import type { Cell, Measurement, Outcome } from "./cells.js";
import type { ExperimentOf } from "./config.js";
import { keptFor } from "./kept.js";
import type { Lab, TrainedNetwork } from "./lab.js";
import { makeScheme } from "./schemes.js";

const WARM_UPS = 2;

/** Median milliseconds per step; every step is waited for. */
export async function timing(lab: Lab, { data, seed }: Cell, experiment: ExperimentOf<"timing">): Promise<Outcome> {
  const { batch, steps } = experiment;
  const { train, plan } = await lab.data(data);
  const measurements: Measurement[] = [];
  for (const scheme of experiment.schemes) {
    using _ = openScope("timing");
    using teacher = await lab.network({ data, seed, scheme: "normal" });
    using student = await lab.network({ data, seed, scheme: "normal" });
    const images = residentImages(train.images.subarray(0, batch * 784), train.labels.subarray(0, batch));
    const config = lab.config.schemes[scheme];
    const given = { eps: plan.trainEps, teacher: teacher.classifier };
    using kept = await keptFor(config, { ...given, data: images, key: random.key(seed) });
    lab.say(`timing ${config.title}`);
    const made = makeScheme(config, { ...given, kept });
    const times = await timeSteps(made, student, images, steps, config.learningRate);
    measurements.push({ scheme, conditions: { batch }, metric: "ms per step", value: median(times), count: steps });
    dispose([images.words, images.labels]);
  }
  return { measurements };
}

async function timeSteps(
  scheme: Scheme,
  { model, params: first }: TrainedNetwork,
  images: ReturnType<typeof residentImages>,
  steps: number,
  learningRate: number,
): Promise<number[]> {
  const optimiser = adam({ lr: learningRate });
  const loss = batchLoss(scheme);
  const indices = tensor(Int32Array.from({ length: images.count }, (_, i) => i));
  using step = capture(
    (params: Tree, state: Tree, key: Tensor): readonly [Tree, Tree, Tensor] => {
      const { x, y } = pickImages(images, indices);
      const context = { training: true, key, indices };
      const [value, , gradients] = valueAuxAndGrad((p: Tree) => loss(model, p, x, y, context))(params);
      return [...optimiser.update(params, gradients, state), value];
    },
    { donate: [0, 1] },
  );
  let params = first;
  let state = scope(() => optimiser.init(first));
  const times: number[] = [];
  for (let i = -WARM_UPS; i < steps; i++) {
    const key = random.key(i + WARM_UPS);
    const began = performance.now();
    const [nextParams, nextState, value] = step(params, state, key);
    await value.item();
    if (i >= 0) times.push(performance.now() - began);
    [params, state] = [nextParams, nextState];
  }
  keep(params);
  dispose(params);
  return times;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}
