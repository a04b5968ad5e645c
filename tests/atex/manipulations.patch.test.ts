/** Patches that hide from Grad-CAM: their place, their loss by hand, and that they stay inside of it and win. */
import {
  attackWithPatch,
  classScore,
  gradCam,
  manipulationEntryOf,
  patchCover,
  patchLoss,
  patchMoved,
  patchPlace,
  relevanceMass,
  saliencyMap,
  studyManipulation,
} from "../../atex/index.js";
import { argmax, equal, random, reshape, tensor } from "../../engine/index.js";
import { avgPool, conv2d, type Domain, dense, flatten, relu, sequential } from "../../nn/index.js";
import { readSettings } from "../../nn/schema.js";
import { onReference, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { inputWorld } from "./inputWorlds.js";

const entry = manipulationEntryOf("patch");

test("places: corners and the middle of images that are no squares, shares and pixels", () => {
  const shape = [3, 14, 21];
  check.equal(patchPlace(shape, "top-left", 2 / 7), { top: 0, left: 0, side: 4 });
  check.equal(patchPlace(shape, "bottom-right", 5), { top: 9, left: 16, side: 5 });
  check.equal(patchPlace(shape, "top-right", 0.5), { top: 0, left: 14, side: 7 });
  check.equal(patchPlace(shape, "centre", 4), { top: 5, left: 8, side: 4 });
  check.throws(() => patchPlace(shape, "centre", 14), /14 pixels of images 14×21; a patch smaller/);
  check.throws(() => patchPlace(shape, "centre", 0), /patch: side 0 came; a share below 1, or pixels/);
});

test("cells of a layer are covered in part, pixels whole", () => {
  // 6 × 6 pixels seen as 3 × 2 cells of 2 × 3 pixels; the patch is rows 1 to 3, columns 0 to 2.
  const place = { top: 1, left: 0, side: 3 };
  check.close(patchCover(place, [6, 6], [3, 2]), [0.5, 0, 1, 0, 0, 0], { rtol: 1e-6 });
  const mask = Array.from(patchCover(place, [6, 6], [6, 6]));
  check.is(
    mask.reduce((a, b) => a + b),
    9,
  );
  check.ok([6, 7, 8, 12, 13, 14, 18, 19, 20].every((i) => mask[i] === 1));
});

referenceTest("a patch moves with its pixels", async () => {
  const canvas = random.uniform(random.key(1), [2, 3, 6, 7]);
  const [from, to] = [patchPlace([3, 6, 7], "top-left", 2), patchPlace([3, 6, 7], "bottom-right", 2)];
  const [before, after] = [await canvas.read(), await patchMoved(canvas, from, to).read()];
  let total = 0;
  for (let k = 0; k < 6; k++)
    for (let y = 0; y < 2; y++)
      for (let x = 0; x < 2; x++) {
        check.is(after[k * 42 + (4 + y) * 7 + 5 + x], before[k * 42 + y * 7 + x]);
        total++;
      }
  check.is(Array.from(after).filter((v) => v !== 0).length, total);
});

/** Logits that are sums of the quarters of a 4 × 4 image, times 1, and 2 for the second class; one map of 2 × 2 cells. */
const quarters = sequential([conv2d(1, 2, { stride: 2 }), flatten, dense(2)]);
test("the loss by hand: mean of the sum-1 map in the patch's cells, and 0.05 CE until the class is won", () =>
  onReference(async () => {
    const ones = [1, 1, 1, 1];
    const made = [
      { weight: tensor(ones, [1, 1, 2, 2]), bias: tensor([0]) },
      null,
      { weight: tensor([ones, ones.map(() => 2)]), bias: tensor([3, 0]) },
    ] as const;
    const classifier = (x: Parameters<typeof quarters.apply>[1]) => quarters.apply(made, x);
    // Sums of the quarters 0.4, 0.8, 0, 0.4: logits 4.6 and 3.2. Then ten times as much: 19 and 32.
    const image = [0.1, 0.1, 0.2, 0.2, 0.1, 0.1, 0.2, 0.2, 0, 0, 0.1, 0.1, 0, 0, 0.1, 0.1];
    const x = tensor([image, image.map((v) => 10 * v)], [2, 1, 4, 4]);
    const place = { top: 0, left: 0, side: 3 };
    // Covers quarter 1, half of 2 and of 3, a quarter of 4: of sum-1 maps (1/4, 1/2, 0, 1/4).
    const shown = (0.25 + 0.5 * 0.5 + 0.25 * 0.25) / (1 + 0.5 + 0.5 + 0.25);
    const ce = Math.log(1 + Math.exp(4.6 - 3.2));
    const to = { classifier, classes: tensor(Int32Array.of(1, 1), [2]), place };
    check.close(await patchLoss(to)(x).read(), [shown + 0.05 * ce, shown], { rtol: 1e-5 });
    check.close(await patchLoss({ ...to, weight: 2 })(x).read(), [shown + 2 * ce, shown], { rtol: 1e-5 });
    const far = Math.log1p(Math.exp(19 - 32));
    check.close(await patchLoss({ ...to, hide: false })(x).read(), [ce, far], { rtol: 1e-4 });
    // Away from class 1: the first is away already, the second is not.
    check.close(await patchLoss({ ...to, away: true })(x).read(), [shown, shown - 0.05 * far], { rtol: 1e-5 });
  }));

const domain: Domain = { shape: [3, 12, 14], range: { low: 0, high: 1 } };
const model = sequential([conv2d(6, 3, { padding: "same" }), relu, avgPool(2), flatten, dense(3)]);

referenceTest("patches change nothing outside, stay valid, win, and hide better than ordinary ones", async () => {
  // Weights of the seed whose Grad-CAM is not all zero for the class that is wanted.
  const world = inputWorld({ domain, model, count: 3, seed: 2 });
  const place = patchPlace(domain.shape, "bottom-left", 0.5);
  const x = random.uniform(random.key(3), [3, ...domain.shape]);
  const own = await argmax(world.classifier(x), 1).read();
  const classes = tensor(
    Int32Array.from(own, (c) => (c + 1) % 3),
    [3],
  );
  const of = async (hide: boolean) => {
    const { images, mask } = attackWithPatch({
      ...{
        classifier: world.classifier,
        x,
        classes,
        place,
        hide,
        weight: 5,
        steps: 40,
        size: 0.05,
        range: domain.range,
      },
    });
    const wins = Array.from(await equal(argmax(world.classifier(images), 1), classes).read());
    const map = saliencyMap(gradCam()(classScore(world.classifier, classes), images));
    const mass = Array.from(await relevanceMass(map, reshape(mask, [1, 12, 14])).read());
    return { pixels: await images.read(), wins, mass };
  };
  const [before, hiding, ordinary] = [await x.read(), await of(true), await of(false)];
  for (const { pixels } of [hiding, ordinary])
    pixels.forEach((v, i) => {
      const [row, column] = [Math.floor(i / 14) % 12, i % 14];
      if (row >= 6 && column < 6) check.ok(v >= 0 && v <= 1);
      else check.is(v, before[i]);
    });
  const both = hiding.wins.map((w, i) => w * ordinary.wins[i]);
  check.ok(both.filter(Boolean).length >= 2, `${hiding.wins} ${ordinary.wins}`);
  for (const [i, w] of both.entries())
    if (w) check.ok(hiding.mass[i] < ordinary.mass[i], `${hiding.mass[i]} ${ordinary.mass[i]}`);
});

for (const own of [{}, { untargeted: true, place: "centre" }, { universal: true, aim: 0 }])
  referenceTest(`the row, with ${JSON.stringify(own)}: wanted classes, control, other images`, async () => {
    const world = inputWorld({ domain, model, count: 3 });
    const settings = { steps: 15, size: 0.1, side: 0.5, ...own };
    const made = await entry.run(readSettings(entry, settings), world);
    const { measurements } = await studyManipulation(made, world, { explainers: [], detectors: [] });
    const { clean, manipulated, wanted } = made.madeFor;
    const [before, after] = [
      await clean.classifier(clean.x).read(),
      await argmax(manipulated.classifier(manipulated.x), 1).read(),
    ];
    const predicted = await argmax(clean.classifier(clean.x), 1).read();
    const aimed = await wanted!.read();
    check.ok(Array.from(aimed).every((c, i) => c !== predicted[i]) && before.length > 0);
    const kept = Array.from(after).filter((c, i) => c === aimed[i]).length / after.length;
    const told = measurements.filter(({ metric }) => metric === "patch wins the class");
    check.equal(
      told.map(({ conditions }) => (conditions as Record<string, string>).patch),
      ["hiding", "ordinary", "hiding"],
    );
    check.close([told[0].value], [kept], { atol: 1e-6 });
    if ("untargeted" in own)
      check.is(kept, Array.from(after).filter((c, i) => c !== predicted[i]).length / after.length);
    if ("universal" in own) check.equal(made.tensors!.canvas.shape, [1, ...domain.shape]);
    check.ok(made.heldOut !== undefined);
    check.ok(measurements.some(({ metric, conditions }) => metric === "fooled" && conditions!.samples === "held out"));
  });

referenceTest("an aim that there is not is refused in a sentence", async () => {
  const world = inputWorld({ domain, model });
  await check.rejects(() => entry.run(readSettings(entry, { aim: 9 }), world), /aim 9 of 4 classes/);
});
