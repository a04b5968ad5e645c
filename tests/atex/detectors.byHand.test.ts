/** Detectors on networks and explainers that can be written out. */
import { explainer } from "../../atex/explainers/explainer.js";
import {
  agreementDetector,
  aopcDetector,
  betaSmoothingDetector,
  type Classifier,
  type DetectorContext,
  type Explainer,
  inputNoiseDetector,
  type MakeExplainer,
  type ManipulationWorld,
  medianDetector,
  occlusion,
  redrawnWeights,
  sanityCheckDetector,
  signAgreement,
  smoothGradDetector,
  softened,
} from "../../atex/index.js";
import { noiseScale } from "../../atex/manipulations/detectors/noise.js";
import {
  add,
  argmax,
  capture,
  exp,
  eye,
  full,
  matmul,
  mul,
  neg,
  random,
  relu,
  reshape,
  softplus,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
  transpose,
} from "../../engine/index.js";
import type { Domain } from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { tableWorld, worldOf } from "./manipulationWorld.js";
import { numbers } from "./subjects.js";

const D = 4;
const domain: Domain = { shape: [D], range: { low: -1, high: 1 } };
const list = async (t: Tensor): Promise<number[]> => Array.from(await t.read());

/** A world of rows of four columns. */
function world(background = numbers([6, D], 1)): ManipulationWorld & { said: string[] } {
  const explaining = { domain, background, seed: 3 };
  const other = worldOf(tableWorld);
  return { ...other, domain, explaining, seed: 3 };
}

/** Whatever is asked for, this is the explainer. */
const always =
  (explain: (score: (x: Tensor) => Tensor, x: Tensor) => Tensor): MakeExplainer =>
  async () =>
    explainer({ name: "made up", scope: "local", access: "model-agnostic", source: "2024" }, explain) as Explainer;

const context = (of: ManipulationWorld, classes: number[], name = "gradient"): DetectorContext => ({
  world: of,
  explainer: name,
  classes: tensor(Int32Array.from(classes)),
});

/** Logits are the columns themselves, each through f. */
const columns =
  (f: (x: Tensor) => Tensor): Classifier =>
  (x) =>
    f(x);

referenceTest("SmoothGrad of a square is the gradient where the mean of the noise moved the sample", async () => {
  // A column that does not vary in the background gets no noise.
  const background = mul(numbers([6, D], 1), tensor([1, 1, 0, 2]));
  const x = numbers([3, D], 2);
  const of = context(world(background), [0, 1, 2]);
  const classifier: Classifier = (z) => matmul(square(z), tensor(new Float32Array(D * D).fill(1), [D, D]));
  const restored = await list(await smoothGradDetector().restored!({ classifier, x }, of));
  const plain = await list(mul(x, 2));
  const moved = restored.map((v, i) => v - plain[i]);
  // Noise is the same for all samples.
  check.close(moved.slice(D), [...moved.slice(0, D), ...moved.slice(0, D)], { atol: 1e-12 });
  check.close([moved[2]], [0], { atol: 1e-12 });
  check.ok([0, 1, 3].every((i) => Math.abs(moved[i]) > 1e-3));
});

referenceTest("the median passes through what keeps the order, and the mean does not", async () => {
  const x = numbers([2, D], 2);
  const of = context(world(), [0, 1]);
  const classifier = columns((z) => z);
  // Two middle ones of an even number would be averaged.
  const detector = medianDetector({ copies: 5 });
  const map = async (f: (z: Tensor) => Tensor): Promise<number[]> =>
    list(await detector.restored!({ classifier, x, explainer: always((_, z) => f(z)) }, of));
  const middle = await map((z) => z);
  check.close(await map(exp), middle.map(Math.exp), { rtol: 1e-12 });
  check.close(
    await map((z) => neg(z)),
    middle.map((v) => -v),
    { rtol: 1e-12 },
  );
  const smooth = smoothGradDetector({ copies: 5 });
  const mean = async (f: (z: Tensor) => Tensor): Promise<number[]> =>
    list(await smooth.restored!({ classifier, x, explainer: always((_, z) => f(z)) }, of));
  const [centre, raised] = [await mean((z) => z), await mean(exp)];
  check.ok(raised.some((v, i) => v > Math.exp(centre[i]) + 1e-3));
});

