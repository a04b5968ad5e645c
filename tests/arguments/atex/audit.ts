/** Right calls of `holdfast/audit`. */
import * as a from "../../../atex/index.js";
import * as h from "../../../engine/index.js";
import type { Row } from "../row.js";
import { auditWorld, imageScore, images, key, LISTED, onRows, rows, tableDomain } from "./world.js";

const one: a.AuditNumber = { name: "share", value: 0.5, low: 0.4, high: 0.6, n: 4, values: [0.5, 0.4, 0.6, 0.5] };
const candidate = a.CONTROLS[0];
const plan = (): a.AuditPlan => ({ rows: [{ row: "relevance" }], explainers: [], controls: [] });
const measured = new Map<string, a.AuditMeasurement>();
const attack: a.AttackSettings = {
  ...{ steps: 1, stepSize: 0.1, restarts: 0, points: 2, twinBeta: 5, k: 2, pixels: 4, draws: 1, queries: 4, copies: 1 },
  ...{ population: 2, search: "gradients" },
};
const batch = () => ({ x: rows(), from: 0 });
const cause = (): a.Planted => ({
  ...{ title: "a column", mask: h.tensor([[1, 0, 0, 0, 0, 0, 0, 0]]), share: 1 / 8, plant: (x: h.Tensor) => x },
});

export const AUDIT: Readonly<Record<string, Row>> = {
  attacksOn: {
    args: () => [attack, auditWorld(), candidate, batch()],
    notCalled: "it attacks; tests/atex/audit.attack.test.ts",
    takes: { 0: ["{}", "an object with a strange field"] },
  },
  flippedBy: {
    args: () => [attack, auditWorld(), batch(), 0.1],
    notCalled: "it attacks; tests/atex/audit.attack.test.ts",
    takes: { 0: ["{}", "an object with a strange field"] },
  },
  hasSlope: { args: () => [a.tableCandidate("gradient", "Gradient")] },
  edgeMap: { args: () => [imageScore(), images()] },
  inputMap: { args: () => [imageScore(), images()] },
  randomMap: { args: () => [key()] },
  tableCandidate: { args: () => ["gradient", "Gradient"] },
  boundedNumber: { args: () => [one, 0, 1], takes: { 1: ["-numbers"], 2: ["-numbers"] } },
  meanNumber: { args: () => ["mean", [1, 2], "eps 0.1"], optional: [2], takes: { 1: LISTED } },
  numberOf: { args: () => [{ numbers: [one] }, "share", "eps 0.1"], optional: [2] },
  pairedDifference: { args: () => [one, one] },
  plainNumber: { args: () => ["n", 1, 1, "eps 0.1"], optional: [3], takes: { 1: ["-numbers"] } },
  shareNumber: { args: () => ["share", [true, false], "eps 0.1"], optional: [2] },
  drawnSamples: { args: () => [4, 2, 1] },
  usualPlan: {
    args: () => [tableDomain, { rows: ["agreement"], explainers: ["gradient"], quick: true, settings: {} }],
    takes: { 1: ["{}"] },
  },
  atWork: {
    args: () => [onRows(), cause(), { x: rows(), labels: [0, 1] }, 1],
  },
  plantedCause: { args: () => [auditWorld(), { column: "age", deviations: 3 }], takes: { 1: ["{}"] } },
  plantingLoss: { args: () => [cause(), 1] },
  taughtCopy: {
    args: () => [auditWorld(), cause(), { wanted: 1, epochs: 1, count: 4, batch: 2, learningRate: 0.1 }],
    notCalled: "it trains; tests/atex/audit.cause.test.ts",
  },
  auditFails: {
    args: () => [a.auditReport(plan(), measured, {}), { verdicts: ["does not hold"], names: ["relevance"] }],
  },
  auditReport: { args: () => [plan(), measured, { network: "mine" }], takes: { 2: ["{}"] } },
  auditCells: { args: () => [plan()] },
  judgeAudit: { args: () => [plan(), measured] },
  runAudit: {
    args: () => [auditWorld(), plan(), { load: async () => undefined, save: async () => {} }, {}],
    takes: { 3: ["{}"] },
  },
  alongData: { args: () => [auditWorld(), rows(), 2] },
  backgroundTest: { args: () => [auditWorld(), 4], takes: { 1: ["Infinity"] } },
  bendBetween: { args: () => [onRows(), rows()] },
  likenessAmong: {
    args: () => [
      [
        [1, 2, 3],
        [3, 2, 1],
      ],
    ],
  },
  oddAnswers: {
    args: () => [auditWorld(), rows(), "gradient", { reference: 4, neighbours: 2, queries: 4 }],
    takes: { 3: ["{}"] },
  },
  auditRowOf: { args: () => ["agreement"] },
};
