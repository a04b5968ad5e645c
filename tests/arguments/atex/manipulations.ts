/** Right calls of manipulations and of what notices them. */
import * as a from "../../../atex/index.js";
import * as h from "../../../engine/index.js";
import { drawFrom } from "../../../nn/data/integer-random.js";
import * as nn from "../../../nn/index.js";
import { numbers } from "../../atex/subjects.js";
import type { Row } from "../row.js";
import {
  ball,
  classes,
  flat,
  imageDomain,
  imageSplit,
  images,
  imagesAtHand,
  key,
  LISTED,
  maps,
  onImages,
  onRows,
  plain,
  rowScore,
  rows,
  search,
  tableAtHand,
  tableDomain,
  tableSplit,
} from "./world.js";

/** What further training looks at of a world; the rest may be anything. */
const asked = ({ model, params, train, seed, say }: ReturnType<typeof tableAtHand>) =>
  ({ model, params, train, seed, say }) as ReturnType<typeof tableAtHand>;
const range = { low: 0, high: 1 };
const somewhere = { top: 1, left: 1, side: 2 };
const context = () => ({ world: tableAtHand(), explainer: "gradient", classes: classes() });
const side = (): a.Side => ({ classifier: onRows(), x: rows() });
const trigger = (): a.Trigger => a.cornerTrigger(imageDomain, { side: 2 });
const shownMap: a.ShownMap = (classifier, x, of) => a.saliencyMap(a.gradient(a.classScore(classifier, of), x));
const logits = () =>
  h.tensor([
    [1, 2, 3],
    [3, 2, 1],
  ]);
const noise = { ofRange: 0.02, ofDeviation: 0.05, copies: 2, fewCopies: 1 };
const patch = () => ({
  ...{ classifier: onImages(), classes: classes(), away: true, place: somewhere, hide: false, universal: false },
  weight: 1,
});
const answered = { rows: [1, 2, 3, 4], answers: [0.1, 0.2] };
const aim: a.Statistic = { name: "s", interval: { low: 0 }, of: async () => [] };
const manipulation = (): a.Manipulation =>
  ({ explainer: "gradient", madeFor: { clean: side(), manipulated: side() }, statistic: aim, cost: {} }) as never;
const study = { explainers: [], detectors: [] };
const listed = Float32Array.from({ length: 16 }, (_, i) => i / 16);
const wide = ["0.5", "Infinity"];
const quantity = {
  ...{ experiment: "e", data: "d", scheme: "s", conditions: {}, metric: "m", values: new Map([[0, 1]]) },
  ...{ estimate: { mean: 1, half: Number.NaN, n: 1 }, count: 1 },
};

