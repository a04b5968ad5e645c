/** First weights: range and variance by formula, the same for the same key on both executors. */
import { random, type Tensor } from "../../engine/index.js";
import { conv2d, dense, type Initialiser, initialisers } from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";

const [fanIn, fanOut] = [150, 50];
const shape = [200, 100];

/** Limit of a uniform, or standard deviation of a normal distribution. */
const uniforms: [string, Initialiser, number][] = [
  ["glorotUniform", initialisers.glorotUniform, Math.sqrt(6 / (fanIn + fanOut))],
  ["heUniform", initialisers.heUniform, Math.sqrt(6 / fanIn)],
  ["lecunUniform", initialisers.lecunUniform, Math.sqrt(3 / fanIn)],
  ["fanInUniform", initialisers.fanInUniform, Math.sqrt(1 / fanIn)],
];
const normals: [string, Initialiser, number][] = [
  ["glorotNormal", initialisers.glorotNormal, Math.sqrt(2 / (fanIn + fanOut))],
  ["heNormal", initialisers.heNormal, Math.sqrt(2 / fanIn)],
  ["lecunNormal", initialisers.lecunNormal, Math.sqrt(1 / fanIn)],
];

const draw = (init: Initialiser, seed: number): Tensor => init(random.key(seed), shape, { fanIn, fanOut });

/** Mean, variance and kurtosis. */
function moments(values: ArrayLike<number>): [mean: number, variance: number, kurtosis: number] {
  const list = Array.from(values);
  const n = list.length;
  const mean = list.reduce((a, b) => a + b) / n;
  const central = (power: number): number => list.reduce((a, b) => a + (b - mean) ** power, 0) / n;
  return [mean, central(2), central(4) / central(2) ** 2];
}

for (const [name, init, limit] of uniforms)
  referenceTest(`${name} is uniform within ±${limit.toFixed(4)} for ${fanIn} in and ${fanOut} out`, async () => {
    const values = await draw(init, 1).read();
    const n = values.length;
    const largest = Array.from(values, Math.abs).reduce((a, b) => Math.max(a, b));
    check.ok(largest <= limit && largest > 0.999 * limit, `largest ${largest}`);
    const [mean, variance, kurtosis] = moments(values);
    // Five standard deviations of the estimates: σ/√n of the mean, and of x² with kurtosis 9/5, of which the square is 4/5.
    check.close([mean], [0], { atol: (5 * limit) / Math.sqrt(3 * n) });
    check.close([variance], [limit ** 2 / 3], { rtol: 5 * Math.sqrt(0.8 / n) });
    check.close([kurtosis], [9 / 5], { atol: 0.05 });
  });

for (const [name, init, sigma] of normals)
  referenceTest(`${name} is normal with deviation ${sigma.toFixed(4)} for ${fanIn} in and ${fanOut} out`, async () => {
    const values = await draw(init, 1).read();
    const n = values.length;
    const [mean, variance, kurtosis] = moments(values);
    check.close([mean], [0], { atol: (5 * sigma) / Math.sqrt(n) });
    check.close([variance], [sigma ** 2], { rtol: 5 * Math.sqrt(2 / n) });
    check.close([kurtosis], [3], { atol: 0.2 });
  });

gpuTest("initialisers go by their key alone", async () => {
  for (const [name, init] of [...uniforms, ...normals]) {
    const [a, b, c] = [await draw(init, 1).read(), await draw(init, 1).read(), await draw(init, 2).read()];
    check.identical(b, a, name);
    const differing = a.filter((v, i) => v !== c[i]).length;
    check.ok(differing > 0.99 * a.length, `${name}: ${differing} of ${a.length} differ under another key`);
  }
  const none = await initialisers.zeros(random.key(1), [3], { fanIn, fanOut }).read();
  check.identical(none, [0, 0, 0]);
});

referenceTest("layers tell initialisers the fans of one unit", () => {
  const seen: [number, number][] = [];
  const init: Initialiser = (key, sides, { fanIn: inside, fanOut: outside }) => {
    seen.push([inside, outside]);
    return initialisers.zeros(key, sides, { fanIn: inside, fanOut: outside });
  };
  const key = random.key(0);
  dense(5, { init }).init(key, [7]);
  conv2d(6, 3, { init }).init(key, [4, 8, 8]);
  conv2d(6, [2, 5], { init, groups: 2 }).init(key, [4, 8, 8]);
  // In a group each window sees 2 of 4 channels, and each channel is seen by 3 of 6 filters.
  const expected: [number, number][] = [
    [7, 5],
    [36, 54],
    [20, 30],
  ];
  check.equal(seen, expected);
});