referenceTest("beta-smoothing makes a slope a sigmoid, of relu and of softplus that is sharper", async () => {
  const x = numbers([2, D], 2);
  const of = context(world(), [1, 3]);
  const at = await list(x);
  const expected = Array.from({ length: 2 * D }, (_, i) =>
    i === 1 || i === D + 3 ? 1 / (1 + Math.exp(-3 * at[i])) : 0,
  );
  const detector = betaSmoothingDetector();
  for (const f of [relu, (z: Tensor) => softplus(z, 40), capture((z: Tensor) => relu(z))]) {
    const side = { classifier: columns(f), x };
    f(x);
    check.close(await list(await detector.restored!(side, of)), expected, { atol: 1e-12 });
    if ("dispose" in f) (f as { dispose(): void }).dispose();
  }
  for (const f of [tanh, (z: Tensor) => softplus(z, 2), (z: Tensor) => z]) {
    const side = { classifier: columns(f), x };
    check.is(softened(side.classifier, [D], 3), undefined);
    check.identical(
      await list(await detector.restored!(side, of)),
      await list(await detector.restored!({ ...side, classifier: (z) => f(z) }, of)),
    );
    const said = world();
    check.identical(await detector.suspicion!(side, { ...of, world: said }), [Number.NaN, Number.NaN]);
    check.ok(said.said.some((line) => /no relu/.test(line)));
  }
  check.throws(() => softened(relu, [D], 0), /beta is 0; a positive number is needed/);
});

referenceTest("weights drawn anew: a normal of their mean square, and nothing else changes", async () => {
  const wide = 60;
  const w = add(numbers([D, wide], 5), 0.5);
  const bias = numbers([wide], 6);
  const key = random.key(4);
  const sample = numbers([1, D], 7);
  const affine: Classifier = (x) => add(matmul(x, w), bias);
  const other = redrawnWeights(affine, sample, key)!;
  const weights = async (f: Classifier): Promise<number[]> => list(sub(f(eye(D)), bias));
  const meanSquare = (v: number[]): number => v.reduce((a, b) => a + b * b, 0) / v.length;
  const [before, after] = [await weights(affine), await weights(other)];
  // Deviations of the estimates from 240 numbers: σ √(2/240) of the mean square, σ/√240 of the mean.
  check.close([meanSquare(after)], [meanSquare(before)], { rtol: 4 * Math.sqrt(2 / 240) });
  check.close([after.reduce((a, b) => a + b) / 240], [0], {
    atol: (4 * Math.sqrt(meanSquare(before))) / Math.sqrt(240),
  });
  check.identical(await weights(other), after);
  check.identical(await weights(redrawnWeights(affine, sample, key)!), after);
  check.ok((await weights(redrawnWeights(affine, sample, random.key(5))!)).every((v, i) => v !== after[i]));
  // Weights made inside, and on the other side of the product.
  const turned: Classifier = (x) => add(transpose(matmul(mul(transpose(w), 1), transpose(x))), bias);
  const turnedOther = await weights(redrawnWeights(turned, sample, key)!);
  check.close([meanSquare(turnedOther)], [meanSquare(before)], { rtol: 4 * Math.sqrt(2 / 240) });
  check.ok(turnedOther.every((v, i) => Math.abs(v - before[i]) > 1e-9));
  // A product of two things that depend on x has no weights; a captured function is reached.
  check.is(
    redrawnWeights((x) => matmul(x, transpose(x)), sample, key),
    undefined,
  );
  check.is(redrawnWeights(relu, sample, key), undefined);
  const step = capture((x: Tensor) => affine(x));
  step(eye(D));
  check.identical(await weights(redrawnWeights(step, sample, key)!), after);
  step.dispose();
  const moody: Classifier = (x) => (x.shape[0] === 1 ? affine(x) : add(matmul(x, w), affine(x)));
  check.throws(() => redrawnWeights(moody, sample, key)!(eye(D)), /ran 2 .* and 1 on the sample/);
});

referenceTest("the sanity check suspects a map that does not ask the network", async () => {
  const of = worldOf(tableWorld);
  const x = tableWorld.x(3);
  const { classifier } = of;
  const told = { world: of, explainer: "gradient", classes: argmax(classifier(x), 1) };
  const detector = sanityCheckDetector();
  const honest = Array.from(await detector.suspicion!({ classifier, x }, told));
  const blind = Array.from(await detector.suspicion!({ classifier, x, explainer: always((_, z) => z) }, told));
  check.close(blind, [1, 1, 1], { atol: 1e-12 });
  check.ok(
    honest.every((v) => v < 0.95),
    `${honest}`,
  );
  check.identical(await detector.suspicion!({ classifier: (z) => square(z), x }, told), Array(3).fill(Number.NaN));
});

referenceTest("sign agreement by hand", async () => {
  const a = tensor([
    [3, -2, 1, 0],
    [3, -2, 1, 0],
    [3, -2, 1, 0],
  ]);
  const b = tensor([
    [-1, -5, 4, 0],
    [-1, 5, 4, 0],
    [2, -1, 0, 0],
  ]);
  // Two largest: 0, 1 and 1, 2 (one in common, of one sign; of two signs); 0, 1 both.
  check.identical(await list(signAgreement(a, b, 2)), [0.5, 0, 1]);
});

