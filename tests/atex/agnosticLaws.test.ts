/** The rows of the model-agnostic and sampling explainers: made by name, on tables and images, with the laws they claim. */
import {
  type ExplainerContext,
  explainerEntryOf,
  makeExplainer,
  type Score,
  segmentImages,
  summariseBackground,
} from "../../atex/index.js";
import {
  add,
  capture,
  checkGrads,
  mul,
  random,
  reshape,
  slice,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
} from "../../engine/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { list, network, numbers, people, peopleRows, plain, samples } from "./game.js";

const small: Readonly<Record<string, Record<string, unknown>>> = {
  vargrad: { samples: 6 },
  "sparsified-smoothgrad": { samples: 6, top: 0.5 },
  "expected-gradients": { samples: 8 },
  occlusion: {},
  lime: { samples: 60 },
  "kernel-shap": { samples: 40 },
  "exact-shapley": {},
};
const names = Object.keys(small);
const image = { shape: [1, 4, 4], range: { low: 0, high: 1 } };

/** Contexts of a table with categories, one without names, and images; made anew for the executor at hand. */
const contexts = (): readonly ExplainerContext[] => [
  { domain: people, key: random.key(1), seed: 2, background: peopleRows(3, 12) },
  { domain: plain(6), key: random.key(1), seed: 2, background: samples(4, 5, [6]) },
  { domain: image, key: random.key(1), seed: 2, background: samples(5, 3, image.shape) },
];
const inputs = ({ domain }: ExplainerContext): Tensor =>
  domain === people ? peopleRows(6, 3) : samples(7, 3, domain.shape);
const sizeOf = ({ domain }: ExplainerContext): number => domain.shape.reduce((a, b) => a * b, 1);

for (const name of names)
  referenceTest(`${name}: of x's shape, the same for a sample alone, chunk or not`, async () => {
    for (const context of contexts()) {
      const [explain, x, score] = [
        makeExplainer(name, small[name], context),
        inputs(context),
        network(8, sizeOf(context)),
      ];
      const whole = explain(score, x);
      check.equal(whole.shape, x.shape);
      const one = slice(x, [1, ...context.domain.shape.map(() => 0)], [1, ...context.domain.shape]);
      const d = sizeOf(context);
      const values = await list(whole);
      check.close(await list(explain(score, one)), values.slice(d, 2 * d), { atol: 1e-12 });
      check.ok(values.every(Number.isFinite) && values.some((v) => v !== 0));
      check.equal(explain.info, { ...explainerEntryOf(name).info });
    }
  });

/** A score that does not see some elements. */
function blindTo(hidden: readonly number[], d: number): Score {
  const seen = numbers(9, d).map((v, i) => (hidden.includes(i) ? 0 : v));
  return (x) => sum(tanh(mul(reshape(x, [x.shape[0], d]), tensor(seen, [1, d]))), 1);
}

for (const on of [referenceTest, gpuTest])
  on(`dummy: what the score does not use gets exactly 0 (${on === gpuTest ? "GPU" : "reference"})`, async () => {
    let claimed = 0;
    for (const name of names) {
      if (!explainerEntryOf(name).laws.dummy) continue;
      claimed++;
      for (const context of contexts()) {
        // A whole feature of the table, a whole patch of the image.
        const hidden = context.domain === image ? [10, 11, 14, 15] : context.domain === people ? [1, 2, 4] : [2];
        const explain = makeExplainer(name, small[name], context);
        const values = await list(explain(blindTo(hidden, sizeOf(context)), inputs(context)));
        for (const [at, v] of values.entries())
          if (hidden.includes(at % sizeOf(context))) check.is(Math.abs(v), 0, `${name}, element ${at}`);
      }
    }
    check.is(claimed, 4);
  });

referenceTest("symmetry: features used alike, with equal values, get the same", async () => {
  const background = tensor([
    [0.1, 0.5, 0.1],
    [-0.4, 0.2, -0.4],
  ]);
  const score: Score = (x) => {
    const of = (i: number): Tensor => reshape(slice(x, [0, i], [x.shape[0], 1]), [x.shape[0]]);
    return tanh(add(mul(mul(of(0), of(2)), 3), of(1)));
  };
  const claims = names.filter((name) => explainerEntryOf(name).laws.symmetry);
  check.equal(claims, ["exact-shapley"]);
  for (const name of claims) {
    const context = { domain: plain(3), key: random.key(1), background };
    const [a, , b] = await list(makeExplainer(name, small[name], context)(score, tensor([[0.7, -0.2, 0.7]])));
    check.close([a], [b], { atol: 1e-14 });
    check.ok(Math.abs(a) > 0.01);
  }
});

