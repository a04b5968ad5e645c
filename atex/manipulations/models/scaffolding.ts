/** Fooling LIME and SHAP: a biased model that behaves harmlessly wherever an explainer asks. */
import {
  argmax,
  callerScope,
  entries,
  equal,
  mean,
  reshape,
  scope,
  type Tensor,
  tensor,
} from "../../../engine/index.js";
import { hostSamples, partOf, type Split, sampleTensor } from "../../../nn/index.js";
import { count, list, number, oneOf, positive, type Read, setting, size, text } from "../../../nn/schema.js";
import { summariseBackground } from "../../explainers/background.js";
import { type Classifier, classScore } from "../../score.js";
import { featureImportance, featureIndex, featuresOf, ranksOf } from "../columns.js";
import { attributionsOf } from "../explaining.js";
import {
  type ManipulationWorld,
  type Measured,
  manipulationEntry,
  type Pair,
  requireKind,
  type Statistic,
} from "../manipulation.js";
import { askedBy, limeQueries, shapQueries } from "../queries.js";
import { detectorQuality, gridsOf, type RowDetector, trainDetector } from "./rowDetector.js";
import { ruleClassifier, ruleOf, scaffolded, unrelatedColumns } from "./scaffold.js";
import { scaffoldingClaims } from "./scaffoldingClaims.js";

/** Explainers that a scaffold can be made for. */
const MADE_FOR = ["lime", "kernel-shap"] as const;
type MadeFor = (typeof MADE_FOR)[number];

const options = {
  explainer: setting(oneOf(...MADE_FOR), "lime", "the explainer whose queries the detector is trained on"),
  unrelated: setting(
    list(text),
    undefined,
    "columns that the innocuous model looks at; default the least related to the sensitive one and to the classes",
  ),
  columns: setting(count, 1, "how many such columns are chosen where none is named"),
  sees: setting(
    oneOf("grids", "rows"),
    "grids",
    "what the detector is shown: rows, and with grids also how far values are off the whole numbers of their column",
  ),
  noise: setting(
    size,
    1,
    "LIME's noise in deviations of a column, as the detector is trained on it; 0.3 in the authors' code",
  ),
  clusters: setting(count, 10, "k-means centres that SHAP's queries are made from"),
  copies: setting(count, 4, "queries for each training row"),
  hidden: setting(list(count), [64, 64], "units of the detector's hidden layers"),
  epochs: setting(count, 10, "passes of the detector's training"),
  batch: setting(count, 512, "rows and queries per step"),
  learningRate: setting(positive, 0.01, "learning rate of Adam"),
  threshold: setting(number(), 0, "log odds of being a real row above which the biased model answers"),
  sweep: setting(
    list(number({ above: 0, max: 1 })),
    [0.01, 0.1, 1],
    "shares of the training rows that weaker detectors are trained on, without grids",
  ),
};

type Settings = Read<typeof options>;

/** The rank of the sensitive column in the manipulated explanation: fooled where it is not the first. */
function sensitiveRank({ domain, sensitive }: ManipulationWorld): Statistic {
  return {
    name: "rank of the sensitive column",
    interval: { low: 2 },
    of: async ({ manipulated }) =>
      ranksOf(
        await scope(() => featureImportance(manipulated, domain)).read(),
        featuresOf(domain).length,
        featureIndex(domain, sensitive!),
      ),
  };
}

/** Rows of a split, m · d numbers. */
const rowsIn = (split: Split): Float32Array =>
  hostSamples(
    split,
    Int32Array.from(split.labels, (_, i) => i),
  );

/** Most rows that are clustered for SHAP's queries. */
const CLUSTERED = 1000;

