/** What the right calls of atex are made with: a small network on images and one on rows of a table. */
import * as a from "../../../atex/index.js";
import * as h from "../../../engine/index.js";
import * as nn from "../../../nn/index.js";
import { imageWorld, splitOf, tableWorld, worldOf } from "../../atex/manipulationWorld.js";
import { numbers } from "../../atex/subjects.js";

export const key = () => h.random.key(1);
/** Images [2,1,6,7]. */
export const images = () => imageWorld.x(2);
/** Rows [2,8]. */
export const rows = () => tableWorld.x(2);
/** Maps of two images [2,6,7]. */
export const maps = () => numbers([2, 6, 7], 5, 0, 1);
/** Six numbers for each of two rows. */
export const flat = () => numbers([2, 6], 6, 0, 1);
export const classes = () => h.tensor(Int32Array.of(0, 1));
export const imageSplit = splitOf(imageWorld, 12, 5);
export const tableSplit = splitOf(tableWorld, 12, 5);
export const imageDomain = imageWorld.domain;
export const tableDomain = tableWorld.domain;
export const network = (): nn.Layer => nn.sequential([nn.flatten, nn.dense(3)]);
export const params = () => network().init(h.random.key(2), [1, 6, 7]).params;
export const onImages = (): a.Classifier => {
  const weights = numbers([42, 3], 3);
  return (x) => h.matmul(h.softplus(h.reshape(x, [x.shape[0], 42]), 2), weights);
};
export const onRows = (): a.Classifier => {
  const weights = numbers([8, 3], 3);
  return (x) => h.matmul(h.softplus(x, 2), weights);
};
export const imageScore = (): a.Score => a.classScore(onImages(), classes());
export const rowScore = (): a.Score => a.classScore(onRows(), classes());
export const imagesAtHand = () => worldOf(imageWorld);
export const tableAtHand = () => worldOf(tableWorld);
export const auditWorld = (): a.AuditWorld => ({ ...tableAtHand(), about: {} });
export const ball = a.linf(0.1);
export const rule = a.signStep(0.05);
export const search = { ball, rule, steps: 1 };
export const resident = (): nn.ResidentData => ({
  count: 2,
  shape: [1, 6, 7],
  words: [
    h.tensor(
      Float32Array.from({ length: 84 }, (_, i) => i / 84),
      [2, 42],
    ),
  ],
  labels: classes(),
});
export const plain = { 0: ["{}"] };
export const TREE = ["null", "[]", "{}", "an object with a strange field"];
/** Of tensors that are only looked at when what they are given to is called. */
export const LATER = ["a freed tensor", "a tensor of another executor"];
export const ANY_LATER = [
  "a freed tensor",
  "a tensor of another executor",
  "an i32 tensor",
  "a u32 tensor",
  "an f16 tensor",
  "a number as tensor",
  "a tensor of rank 5",
];
/** What does as well as a list of numbers. */
export const LISTED = ["Float32Array", "Uint8Array"];
export const NOTHING = ["{}"];
