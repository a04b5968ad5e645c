/** Whether the attack is worth its name: the same numbers as were measured with the authors' attack on the weights they published,
 *  on a network of their architecture trained as they train. */
import { surrogateOf } from "../attacks/surrogate.js";
import type { Cell, Measurement, Outcome } from "./cells.js";
import type { AttackConfig, ExperimentOf } from "./config.js";
import { type Lab, SAMPLE } from "./lab.js";
import { accuracyOf, attackImages, correctlyClassified, meansOf } from "./robustness.js";

/** What the authors' untargeted attack leaves of the maps of the network they published (Fashion-MNIST, ReLU, no defence): means over
 *  500 test images, after 200 steps. Measured by this project with an independent implementation in which the two errors
 *  of the released attack are corrected: a top-50 threshold shared by the batch, and pixels that left the ball put on its
 *  upper side. */
export const PUBLISHED: readonly { readonly eps: number; readonly topK: number; readonly spearman: number }[] = [
  { eps: 0.02, topK: 0.674, spearman: 0.657 },
  { eps: 0.04, topK: 0.578, spearman: 0.545 },
  { eps: 0.06, topK: 0.521, spearman: 0.487 },
  { eps: 0.08, topK: 0.495, spearman: 0.46 },
];

/** How those numbers were made: steps of 0.002 times the gradient over its largest element, through the relu network itself. */
const AUTHORS_STEP = 0.002;
const AUTHORS = { objective: "untargeted", rule: "max-abs", schedule: "constant", steps: 200, restarts: 0 } as const;
/** The attack of a measurement with the authors' settings, in its condition `attack`; the others are called by their objective. */
export const AUTHORS_ATTACK = "authors' settings";

export async function reference(
  lab: Lab,
  { data, seed }: Cell,
  experiment: ExperimentOf<"reference">,
): Promise<Outcome> {
  const { network: architecture, scheme, attacks, eps, control } = experiment;
  const { test } = await lab.data(data);
  const { epochs } = lab.config.schemes[scheme];
  using network = await lab.network({ data, seed, scheme, epochs, network: architecture });
  const { classifier } = network;
  const surrogate = surrogateOf(classifier, SAMPLE);
  const accuracy = { value: await accuracyOf(network, test), count: test.labels.length };
  const measurements: Measurement[] = [{ scheme, conditions: {}, metric: "accuracy", ...accuracy }];
  const most = Math.max(control, ...attacks.map(({ images }) => images));
  const correct = await correctlyClassified(classifier, test, most);
  type Under = Awaited<ReturnType<typeof attackImages>>["under"];
  type Search = Pick<AttackConfig, "steps" | "restarts">;
  const record = (name: string, { steps, restarts }: Search, under: Under): void => {
    for (const { eps, attacked } of under)
      measurements.push(...meansOf({ scheme, conditions: { attack: name, steps, restarts, eps } }, attacked));
  };
  for (const attack of attacks) {
    const indices = correct.slice(0, attack.images);
    const { under } = await attackImages(lab, classifier, {
      attack,
      surrogate,
      indices,
      split: test,
      radii: eps,
      seed,
    });
    record(attack.objective, attack, under);
  }
  const indices = correct.slice(0, control);
  for (const radius of control > 0 ? eps : []) {
    const attack = { ...attacks[0], ...AUTHORS, stepSize: AUTHORS_STEP / radius };
    const { under } = await attackImages(lab, classifier, { attack, indices, split: test, radii: [radius], seed });
    record(AUTHORS_ATTACK, attack, under);
  }
  return { measurements };
}