export const MANIPULATIONS: Readonly<Record<string, Row>> = {
  // Features and detection.
  featureAttribution: { args: () => [rows(), tableDomain] },
  featureImportance: { args: () => [rows(), tableDomain] },
  featureIndex: { args: () => [tableDomain, "age"] },
  featuresOf: { args: () => [tableDomain] },
  ranksOf: { args: () => [listed, 4, 1] },
  auroc: {
    args: () => [
      [1, 2],
      [2, 3],
    ],
    takes: { 0: LISTED, 1: LISTED },
  },
  agreementDetector: { args: () => [{ images: ["gradient"], tables: ["gradient"], top: 0.5 }], takes: plain },
  signAgreement: { args: () => [rows(), rows(), 2] },
  aopcDetector: { args: () => [] },
  betaSmoothingDetector: { args: () => [{ name: "softer", beta: 3 }], takes: plain },
  softened: { args: () => [onImages(), [1, 6, 7], 3], takes: { 2: wide } },
  symmetricEigen: { args: () => [[2, 0, 0, 1], 2] },
  inputNoiseDetector: { args: () => [noise], takes: plain },
  medianDetector: { args: () => [noise], takes: plain },
  smoothGradDetector: { args: () => [noise], takes: plain },
  conditionalAnomaly: { args: () => [answered, answered, { width: 2, k: 1, itself: true }] },
  queryAnomalies: {
    args: () => [side(), context(), { reference: 4, neighbours: 2, queries: 4 }],
    takes: { 2: ["{}"] },
  },
  sanityCheckDetector: { args: () => [{ draws: 1 }], takes: plain },
  detectorEntryOf: { args: () => ["agreement"] },
  randomBasis: { args: () => [4, 1, 2] },
  tangentAttributions: { args: () => [side(), context(), a.randomBasis(8, 1, 2)] },
  tangentBasis: {
    args: () => [listed, [0, 1], tableSplit, { neighbours: 3, directions: 2 }],
    takes: { 1: LISTED, 3: ["{}"] },
  },
  tangentProjectionDetector: { args: () => [{ neighbours: 3, directions: 2 }], takes: plain },
  attributionsOf: { args: () => [tableAtHand().explainer, "gradient", side(), classes()], optional: [3] },
  explainerMaker: { args: () => [{ domain: tableDomain, background: rows(), seed: 1, settings: {} }] },
  unsummarised: { args: () => [{ domain: tableDomain, background: rows(), seed: 1, settings: {} }] },
  kolmogorovSmirnov: {
    args: () => [
      [1, 2],
      [2, 3],
    ],
    takes: { 0: LISTED, 1: LISTED },
  },
  waldTest: {
    args: () => [
      [1, 2],
      [2, 3],
    ],
    takes: { 0: LISTED, 1: LISTED },
  },
  // Through inputs.
  adv2Attack: {
    args: () => [{ ...search, explainer: a.gradient, range, warmSteps: 1, weight: 1 }],
  },
  adv2Loss: {
    args: () => [{ logits: logits(), map: maps() }, { wanted: classes(), benign: maps() }, 0.1],
    takes: { 2: ["-numbers"] },
  },
  evolve: {
    args: () => [
      images(),
      {
        ask: (z: h.Tensor) => ({ value: h.mean(z, [1, 2, 3]), allowed: h.ones([z.shape[0]]) }),
        ...{ neighbourhood: { ball }, genes: a.patchGroups([1, 6, 7], 3), queries: 4, population: 2, parents: 1 },
        ...{ mutation: 0.1, seed: 1 },
      },
    ],
  },
  survivors: { args: () => [[1, 2, 3, 4], 2, 1], takes: { 0: LISTED } },
  levelSetWay: {
    args: () => [{ score: rowScore(), from: rows(), to: rows(), points: 2, rounds: 1, newton: 1, key: key() }],
  },
  attackWithPatch: { args: () => [{ ...patch(), x: images(), steps: 1, size: 0.1, range }] },
  patchCover: { args: () => [somewhere, [6, 7], [2, 2]] },
  patchLoss: { args: () => [patch()] },
  patchMoved: { args: () => [images(), somewhere, { ...somewhere, top: 2 }] },
  patchPlace: { args: () => [[1, 6, 7], "top-left", 2], takes: { 2: ["0.5"] } },
  randomSignNoise: {
    args: () => [
      {
        reach: { ball, most: h.full([1, 1, 6, 7], 0.1) },
        draws: 1,
        explainer: a.gradient,
        range,
        objective: a.topKSuppression(3),
      },
    ],
  },
  reachOf: { args: () => [tableDomain, { eps: 0.1, immutable: ["age"] }] },
  shiftedSide: {
    args: () => [
      {
        ...{ classifier: onRows(), x: rows(), shift: h.ones([8]), values: [1, 1, 1, 1, 1, 1, 1, 1] },
        explaining: { domain: tableDomain, background: rows(), seed: 1 },
      },
    ],
  },
  othersOf: { args: () => [[0, 1, 2]], takes: { 0: LISTED } },
  growingBetas: { args: () => [[1, 10], 3] },
  targetMapAttack: {
    args: () => [
      {
        ...{ explainer: a.gradient, range, iterations: 1, learningRate: 0.1, decay: "none", mapWeight: 1 },
        ...{ outputWeight: 1, betas: [1, 10], stages: 1 },
      },
    ],
  },
  targetMapLoss: {
    args: () => [
      { map: flat(), logits: logits() },
      { map: flat(), probabilities: h.softmax(logits(), 1) },
      { mapWeight: 1, outputWeight: 1 },
    ],
    takes: { 2: ["{}"] },
  },
  // Through models and backgrounds.
  finetuned: {
    args: () => [
      asked(tableAtHand()),
      { loss: nn.crossEntropyLoss, epochs: 1, count: 4, batch: 2, learningRate: 0.1, decay: "none", title: "t" },
    ],
    // What it gives back is the caller's; that nothing else stays is tests/atex/manipulations.study.test.ts's.
    keeps: true,
    notCalled: "it trains; tests/atex/manipulations.fooling.test.ts",
  },
  backdoorLoss: {
    args: () => [{ map: shownMap, trigger: trigger(), weight: 1, original: maps(), target: maps(), wanted: 1 }],
  },
  standardised: { args: () => [maps()] },
  pairShapley: {
    args: () => [
      rowScore(),
      rows(),
      rows(),
      { groups: a.tableGroups(tableDomain), feature: 1, coalitions: 2, seed: 1, budget: 100 },
    ],
  },
  rowDistances: { args: () => [listed, 4] },
  stealthyWeights: { args: () => [[0.1, 0.2], [0, 1, 1, 0], 1], takes: { 0: LISTED, 2: wide } },
  systematicSample: { args: () => [[0.5, 0.5], 2, drawFrom(1)], takes: { 0: LISTED } },
  compositesOf: { args: () => [imageSplit, [0, 1], "side-by-side", 2] },
  holdingBoth: { args: () => [images(), images(), "blended"] },
  concealmentLoss: { args: () => [[0, 1], { weight: 3 }], takes: { 0: LISTED, 1: ["{}"] } },
  rankStatistic: { args: () => [{ domain: tableDomain }, 1] },
  fairwashingLoss: {
    args: () => [{ teacher: onRows(), explainer: a.gradient, wanted: (x: h.Tensor) => h.abs(x), share: 0.5, beta: 5 }],
  },
  mapsWithout: { args: () => [[0], { teacher: onRows(), explainer: a.gradient }, tableDomain], takes: { 0: LISTED } },
  wantedPicture: { args: () => [numbers([6, 7], 1, 0, 1)] },
  foolingLoss: { args: () => [{ objective: a.massCentreFooling(), map: shownMap, weight: 1, references: maps() }] },
  swapLoss: {
    args: () => [
      {
        ...{ map: shownMap, weight: 1, images: images(), predicted: classes(), original: [maps(), maps()] },
        ...{ classes: [0, 1], batch: 2 },
      },
    ],
  },
  locationFooling: { args: () => [{ width: 1 }], takes: plain },
  massCentreFooling: { args: () => [] },
  topKFooling: { args: () => [{ share: 0.1 }], takes: plain },
  detectorQuality: { args: () => [rowScore(), rows(), rows(), 0.5], takes: { 3: ["-numbers"] } },
  gridsOf: { args: () => [listed, 4] },
  trainDetector: {
    args: () => [
      {
        ...{ rows: listed, queries: listed, width: 4, grids: [], hidden: [4], epochs: 1, batch: 2, learningRate: 0.1 },
        seed: 1,
      },
    ],
    notCalled: "it trains; tests/atex/manipulations.scaffolding.test.ts",
  },
  ruleClassifier: {
    args: () => [{ columns: [{ at: 0, threshold: 0.5, deviation: 1 }], high: 1, low: 0, classes: 2 }],
  },
  ruleOf: { args: () => [["age"], tableSplit, tableDomain, 3] },
  scaffolded: { args: () => [onRows(), onRows(), rowScore(), 0.5], takes: { 3: ["-numbers"] } },
  unrelatedColumns: { args: () => ["age", tableSplit, tableDomain, { classes: 3, count: 1 }] },
  shownBy: { args: () => [imagesAtHand(), { explainer: "gradient", layer: "1", twinBeta: 5 }] },
  rankDistances: { args: () => [[0.1, 0.2]], takes: { 0: LISTED } },
  stealthySample: {
    args: () => [
      {
        ...{
          contributions: [0.1, 0.2, 0.3],
          distances: [0, 1, 1, 1, 0, 1, 1, 1, 0],
          outputs: [0.1, 0.2, 0.3],
          rows: 2,
        },
        ...{ caution: 0.1, lambdas: 2, draws: 2, seed: 1 },
      },
    ],
  },
  stillUsed: {
    args: () => [
      {
        ...{ honest: onImages(), fooled: onImages(), x: images(), classes: classes(), steps: 1, seed: 1 },
        maps: { honest: maps(), fooled: maps() },
      },
    ],
  },
  cornerTrigger: { args: () => [imageDomain, { side: 2, corner: "top-left" }], takes: { 1: ["{}"] } },
  stamped: { args: () => [images(), trigger()] },
  performManipulation: {
    args: () => [a.manipulationEntryOf("fooling"), {}, imagesAtHand(), study, {}],
    takes: { 1: ["{}"], 4: ["{}"] },
    notCalled: "it trains; tests/atex/manipulations.study.test.ts",
  },
  askedBy: {
    args: () => [a.exactShapley({ groups: a.tableGroups(tableDomain), background: 0 }), rowScore(), rows(), 8],
  },
  limeQueries: { args: () => [listed, { domain: tableDomain, copies: 1, noise: 0.1, seed: 1 }] },
  shapQueries: { args: () => [listed, { domain: tableDomain, copies: 1, centres: listed, seed: 1 }] },
  studyManipulation: {
    args: () => [manipulation(), tableAtHand(), study],
    notCalled: "tests/atex/manipulations.study.test.ts",
  },
  manipulationEntryOf: { args: () => ["fooling"] },
  manipulationTables: { args: () => [[quantity], { title: "T", networkTitle: (scheme: string) => scheme }] },
};
