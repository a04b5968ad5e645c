/** Sanity checks: what is randomised, what stands still and what does not, input invariance, entropy. */
import {
  absorbShift,
  type Explainer,
  entropyOf,
  entropyRise,
  gradient,
  gradientTimesInput,
  inputInvarianceGap,
  layersWithParameters,
  randomisations,
  randomisationTest,
  sanitySimilarities,
} from "../../atex/index.js";
import { add, entries, inspect, mul, random, reshape, type Tensor, type Tree, tensor } from "../../engine/index.js";
import { avgPool, conv2d, dense, flatten, relu, type Sequential, sequential, softplus } from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";

const images = sequential([conv2d(4, 3, { padding: "same" }), softplus({ beta: 5 }), avgPool(2), flatten, dense(3)]);
const rows = sequential([dense(8), relu, dense(8), relu, dense(2)]);

function pair(model: Sequential, shape: readonly number[]): { params: Tree; fresh: Tree } {
  return { params: model.init(random.key(1), shape).params, fresh: model.init(random.key(2), shape).params };
}

/** Which layers of a randomised network still have the trained network's tensors. */
function learnt(params: Tree, now: Tree): string[] {
  const before = new Map(entries(params));
  return [...new Set(entries(now).flatMap(([path, t]) => (before.get(path) === t ? [path.split(".")[0]] : [])))];
}

referenceTest("layers are lost from the output down, together or one at a time", () => {
  const { params, fresh } = pair(rows, [5]);
  check.equal(layersWithParameters(params), ["0", "2", "4"]);
  const cascade = randomisations(params, fresh, "cascading");
  check.equal(
    cascade.map(({ layer, params: now }) => [layer, learnt(params, now)]),
    [
      ["4", ["0", "2"]],
      ["2", ["0"]],
      ["0", []],
    ],
  );
  check.equal(
    randomisations(params, fresh, "independent").map(({ layer, params: now }) => [layer, learnt(params, now)]),
    [
      ["4", ["0", "2"]],
      ["2", ["0", "4"]],
      ["0", ["2", "4"]],
    ],
  );
  check.throws(() => randomisations(params, pair(images, [1, 8, 8]).fresh, "cascading"), /the fresh parameters lack 0/);
  check.throws(() => randomisations([null], [null], "cascading"), /there are no parameters/);
});

/** A picture of the input, whatever the network. */
const blind: Explainer = Object.assign((_: unknown, x: Tensor) => mul(x, 2), { info: gradient.info });

for (const [kind, model, shape] of [
  ["images", images, [1, 12, 12]],
  ["rows of a table", rows, [5]],
] as const)
  gpuTest(`${kind}: a map of the input never changes, a gradient does`, async () => {
    const { params, fresh } = pair(model, shape);
    const x = random.uniform(random.key(3), [7, ...shape]);
    const similarities = sanitySimilarities(shape);
    const progress: number[] = [];
    const { stages } = await randomisationTest({
      network: (p, z) => model.apply(p, z),
      ...{ params, fresh, x, similarities, chunk: 3, keep: 4 },
      explainers: { blind, gradient },
      order: "cascading",
      onProgress: ({ done, total }) => progress.push(done / total),
    });
    check.equal(progress.at(-1), 1);
    for (const list of Object.values(stages)) {
      check.is(list.length, layersWithParameters(params).length + 1);
      check.equal([list[0].layer, list[0].entropy.length], [undefined, 7]);
      check.is(list[0].kept.length, (4 * x.size) / 7);
      for (const { name } of similarities)
        check.close(list[0].similarity[name], new Array(7).fill(1), { atol: 1e-5 }, `${name} of the trained network`);
    }
    for (const { similarity } of stages.blind)
      for (const values of Object.values(similarity)) check.close(values, new Array(7).fill(1), { atol: 1e-5 });
    const last = stages.gradient.at(-1)!.similarity["Spearman, signed"];
    check.ok(last.reduce((a, b) => a + b, 0) / 7 < 0.6, `gradients of unrelated networks, ${last}`);
  });

referenceTest("results do not depend on the chunk", async () => {
  const { params, fresh } = pair(rows, [5]);
  const x = random.uniform(random.key(3), [5, 5]);
  const run = (chunk: number) =>
    randomisationTest({
      network: (p, z) => rows.apply(p, z),
      ...{ params, fresh, x, chunk, keep: 5, similarities: sanitySimilarities([5]), explainers: { gradient } },
      order: "independent",
    });
  check.equal(await run(2), await run(5));
});

referenceTest("entropy by hand, and its rise", async () => {
  const map = tensor([
    [1, 0, 0, 0],
    [1, 1, 1, 1],
    [3, 1, 0, 0],
  ]);
  const third = -(0.75 * Math.log(0.75) + 0.25 * Math.log(0.25));
  check.close(await entropyOf(map).read(), [0, Math.log(4), third], { atol: 1e-9 });
  const stage = (entropy: number[]) => ({ entropy, similarity: {}, kept: new Float32Array(0) });
  const stages = { gradient: [stage([1, 3]), stage([9, 9]), stage([2, 4])] };
  check.close([entropyRise({ order: "cascading", stages }).gradient], [0.5], { atol: 1e-12 });
  check.throws(() => entropyRise({ order: "independent", stages }), /the order is independent/);
});

referenceTest("the gradient is invariant to an input shift, gradient x input is not", async () => {
  const { params } = pair(rows, [5]);
  const classifier = (x: Tensor): Tensor => rows.apply(params, x);
  const x = random.uniform(random.key(3), [4, 5]);
  const shift = tensor([0.5, -1, 2, 0.1, 0.3]);
  const gap = (explainer: Explainer) => inputInvarianceGap({ classifier, x, explainer, shift }).read();
  check.close(await gap(gradient), [0, 0, 0, 0], { atol: 1e-9 });
  check.ok(
    (await gap(gradientTimesInput)).every((v) => v > 0.05),
    "a zero baseline moves with the shift",
  );
});

referenceTest("a shift is absorbed by the first layer, or taken off before it", async () => {
  const shift = tensor([0.5, -1, 2, 0.1, 0.3]);
  const { params } = pair(rows, [5]);
  const x = random.uniform(random.key(3), [4, 5]);
  const plain = (z: Tensor): Tensor => rows.apply(params, z);
  for (const [f, first] of [
    [plain, "matmul"],
    [(z: Tensor) => plain(reshape(reshape(z, [4, 1, 5]), [4, 5])), "reshape"],
    [(z: Tensor) => plain(mul(z, 2)), "sub"],
  ] as const) {
    const shifted = absorbShift(f, shift);
    check.close(await shifted(add(x, shift)).read(), [...(await f(x).read())], { atol: 1e-9 });
    check.is(
      inspect(shifted, x, ({ steps }) => steps[0].op),
      first,
    );
  }
  const image = tensor([[[0.3]], [[0.7]]]);
  const conv = sequential([conv2d(2, 3, { padding: "same" }), relu, flatten, dense(2)]);
  const weights = conv.init(random.key(4), [2, 5, 5]).params;
  const pictures = random.uniform(random.key(5), [2, 2, 5, 5]);
  const see = (z: Tensor): Tensor => conv.apply(weights, z);
  check.close(await absorbShift(see, image)(add(pictures, image)).read(), [...(await see(pictures).read())], {
    atol: 1e-9,
  });
});
