/** Right calls of `holdfast/explain`. */
import * as a from "../../../atex/index.js";
import * as h from "../../../engine/index.js";
import type { Row } from "../row.js";
import {
  ANY_LATER,
  classes,
  imageDomain,
  imageScore,
  images,
  key,
  LATER,
  maps,
  onImages,
  plain,
  rows,
  tableDomain,
} from "./world.js";

const segments: a.Segments = { labels: Int32Array.from({ length: 84 }, (_, i) => i % 2), shape: [2, 6, 7], count: 2 };
const groups = () => a.patchGroups([1, 6, 7], 3);
const certificate = { k: 3, sigma: 0.1, samples: 10, confidence: 0.9, bound: "hoeffding" as const };
const lime = { samples: 60, seed: 1, width: 0.5, alpha: 1, select: "none" as const, keep: 2, budget: 1e6 };
const numbersToo = ["-numbers"];

export const EXPLAIN: Readonly<Record<string, Row>> = {
  classScore: { args: () => [onImages(), classes(), { of: "logit" }], takes: { 2: ["{}"] } },
  clipTo: { args: () => [imageDomain.range, images()] },
  gradient: { args: () => [imageScore(), images()] },
  gradientTimesInput: { args: () => [imageScore(), images()] },
  guidedBackprop: { args: () => [imageScore(), images()] },
  atLayer: { args: () => [a.gradCam(), "conv1"] },
  attributions: {
    args: () => [{ classifier: onImages(), explainer: a.gradient, x: images(), classes: classes(), batchSize: 1 }],
  },
  summariseBackground: { args: () => [rows(), { clusters: 1, seed: 1 }], takes: { 0: LATER, 1: ["{}"] } },
  clopperPearson: { args: () => [4, 0.05] },
  explainerByName: { args: () => ["smoothgrad", { samples: 2, sigma: 0.1, key: key() }] },
  certifiedOverlap: { args: () => [maps(), 0.1] },
  certifiedPixels: {
    args: () => [maps(), { share: 0.6, sigma: 0.1, samples: 10, confidence: 0.9, bound: "hoeffding" }],
  },
  certifiedTopK: { args: () => [maps(), certificate] },
  deepLift: { args: () => [{ reference: 0, rule: "rescale" }], takes: plain },
  exactShapley: { args: () => [{ groups: groups(), background: 0, budget: 100 }] },
  expectedGradients: { args: () => [{ background: rows(), samples: 2, key: key(), budget: 100 }] },
  explainerEntry: { args: () => [a.EXPLAINER_TABLE[0]] },
  explainerEntryOf: { args: () => ["gradient"] },
  makeExplainer: {
    args: () => ["smoothgrad", { samples: 2 }, { domain: imageDomain, key: key(), seed: 1 }],
    takes: { 1: ["{}"] },
  },
  saliencyMap: { args: () => [images()] },
  elementGroups: { args: () => [[3]] },
  groupsOf: { args: () => [imageDomain, { patch: 3, segments, across: 8 }], takes: { 1: ["{}"] } },
  patchGroups: { args: () => [[1, 6, 7], 3] },
  segmentGroups: { args: () => [[1, 6, 7], segments] },
  tableGroups: { args: () => [tableDomain] },
  gradCam: { args: () => [{ layer: "conv1", positive: true }], takes: plain },
  gradCamCells: {
    args: () => [
      a.classScore(
        (x) =>
          h.matmul(
            h.reshape(
              h.label("c", () => h.conv2d(x, h.ones([3, 1, 6, 7]))),
              [2, 3],
            ),
            h.eye(3),
          ),
        classes(),
      ),
      images(),
      { layer: "c", positive: true },
    ],
    takes: { 2: ["{}"] },
  },
  guidedGradCam: { args: () => [{ layer: "conv1", positive: true }], takes: plain },
  completenessGap: { args: () => [imageScore(), images(), images(), 0], takes: { 3: [...numbersToo, ...ANY_LATER] } },
  integratedGradients: { args: () => [{ steps: 2, baseline: 0, budget: 100 }], takes: plain },
  kernelShap: { args: () => [{ groups: groups(), background: 0, samples: 60, seed: 0, budget: 100 }] },
  limeImage: { args: () => [{ groups: groups(), fill: "mean", ...lime }] },
  limeTable: { args: () => [{ domain: tableDomain, background: rows(), around: "row", ...lime }] },
  lrp: {
    args: () => [
      {
        composite: "epsilon",
        epsilon: 0.01,
        gamma: 0.1,
        stabiliser: 1e-9,
        batchNorm: "merged",
        range: imageDomain.range,
      },
    ],
    takes: plain,
  },
  occlusion: { args: () => [{ domain: imageDomain, patch: 2, stride: 1, background: 0, budget: 100 }] },
  segmentImages: { args: () => [images(), { segments: 2, compactness: 1, rounds: 1 }], takes: { 1: ["{}"] } },
  smoothGrad: { args: () => [{ samples: 2, sigma: 0.1, key: key(), base: a.gradient, chunk: 1 }] },
  sparsifiedSmoothGrad: {
    args: () => [
      { samples: 2, sigma: 0.1, key: key(), base: a.gradient, top: 0.1, form: "hard", full: 0.05, budget: 9 },
    ],
  },
  varGrad: { args: () => [{ samples: 2, sigma: 0.1, key: key(), base: a.gradient, budget: 9 }] },
};
