/** Relevance mass and explainers by name. */
import { classScore, EXPLAINERS, explainerByName, gradient, relevanceMass, smoothGrad } from "../../atex/index.js";
import { random, type Tensor, tensor } from "../../engine/index.js";
import { referenceTest } from "../executors.js";
import { check } from "../harness.js";

referenceTest("relevance mass is the share on the mask: 1, the mask's area, 0", async () => {
  const masks = tensor([1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1], [3, 2, 2]);
  const maps = tensor([3, 0, 0, 5, 2, 2, 2, 2, 0, 0, 0, 0], [3, 2, 2]);
  check.close(await relevanceMass(maps, masks).read(), [1, 0.5, 0], { atol: 1e-12 });
  const one = relevanceMass(tensor([1, 2, 3, 4], [1, 2, 2]), tensor([0, 1, 0, 0], [1, 2, 2]));
  check.close(await one.read(), [0.2], { atol: 1e-12 });
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