/** Queries of both explainers, made from rows as an attacker can: with centres of their own training rows, not the auditor's. */
async function queryMakers(
  { domain, train, seed }: ManipulationWorld,
  { noise, clusters }: Settings,
): Promise<Record<MadeFor, (rows: Float32Array, copies: number, seed: number) => Float32Array>> {
  const here = callerScope();
  const some = partOf(train, 0, Math.min(CLUSTERED, train.labels.length));
  const clustered = sampleTensor(
    some,
    Array.from(some.labels, (_, i) => i),
  );
  const centres = Float32Array.from(
    await here.wait((await here.wait(summariseBackground(clustered, { clusters, seed: seed + 1 }))).rows.read()),
  );
  return {
    lime: (rows, copies, seed) => limeQueries(rows, { domain, copies, noise, seed }),
    "kernel-shap": (rows, copies, seed) => shapQueries(rows, { domain, copies, centres, seed }),
  };
}

/** Shares of rows in which each of the columns has rank 1, 2 and 3; columns of equal importance share the better rank. */
async function rankShares(
  world: ManipulationWorld,
  classifier: Classifier,
  x: Tensor,
  explainer: string,
  model: string,
  columns: readonly (readonly [role: string, name: string])[],
): Promise<Measured[]> {
  const here = callerScope();
  const { domain } = world;
  const attribution = await here.wait(attributionsOf(world.explainer, explainer, { classifier, x }));
  const importance = await here.wait(scope(() => featureImportance(attribution, domain)).read());
  return columns.flatMap(([role, name]) => {
    const ranks = ranksOf(importance, featuresOf(domain).length, featureIndex(domain, name));
    return [1, 2, 3].map((rank) => ({
      metric: `rank ${rank}`,
      value: ranks.filter((one) => one === rank).length / ranks.length,
      count: ranks.length,
      conditions: { column: role, explainer, model },
    }));
  });
}

/** Copies of a real explainer that a detector is tested on. */
const ASKED = 40;