referenceTest("explainers of a linear network agree, and a turned map is seen", async () => {
  const w = numbers([D, D], 5);
  const of = context(world(), [0, 2], "gradient-x-input");
  const side = { classifier: (x: Tensor) => matmul(x, w), x: numbers([2, D], 2, 0.2, 1) };
  const detector = agreementDetector({ tables: ["gradient-x-input", "integrated-gradients", "lrp"] });
  check.close(Array.from(await detector.suspicion!(side, of)), [0, 0], { atol: 1e-6 });
  // Least important first, with other signs: rank correlation −1, sign agreement 0.
  const map = async (): Promise<Tensor> => mul(transposed(w, [0, 2]), side.x);
  const values = await list(await map());
  const turned = tensor(
    Float64Array.from(values, (v) => -1 / v),
    [2, D],
  );
  const lying = { ...side, explainer: always(() => turned) };
  check.close(Array.from(await detector.suspicion!(lying, of)), [1.5, 1.5], { atol: 1e-6 });
  const flat = { ...side, explainer: always((_, x) => full(x.shape, 1)) };
  check.identical(await detector.suspicion!(flat, of), [Number.NaN, Number.NaN]);
});

/** Rows of the transposed matrix. */
const transposed = (w: Tensor, rows: number[]): Tensor => {
  const pick = new Float32Array(rows.length * D);
  for (const [i, row] of rows.entries()) pick[i * D + row] = 1;
  return matmul(tensor(pick, [rows.length, D]), transpose(w));
};

referenceTest("AOPC: what occlusion says is not suspicious, what points elsewhere is", async () => {
  const of = context(world(), [0, 0], "gradient");
  // Only the second column counts.
  const classifier: Classifier = (x) => matmul(x, tensor([0, 0, 1, -1, 0, 0, 0, 0], [4, 2]));
  const x = tensor([0.1, 0.9, 0.2, 0.3, 0.5, 0.8, 0.1, 0.4], [2, D]);
  const background = { rows: of.world.explaining.background };
  const asked = always((score, z) => occlusion({ domain, background })(score, z));
  const told = { ...of, world: { ...of.world, explainer: asked } };
  const detector = aopcDetector();
  check.identical(await detector.suspicion!({ classifier, x }, told), [0, 0]);
  const lie = always((_, z) => mul(full(z.shape, 1), tensor([4, 1, 3, 2])));
  const suspicion = Array.from(await detector.suspicion!({ classifier, x, explainer: lie }, told));
  check.ok(
    suspicion.every((v) => v > 0.02),
    `${suspicion}`,
  );
});

referenceTest(
  "instability: none of a line, and of a square the length of the noise by that of the sample",
  async () => {
    const of = context(world(), [0, 0, 0]);
    const detector = inputNoiseDetector();
    const x = numbers([3, D], 2);
    const line: Classifier = (z) => matmul(z, numbers([D, 3], 5));
    check.close(Array.from(await detector.suspicion!({ classifier: line, x }, of)), [0, 0, 0], { atol: 1e-12 });
    const bowl: Classifier = (z) => reshape(sum(square(z), 1), [-1, 1]);
    const found = Array.from(await detector.suspicion!({ classifier: bowl, x }, of));
    const lengths = await list(sum(square(x), 1));
    const noise = found.map((v, i) => v * Math.sqrt(lengths[i]));
    check.close(noise, Array(3).fill(noise[0]), { rtol: 1e-9 });
    check.ok(noise[0] > 0.01 && noise[0] < 0.5, `${noise[0]}`);
  },
);

gpuTest("on the GPU the same is found", async () => {
  const of = worldOf(tableWorld);
  const side = { classifier: of.classifier, x: tableWorld.x(3) };
  const told = { world: of, explainer: "gradient", classes: argmax(of.classifier(side.x), 1) };
  for (const detector of [smoothGradDetector(), sanityCheckDetector()]) {
    const found = Array.from(await detector.suspicion!(side, told));
    check.ok(found.length === 3 && found.every(Number.isFinite), `${detector.name}: ${found}`);
  }
});

referenceTest("noise is as large as the domain suggests", async () => {
  const background = tensor([
    [1, 0, 2, 5],
    [9, 0, 2, 5],
  ]);
  const rows = { ...context(world(background), [0]) };
  check.close(await list(noiseScale(rows, 0.5)), [2, 0, 0, 0], { atol: 1e-12 });
  const range = { low: [-1, 0], high: 2 };
  const image = { ...world(background), domain: { shape: [1, 1, 2], range } };
  check.close(await list(noiseScale({ ...rows, world: image }, 0.5)), [1.5, 1], { atol: 1e-7 });
});
