/** Relative importance, relevance mass and explainers by name. */
import {
  classScore,
  EXPLAINERS,
  explainerByName,
  gradient,
  relativeImportance,
  relevanceMass,
  scaledToMax,
  smoothGrad,
} from "../../atex/index.js";
import { checkGrads, grad, mul, random, square, sum, type Tensor, tensor } from "../../engine/index.js";
import { referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { both, images } from "./quadratic.js";

both("relative importance is the share of the sum, of maps of any size", async () => {
  const map = random.normal(random.key(3), [2, 30, 4]);
  const values = await images(map);
  const expected = values.flatMap((v) => v.map((u) => Math.abs(u) / v.reduce((s, w) => s + Math.abs(w), 0)));
  // Maps of 1e-12 and less are as sharp as any.
  // The sum of the largest is beyond f32.
  for (const factor of [1, 1e-30, 1e-12, 1e-6, 1e6, 1e37])
    check.close(await relativeImportance(mul(map, factor)).read(), expected, { rtol: 1e-6 });
  check.identical(await relativeImportance(mul(map, 0)).read(), new Float32Array(240));
});

both("relative importance has derivatives of any order, also where a map is zero", async () => {
  const weights = random.normal(random.key(4), [2, 6]);
  const bend = (x: Tensor): Tensor => {
    const slope = grad((z: Tensor) => sum(mul(square(relativeImportance(z)), weights)))(x);
    return sum(square(slope));
  };
  const zero = tensor(new Float32Array(12), [2, 6]);
  check.ok((await grad(bend)(zero).read()).every((v) => v === 0));
  await checkGrads(
    (z: Tensor) => sum(mul(square(relativeImportance(z)), weights)),
    [random.normal(random.key(5), [2, 6])],
    {
      order: 2,
    },
  );
  // What a map divided by ‖φ‖₁ has: the same slopes, over the factor.
  const x = random.normal(random.key(6), [2, 6]);
  const slopes = await grad((z: Tensor) => sum(mul(square(relativeImportance(z)), weights)))(x).read();
  const tiny = await grad((z: Tensor) => sum(mul(square(relativeImportance(z)), weights)))(mul(x, 1e-25)).read();
  check.close(
    Array.from(tiny, (v) => v * 1e-25),
    slopes,
    { rtol: 1e-4, atol: 1e-6 },
  );
});

both("maps scaled to maximum 1 keep their derivative, a map of zeros stays one", async () => {
  const map = random.normal(random.key(7), [2, 5]);
  const scaled = await images(scaledToMax(map));
  for (const row of scaled) check.is(Math.max(...row.map(Math.abs)), 1);
  check.identical(await scaledToMax(mul(map, 0)).read(), await mul(map, 0).read());
  await checkGrads((z: Tensor) => square(scaledToMax(z)), [map], { order: 2 });
});

referenceTest("relevance mass is the share on the mask: 1, the mask's area, 0", async () => {
  const masks = tensor([1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1], [3, 2, 2]);
  const maps = tensor([3, 0, 0, 5, 2, 2, 2, 2, 0, 0, 0, 0], [3, 2, 2]);
  check.close(await relevanceMass(maps, masks).read(), [1, 0.5, 0], { atol: 1e-12 });
  const one = relevanceMass(tensor([1, 2, 3, 4], [1, 2, 2]), tensor([0, 1, 0, 0], [1, 2, 2]));
  check.close(await one.read(), [0.2], { atol: 1e-12 });
  // One mask for all; tiny maps; signs do not count.
  const half = tensor([1, 1, 0, 0], [1, 2, 2]);
  check.close(await relevanceMass(mul(maps, -1e-35), half).read(), [3 / 8, 0.5, 0], { atol: 1e-12 });
  check.throws(() => relevanceMass(maps, tensor([1, 0], [1, 2])), /relevanceMass: map f32\[3,2,2\], mask f32\[1,2\]/);
});

referenceTest("a name leads to the explainer it names", async () => {
  const names = EXPLAINERS.map((name) => explainerByName(name, { key: random.key(0) }).info.name);
  check.equal(names, ["gradient", "SmoothGrad of gradient", "integrated gradients"]);
  check.throws(() => explainerByName("smoothgrad"), /no random key given/);
  const x = random.normal(random.key(1), [2, 3]);
  const score = classScore((z: Tensor) => z, tensor(Int32Array.of(2, 0)));
  check.equal([...(await explainerByName("gradient")(score, x).read())], [...(await gradient(score, x).read())]);
  const settings = { samples: 3, sigma: 0.1, key: random.key(2) };
  check.equal(
    [...(await explainerByName("smoothgrad", settings)(score, x).read())],
    [...(await smoothGrad(settings)(score, x).read())],
  );
});
