/** Right calls of `holdfast/measure`, but for sanity checks. */
import * as a from "../../../atex/index.js";
import * as h from "../../../engine/index.js";
import { numbers } from "../../atex/subjects.js";
import type { Row } from "../row.js";
import {
  ANY_LATER,
  ball,
  classes,
  flat,
  imageScore,
  images,
  key,
  LATER,
  LISTED,
  maps,
  NOTHING,
  onImages,
  plain,
  rowScore,
  rows,
  search,
  tableDomain,
} from "./world.js";

const range = { low: 0, high: 1 };
const treated: a.Treated = { predictions: [0, 1, 0, 1], labels: [0, 1, 1, 1], groups: [0, 0, 1, 1], favourable: 1 };
const result: a.ManipulationResult = {
  ...{ explainer: "gradient", seed: 1, samples: "made for" },
  ...{ kept: [true, true], statistic: [0.1, 0.9] },
};
const criteria: a.CriteriaOptions = {
  ...{ manipulation: "fooling", target: "gradient", results: [result], interval: { low: 0.5 }, cost: { steps: 1 } },
};
const pair = (): readonly [h.Tensor, h.Tensor] => [flat(), numbers([2, 6], 8, 0, 1)];
const grids = (): readonly [h.Tensor, h.Tensor] => [maps(), numbers([2, 6, 7], 8, 0, 1)];
const signed: a.SignedMap = { importance: [0.1, 0.2, 0.3], signed: [0.1, -0.2, 0.3] };
const similarity: Row = { args: pair };
const aopc = () => ({ region: 2, steps: 1, range, key: key() });
const replacement = { steps: 2, baseline: 0 };
const sensitivity = () => ({ explainer: a.gradient, ball, samples: 1, key: key(), chunk: 1 });
const stability = () => ({ ...search, explainer: a.gradient, restarts: 1, key: key() });
const wide = ["0.5", "Infinity"];

export const MEASURE: Readonly<Record<string, Row>> = {
  criteriaMarkdown: { args: () => [[a.manipulationCriteria(criteria)]] },
  manipulationCriteria: { args: () => [criteria] },
  agreementOf: { args: () => [images(), images(), 3, ["topK"]] },
  growsApart: { args: () => ["topK"] },
  importanceMap: { args: () => [images()] },
  judgeOf: {
    args: () => [
      { classifier: onImages(), explainer: a.gradient, classes: classes(), x: images(), k: 3, measures: ["topK"] },
    ],
  },
  aopc: { args: () => [aopc()] },
  aopcCurves: { args: () => [aopc()] },
  gaussianBlur: { args: () => [images(), 1], takes: { 1: wide } },
  changeCorrelation: { args: pair },
  noiseChange: { args: () => [0.1, range], takes: { 0: wide } },
  saidAndHappened: {
    args: () => [
      rowScore(),
      rows(),
      rows(),
      { change: a.subsetChange(2, 0, tableDomain.features), samples: 2, seed: 1, budget: 1000 },
    ],
  },
  squareChange: { args: () => [2], optional: [0] },
  subsetChange: { args: () => [2, 0, tableDomain.features], takes: { 1: ["-numbers", ...ANY_LATER] }, optional: [2] },
  unexplainedShare: { args: pair },
  agreementOnTop: { args: () => [signed, signed, 2] },
  tolerantAgreement: { args: () => [[1, 2, 3, 4], [4, 3, 2, 1], 1, [2, 2], 1], takes: { 0: LISTED, 1: LISTED } },
  demographicParity: { args: () => [treated] },
  disparateImpact: { args: () => [treated] },
  equalOpportunity: { args: () => [treated] },
  fairness: { args: () => [treated] },
  theilIndex: { args: () => [treated] },
  classSwap: { args: () => [flat(), flat(), flat()] },
  foolingSuccessRate: {
    args: () => [[true, false], [0.1, 0.9], { low: 0.5, high: 1 }],
    takes: { 0: ["nested lists", "a list of texts", "BigInt64Array", ...LISTED], 1: LISTED, 2: ["{}"] },
  },
  locationLoss: { args: () => [{ width: 1 }], takes: plain },
  topKLoss: { args: () => [0.1] },
  hog: { args: () => [numbers([2, 14, 14], 3, 0, 1), { cell: 2 }], takes: { 1: ["{}"] } },
  hogCorrelation: { args: () => [{ cell: 2 }], takes: plain },
  hogPearson: { args: () => [numbers([2, 14, 14], 3, 0, 1), numbers([2, 14, 14], 4, 0, 1)] },
  centreOfMass: { args: () => [maps()] },
  relativeImportance: { args: () => [images()] },
  scaledToMax: { args: () => [maps()] },
  blurImputer: { args: () => [1], optional: [0], takes: { 0: wide } },
  constantImputer: { args: () => ["zero", 0], takes: { 1: ["-numbers", ...ANY_LATER] } },
  marginalImputer: { args: () => [rows(), tableDomain.features, 2], takes: { 0: LATER }, optional: [1] },
  noisyLinearImputer: { args: () => [{ noise: 0.01, rounds: 2 }], takes: plain },
  rowImputer: { args: () => [rows(), 2], takes: { 0: LATER } },
  infidelity: {
    args: () => [{ perturbation: a.noisePerturbation(0.1), scaled: true, samples: 2, key: key(), chunk: 1 }],
  },
  noisePerturbation: { args: () => [0.1, range], optional: [1], takes: { 0: wide } },
  squareRemoval: { args: () => [2], optional: [0] },
  deletionAuc: { args: () => [replacement], takes: plain },
  insertionAuc: { args: () => [replacement], takes: plain },
  massCentreDisplacement: { args: grids },
  massCentreShift: { args: grids },
  metricEntry: { args: () => [a.METRIC_TABLE[0]] },
  relevanceMass: { args: () => [maps(), maps()] },
  removalCurve: {
    args: () => [
      imageScore(),
      images(),
      { count: 42, values: numbers([2, 42], 4), spread: (v: h.Tensor) => h.reshape(v, [2, 1, 6, 7]) },
      numbers([2, 42], 3),
      { imputer: a.constantImputer("zero", 0), counts: [0, 1], key: key() },
    ],
  },
  averageStability: { args: () => [sensitivity()] },
  maxSensitivity: { args: () => [sensitivity()] },
  ...Object.fromEntries(
    ["cosine", "kendall", "normalisedSquaredError", "pearson", "spearman"].map((name) => [name, similarity]),
  ),
  normalised: { args: () => [flat(), "max"] },
  squaredErrorOf: { args: () => ["max"] },
  topKIntersection: { args: () => [2], optional: [0] },
  ssim: { args: () => [numbers([2, 14, 14], 3, 0, 1), numbers([2, 14, 14], 4, 0, 1), { range: 1 }] },
  localLipschitz: { args: () => [stability()] },
  worstCaseStability: { args: () => [stability()] },
  makeMetric: {
    args: () => ["top-k", {}, { key: key() }],
    takes: { 1: NOTHING, 2: ["{}", "an object with a strange field"] },
    optional: [1, 2],
  },
  metricEntryOf: { args: () => ["cosine"] },
  metricTable: { args: () => [] },
  similaritiesOf: { args: () => [...pair(), ["cosine"], {}], takes: { 3: ["{}"] }, optional: [3] },
};
