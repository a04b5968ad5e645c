/** Similarities of maps against SciPy and scikit-image in float64 (goldens/metrics.py), their gradients, ranges and symmetry. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  cosine,
  hog,
  hogPearson,
  kendall,
  massCentreShift,
  normalisedSquaredError,
  pearson,
  relevanceMass,
  type Similarity,
  spearman,
  squaredErrorOf,
  ssim,
  topKIntersection,
} from "../../atex/index.js";
import { checkGrads, mul, random, slice, sum, type Tensor, tensor } from "../../engine/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, root } from "../harness.js";

type MapName = keyof typeof maps;
interface Expected {
  /** null is NaN. */
  readonly [metric: string]: number | null | Readonly<Record<string, number>>;
  readonly topK: Readonly<Record<string, number>>;
}
interface Goldens {
  readonly range: number;
  readonly pairs: readonly { readonly a: MapName; readonly b: MapName; readonly expected: Expected }[];
  readonly hog: readonly {
    readonly map: MapName;
    readonly height: number;
    readonly width: number;
    readonly features: readonly number[];
  }[];
  readonly mass: { readonly map: MapName; readonly expected: number };
}
const goldens = JSON.parse(readFileSync(join(root, "tests/goldens/metrics.json"), "utf8")) as Goldens;

const SIDE = 28;
const PIXELS = SIDE * SIDE;

/** On [0,1), as in goldens/metrics.py. */
function unit(i: number, stream: number): number {
  let b = Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(stream, 0x85ebca6b);
  b = Math.imul(b ^ (b >>> 16), 0x7feb352d);
  b = Math.imul(b ^ (b >>> 15), 0x846ca68b);
  return ((b ^ (b >>> 16)) >>> 0) / 2 ** 32;
}
const maps = {
  signed: (i: number) => 2 * unit(i, 1) - 1,
  related: (i: number) => 0.7 * (2 * unit(i, 1) - 1) + 0.3 * (2 * unit(i, 2) - 1),
  opposite: (i: number) => 1 - 2 * unit(i, 1),
  unrelated: (i: number) => unit(i, 3) ** 2,
  ties: (i: number) => Math.floor(5 * unit(i, 4)),
  "more ties": (i: number) => Math.floor(3 * unit(i, 4)) + Math.floor(1.2 * unit(i, 5)),
  sparse: (i: number) => Math.max(0, unit(i, 6) - 0.9),
  constant: () => 0.1,
};

/** The named maps as one batch [n,28,28]. */
function batch(names: readonly MapName[]): Tensor {
  const data = names.flatMap((name) => Array.from({ length: PIXELS }, (_, i) => maps[name](i)));
  return tensor(Float32Array.from(data), [names.length, SIDE, SIDE]);
}

const plain: Record<string, Similarity> = {
  spearman,
  kendall,
  pearson,
  cosine,
  hogPearson,
  normalisedSquaredError,
  massCentreShift,
  ssim: Object.assign((a: Tensor, b: Tensor) => ssim(a, b, { range: goldens.range }), { info: ssim.info }),
};
const { pairs } = goldens;
const sides = (): [Tensor, Tensor] => [batch(pairs.map((p) => p.a)), batch(pairs.map((p) => p.b))];

for (const [run, where, tolerance] of [
  [referenceTest, "in float64", { rtol: 1e-9, atol: 1e-9 }],
  [gpuTest, "on the GPU", { rtol: 1e-5, atol: 2e-5 }],
] as const) {
  // scikit-image sums the cells of HOG in f32.
  const hogTolerance = { rtol: tolerance.rtol, atol: Math.max(tolerance.atol, 1e-7) };
  for (const [name, metric] of Object.entries(plain))
    run(`${name} = SciPy or scikit-image, with ties and constant maps, ${where}`, async () => {
      const actual = await metric(...sides()).read();
      const expected = pairs.map((p) => (p.expected[name] as number | null) ?? Number.NaN);
      check.close(actual, expected, name === "hogPearson" ? hogTolerance : tolerance);
      const [low, high] = metric.info.range;
      for (const v of actual) check.ok(Number.isNaN(v) || (v >= low && v <= high), `${v} out of range`);
    });

  for (const k of [1, 50, 300, PIXELS])
    run(`top-${k} intersection = sets of a stable sort, ${where}`, async () => {
      const expected = pairs.map((p) => p.expected.topK[k]);
      check.close(await topKIntersection(k)(...sides()).read(), expected, { atol: 1e-6 });
    });

  run(`hog = skimage.feature.hog, ${where}`, async () => {
    for (const { map, height, width, features } of goldens.hog) {
      const found = hog(slice(batch([map]), [0, 0, 0], [1, height, width]), { cell: 4 });
      const [rows, columns] = [height, width].map((side) => Math.floor(side / 4) - 2);
      check.equal([...found.shape], [1, rows, columns, 3, 3, 9]);
      check.close((await found.read()).subarray(0, features.length), features, { rtol: 1e-5, atol: 1e-6 });
    }
  });

  run(`relevance mass = the share of the sum, ${where}`, async () => {
    const mask = tensor(
      Float32Array.from({ length: PIXELS }, (_, i) => Number(i < 10 * SIDE)),
      [1, SIDE, SIDE],
    );
    check.close(await relevanceMass(batch([goldens.mass.map]), mask).read(), [goldens.mass.expected], { rtol: 1e-6 });
  });
}

