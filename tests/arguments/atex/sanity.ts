/** Right calls of sanity checks. */
import * as a from "../../../atex/index.js";
import * as h from "../../../engine/index.js";
import * as nn from "../../../nn/index.js";
import type { Row } from "../row.js";
import { imageSplit, images, key, LATER, LISTED, maps, network, onImages, params } from "./world.js";

const similarities = a.sanitySimilarities([1, 6, 7]);
const apply = (p: h.Tree, x: h.Tensor): h.Tensor => network().apply(p, x);
const checks = () => ({
  ...{ network: apply, params: params(), x: images(), explainers: { gradient: a.gradient }, similarities },
  ...{ chunk: 1, keep: 1 },
});
const stage: a.SanityStage = {
  layer: "1",
  similarity: { Spearman: [0.5, 0.4], "Spearman, signed": [0.5, 0.4] },
  entropy: [1, 2],
  kept: new Float32Array(2),
};
const stages = (): a.StageSummary[] => a.stageSummaries([{ ...stage, layer: undefined }, stage]);
const limits = a.SANITY_THRESHOLDS;

export const SANITY: Readonly<Record<string, Row>> = {
  compareNetworks: { args: () => [checks(), []] },
  entropyRise: { args: () => [{ order: "cascading", stages: { gradient: [stage, stage] } }] },
  randomisationTest: { args: () => [{ ...checks(), fresh: params(), order: "cascading" }] },
  entropyOf: { args: () => [maps()] },
  absorbShift: { args: () => [onImages(), h.ones([1, 6, 7])], takes: { 1: LATER } },
  attributionGap: { args: () => [images(), images()] },
  inputInvarianceGap: {
    args: () => [{ classifier: onImages(), x: images(), explainer: a.gradient, shift: h.ones([1, 6, 7]) }],
  },
  permutedLabels: { args: () => [imageSplit, 1] },
  trainTwin: {
    args: () => [
      {
        ...{ model: network(), split: imageSplit, optimiser: nn.sgd({ lr: 0.1 }), seed: 1, batchSize: 2 },
        ...{ accuracy: 0.5, epochs: 1, every: 1 },
      },
    ],
    notCalled: "it trains; tests/atex/sanity.test.ts",
  },
  layersWithParameters: { args: () => [params()], takes: { 0: ["any"] } },
  layerTitle: { args: () => [network(), "1"] },
  randomisations: { args: () => [params(), params(), "cascading"] },
  redrawnWeights: { args: () => [onImages(), h.slice(images(), [0, 0, 0, 0], [1, 1, 6, 7]), key()] },
  sanitySimilarities: { args: () => [[1, 6, 7]] },
  sanitySuite: {
    args: () => [
      {
        ...{ network: (p: h.Tree, x: h.Tensor) => network().apply(p, x), params: params(), fresh: params() },
        ...{
          x: images(),
          explainers: [{ name: "gradient", make: () => a.gradient }],
          orders: ["cascading"],
          similarities,
        },
        ...{ chunk: 1, keep: 1 },
      },
    ],
  },
  stageSummaries: { args: () => [[stage]] },
  summaryOf: { args: () => [[1, 2, 3]], takes: { 0: LISTED } },
  cascadeVerdict: { args: () => [stages(), limits] },
  independentVerdict: { args: () => [stages(), limits] },
  invarianceOf: { args: () => [[0.1, 0.2], limits], takes: { 0: LISTED } },
  invarianceVerdict: { args: () => [a.invarianceOf([0.1, 0.2])] },
  labelsVerdict: { args: () => [stages(), 0.9, limits] },
};
