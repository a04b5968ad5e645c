/** Right calls of what atex exports: explainers, attacks, metrics, defences. Studies are in atex.studies.ts. */
import * as a from "../../atex/index.js";
import * as h from "../../engine/index.js";
import * as nn from "../../nn/index.js";
import * as w from "./atex.world.js";
import type { Row } from "./row.js";

/** Options may all be left out. */
const plain: Row["takes"] = { 0: ["{}"] };
const optional = (args: object): Row => ({ args: () => [args], takes: plain });
const of = (...args: readonly (() => unknown)[]): Row => ({ args: () => args.map((make) => make()) });
const same = <T>(value: T) => () => value;
const two: Row = of(w.maps, w.others);
const lists = ["Float32Array", "Uint8Array", "[]"];
const explained: Row = { args: () => [w.score, w.images()], takes: { 0: [] } };
const radius = ["0.5", "Infinity", "a number as tensor"];

export const EXPLAINING: Readonly<Record<string, Row>> = {
  // Explainers.
  gradient: explained,
  gradientTimesInput: explained,
  guidedBackprop: explained,
  edgeMap: explained,
  inputMap: explained,
  deepLift: optional({ reference: 0, rule: "rescale" }),
  integratedGradients: optional({ steps: 3, baseline: 0, budget: 100 }),
  smoothGrad: { args: () => [{ key: w.key(), samples: 2, sigma: 0.1, chunk: 1, base: a.gradient }] },
  sparsifiedSmoothGrad: { args: () => [{ key: w.key(), samples: 2, sigma: 0.1, top: 0.2, form: "hard" }] },
  varGrad: { args: () => [{ key: w.key(), samples: 2, sigma: 0.1 }] },
  expectedGradients: { args: () => [{ background: w.background(), samples: 2, key: w.key() }] },
  gradCam: optional({ layer: "conv1", positive: true }),
  guidedGradCam: optional({ layer: "conv1", positive: true }),
  gradCamCells: {
    args: () => [w.score, w.images(), {}],
    notCalled: "it needs a network with maps; tests/atex/gradCam.test.ts",
    takes: { 2: ["{}"] },
  },
  lrp: optional({ composite: "epsilon-plus", epsilon: 0.1, gamma: 0.1 }),
  occlusion: { args: () => [{ domain: w.domain, patch: 2, stride: 2, background: 0 }] },
  kernelShap: { args: () => [{ groups: w.groups(), background: 0, samples: 20, seed: 1 }] },
  exactShapley: { args: () => [{ groups: w.groups(), background: 0 }] },
  limeImage: { args: () => [{ groups: a.groupsOf(w.domain, { patch: 2 }), fill: 0, samples: 5, seed: 1 }] },
  limeTable: { args: () => [{ domain: w.tableDomain, background: w.background(), around: "row", samples: 5 }] },
  atLayer: of(same(a.gradient), same("conv1")),
  explainerByName: { args: () => ["smoothgrad", { samples: 2, sigma: 0.1, key: w.key() }], takes: { 0: [], 1: [] } },
  explainerEntryOf: of(same("gradient")),
  explainerEntry: { args: () => [a.EXPLAINER_TABLE[0]], takes: { 0: [] } },
  makeExplainer: {
    args: () => ["gradient", {}, { domain: w.domain, key: w.key() }],
    takes: { 1: ["{}"] },
  },
  saliencyMap: of(w.images),
  completenessGap: {
    args: () => [w.score, w.images(), w.images(), 0],
    takes: { 3: ["-numbers", "a number as tensor", "a u32 tensor", "an i32 tensor", "a tensor of rank 5"] },
  },
  summariseBackground: { args: () => [w.background(), { clusters: 2, seed: 1 }], takes: { 1: ["{}"] } },
  segmentImages: { args: () => [w.images(), { segments: 2, compactness: 1, rounds: 1 }], takes: { 1: ["{}"] } },
  elementGroups: of(same([1, 4, 4])),
  patchGroups: of(same([1, 4, 4]), same(2)),
  segmentGroups: {
    args: () => [[1, 2, 2], { labels: Int32Array.of(0, 0, 1, 1), shape: [2, 2], count: 2 }],
    notCalled: "segments are made by segmentImages; tests/atex/segments.test.ts",
  },
  tableGroups: of(same(w.tableDomain)),
  groupsOf: of(same(w.domain), same({ patch: 2, across: 2 })),
  clopperPearson: { args: () => [10, 0.05], takes: { 1: ["0.5"] } },
  certifiedTopK: { args: () => [w.maps(), { k: 2, sigma: 0.1, samples: 10, confidence: 0.9, bound: "hoeffding" }] },
  certifiedPixels: { args: () => [w.maps(), { share: 0.6, sigma: 0.1, samples: 10 }] },
  certifiedOverlap: { args: () => [w.rows(), 0.5], takes: { 1: ["0.5", "Infinity"] } },
  classScore: { args: () => [w.classifier, w.classes(), { of: "logit" }], takes: { 2: ["{}"] } },
  clipTo: of(same({ low: 0, high: 1 }), w.images),
  importanceMap: of(w.images),

  // Attacks.
  linf: { args: () => [0.5], takes: { 0: radius } },
  l2: { args: () => [0.5], takes: { 0: radius } },
  clipPixels: of(w.images, same([0, 1])),
  columnBall: { args: () => [w.tableDomain, { radius: 0.1, step: 0.05, categories: "nearest" }] },
  columnSteps: {
    args: () => [{ columns: [], missing: [], target: {} }, {}],
    takes: { 1: ["{}"] },
  },
  randomBlocks: of(same([2, 1, 4, 4]), w.key, same(2)),
  signStep: { args: () => [0.1], takes: { 0: ["0.5"] } },
  adamStep: { args: () => [0.1, { beta1: 0.9, beta2: 0.9 }], takes: { 0: ["0.5"], 1: ["{}"] } },
  maxAbsStep: { args: () => [0.1], takes: { 0: ["0.5"] } },
  ascend: { args: () => [w.images(), { ...w.search(), objective: w.score }] },
  attackExplanation: { args: () => [w.attack()] },
  attackPrediction: { args: () => [w.search()] },
  fgsmAttack: { args: () => [0.1], takes: { 0: ["0.5"] } },
  pgdAttack: { args: () => [{ radius: 0.1, steps: 2, size: 0.1, restarts: 1 }] },
  topKSuppression: of(same(3)),
  rankSuppression: { args: () => [] },
  massCentre: { args: () => [] },
  targetMap: of(w.maps),
  targetRegion: of(w.maps),
  hasKinks: of(same(w.classifier), same([1, 4, 4])),
  smoothed: { args: () => [w.classifier, 5], takes: { 1: ["0.5", "Infinity"] } },
  surrogateOf: { args: () => [w.classifier, [1, 4, 4], 5], takes: { 2: ["0.5", "Infinity"] } },
  softplusSurrogate: { args: () => [nn.sequential([nn.relu]), [null], 5], takes: { 1: ["any"], 2: ["0.5", "Infinity"] } },
  objectiveEntryOf: of(same("top-k")),
  usualTopK: of(same([1, 4, 4])),
  studyAttack: {
    args: () => [{ classifier: w.classifier, x: w.images(), attack: w.attack(), explainers: [a.gradient], key: w.key() }],
    notCalled: "a study; tests/atex/attack.test.ts",
  },
  judgeOf: {
    args: () => [{ classifier: w.classifier, explainer: a.gradient, classes: w.classes(), x: w.images(), k: 3 }],
  },
  agreementOf: of(w.maps, w.others, same(3)),

  // Metrics.
  ...Object.fromEntries(
    ["cosine", "kendall", "pearson", "spearman", "normalisedSquaredError", "massCentreShift", "massCentreDisplacement"].map(
      (name) => [name, two],
    ),
  ),
  hogPearson: two,
  squaredL2: two,
  cosineDistance: two,
  classSwap: of(w.maps, w.others, w.maps),
  ssim: { args: () => [h.random.uniform(w.key(), [1, 12, 12]), h.random.uniform(w.key(), [1, 12, 12]), { range: 1 }] },
  relevanceMass: of(w.maps, () => h.ones([2, 4, 4])),
  normalised: of(w.rows, same("mean")),
  squaredErrorOf: of(same("mean")),
  topKIntersection: { args: () => [3], optional: [0] },
  topKMask: of(w.rows, same(2)),
  similaritiesOf: { args: () => [w.maps(), w.others(), ["cosine"], {}], takes: { 3: ["{}"] } },
  makeMetric: { args: () => ["cosine", {}, {}], takes: { 1: ["{}"], 2: ["{}", "an object with a strange field"] } },
  metricEntryOf: of(same("cosine")),
  metricEntry: { args: () => [a.METRIC_TABLE[0]] },
  metricTable: { args: () => [] },
  centreOfMass: of(w.maps),
  relativeImportance: of(w.maps),
  scaledToMax: of(w.maps),
  gaussianBlur: { args: () => [w.images(), 0.5], takes: { 1: ["0.5"] } },
  hog: { args: () => [h.random.uniform(w.key(), [1, 12, 12]), { cell: 2 }], takes: { 1: ["{}"] } },
  hogCorrelation: optional({ cell: 2 }),
  locationLoss: optional({ width: 1 }),
  topKLoss: { args: () => [0.1], takes: { 0: ["0.5"] } },
  foolingSuccessRate: { args: () => [[true, true], [0.1, 0.9], { low: 0.5, high: 2 }], takes: { 0: lists, 1: lists, 2: ["{}"] } },
  agreementOnTop: of(same(signed()), same(signed()), same(1)),
  tolerantAgreement: of(same(signed()), same(signed()), same(1), same([2, 2]), same(1)),
  demographicParity: of(same(w.treated)),
  disparateImpact: of(same(w.treated)),
  equalOpportunity: of(same(w.treated)),
  fairness: of(same(w.treated)),
  theilIndex: of(same(w.treated)),
  deletionAuc: optional({ steps: 2, baseline: 0 }),
  insertionAuc: optional({ steps: 2, baseline: 0 }),
  aopc: { args: () => [{ key: w.key(), region: 2, steps: 2 }] },
  aopcCurves: { args: () => [{ key: w.key(), region: 2, steps: 2 }] },
  removalCurve: {
    args: () => [w.score, w.rows(), groupsOfRows(), w.rows(), { imputer: a.constantImputer("zero", 0), counts: [0, 1], key: w.key() }],
    notCalled: "it takes groups made inside; tests/atex/faithfulness.test.ts",
  },
  infidelity: { args: () => [{ perturbation: a.squareRemoval(2), samples: 2, key: w.key(), scaled: true }] },
  noisePerturbation: { args: () => [0.1, { low: 0, high: 1 }], optional: [1], takes: { 0: ["0.5"] } },
  squareRemoval: { args: () => [2], optional: [0] },
  noiseChange: { args: () => [0.1, { low: 0, high: 1 }], takes: { 0: ["0.5"] } },
  squareChange: { args: () => [2], optional: [0] },
  subsetChange: { args: () => [2, 0], takes: { 1: ["-numbers", "a number as tensor", "a u32 tensor", "an i32 tensor", "a tensor of rank 5"] } },
  saidAndHappened: { args: () => [w.score, w.images(), w.images(), { change: a.squareChange(2), samples: 2, seed: 1 }] },
  changeCorrelation: of(w.rows, w.rows),
  unexplainedShare: of(w.rows, w.rows),
  blurImputer: { args: () => [1], optional: [0], takes: { 0: ["0.5"] } },
  constantImputer: { args: () => ["zero", 0], takes: { 0: ['""'], 1: ["-numbers", "a number as tensor", "a u32 tensor", "an i32 tensor", "a tensor of rank 5"] } },
  marginalImputer: { args: () => [w.background(), w.tableDomain.features, 2], optional: [1] },
  noisyLinearImputer: optional({ noise: 0.1, rounds: 2 }),
  rowImputer: of(w.background, same(2)),
  averageStability: { args: () => [{ explainer: a.gradient, ball: a.linf(0.1), samples: 2, key: w.key() }] },
  maxSensitivity: { args: () => [{ explainer: a.gradient, ball: a.linf(0.1), samples: 2, key: w.key() }] },
  localLipschitz: { args: () => [{ ...w.search(), explainer: a.gradient, restarts: 1, key: w.key() }] },
  worstCaseStability: { args: () => [{ ...w.search(), explainer: a.gradient, restarts: 1, key: w.key() }] },
  manipulationCriteria: {
    args: () => [{ manipulation: "m", target: "t", results: [], interval: { low: 0 } }],
    notCalled: "results of a study; tests/atex/criteria.test.ts",
  },
  criteriaMarkdown: { args: () => [[]] },

  // Defences.
  normal: { args: () => [] },
  fgsm: optional({ radius: 0.1, clean: 0.5 }),
  pgd: optional({ radius: 0.1, clean: 0.5, steps: 2 }),
  curvaturePenalty: optional({ weight: 1 }),
  inputGradientPenalty: optional({ weight: 1 }),
  ssr: optional({ weight: 1 }),
  weightDecay: optional({ weight: 0.1 }),
  r2et: optional({}),
  rar: optional({}),
  lga: { args: () => [{ ball: a.linf(0.1), l2: 1, cosine: 1 }] },
  naive: { args: () => [{ ball: a.linf(0.1), neighbours: 2, weight: 1 }] },
  atex: { args: () => [{ teacher: w.classifier, directions: a.freshGradients(), delta1: 0.1 }] },
  alongOptions: { args: () => [{ delta1: 0.1, points: 2 }] },
  directionsAtHand: { args: () => [{ shape: [1, 4, 4], words: h.zeros([2, 16]) }], notCalled: "tests/atex/defences.atHand.test.ts" },
  pickDirections: { args: () => [{ shape: [1, 4, 4], words: h.zeros([2, 16]) }, w.classes()], notCalled: "tests/atex/defences.atHand.test.ts" },
  freshDirections: { args: () => [w.classifier, {}], takes: { 0: ['"x"'], 1: ["{}"] } },
  freshGradients: { args: () => [] },
  teacherPredictions: {
    args: () => [w.classifier, resident(), undefined, { delta1: 0.1 }],
    notCalled: "what it gives is kept; tests/atex/defences.atHand.test.ts",
    optional: [2],
  },
  explanationDirections: {
    args: () => [w.classifier, resident(), { key: w.key() }],
    notCalled: "what it gives is kept; tests/atex/defences.atHand.test.ts",
  },
  batchLoss: of(same(w.defence)),
  defenceEntryOf: of(same("normal")),
  makeDefence: { args: () => [a.DEFENCES[0], {}, { eps: 0.1 }], takes: { 1: ["{}"] } },
};

function signed(): a.SignedMap {
  return { importance: [1, 2, 3, 4], signed: [1, -2, 3, 4] };
}
function groupsOfRows(): unknown {
  return { count: 3 };
}
function resident(): nn.ResidentData {
  return { count: 2, shape: [1, 4, 4], words: [], labels: w.classes() };
}
