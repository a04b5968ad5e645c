/** Right calls of `holdfast/defend`. */
import * as a from "../../../atex/index.js";
import * as h from "../../../engine/index.js";
import type { Row } from "../row.js";
import { ball, classes, flat, key, onImages, plain, resident } from "./world.js";

const range = { low: 0, high: 1 };
const along = { delta1: 0.1, normalisation: "l2", points: 2, spacing: "grid" } as const;
const elsewhere = "it goes through a data set; tests/atex/defences.atHand.test.ts";
export const DEFEND: Readonly<Record<string, Row>> = {
  fgsm: { args: () => [{ radius: 0.1, clean: 0.5, range }], takes: plain },
  pgd: { args: () => [{ steps: 2, stepSize: 0.1, radius: 0.1, clean: 0.5, range }], takes: plain },
  alongOptions: { args: () => [along] },
  atex: {
    args: () => [
      {
        ...{ teacher: onImages(), directions: a.freshGradients(), ...along, delta2: 0.1, copies: 1, noise: "positive" },
        ...{ scale: "unit", alpha: 0.5, terms: "both", matching: "changes", temperature: 1, studentTemperature: 1 },
      },
    ],
  },
  directionsAtHand: { args: () => [{ shape: [1, 6, 7], words: flat() }] },
  freshDirections: {
    args: () => ["student", { samples: 1, sigma: 0.1 }],
    takes: { 0: ["a function", "an async function", "a class"], 1: ["{}"] },
  },
  freshGradients: { args: () => [] },
  teacherPredictions: {
    args: () => [
      onImages(),
      resident(),
      { shape: [1, 6, 7], words: flat() },
      { batchSize: 2, length: 0.1, points: 2, spacing: "grid", normalisation: "l2" },
    ],
    optional: [2],
    notCalled: elsewhere,
  },
  curvaturePenalty: { args: () => [{ weight: 1 }], takes: plain },
  batchLoss: { args: () => [a.normal()] },
  explanationDirections: {
    args: () => [onImages(), resident(), { key: key(), batchSize: 2, samples: 1, sigma: 0.1 }],
    notCalled: elsewhere,
  },
  pickDirections: {
    args: () => [{ shape: [6], words: h.tensor(Uint32Array.of(1, 2, 3, 4, 5, 6), [2, 3]) }, classes()],
  },
  cosineDistance: { args: () => [flat(), flat()] },
  squaredL2: { args: () => [flat(), flat()] },
  optimiserOf: { args: () => [a.DEFENCES[0], 0.1], takes: { 1: ["a function", "an async function", "a class"] } },
  igr: { args: () => [{ ball, range, steps: 1, stepSize: 0.1, path: 2, clean: 0.5, weight: 1 }] },
  inputGradientPenalty: { args: () => [{ weight: 1 }], takes: plain },
  lga: { args: () => [{ ball, range, l2: 1, cosine: 1 }] },
  naive: {
    args: () => [{ ball, range, neighbours: 1, choice: "random", distance: a.squaredL2, weight: 1, a1: 1, a2: 1 }],
  },
  normal: { args: () => [] },
  r2et: { args: () => [{ k: 2, margin: 1, gap: 1, curvature: 1, step: 0.1 }], takes: plain },
  rar: {
    args: () => [{ radius: 0.1, range, steps: 1, stepSize: 0.1, path: 2, innerPath: 2, weight: 1 }],
    takes: plain,
  },
  ssr: { args: () => [{ weight: 1 }], takes: plain },
  defenceEntryOf: { args: () => ["normal"] },
  makeDefence: {
    args: () => [a.defenceEntryOf("normal"), {}, { eps: 0.1 }],
    takes: { 1: ["{}", "an object with a strange field"] },
  },
  weightDecay: { args: () => [{ weight: 1 }], takes: plain },
};
