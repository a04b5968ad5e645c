/** One perturbation for prediction and map: the loss by hand, and what is won and kept. */
import {
  adv2Attack,
  adv2Loss,
  gradient,
  linf,
  manipulationEntryOf,
  saliencyMap,
  signStep,
  studyManipulation,
  topKIntersection,
} from "../../atex/index.js";
import { argmax, grad, mul, oneHot, random, sum, type Tensor, tensor } from "../../engine/index.js";
import { readSettings } from "../../nn/schema.js";
import { referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { IMAGES, imageModel, TABLE, tableModel, worldOf } from "./inputsWorld.js";
import { both, images } from "./quadratic.js";
import { classifier as smallNet } from "./smallNet.js";

const entry = manipulationEntryOf("adv2");

both("the loss is cross-entropy + λ mean (h/‖h‖ − b/‖b‖)² with maps of mean 1", async () => {
  const logits = tensor([
    [0, Math.log(3)],
    [0, 0],
  ]);
  // Sizes 1, 3, 0 and 2, 1, 1: of mean 1 they are 3/4, 9/4, 0 and 3/2, 3/4, 3/4.
  const map = tensor([
    [1, -3, 0],
    [1, 1, 1],
  ]);
  const benign = tensor([
    [2, 1, -1],
    [-5, 5, 5],
  ]);
  const wanted = tensor(Int32Array.from([0, 1]), [2]);
  const apart = (0.75 ** 2 + 1.5 ** 2 + 0.75 ** 2) / 3;
  check.close(
    await adv2Loss({ logits, map }, { wanted, benign }, 0.5).read(),
    [Math.log(4) + 0.5 * apart, Math.log(2)],
    {
      rtol: 1e-5,
    },
  );
});

both("wins the class within the ball, and keeps more of the map than the attack on the prediction alone", async () => {
  const net = smallNet(7);
  const x = random.uniform(random.key(8), [4, 1, 8, 8]);
  const own = await argmax(net(x), 1).read();
  const wanted = tensor(
    Int32Array.from(own, (c) => (c + 1) % 4),
    [4],
  );
  const mapOf = (z: Tensor, classes: Tensor): Tensor => grad((v: Tensor) => sum(mul(net(v), oneHot(classes, 4))))(z);
  const benign = mapOf(x, argmax(net(x), 1));
  const attack = adv2Attack({
    ...{ explainer: gradient, ball: linf(0.4), rule: signStep(0.04), warmSteps: 10, steps: 30, weight: 3 },
  });
  const { images: found, plain } = attack({ classifier: net, x, wanted, benign });
  const targets = await wanted.read();
  for (const z of [found, plain]) {
    check.equal(await argmax(net(z), 1).read(), targets);
    const [p, q] = [await images(z), await images(x)];
    check.ok(p.every((row, i) => row.every((v, e) => Math.abs(v - q[i][e]) <= 0.4 && v >= 0 && v <= 1)));
  }
  const loss = async (z: Tensor): Promise<number[]> =>
    Array.from(await adv2Loss({ logits: net(z), map: mapOf(z, wanted) }, { wanted, benign }, 3).read());
  const [a, b] = [await loss(found), await loss(plain)];
  for (let i = 0; i < 4; i++) check.ok(a[i] < b[i], `loss ${a[i]}, of the prediction alone ${b[i]}`);
  const kept = async (z: Tensor): Promise<number> => {
    const all = await topKIntersection(8)(saliencyMap(benign), saliencyMap(mapOf(z, wanted))).read();
    return Array.from(all).reduce((s, v) => s + v, 0) / 4;
  };
  check.ok((await kept(found)) > (await kept(plain)));
  check.throws(
    () => adv2Attack({ explainer: gradient, ball: linf(0.1), rule: signStep(0.1), warmSteps: 0, steps: 1, weight: 1 }),
    /0 and 1 steps, weight 1 given/,
  );
});

referenceTest("as a manipulation: other classes are wanted, on images of any size and on tables", async () => {
  for (const [domain, model, attacked] of [
    [IMAGES, imageModel, ["gradient", "grad-cam"]],
    [TABLE, tableModel, ["gradient"]],
  ] as const) {
    const world = await worldOf(domain, model, 3);
    for (const target of ["random", "runner-up"]) {
      const given = { aim: target, attacked, eps: 0.3, warmSteps: 5, steps: 5, stepSize: 0.25 };
      const made = await entry.run(readSettings(entry, given), world);
      const { clean, manipulated, wanted } = made.madeFor;
      const [own, asked] = [await argmax(clean.classifier(clean.x), 1).read(), await wanted!.read()];
      check.ok(asked.every((c, i) => c !== own[i] && c >= 0 && c < 3));
      const [p, q] = [await images(manipulated.x), await images(clean.x)];
      check.ok(p.every((row, i) => row.every((v, e) => Math.abs(v - q[i][e]) <= 0.3 * 8)));
      if (domain === TABLE) for (const [i, row] of p.entries()) check.equal(row.slice(2, 6), q[i].slice(2, 6));
      const study = await studyManipulation(made, world, { explainers: [], detectors: [] });
      const of = (metric: string): number =>
        study.measurements.find((m) => m.metric === metric && (m.conditions?.attack ?? "ADV2") === "ADV2")!.value;
      // The study counts what the manipulation itself counted.
      check.close([of("fooled")], [of("class won and map kept")], { rtol: 1e-6 });
      check.close([of("prediction as wanted")], [of("class won")], { rtol: 1e-6 });
    }
  }
});
