/** Relevance through steps without weights: products, quotients, attention, norms, shared results. */
import { lrp } from "../../atex/index.js";
import {
  add,
  clamp,
  concat,
  conv2d,
  div,
  greater,
  layerNorm,
  matmul,
  maximum,
  mean,
  minimum,
  mul,
  pad,
  relu,
  reshape,
  sigmoid,
  softmax,
  sub,
  sum,
  type Tensor,
  tensor,
  where,
  withOps,
} from "../../engine/index.js";
import { referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { drawn } from "./lrpDense.js";

const values = async (t: Tensor): Promise<number[]> => [...(await t.read())];
const exact = { composite: "epsilon", epsilon: 1e-12, stabiliser: 1e-12 } as const;

referenceTest("self-attention, by hand", async () => {
  const [wq, wk, wv] = [70, 71, 72].map((seed) => drawn(seed, [3, 2]));
  const out = drawn(73, [2, 1]);
  const score = (x: Tensor): Tensor => {
    const [q, k, v] = [wq, wk, wv].map((w) => matmul(x, w));
    const a = softmax(mul(matmul(q, k, { transposeB: true }), Math.SQRT1_2));
    return sum(matmul(matmul(a, v), out), [1, 2]);
  };
  const x = drawn(74, [1, 4, 3]);
  const rows = async (t: Tensor, n: number): Promise<number[][]> => {
    const flat = await values(t);
    return Array.from({ length: flat.length / n }, (_, i) => flat.slice(i * n, (i + 1) * n));
  };
  const times = (a: number[][], b: number[][]): number[][] =>
    a.map((row) => b[0].map((_, j) => row.reduce((s, v, i) => s + v * b[i][j], 0)));
  const flipped = (a: number[][]): number[][] => a[0].map((_, j) => a.map((row) => row[j]));
  /** Each factor's share of the relevance of a product, were the other one constant. */
  const shares = (a: number[][], b: number[][], r: number[][]): [number[][], number[][]] => {
    const y = times(a, b);
    const s = r.map((row, i) => row.map((v, j) => v / y[i][j]));
    const [ra, rb] = [times(s, flipped(b)), times(flipped(a), s)];
    return [a.map((row, i) => row.map((v, j) => v * ra[i][j])), b.map((row, i) => row.map((v, j) => v * rb[i][j]))];
  };
  const half = (r: number[][]): number[][] => r.map((row) => row.map((v) => v / 2));

  const [X, Q, K, V] = [await rows(x, 3), await rows(wq, 2), await rows(wk, 2), await rows(wv, 2)];
  const [q, k, v] = [Q, K, V].map((w) => times(X, w));
  const z = times(q, flipped(k)).map((row) => row.map((e) => e * Math.fround(Math.SQRT1_2)));
  const a = z.map((row) => {
    const e = row.map(Math.exp);
    return e.map((p) => p / e.reduce((s, w) => s + w, 0));
  });
  const h = times(a, v);
  const O = await rows(out, 1);
  const [rh] = shares(h, O, times(h, O));
  const [ra, rv] = shares(a, v, rh).map(half);
  const rz = z.map((row, i) => row.map((e, j) => e * (ra[i][j] - a[i][j] * ra[i].reduce((s, p) => s + p, 0))));
  const [rq, rk] = shares(q, flipped(k), rz).map(half);
  const parts = [shares(X, Q, rq)[0], shares(X, K, flipped(rk))[0], shares(X, V, rv)[0]];
  const expected = X.flatMap((row, i) => row.map((_, j) => parts.reduce((s, p) => s + p[i][j], 0)));
  const explain = lrp(exact);
  check.close(await values(explain(score, x)), expected, { rtol: 1e-6, atol: 1e-8 });
});

referenceTest("a layer norm hands on what its centred input had: what it divides by gets nothing", async () => {
  const w = drawn(80, [4, 1]);
  const score = (x: Tensor): Tensor => reshape(matmul(layerNorm(x), w), [-1]);
  const x = tensor([[1, 2, 4, -3]]);
  const weights = await values(w);
  const centred = [0, 1, 3, -4];
  const given = (await values(score(x)))[0];
  const total = centred.reduce((s, c, i) => s + c * weights[i], 0);
  const r = centred.map((c, i) => (c * weights[i] * given) / total);
  // c = x − mean: the part of the mean, −1 / c of the relevance, goes to all inputs in proportion.
  const toMean = r.reduce((s, v, i) => (centred[i] === 0 ? s : s - v / centred[i]), 0);
  const expected = [1, 2, 4, -3].map((v, i) => (centred[i] === 0 ? 0 : (r[i] * v) / centred[i]) + (toMean * v) / 4);
  const explain = lrp(exact);
  check.close(await values(explain(score, x)), expected, { rtol: 1e-6, atol: 1e-6 });
});

const dense = (x: Tensor, ...w: number[]): Tensor => matmul(x, tensor(Float64Array.from(w), [w.length, 1]));

referenceTest("a product gives half to each factor, a quotient all to what is divided", async () => {
  const x = tensor([[1, 2]]);
  // Factors 4 = 2 + 2 and sigmoid(−1 + 4): activations pass relevance on.
  const gated = (z: Tensor): Tensor => sum(mul(dense(z, 2, 1), sigmoid(dense(z, -1, 2))), 1);
  const given = (await values(gated(x)))[0];
  const expected = [2 / 4 - 1 / 3, 2 / 4 + 4 / 3].map((share) => (given / 2) * share);
  check.close(await values(lrp(exact)(gated, x)), expected, { rtol: 1e-9 });
  const ratio = (z: Tensor): Tensor => sum(div(dense(z, 2, 1), dense(z, 1, 1)), 1);
  check.close(await values(lrp(exact)(ratio, x)), [2 / 3, 2 / 3], { rtol: 1e-9 });
});

referenceTest("a shift after a result that is used twice belongs to none of its uses", async () => {
  const score = (x: Tensor): Tensor => {
    const y = dense(x, 2, 1);
    return sum(add(relu(add(y, 1)), y), 1);
  };
  // 5 + 4 for y = 2 + 2; the shift passes its 5 on.
  check.close(await values(lrp(exact)(score, tensor([[1, 2]]))), [4.5, 4.5], { rtol: 1e-9 });
});

referenceTest("z-box takes the range through what comes before the first layers", async () => {
  const w = drawn(1, [3, 4, 2, 2]);
  const score = (x: Tensor): Tensor => sum(relu(conv2d(x, w)), [1, 2, 3]);
  const before = (x: Tensor): Tensor => {
    const normalised = div(sub(x, tensor([0.4, 0.6], [2, 1, 1])), tensor([0.5, -0.2], [2, 1, 1]));
    return concat([sub(1, normalised), relu(normalised)], 1);
  };
  const explain = lrp({ composite: "dombrowski", range: { low: 0, high: 1 }, stabiliser: 1e-12 });
  const x = drawn(2, [2, 2, 3, 3], 0.5, 0.5);
  const found = await values(explain((z) => score(before(z)), x));
  // The same from the result, whose range is known by channel.
  const bounds = (...list: number[]): number[] => list.flatMap((v) => Array<number>(9).fill(v));
  const range = { low: bounds(1 - 1.2, 1 - 3, 0, 0), high: bounds(1.8, 1 + 2, 1.2, 3) };
  const inner = lrp({ composite: "dombrowski", range, stabiliser: 1e-12 });
  const r = await values(inner(score, before(x)));
  const expected = found.map((_, i) => {
    const at = Math.floor(i / 18) * 36 + (i % 18);
    return r[at] + r[at + 18];
  });
  check.close(found, expected, { rtol: 1e-5, atol: 1e-7 });
});

/** What a layer may read, made of one that may have any sign; and whether it cannot be negative. */
const inputs: readonly (readonly [name: string, nonNegative: boolean, f: (z: Tensor) => Tensor])[] = [
  ["itself", false, (z) => z],
  ["relu", true, relu],
  ["relu, scaled", true, (z) => div(mul(relu(z), 0.25), 3)],
  ["relu, scaled by less than nothing", false, (z) => mul(relu(z), -0.25)],
  ["relu, shifted down", false, (z) => sub(relu(z), 0.1)],
  ["relu, shifted", true, (z) => add(relu(z), 0.1)],
  ["relu, shifted by a tensor", false, (z) => add(relu(z), tensor([0.1]))],
  ["relu6", true, (z) => minimum(relu(z), 6)],
  ["relu, at most less than nothing", false, (z) => minimum(relu(z), -1)],
  ["at least 0", true, (z) => maximum(z, 0)],
  ["at least -1", false, (z) => maximum(z, -1)],
  ["between 0 and 6", true, (z) => clamp(z, 0, 6)],
  ["between -1 and 6", false, (z) => clamp(z, -1, 6)],
  ["relu between -1 and 6", true, (z) => clamp(relu(z), -1, 6)],
  ["relu between -2 and -1", false, (z) => clamp(relu(z), -2, -1)],
  ["relu beside sigmoid", true, (z) => concat([relu(z), sigmoid(z)], 1)],
  ["relu beside itself", false, (z) => concat([relu(z), z], 1)],
  ["relu plus sigmoid", true, (z) => add(relu(z), sigmoid(z))],
  ["relu, its mean", true, (z) => mean(relu(z), 1, { keepDims: true })],
  [
    "relu with zeros around",
    true,
    (z) =>
      pad(relu(z), [
        [0, 0],
        [1, 1],
      ]),
  ],
  [
    "relu with ones below nothing around",
    false,
    (z) =>
      pad(
        relu(z),
        [
          [0, 0],
          [1, 1],
        ],
        -1,
      ),
  ],
  ["one relu or another", true, (z) => where(greater(z, 0.5), relu(z), relu(sub(z, 1)))],
  ["a relu or not", false, (z) => where(greater(z, 0.5), relu(z), z)],
];
for (const [name, nonNegative, f] of inputs)
  referenceTest(`what cannot be negative has no negative part to share by: ${name}`, async () => {
    const x = drawn(3, [2, 4]);
    const w = drawn(4, [4, 3]);
    const explain = lrp({ composite: { first: "epsilon", other: "z-plus" }, stabiliser: 1e-12 });
    const width = f(matmul(x, w)).shape[1];
    const out = drawn(5, [width, 1]);
    const products = (after: (z: Tensor) => Tensor): [count: number, map: Tensor] => {
      let count = 0;
      const matmulCounted = (
        given: readonly Tensor[],
        _: unknown,
        run: (given: readonly Tensor[]) => Tensor,
      ): Tensor => {
        count++;
        return run(given);
      };
      const score = (z: Tensor): Tensor => sum(matmul(after(f(matmul(z, w))), out), 1);
      const map = withOps({ matmul: matmulCounted }, () => explain(score, x));
      return [count, map];
    };
    const [count, map] = products((z) => z);
    // Nobody knows the sign of a tensor's elements.
    const [most, same] = products((z) => mul(z, tensor([1])));
    check.equal(most - count, nonNegative ? 2 : 0);
    check.close(await values(map), await values(same), { rtol: 1e-9, atol: 1e-12 });
  });
