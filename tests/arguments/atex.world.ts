/** What the right calls of atex are made with: small, and of every kind that its functions ask for. */
import * as a from "../../atex/index.js";
import * as h from "../../engine/index.js";
import * as nn from "../../nn/index.js";

export const domain: nn.Domain = { shape: [1, 4, 4], range: nn.PIXEL_RANGE };
export const tableDomain: nn.Domain = {
  shape: [3],
  range: { low: [0, 0, 0], high: [1, 1, 1] },
  features: [
    { name: "p", kind: "numeric", at: [0] },
    { name: "q", kind: "numeric", at: [1] },
    { name: "r", kind: "binary", at: [2], values: ["u", "v"] },
  ],
};
export const key = () => h.random.key(1);
export const images = () => h.random.uniform(key(), [2, 1, 4, 4]);
export const maps = () => h.random.uniform(h.random.key(2), [2, 4, 4]);
export const others = () => h.random.uniform(h.random.key(3), [2, 4, 4]);
export const rows = () => h.random.uniform(key(), [2, 3]);
export const classes = () => h.tensor(Int32Array.of(0, 1));
export const background = () => h.random.uniform(h.random.key(4), [3, 3]);
const flat = (x: h.Tensor): h.Tensor => h.reshape(x, [x.shape[0], x.size / x.shape[0]]);
export const score: a.Score = (x) => h.sum(h.square(flat(x)), 1);
export const classifier: a.Classifier = (x) => {
  const s = h.reshape(h.sum(h.relu(flat(x)), 1), [x.shape[0], 1]);
  return h.concat([s, h.mul(s, -1)], 1);
};
export const model = nn.sequential([nn.flatten, nn.dense(2)]);
export const params = () => [null, { weight: h.ones([2, 16]), bias: h.zeros([2]) }];
export const split: nn.Split = {
  shape: [3],
  samples: Float32Array.of(0, 1, 0, 1, 0, 1, 0.5, 0.2, 0, 0.1, 0.9, 1),
  labels: Int32Array.of(0, 1, 0, 1),
};
export const explaining = (): a.ExplainingOptions => ({ domain: tableDomain, background: background(), seed: 0 });
export const side = (): a.Side => ({ classifier, x: rows() });
export const treated: a.Treated = {
  predictions: Int32Array.of(1, 0, 1, 1),
  labels: Int32Array.of(1, 0, 0, 1),
  groups: Int32Array.of(0, 0, 1, 1),
};
export const search = (): a.Search => ({ ball: a.linf(0.1), rule: a.signStep(0.05), steps: 2 });
export const attack = (): a.ExplanationAttackOptions => ({
  ...search(),
  explainer: a.gradient,
  objective: a.topKSuppression(3),
});
export const defence = a.normal();
export const groups = () => a.groupsOf(tableDomain, {});
export const auditNumber: a.AuditNumber = { name: "n", value: 1, low: 0, high: 2, n: 3 };
export const auditWorld = (): a.AuditWorld => ({
  ...{ classifier, domain: tableDomain, classes: ["no", "yes"], test: split, train: split, samples: [0, 1], about: {} },
  ...{ explaining: explaining(), explainer: a.explainerMaker(explaining()), seed: 0, say: () => {} },
});
export const world = (): a.ManipulationWorld => ({
  ...{ model, params: params(), classifier, domain: tableDomain, classes: ["no", "yes"], train: split, test: split },
  ...{ samples: [0], others: [1], siblings: [], seed: 0, explaining: explaining(), say: () => {} },
  explainer: a.explainerMaker(explaining()),
});
export const plan = { rows: [], explainers: [], controls: [] } as unknown as a.AuditPlan;
export const stages = [{ layer: "a", median: 0.1, quartiles: [0, 0.2] }] as unknown as readonly a.StageSummary[];
