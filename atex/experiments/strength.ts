/** How far maps can be driven, against how long the attack searches: where the curve is flat, the attack has found what it can. */
import { surrogateOf } from "../attacks/surrogate.js";
import type { Cell, Outcome } from "./cells.js";
import type { ExperimentOf } from "./config.js";
import { type Lab, SAMPLE } from "./lab.js";
import { attackImages, correctlyClassified, meansOf } from "./robustness.js";

export async function strength(lab: Lab, cell: Cell, experiment: ExperimentOf<"strength">): Promise<Outcome> {
  const { data, seed } = cell;
  const scheme = cell.scheme!;
  const { test } = await lab.data(data);
  using network = await lab.network({ data, seed, scheme });
  const { eps, objective, explainer } = experiment;
  const indices = await correctlyClassified(network.classifier, test, experiment.images);
  const surrogate = surrogateOf(network.classifier, SAMPLE);
  const measurements = [];
  for (const rule of experiment.rules)
    for (const restarts of experiment.restarts)
      for (const steps of experiment.steps) {
        const attack = { ...experiment, rule, restarts, steps };
        const run = { attack, surrogate, indices, split: test, radii: [eps], seed };
        const { under } = await attackImages(lab, network.classifier, run);
        const conditions = { objective, explainer, eps, rule, restarts, steps };
        measurements.push(...meansOf({ scheme, conditions }, under[0].attacked));
      }
  return { measurements };
}
