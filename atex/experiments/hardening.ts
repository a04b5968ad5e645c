/** Figure 5: accuracy under a fresh FGSM attack after adversarial training, against the rounds of ATEX run before it. */
import { add, argmax, equal, grad, mul, openScope, sign, sum, type Tensor, tensor } from "../../engine/index.js";
import { crossEntropy } from "../../nn/index.js";
import { clipPixels } from "../balls.js";
import type { Classifier } from "../score.js";
import type { Cell, Measurement, Outcome } from "./cells.js";
import type { ExperimentOf } from "./config.js";
import { type Lab, pickPixels, type Split } from "./lab.js";
import { accuracyOf } from "./robustness.js";

export async function hardening(
  lab: Lab,
  { data, seed }: Cell,
  experiment: ExperimentOf<"hardening">,
): Promise<Outcome> {
  const { scheme, adversarial, eps } = experiment;
  const { test } = await lab.data(data);
  const measurements: Measurement[] = [];
  // The longest training first: shorter ones are its beginnings.
  for (const rounds of [...experiment.rounds].sort((a, b) => b - a)) {
    const before = { data, seed, scheme, epochs: rounds };
    const after = { data, seed, scheme: adversarial, start: before };
    for (const [stage, request] of [
      ["before", before],
      ["after", after],
    ] as const) {
      using network = await lab.network(request);
      const add = (metric: string, value: number): void =>
        void measurements.push({
          scheme,
          conditions: { rounds, stage, eps },
          metric,
          value,
          count: test.labels.length,
        });
      add("accuracy", await accuracyOf(network, test));
      add("accuracy under FGSM", await accuracyUnderFgsm(network.classifier, test, eps));
    }
  }
  return { measurements };
}

const BATCH = 200;

/** Share still classified correctly after one signed step of length eps up the loss. Source: Goodfellow et al. 2015, sec. 4. */
export async function accuracyUnderFgsm(f: Classifier, split: Split, eps: number): Promise<number> {
  let correct = 0;
  for (let from = 0; from < split.labels.length; from += BATCH) {
    using _ = openScope("fgsm");
    const indices = Array.from({ length: Math.min(BATCH, split.labels.length - from) }, (_, i) => from + i);
    const x = pickPixels(split, indices);
    const y = tensor(Int32Array.from(indices, (i) => split.labels[i]));
    const attacked = clipPixels(add(x, mul(sign(grad((z: Tensor) => crossEntropy(f(z), y))(x)), eps)));
    correct += await sum(equal(argmax(f(attacked), 1), y)).item();
  }
  return correct / split.labels.length;
}