referenceTest(
  "input invariance: a shift of all inputs, the background's too, that the network takes off again",
  async () => {
    for (const name of names) {
      const { inputInvariance } = explainerEntryOf(name).laws;
      if (!inputInvariance) continue;
      for (const context of contexts()) {
        if (inputInvariance === "tables" && context.domain.shape.length > 1) continue;
        const [score, x] = [network(10, sizeOf(context)), inputs(context)];
        const shift = samples(11, 1, context.domain.shape);
        const plainly = makeExplainer(name, small[name], context)(score, x);
        const moved = { ...context, background: add(context.background!, shift) };
        const shifted = makeExplainer(name, small[name], moved)((z) => score(sub(z, shift)), add(x, shift));
        // Categories are compared as they stand; a sum and a difference of random numbers round.
        if (name === "lime" && context.domain === people) continue;
        // Copies whose values nearly tie may change places by rounding; the hard form counts places.
        check.close(await list(shifted), await list(plainly), { atol: 1e-9 }, name);
      }
    }
    const zero = { domain: plain(3), key: random.key(1), background: tensor([[0, 0, 0]]) };
    const occlude = makeExplainer("occlusion", { baseline: 0 }, zero);
    const [score, x] = [network(12, 3), samples(13, 1, [3])];
    const here = await list(occlude(score, x));
    const there = await list(occlude((z) => score(sub(z, 0.5)), add(x, 0.5)));
    check.ok(
      here.some((v, i) => Math.abs(v - there[i]) > 0.01),
      "a constant baseline is not invariant",
    );
  },
);

referenceTest("those that claim a derivative have one", async () => {
  for (const name of names) {
    if (!explainerEntryOf(name).laws.differentiable) continue;
    const context = contexts()[1];
    const explain = makeExplainer(name, small[name], context);
    const weights = tensor(numbers(14, 18), [3, 6]);
    await checkGrads((z: Tensor) => sum(mul(explain(network(15, 6), z), weights)), [inputs(context)], { order: 1 });
  }
  check.ok(!explainerEntryOf("sparsified-smoothgrad").laws.differentiable);
});

gpuTest("every row can be captured", async () => {
  for (const name of names)
    for (const context of [contexts()[0], contexts()[2]]) {
      const explain = makeExplainer(name, small[name], context);
      using step = capture((x: Tensor) => explain(network(16, sizeOf(context)), x));
      // The hard form counts places, and copies that nearly tie change them by rounding.
      if (name === "sparsified-smoothgrad") step(inputs(context));
      else await step.verify(inputs(context));
      check.is(step.recordings, 1);
    }
});

referenceTest("what a context carries is used: summary, segments, seed; what it lacks is told", async () => {
  const [rows, x, score] = [samples(17, 40, [6]), samples(18, 2, [6]), network(19, 6)];
  const base = { domain: plain(6), key: random.key(1), background: rows };
  const summary = await summariseBackground(rows, { clusters: 4 });
  for (const name of ["kernel-shap", "exact-shapley", "occlusion"]) {
    const whole = await list(makeExplainer(name, {}, base)(score, x));
    const few = await list(makeExplainer(name, {}, { ...base, summary })(score, x));
    const same = await list(makeExplainer(name, {}, { ...base, background: summary.rows, summary })(score, x));
    check.identical(few, same);
    check.ok(few.some((v, i) => v !== whole[i]) && few.every((v, i) => Math.abs(v - whole[i]) < 1), name);
  }
  const wide = { domain: plain(14), key: random.key(1), background: samples(20, 2, [14]) };
  const drawn = [0, 1].map((seed) =>
    makeExplainer("kernel-shap", { samples: 60 }, { ...wide, seed })(network(21, 14), samples(22, 1, [14])),
  );
  const [first, second] = [await list(drawn[0]), await list(drawn[1])];
  check.ok(first.some((v, i) => v !== second[i]));

  const picture = samples(23, 1, [1, 8, 8]);
  const segments = await segmentImages(picture, { segments: 4, range: { low: -1, high: 1 } });
  const pictures = { domain: { shape: [1, 8, 8], range: { low: -1, high: 1 } }, key: random.key(1), segments };
  const map = await list(makeExplainer("lime", { samples: 80 }, pictures)(network(24, 64), picture));
  for (let p = 0; p < 64; p++) check.is(map[p], map[segments.labels.indexOf(segments.labels[p])]);
  check.ok(new Set(map).size > 1);

  const nothing = { domain: plain(6), key: random.key(1) };
  for (const name of ["kernel-shap", "exact-shapley", "occlusion", "lime", "expected-gradients"])
    check.throws(() => makeExplainer(name, {}, nothing), new RegExp(`${name}: no background came`));
  for (const name of ["kernel-shap", "exact-shapley", "occlusion"])
    check.equal(makeExplainer(name, { baseline: 0.5 }, nothing)(score, x).shape, [2, 6]);
  check.throws(() => makeExplainer("lime", { around: "nowhere" }, base), RangeError);
});
