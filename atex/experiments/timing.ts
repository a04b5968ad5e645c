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
import { adam, partOf, pickSamples, type ResidentData, residentData } from "../../nn/index.js";
import { batchLoss, type Scheme } from "../training/index.js";
import type { Cell, Measurement, Outcome } from "./cells.js";
import type { ExperimentOf } from "./config.js";
import { keptFor } from "./kept.js";
import type { Lab, TrainedNetwork } from "./lab.js";
import { makeScheme } from "./schemes.js";

const WARM_UPS = 2;

/** Median milliseconds per step; every step is waited for, and the schemes take turns, so that a slow spell of the machine meets all. */
export async function timing(lab: Lab, { data, seed }: Cell, experiment: ExperimentOf<"timing">): Promise<Outcome> {
  const { batch, steps, schemes } = experiment;
  const { train, plan } = await lab.data(data);
  using _ = openScope("timing");
  using teacher = await lab.network({ data, seed, scheme: "normal" });
  const images = residentData(partOf(train, 0, batch));
  const given = { eps: plan.trainEps, teacher: teacher.classifier };
  const timed: { scheme: string; step: TimedStep; kept: Disposable | undefined; times: number[] }[] = [];
  try {
    for (const scheme of schemes) {
      const config = lab.config.schemes[scheme];
      const kept = await keptFor(config, { ...given, data: images, key: random.key(seed) });
      const student = await lab.network({ data, seed, scheme: "normal" });
      const step = timedStep(makeScheme(config, { ...given, kept }), student, images, config.learningRate);
      timed.push({ scheme, step, kept, times: [] });
    }
    lab.say(`timing ${schemes.map((scheme) => lab.config.schemes[scheme].title).join(", ")}`);
    for (let round = -WARM_UPS; round < steps; round++)
      for (const { step, times } of timed) {
        const ms = await step.run(random.key(round + WARM_UPS));
        if (round >= 0) times.push(ms);
      }
  } finally {
    for (const { step, kept } of timed) {
      step[Symbol.dispose]();
      kept?.[Symbol.dispose]();
    }
    dispose([images.words, images.labels]);
  }
  return {
    measurements: timed.map(
      ({ scheme, times }): Measurement => ({
        ...{ scheme, conditions: { batch }, metric: "ms per step" },
        ...{ value: median(times), count: times.length },
      }),
    ),
  };
}

interface TimedStep extends Disposable {
  /** Trains on the whole batch. Returns milliseconds. */
  run(key: Tensor): Promise<number>;
}

/** The student is given up to it. */
function timedStep(
  scheme: Scheme,
  { model, params: first }: TrainedNetwork,
  images: ResidentData,
  learningRate: number,
): TimedStep {
  const optimiser = adam({ lr: learningRate });
  const loss = batchLoss(scheme);
  // An argument, as in training: what hangs on constants alone, the teacher's passes among it, is computed once for all steps.
  const indices = tensor(Int32Array.from({ length: images.count }, (_, i) => i));
  const step = capture(
    (params: Tree, state: Tree, key: Tensor, batch: Tensor): readonly [Tree, Tree, Tensor] => {
      const { x, y } = pickSamples(images, batch);
      const context = { training: true, key, indices: batch };
      const [value, , gradients] = valueAuxAndGrad((p: Tree) => loss(model, p, x, y, context))(params);
      return [...optimiser.update(params, gradients, state), value];
    },
    { donate: [0, 1] },
  );
  let params = first;
  let state = scope(() => optimiser.init(first));
  return {
    async run(key) {
      const began = performance.now();
      const [nextParams, nextState, value] = step(params, state, key, indices);
      await value.item();
      const ms = performance.now() - began;
      [params, state] = keep([nextParams, nextState]);
      value.dispose();
      return ms;
    },
    [Symbol.dispose]() {
      step.dispose();
      dispose([params, state]);
    },
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}
