/** Figure 5: accuracy under a fresh FGSM attack after adversarial training, against the rounds of ATEX run before it. */
import { callerScope, sum, tensor } from "../../../engine/index.js";
import { list, natural, size, text } from "../../../nn/schema.js";
import { fgsmAttack } from "../../attacks/prediction.js";
import type { Classifier } from "../../score.js";
import { type Quantity, select, valuesOf } from "../aggregate.js";
import type { Cell, Measurement, Outcome } from "../cells.js";
import { curves } from "../curves.js";
import { type Experiment, experimentKind, together } from "../kind.js";
import { type Lab, pickPixels, type Split, splitOf } from "../lab.js";
import { accuracyOf } from "../measuring.js";
import { claimsAboutRounds, requireRounds } from "../rounds.js";
import { split } from "../settings.js";
import { basis, formatted, perData, type TableData } from "../tables.js";

const settings = { scheme: text, rounds: list(natural), split, adversarial: text, eps: size };

async function run(lab: Lab, { data, seed }: Cell, experiment: Experiment<typeof settings>): Promise<Outcome> {
  const here = callerScope();
  const { scheme, adversarial, eps } = experiment;
  const images = splitOf(await here.wait(lab.data(data)), experiment);
  const measurements: Measurement[] = [];
  // The longest training first: shorter ones are its beginnings.
  for (const rounds of [...experiment.rounds].sort((a, b) => b - a)) {
    const before = { data, seed, scheme, epochs: rounds };
    const after = { data, seed, scheme: adversarial, start: before };
    for (const [stage, request] of [
      ["before", before],
      ["after", after],
    ] as const) {
      using network = await here.wait(lab.network(request));
      const add = (metric: string, value: number): void =>
        void measurements.push({
          scheme,
          conditions: { rounds, stage, eps },
          metric,
          value,
          count: images.labels.length,
        });
      add("accuracy", await here.wait(accuracyOf(network, images)));
      add("accuracy under FGSM", await here.wait(accuracyUnderFgsm(network.classifier, images, eps)));
    }
  }
  return { measurements };
}

const BATCH = 200;

/** Share of a split that FGSM leaves classified correctly. */
async function accuracyUnderFgsm(classifier: Classifier, split: Split, eps: number): Promise<number> {
  const here = callerScope();
  const attack = fgsmAttack(eps);
  let fooled = 0;
  for (let from = 0; from < split.labels.length; from += BATCH) {
    using _ = here.open("fgsm");
    const indices = Array.from({ length: Math.min(BATCH, split.labels.length - from) }, (_, i) => from + i);
    const labels = tensor(Int32Array.from(indices, (i) => split.labels[i]));
    fooled += await here.wait(sum(attack({ classifier, x: pickPixels(split, indices), labels }).fooled).item());
  }
  return 1 - fooled / split.labels.length;
}

function tableOf(data: string, all: readonly Quantity[]): TableData {
  const [{ conditions }] = all;
  const of = (rounds: number, stage: string, metric: string) =>
    formatted(select(all, { metric, conditions: { rounds, stage } })[0]);
  return {
    title: `${data}: adversarial training after ATEX`,
    header: ["passes of ATEX", "accuracy", "under FGSM", "accuracy after adversarial training", "under a fresh FGSM"],
    rows: valuesOf<number>(all, "rounds").map((rounds) => [
      String(rounds),
      ...["before", "after"].flatMap((stage) => ["accuracy", "accuracy under FGSM"].map((m) => of(rounds, stage, m))),
    ]),
    caption: `${basis(all)} Percent; FGSM of eps ${conditions.eps}.`,
  };
}

/** What is drawn, and what the claim is about. */
const AFTER = { conditions: { stage: "after" } };
const UNDER_FGSM = "accuracy under FGSM";

export const hardening = experimentKind({
  kind: "hardening",
  settings,
  words:
    "Figure 5 of the paper: a network is trained with ATEX for some passes, then adversarially on FGSM samples and clean images, and " +
    "attacked with FGSM anew.",
  schemes: ({ scheme, adversarial }) => [scheme, adversarial],
  cells: together,
  check: requireRounds,
  run,
  tables: (findings) => perData(findings).map(([data, all]) => tableOf(data, all)),
  plots: ({ all }) =>
    curves(select(all, AFTER), { axis: "rounds", x: "passes of ATEX", y: "accuracy", nameOf: ({ metric }) => metric }),
  claims: (findings) =>
    claimsAboutRounds(
      findings,
      "adversarial training reaches more accuracy under FGSM when ATEX is run before it (fig. 5)",
      { metric: UNDER_FGSM, ...AFTER },
    ),
});
