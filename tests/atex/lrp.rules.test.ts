/** Every rule on every kind of weighted layer, against its formula over a dense matrix. */
import { lrp, type RuleSpec } from "../../atex/index.js";
import {
  add,
  batchNorm,
  concat,
  conv2d,
  convTranspose2d,
  div,
  label,
  leakyRelu,
  matmul,
  mul,
  relu,
  reshape,
  slice,
  sub,
  type Tensor,
  tensor,
  transpose,
} from "../../engine/index.js";
import { referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { affineOf, drawn, handBack, type Rule, withBias } from "./lrpDense.js";

const shape = [2, 4, 4];
const flat = (x: Tensor): Tensor => reshape(x, [x.shape[0], x.size / x.shape[0]]);

/** As at evaluation, with scales of both signs. */
function norm(y: Tensor): Tensor {
  const c = y.shape[1];
  const statistics = { mean: drawn(21, [c], 0.5), variance: drawn(22, [c], 0.4, 0.6) };
  const scale = tensor(Float32Array.from({ length: c }, (_, i) => (i % 2 === 0 ? -0.7 : 1.2)));
  return batchNorm(y, statistics, { scale, shift: drawn(23, [c], 0.4) });
}

const layers: Record<string, (x: Tensor) => Tensor> = {
  dense: (x) => withBias(matmul(flat(x), drawn(1, [32, 5])), 2),
  "dense, transposed": (x) => matmul(flat(x), drawn(1, [5, 32]), { transposeB: true }),
  "dense per row, with its bias after a reshape": (x) =>
    add(matmul(reshape(x, [-1, 8, 4]), drawn(3, [4, 3])), drawn(4, [3])),
  "weights on the left": (x) => mul(matmul(drawn(5, [3, 4]), x), drawn(6, [3, 1])),
  "conv with stride and padding": (x) => withBias(conv2d(x, drawn(7, [3, 2, 3, 3]), { stride: 2, padding: 1 }), 8),
  "conv with dilation": (x) => conv2d(x, drawn(9, [2, 2, 2, 2]), { dilation: 2 }),
  "grouped conv and batch norm": (x) => norm(conv2d(x, drawn(10, [4, 1, 3, 3]), { groups: 2, padding: "same" })),
  "depthwise conv with a bias and batch norm": (x) =>
    norm(withBias(conv2d(x, drawn(11, [2, 1, 2, 2]), { groups: 2 }), 12)),
  "transposed conv": (x) => withBias(convTranspose2d(x, drawn(13, [2, 3, 2, 2]), { stride: 2 }), 14),
  "subtracted from and divided": (x) =>
    div(sub(0.3, withBias(conv2d(x, drawn(15, [2, 2, 2, 2])), 16)), drawn(17, [3, 3], 1, 0.2)),
  "scaled after a transpose": (x) => mul(transpose(conv2d(x, drawn(18, [3, 2, 2, 2])), [0, 2, 3, 1]), drawn(19, [3])),
};

const rules: readonly (Rule & RuleSpec)[] = [
  { kind: "epsilon", epsilon: 0.1 },
  { kind: "gamma", gamma: 0.4 },
  { kind: "alpha-beta", alpha: 1 },
  { kind: "alpha-beta", alpha: 2 },
  { kind: "z-plus" },
  { kind: "z-box" },
  { kind: "w-squared" },
  { kind: "flat" },
] as const;

/** What may come before a layer, with the lowest value it makes of a range from −1 where it is the same for all elements: rules
 *  are cheaper after relu, and must not be where something negative can remain. */
const befores: Record<string, { f: (x: Tensor) => Tensor; low?: number }> = {
  nothing: { f: (x) => x, low: -1 },
  relu: { f: relu, low: 0 },
  "leaky relu": { f: (x) => leakyRelu(x, 0.2) },
  "relu of half": {
    f: (x) => concat([relu(slice(x, [0, 0, 0, 0], [-1, 1, -1, -1])), slice(x, [0, 1, 0, 0], [-1, 1, -1, -1])], 1),
  },
};

const stabiliser = 0.03;
const values = async (t: Tensor): Promise<number[]> => [...(await t.read())];

for (const [name, layer] of Object.entries(layers))
  referenceTest(`${name}: each rule is its formula, sample by sample`, async () => {
    for (const [before, { f, low }] of Object.entries(befores)) {
      const inner = (x: Tensor): Tensor => layer(f(x));
      const x = drawn(31, [2, ...shape]);
      const outputs = inner(x).size / 2;
      const top = drawn(32, [outputs, 1]);
      // An activation that lets relevance through below 0, too.
      const score = (z: Tensor): Tensor => {
        const h = leakyRelu(flat(label("layer", () => inner(z))), 0.3);
        return reshape(
          label("top", () => matmul(h, top)),
          [-1],
        );
      };
      const affine = await affineOf(layer, shape);
      const last = await affineOf((a) => matmul(a, top), [outputs]);
      const inputs = await values(f(x));
      const around = { stabiliser, low, high: 1.5 };
      for (const rule of rules.filter(({ kind }) => kind !== "z-box" || low !== undefined)) {
        const explain = lrp({
          composite: { byLabel: { layer: rule, top: { kind: "epsilon", epsilon: 0.05 } }, other: "flat" },
          stabiliser,
          range: { low: -1, high: 1.5 },
        });
        const found = await values(explain(score, x));
        const expected: number[] = [];
        for (const n of [0, 1]) {
          const sample = inputs.slice(n * 32, n * 32 + 32);
          const z = affine.m.map((row, j) => row.reduce((s, w, i) => s + w * sample[i], affine.b[j]));
          const a = z.map((v) => (v > 0 ? v : Math.fround(0.3) * v));
          const given = [(await values(score(x)))[n]];
          const r = handBack({ kind: "epsilon", epsilon: 0.05 }, last, a, given, around);
          expected.push(...handBack(rule, affine, sample, r, around));
        }
        check.close(found, expected, { rtol: 1e-6, atol: 1e-7 }, `${rule.kind} after ${before}`);
      }
    }
  });
