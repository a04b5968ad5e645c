/** Further checks of trained networks at one budget: the attack crafted on another network, with the output held, in the L2 ball,
 *  and how far maps can be driven when nothing holds the prediction. */
import { argmax, callerScope, div, norm, openScope, random, type Tensor } from "../../../engine/index.js";
import { cosineDecay } from "../../../nn/index.js";
import { count, described, object, size } from "../../../nn/schema.js";
import { signStep } from "../../attacks/rules.js";
import { surrogateOf } from "../../attacks/surrogate.js";
import { linf } from "../../balls.js";
import { gradient } from "../../explainers/gradient.js";
import { rows } from "../../metrics/metric.js";
import { localLipschitz, worstCaseStability } from "../../metrics/stability.js";
import { type Classifier, classScore } from "../../score.js";
import { type Quantity, select } from "../aggregate.js";
import type { Cell, Measurement, Outcome } from "../cells.js";
import type { ReproduceConfig } from "../config.js";
import { type Experiment, experimentKind } from "../kind.js";
import { type Lab, pickPixels, type Split } from "../lab.js";
import { AIMED, type AttackRun, attackImages, attackMeasurements, correctlyClassified, meansOf } from "../measuring.js";
import { attack, names } from "../settings.js";
import { basis, formatted, metricTitle, perData, schemesIn, type TableData } from "../tables.js";

const settings = {
  schemes: names,
  attack,
  eps: size,
  l2: described(size, "radius of the L2 ball"),
  outputBound: described(size, "largest change of a logit"),
  stability: object({ images: count, steps: count, restarts: count }),
};
type Settings = Experiment<typeof settings>;

async function run(lab: Lab, cell: Cell, experiment: Settings): Promise<Outcome> {
  const here = callerScope();
  const { data, seed } = cell;
  const scheme = cell.scheme!;
  const { attack, eps, l2, outputBound } = experiment;
  const { test: split } = await here.wait(lab.data(data));
  using network = await here.wait(lab.network({ data, seed, scheme }));
  using normal = await here.wait(lab.network({ data, seed, scheme: "normal" }));
  const { classifier } = network;
  const indices = await here.wait(correctlyClassified(classifier, split, attack.images));
  const own = {
    attack,
    surrogate: surrogateOf(network.classifier, split.shape),
    indices,
    split,
    radii: [eps],
    seed,
  };
  const variants: Record<string, AttackRun> = {
    plain: own,
    "crafted on normal": {
      ...own,
      surrogate: surrogateOf(normal.classifier, split.shape) ?? normal.classifier,
    },
    "bounded output": { ...own, outputBound },
    L2: { ...own, norm: "l2", radii: [l2] },
  };
  const measurements: Measurement[] = [];
  for (const [check, how] of Object.entries(variants)) {
    const { under } = await here.wait(attackImages(lab, classifier, how));
    measurements.push(...attackMeasurements({ scheme, conditions: { check } }, under[0]));
  }
  lab.say("worst-case stability");
  const { images, ...search } = experiment.stability;
  const found = await here.wait(stabilityOf(classifier, split, indices.slice(0, images), { ...search, eps, seed }));
  measurements.push(...meansOf({ scheme, conditions: { check: "stability" } }, found));
  return { measurements };
}

interface StabilityOptions {
  readonly eps: number;
  readonly steps: number;
  readonly restarts: number;
  readonly seed: number;
}

/** Worst-case stability and local Lipschitz estimate of gradient maps, one number per image. */
async function stabilityOf(
  classifier: Classifier,
  split: Split,
  indices: readonly number[],
  { eps, steps, restarts, seed }: StabilityOptions,
): Promise<Record<string, number[]>> {
  using here = openScope("stability");
  const x = pickPixels(split, indices);
  const score = classScore(classifier, argmax(classifier(x), 1));
  const search = {
    ...{ explainer: gradient, ball: linf(eps), steps, restarts },
    ...{ rule: signStep(eps / 2), schedule: cosineDecay(1, steps), key: random.fold(random.key(seed), 4) },
  };
  const list = async (t: Tensor): Promise<number[]> => Array.from(await t.read());
  const worst = worstCaseStability(search)(score, x);
  return {
    "worst-case stability": await here.wait(list(worst)),
    "worst-case share": await here.wait(list(div(worst, norm(rows(gradient(score, x)), 1)))),
    "local Lipschitz": await here.wait(list(localLipschitz(search)(score, x))),
  };
}

function tablesOf(
  data: string,
  all: readonly Quantity[],
  { schemes, k }: ReproduceConfig,
  { eps, l2, outputBound, attack, stability }: Settings,
): TableData[] {
  const attacks = ["plain", "crafted on normal", "bounded output", "L2"];
  const measures = ["worst-case stability", "worst-case share", "local Lipschitz"];
  const of = (scheme: string, check: string, metric: string): Quantity | undefined =>
    select(all, { scheme, metric, conditions: { check } })[0];
  // Of an ensemble each measure under its own attack, too.
  const rows = ["topK", "spearman", "centre"].flatMap((measure): [string, string][] => {
    const title = metricTitle(measure, k);
    if (select(all, { metric: AIMED + measure }).length === 0) return measure === "centre" ? [] : [[measure, title]];
    return [
      [AIMED + measure, `${title}, attack on it`],
      [measure, `${title}, ensemble`],
    ];
  });
  const basisOf = (check: string): string => basis(select(all, { conditions: { check } }));
  return [
    {
      title: `${data}: further attacks at eps1 ${eps}`,
      header: ["", "", ...attacks],
      rows: schemesIn(all).flatMap((scheme) =>
        rows.map(([metric, title]) => [
          schemes[scheme].title,
          title,
          ...attacks.map((check) => formatted(of(scheme, check, metric), metric.endsWith("centre") ? 2 : undefined)),
        ]),
      ),
      caption:
        `${basisOf("plain")} The ${attack.objective} attack, ${attack.steps} steps${attack.objective === "ensemble" ? " from each start" : `, ${attack.restarts} restarts`}: as in the tables; climbing the map of ` +
        "the normally trained network, with what it finds judged on the network itself (where that leaves less than the plain attack, " +
        `the network hides its gradients); with every logit held within ${outputBound} (eq. 1's eps2); in the L2 ball of radius ${l2}.`,
    },
    {
      title: `${data}: stability of gradient maps within eps1 ${eps}`,
      header: ["", ...measures],
      rows: schemesIn(all).map((scheme) => [
        schemes[scheme].title,
        ...measures.map((metric) => formatted(of(scheme, "stability", metric))),
      ]),
      caption:
        `${basisOf("stability")} Definition 1 with its optimal gamma, the same as a share of the length of the clean map, and the largest change of the ` +
        "map over that of the image, which has no bound where max pooling makes maps jump. No bound on the prediction; lower is more " +
        `stable; what ${stability.restarts} starts of ${stability.steps} steps found, a lower bound.`,
    },
  ];
}

export const checks = experimentKind({
  kind: "checks",
  settings,
  words:
    "What tables 1 to 4 leave open: whether a defence only hides its gradients, what the bound on the output and another ball change, and " +
    "how stable maps are in the sense of definition 1.",
  schemes: ({ schemes }) => schemes,
  run,
  tables: (findings) =>
    perData(findings).flatMap(([data, all]) => tablesOf(data, all, findings.config, findings.experiment)),
});