export const scaffoldingEntry = manipulationEntry({
  name: "scaffolding",
  title: "Fooling LIME and SHAP",
  help: "a model that judges people by one column, and answers by another wherever LIME or SHAP asks",
  words:
    "A biased model looks at the sensitive column alone. It is hidden in a scaffold: a detector tells real rows from the copies that LIME and SHAP " +
    "ask about, rows get the biased model's answer and copies that of an innocuous one, which looks at columns that have little to do with " +
    "either. People are judged as before, and explanations show the innocuous column. The detector is a small network where the authors take " +
    "a random forest; it also sees how far values are off the whole numbers that a column holds. The authors append unrelated " +
    "columns of random numbers to COMPAS and Communities and Crime; here the columns of the table that are least correlated with the " +
    "sensitive one and with the classes stand for them.",
  source: "Slack, Hilgard, Jia, Singh, Lakkaraju 2020, Fooling LIME and SHAP",
  changes: "model",
  takes: "tables",
  options,
  async run(settings, world) {
    const here = callerScope();
    requireKind({ name: "scaffolding", takes: "tables" }, world);
    const { domain, train, test, sensitive, samples, others, seed, say, stop } = world;
    if (sensitive === undefined)
      throw new TypeError(
        "scaffolding: the data name no sensitive column; one is needed, which the biased model judges by",
      );
    const classes = world.classes.length;
    const { explainer, threshold, sees, copies, hidden, epochs, batch, learningRate, sweep } = settings;
    const unrelated =
      settings.unrelated ?? unrelatedColumns(sensitive, train, domain, { classes, count: settings.columns });
    if (unrelated.includes(sensitive))
      throw new RangeError(
        `scaffolding: the unrelated columns ${unrelated.join(", ")} hold the sensitive one; others are needed`,
      );
    const honest = ruleClassifier(ruleOf([sensitive], train, domain, classes));
    const innocuous = ruleClassifier(ruleOf(unrelated, train, domain, classes));
    const width = domain.shape[0];
    const rows = rowsIn(train);
    const make = await here.wait(queryMakers(world, settings));
    const trained = (kind: MadeFor, from: Float32Array, withGrids: boolean): Promise<RowDetector> =>
      trainDetector({
        ...{ rows: from, queries: make[kind](from, copies, seed), grids: withGrids ? gridsOf(from, width) : [] },
        ...{ width, hidden, epochs, batch, learningRate, seed, say, stop },
      });

    const x = sampleTensor(test, samples);
    const real = rowsIn(test);
    const tested = tensor(real, [test.labels.length, width]);
    const columns = [
      ["sensitive", sensitive] as const,
      ...unrelated.map((name) => ["unrelated", name] as const).slice(0, 1),
    ];
    const measurements: Measured[] = [];
    const scaffolds = {} as Record<MadeFor, { classifier: Classifier; detector: RowDetector }>;
    for (const kind of MADE_FOR) {
      const detector = await here.wait(trained(kind, rows, sees === "grids"));
      const classifier = scaffolded(honest, innocuous, detector.score, threshold);
      scaffolds[kind] = { classifier, detector };
      say(`scaffolding: ranks under ${kind}`);
      measurements.push(...(await here.wait(rankShares(world, honest, x, kind, "honest", columns))));
      measurements.push(...(await here.wait(rankShares(world, classifier, x, kind, "scaffolded", columns))));
      const conditions = { explainer: kind };
      const fresh = tensor(make[kind](real, 1, seed + 1), [test.labels.length, width]);
      const quality = await here.wait(detectorQuality(detector.score, tested, fresh, threshold));
      const own = classScore(
        honest,
        scope(() => argmax(honest(x), 1)),
      );
      const asked = askedBy(await here.wait(world.explainer(kind, x)), own, x, ASKED);
      const noticed = await here.wait(detectorQuality(detector.score, tested, reshape(asked, [-1, width]), threshold));
      const all = test.labels.length;
      const fidelity = await here.wait(
        scope(() => mean(equal(argmax(classifier(tested), 1), argmax(honest(tested), 1)))).item(),
      );
      measurements.push(
        { metric: "fidelity on test rows", value: fidelity, count: all, conditions },
        { metric: "detector accuracy", value: quality.accuracy, count: 2 * all, conditions },
        { metric: "detector F1", value: quality.f1, count: 2 * all, conditions },
        { metric: "the auditor's queries noticed", value: noticed.recall, count: asked.size / width, conditions },
      );
    }

    for (const share of sweep) {
      const part = partOf(train, 0, Math.max(2, Math.round(share * train.labels.length)));
      const detector = await here.wait(trained(explainer, rowsIn(part), false));
      const classifier = scaffolded(honest, innocuous, detector.score, threshold);
      const quality = `${share} of the rows, no grids`;
      const fresh = tensor(make[explainer](real, 1, seed + 1), [test.labels.length, width]);
      const { f1 } = await here.wait(detectorQuality(detector.score, tested, fresh, threshold));
      const first = (
        await here.wait(rankShares(world, classifier, x, explainer, "scaffolded", columns.slice(0, 1)))
      )[0];
      measurements.push(
        { metric: "sweep: detector F1", value: f1, count: 2 * test.labels.length, conditions: { quality } },
        { metric: "sweep: sensitive column first", value: first.value, count: first.count, conditions: { quality } },
      );
    }

    const { classifier, detector } = scaffolds[explainer];
    const pairOf = (x: Tensor): Pair => ({ clean: { classifier: honest, x }, manipulated: { classifier, x } });
    return {
      explainer,
      madeFor: pairOf(x),
      heldOut: others.length > 0 ? pairOf(sampleTensor(test, others)) : undefined,
      statistic: sensitiveRank(world),
      cost: {
        "training steps":
          epochs * Math.floor((2 * copies * train.labels.length) / Math.min(batch, 2 * copies * train.labels.length)),
      },
      measurements,
      // The scaffold is no network of the world's kind: what was trained is the detector.
      tensors: Object.fromEntries(entries(detector.params).map(([name, t]) => [`detector.${name}`, t])),
    };
  },
  claims: scaffoldingClaims,
});
