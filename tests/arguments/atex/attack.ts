/** Right calls of `holdfast/attack`, but for manipulations. */
import * as a from "../../../atex/index.js";
import * as nn from "../../../nn/index.js";
import type { Row } from "../row.js";
import { imageScore, images, key, LATER, LISTED, maps, onImages, search, tableDomain } from "./world.js";

const range = { low: 0, high: 1 };
const members = (): a.Member[] => [{ name: "top-k", objective: a.topKSuppression(3), targeted: false }];
const under = { ...search, explainer: a.gradient, range, outputBound: 0.1 };
const shape = [1, 6, 7];
const wide = ["0.5", "Infinity"];
const preparation: nn.TablePreparation = nn.tableDataset(nn.readCsv("a,y\n1,no\n2,yes\n3,no\n4,yes\n5,no\n6,yes\n"), {
  target: "y",
}).preparation!;

export const ATTACK: Readonly<Record<string, Row>> = {
  randomBlocks: { args: () => [[2, 1, 6, 7], key(), 2] },
  attackEnsemble: {
    args: () => [{ ...under, members: members(), measures: ["topK"], k: 3, restarts: 0, of: "logit" }],
  },
  attackExplanation: { args: () => [{ ...under, objective: a.topKSuppression(3), restarts: 0, of: "logit" }] },
  ascend: { args: () => [images(), { ...search, objective: imageScore(), restarts: 0, key: key(), range }] },
  topKSuppression: { args: () => [3] },
  rankSuppression: { args: () => [] },
  targetRegion: { args: () => [maps()], takes: { 0: LATER } },
  targetMap: { args: () => [maps()], takes: { 0: LATER } },
  massCentre: { args: () => [] },
  structureSuppression: { args: () => [] },
  ensembleOf: { args: () => [{ members: members(), measure: "topK", k: 3 }] },
  attackPrediction: { args: () => [{ ...search, restarts: 0, range }] },
  fgsmAttack: { args: () => [0.1], takes: { 0: wide } },
  pgdAttack: { args: () => [{ radius: 0.1, steps: 1, size: 0.1, restarts: 1 }] },
  signStep: { args: () => [0.1] },
  maxAbsStep: { args: () => [0.1] },
  adamStep: { args: () => [0.1, { beta1: 0.9, beta2: 0.99 }], takes: { 1: ["{}"] } },
  blunted: { args: () => [onImages(), 2], takes: { 1: wide } },
  hasKinks: { args: () => [onImages(), shape] },
  smoothed: { args: () => [onImages(), 2], takes: { 1: wide } },
  surrogateOf: { args: () => [onImages(), shape, 2], takes: { 2: wide } },
  surrogatesOf: { args: () => [onImages(), shape, onImages()], optional: [2] },
  ensembleMembers: { args: () => [{ shape: [2, 1, 6, 7], key: key(), k: 3 }] },
  objectiveEntryOf: { args: () => ["top-k"] },
  usualTopK: { args: () => [[2, 1, 6, 7]] },
  clipPixels: { args: () => [images(), [0, 1]] },
  l2: { args: () => [0.1], takes: { 0: ["[]", ...LISTED] } },
  linf: { args: () => [0.1], takes: { 0: ["[]", ...LISTED] } },
  columnBall: { args: () => [tableDomain, { radius: 0.1, step: 0.1, immutable: ["age"], categories: "frozen" }] },
  columnSteps: { args: () => [preparation, { a: 1 }], takes: { 1: ["{}"] } },
  studyAttack: {
    args: () => [
      {
        ...{ classifier: onImages(), x: images(), explainers: [a.gradient], k: 3, key: key() },
        attack: { ...search, explainer: a.gradient, objective: a.topKSuppression(3) },
      },
    ],
  },
};
