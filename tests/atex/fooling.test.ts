/** Statistics of networks trained to show other maps, written out a second time on the host. */
import {
  classSwap,
  foolingSuccessRate,
  locationLoss,
  massCentreDisplacement,
  massCentreShift,
  topKLoss,
} from "../../atex/index.js";
import { mul, random, reshape, type Tensor, tensor } from "../../engine/index.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { both, images } from "./quadratic.js";

const unit = (v: readonly number[]): number[] => {
  const [low, high] = [Math.min(...v), Math.max(...v)];
  return v.map((u) => (u - low) / (high - low));
};
const mean = (v: readonly number[]): number => v.reduce((a, b) => a + b) / v.length;

/** Zeros but for one pixel of each map. */
function dots(h: number, w: number, places: readonly (readonly [row: number, column: number])[]): Tensor {
  const data = new Float32Array(places.length * h * w);
  for (const [i, [row, column]] of places.entries()) data[i * h * w + row * w + column] = 2;
  return tensor(data, [places.length, h, w]);
}

both("location loss = mean (m − h)² with a frame of a seventh, h scaled to [0, 1]", async () => {
  const [h, w] = [14, 15];
  const map = random.normal(random.key(1), [2, h, w]);
  // ⌊14 / 7⌋ pixels wide.
  const framed = (p: number): number => {
    const [i, j] = [Math.floor(p / w), p % w];
    return Number(i < 2 || i > 11 || j < 2 || j > 12);
  };
  const expected = (await images(map)).map((v) => mean(unit(v).map((u, p) => (framed(p) - u) ** 2)));
  check.close(await locationLoss()(map).read(), expected, { rtol: 1e-5 });
  check.close(await locationLoss()(mul(map, 1e-30)).read(), expected, { rtol: 1e-5 });
  const mask = tensor(
    Float32Array.from({ length: h * w }, (_, p) => framed(p)),
    [1, h, w],
  );
  check.identical(await locationLoss()(reshape(mask, [1, h, w])).read(), [0]);
  check.close(await locationLoss({ mask })(map).read(), expected, { rtol: 1e-5 });
  check.close(await locationLoss({ width: 2 })(map).read(), expected, { rtol: 1e-5 });
  const flat = reshape(map, [2, h * w]);
  check.close(await locationLoss({ mask: reshape(mask, [1, h * w]) })(flat).read(), expected, { rtol: 1e-5 });
  check.identical(await locationLoss()(mul(map, 0)).read(), [Number.NaN, Number.NaN]);
});

both("top-k loss = mean of the squares where the first map is largest", async () => {
  const [a, b] = [random.normal(random.key(2), [2, 40]), random.normal(random.key(3), [2, 40])];
  const [first, second] = [await images(a), await images(b)];
  for (const [share, k] of [
    [0.1, 4],
    [0.25, 10],
    [0.001, 1],
  ]) {
    const expected = first.map((v, i) => {
      const largest = v.map((_, p) => p).sort((p, q) => v[q] - v[p]);
      return mean(largest.slice(0, k).map((p) => unit(second[i])[p] ** 2));
    });
    check.close(await topKLoss(share)(a, b).read(), expected, { rtol: 1e-5 });
  }
  check.throws(() => topKLoss(0), /topKLoss: share 0 given; more than 0, at most 1/);
});

both("mass-centre displacement: 1 from corner to corner, the paper's formula in between", async () => {
  const corner = dots(5, 9, [
    [0, 0],
    [1, 2],
  ]);
  const other = dots(5, 9, [
    [4, 8],
    [3, 8],
  ]);
  const sides = [1, Math.sqrt(((2 / 4) ** 2 + (6 / 8) ** 2) / 2)];
  check.close(await massCentreDisplacement(corner, other).read(), sides, { rtol: 1e-6 });
  // Square images: √((dh² + dw²) / 2) / (w − 1).
  const [a, b] = [random.uniform(random.key(4), [3, 8, 8]), random.uniform(random.key(5), [3, 8, 8])];
  const shift = await massCentreShift(a, b).read();
  check.close(
    await massCentreDisplacement(a, b).read(),
    Array.from(shift, (v) => v / Math.SQRT2 / 7),
    { rtol: 1e-5 },
  );
});

referenceTest("class swap: 2 for the map of the other class where the two are opposites, −2 for the own", async () => {
  const own = random.normal(random.key(6), [2, 30]);
  const other = mul(own, -1);
  check.close(await classSwap(other, own, other).read(), [2, 2], { rtol: 1e-12 });
  check.close(await classSwap(own, own, other).read(), [-2, -2], { rtol: 1e-12 });
});

test("fooling success rate: kept and inside the interval, ends included", () => {
  const statistic = [0.1, 0.2, 0.3, 0.4];
  const kept = [true, true, false, true];
  check.is(foolingSuccessRate(kept, statistic, { low: 0.2, high: 0.4 }), 0.5);
  check.is(foolingSuccessRate([1, 1, 0, 1], Float64Array.from(statistic), { high: 0.2 }), 0.5);
  check.is(foolingSuccessRate(kept, statistic, { low: 0.5 }), 0);
  check.is(foolingSuccessRate(kept, statistic, {}), 0.75);
  // A statistic without a value is not known to be outside; where the prediction was lost, it does not matter.
  check.is(foolingSuccessRate(kept, [0.1, Number.NaN, 0.3, 0.4], { low: 0 }), Number.NaN);
  check.is(foolingSuccessRate(kept, [0.1, 0.2, Number.NaN, 0.4], { low: 0 }), 0.75);
  check.throws(() => foolingSuccessRate([], [], {}), /foolingSuccessRate: 0 predictions, 0 statistics/);
  check.throws(() => foolingSuccessRate([true], statistic, {}), /1 predictions, 4 statistics/);
  check.throws(() => foolingSuccessRate(kept, statistic, { low: 1, high: 0 }), /interval \[1, 0\] given/);
});

referenceTest("a frame needs an inside, and an image", () => {
  const map = random.normal(random.key(7), [1, 8, 8]);
  check.throws(() => locationLoss({ width: 4 })(map), /locationLoss: a frame of 4 pixels in maps of 8×8/);
  check.throws(() => locationLoss()(reshape(map, [1, 64])), /locationLoss: maps are f32\[1,64\]; maps of images/);
  check.throws(
    () => locationLoss({ mask: map })(reshape(map, [1, 64])),
    /locationLoss: map f32\[1,64\], mask f32\[1,8,8\]/,
  );
});
