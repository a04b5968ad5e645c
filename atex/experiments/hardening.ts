/** Figure 5: accuracy under a fresh FGSM attack after adversarial training, against the rounds of ATEX run before it. */
import { openScope, sum, tensor } from "../../engine/index.js";
import { fgsmAttack } from "../attacks/prediction.js";
import type { Classifier } from "../score.js";
import type { Cell, Measurement, Outcome } from "./cells.js";
import type { ExperimentOf } from "./config.js";
import { type Lab, pickPixels, type Split, splitOf } from "./lab.js";
import { accuracyOf } from "./robustness.js";

export async function hardening(
  lab: Lab,
  { data, seed }: Cell,
  experiment: ExperimentOf<"hardening">,
): Promise<Outcome> {
  const { scheme, adversarial, eps } = experiment;
  const images = splitOf(await lab.data(data), experiment);
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
          count: images.labels.length,
        });
      add("accuracy", await accuracyOf(network, images));
      add("accuracy under FGSM", await accuracyUnderFgsm(network.classifier, images, eps));
    }
  }
  return { measurements };
}

const BATCH = 200;

/** Share of a split that FGSM leaves classified correctly. */
export async function accuracyUnderFgsm(classifier: Classifier, split: Split, eps: number): Promise<number> {
  const attack = fgsmAttack(eps);
  let fooled = 0;
  for (let from = 0; from < split.labels.length; from += BATCH) {
    using _ = openScope("fgsm");
    const indices = Array.from({ length: Math.min(BATCH, split.labels.length - from) }, (_, i) => from + i);
    const labels = tensor(Int32Array.from(indices, (i) => split.labels[i]));
    fooled += await sum(attack({ classifier, x: pickPixels(split, indices), labels }).fooled).item();
  }
  return 1 - fooled / split.labels.length;
}