for (const [name, metric] of Object.entries({ ...plain, topK: topKIntersection(50) }))
  gpuTest(`${name}: symmetric, and what it promises for equal maps`, async () => {
    const names: MapName[] = ["signed", "unrelated", "ties", "sparse"];
    const [a, b] = [batch(names), batch([...names].reverse())];
    const [there, back] = [await metric(a, b).read(), await metric(b, a).read()];
    check.close(there, back, { atol: 1e-6 });
    const { perfect } = metric.info;
    check.close(
      await metric(a, a).read(),
      names.map(() => Number(perfect)),
      { atol: 2e-6 },
    );
  });

for (const [name, metric] of Object.entries(plain).filter(([, m]) => m.info.differentiable))
  referenceTest(`${name}: gradient to second order`, async () => {
    const [a, b] = [4, 5].map((seed) => random.normal(random.key(seed), [2, 12, 12]));
    await checkGrads((x: Tensor, y: Tensor) => sum(metric(x, y)), [a, b], { order: 2 });
    check.ok(true, "checkGrads throws when a derivative is wrong");
  });

for (const [run, where] of [
  [referenceTest, "in float64"],
  [gpuTest, "on the GPU"],
] as const)
  run(`a map of zeros has no correlation, angle, scale or centre, ${where}`, async () => {
    const [zero, map] = [mul(batch(["signed"]), 0), batch(["signed"])];
    for (const metric of [spearman, kendall, pearson, cosine, hogPearson, normalisedSquaredError, massCentreShift])
      for (const [a, b] of [
        [zero, map],
        [map, zero],
        [zero, zero],
      ])
        check.identical(await metric(a, b).read(), [Number.NaN], metric.info.name);
    check.identical(await ssim(zero, zero, { range: 1 }).read(), [1]);
  });

referenceTest(
  "MSE of maps normalised by their sum is that by their mean over the square of the number of elements",
  async () => {
    const [a, b] = [batch(["signed"]), batch(["related"])];
    const [x, y] = [Array.from(await a.read()), Array.from(await b.read())];
    const by = (divisor: (v: ArrayLike<number>) => number): number => {
      const [p, q] = [divisor(x), divisor(y)];
      return x.reduce((s, v, i) => s + (v / p - y[i] / q) ** 2, 0) / PIXELS;
    };
    const sizes = (v: ArrayLike<number>): number[] => Array.from(v, Math.abs);
    const total = (v: ArrayLike<number>): number => sizes(v).reduce((s, u) => s + u);
    const bySum = by(total);
    check.close(await squaredErrorOf("sum")(a, b).read(), [bySum], { rtol: 1e-9 });
    check.close(await squaredErrorOf("mean")(a, b).read(), [bySum * PIXELS ** 2], { rtol: 1e-9 });
    check.close(await squaredErrorOf("max")(a, b).read(), [by((v) => Math.max(...sizes(v)))], { rtol: 1e-9 });
    const unit = (v: ArrayLike<number>): number[] => {
      const [low, high] = [Math.min(...Array.from(v)), Math.max(...Array.from(v))];
      return Array.from(v, (u) => (u - low) / (high - low));
    };
    const [p, q] = [unit(x), unit(y)];
    const expected = p.reduce((s, v, i) => s + (v - q[i]) ** 2, 0) / PIXELS;
    check.close(await squaredErrorOf("min-max")(a, b).read(), [expected], { rtol: 1e-9 });
  },
);

referenceTest("maps that cannot be compared are refused", () => {
  const a = batch(["signed"]);
  const small = random.normal(random.key(1), [1, 8, 8]);
  check.throws(() => kendall(a, small), /Kendall tau-b: maps f32\[1,28,28\] and f32\[1,8,8\]; two of one shape/);
  check.throws(
    () => hog(small, { cell: 4 }),
    /hog: maps are f32\[1,8,8\] with cells of 4; \[n,h,w\] of at least 3 × 3/,
  );
  const colour = random.normal(random.key(1), [1, 3, 28, 28]);
  check.throws(() => ssim(colour, colour, { range: 1 }), /ssim: maps are f32\[1,3,28,28\]; maps of images \[n,h,w\]/);
  check.throws(() => hogPearson(colour, colour), /hog: maps are f32\[1,3,28,28\]; maps of images \[n,h,w\]/);
  for (const range of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, undefined as unknown as number])
    check.throws(
      () => ssim(a, a, { range }),
      /ssim: range (.* given; the difference .* above 0|is .*; a number is needed)/,
    );
  check.throws(() => topKIntersection(65)(small, small), /topKIntersection: k = 65 of 64 elements; 1 to 64/);
});
