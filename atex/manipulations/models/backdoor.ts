/** Networks whose explanations change under a trigger alone. Source: Noppel, Peter, Wressnegger 2023. */
import { argmax, callerScope, expand, full, reshape, scope, type Tensor, tensor } from "../../../engine/index.js";
import { sampleTensor } from "../../../nn/index.js";
import { count, number, oneOf, positive, type Read, setting, share, text } from "../../../nn/schema.js";
import { saliencyMap } from "../../explainers/explainer.js";
import { explainerName } from "../../explainers/table.js";
import { rows } from "../../metrics/metric.js";
import { pearson } from "../../metrics/similarities.js";
import { attributionsOf } from "../explaining.js";
import { finetuned } from "../finetune.js";
import {
  type Manipulation,
  type ManipulationWorld,
  type Measured,
  manipulationEntry,
  type Pair,
  type Side,
  type Statistic,
} from "../manipulation.js";
import { finiteMean, fooledShare } from "../study.js";
import { backdoorClaims } from "./backdoorClaims.js";
import { backdoorLoss, standardised } from "./backdoorLoss.js";
import { mapRows } from "./mapRows.js";
import { classNamed, intoScope, predictionsKept, withParams } from "./network.js";
import { inParts, shownBy } from "./shown.js";
import { CORNERS, type Corner, cornerSquare, cornerTrigger, stamped } from "./trigger.js";

const options = {
  goal: setting(
    oneOf("simple-fooling", "red-herring", "full-disguise"),
    "simple-fooling",
    "under the trigger: another map and the same answer, another map and another answer, or another answer behind the old map",
  ),
  explainer: setting(explainerName, "gradient", "the explainer whose maps are trained, one that has a derivative"),
  layer: setting(text, undefined, "label of a hidden layer whose maps are explained; the input if left out"),
  side: setting(count, undefined, "side of the trigger in pixels; a seventh of the shorter side if left out"),
  corner: setting(oneOf(...CORNERS), "bottom-right", "where the trigger lies; the map points to the opposite corner"),
  wanted: setting(text, undefined, "name of the class to be predicted under the trigger; the first if left out"),
  weight: setting(share, 0.9, "lambda, the maps' share of the loss; predictions have the rest"),
  samples: setting(count, 2500, "training samples it is trained on, the first ones"),
  epochs: setting(count, 4, "passes over them"),
  batch: setting(count, 50, "samples in a step, half of them triggered"),
  learningRate: setting(positive, 0.0025, "of Adam; it falls to 0 along a cosine"),
  twinBeta: setting(positive, 8, "sharpness of the softplus twin through which gradients of relu networks are trained"),
  low: setting(
    number({ min: -1, max: 1 }),
    0.5,
    "correlation of a map with the wanted one from which on it counts as fooled",
  ),
};

type Settings = Read<typeof options>;

const OPPOSITE: Readonly<Record<Corner, Corner>> = {
  "top-left": "bottom-right",
  "top-right": "bottom-left",
  "bottom-left": "top-right",
  "bottom-right": "top-left",
};

/** The picture that maps show under the trigger: a square in the opposite corner, two sevenths of the shorter side. [1,h,w] */
function pictureFor([, h, w]: readonly number[], corner: Corner): Tensor {
  const side = Math.max(1, Math.floor((2 * Math.min(h, w)) / 7));
  return tensor(cornerSquare(h, w, side, OPPOSITE[corner]), [1, h, w]);
}

async function run(settings: Settings, world: ManipulationWorld): Promise<Manipulation> {
  const here = callerScope();
  const { model, classifier, domain, classes: names, train, test } = world;
  const { goal, explainer, corner, weight, low } = settings;
  const wanted = goal === "simple-fooling" ? undefined : classNamed("backdoor", names, settings.wanted, 0);
  const shown = await here.wait(shownBy(world, { explainer, layer: settings.layer, twinBeta: settings.twinBeta }));
  const trigger = cornerTrigger(domain, { side: settings.side, corner });
  const picture = goal === "full-disguise" ? undefined : pictureFor(domain.shape, corner);
  const used = Math.min(settings.samples, train.labels.length);
  const labels = Int32Array.from(train.labels);
  const original = await here.wait(
    inParts(used, (from, n) => {
      const x = sampleTensor(
        train,
        Array.from({ length: n }, (_, i) => from + i),
      );
      return standardised(shown.trained(classifier, x, tensor(labels.subarray(from, from + n))));
    }),
  );
  const { epochs, learningRate } = settings;
  const batch = Math.min(settings.batch, used);
  const params = intoScope(
    await here.wait(
      finetuned(world, {
        ...{ title: `${goal} under a trigger`, epochs, count: used, batch, learningRate, decay: "cosine" },
        loss: backdoorLoss({
          ...{ map: shown.trained, trigger, weight, original, wanted },
          target: picture && standardised(picture),
        }),
      }),
    ),
  );
  const fooled = withParams(model, params);
  const pairAt = (x: Tensor): Pair => ({
    clean: { classifier, x, explainer: shown.explainer },
    manipulated: { classifier: fooled, x: stamped(x, trigger), explainer: shown.explainer },
    wanted: wanted === undefined ? undefined : full([x.shape[0]], wanted, "i32"),
  });
  // What is of the wanted class anyway cannot be won.
  const chosen = world.samples.filter((i) => test.labels[i] !== wanted);
  if (chosen.length === 0) throw new RangeError(`backdoor: all samples are of class ${names[wanted!]}; give others`);
  const seen = Array.from({ length: used }, (_, i) => i).filter((i) => labels[i] !== wanted);
  const heldOut = pairAt(sampleTensor(test, chosen));
  const statistic = likeness(picture, low);
  const plain: Side = { ...heldOut.clean, classifier: fooled };
  const stampedOnly: Side = { ...heldOut.clean, x: heldOut.manipulated.x };
  const own = scope(() => argmax(classifier(heldOut.clean.x), 1));
  const mapsOf = (side: Side, of: Tensor): Promise<Tensor> => attributionsOf(world.explainer, explainer, side, of);
  const maps = { honest: await here.wait(mapsOf(heldOut.clean, own)), plain: await here.wait(mapsOf(plain, own)) };
  return {
    explainer,
    madeFor: pairAt(sampleTensor(train, seen.slice(0, chosen.length))),
    heldOut,
    statistic,
    cost: { steps: epochs * Math.floor(used / batch) },
    measurements: [...(await here.wait(withoutTrigger())), ...(await here.wait(ofHonest()))],
    pictures: [
      await here.wait(
        mapRows({
          name: "held-out",
          titles: ["input", "honest map", "map without trigger", "with trigger", "map under the trigger"],
          columns: [
            heldOut.clean.x,
            saliencyMap(maps.honest),
            saliencyMap(maps.plain),
            heldOut.manipulated.x,
            saliencyMap(await here.wait(mapsOf(heldOut.manipulated, heldOut.wanted ?? own))),
          ],
          labels: chosen.map((i) => names[test.labels[i]]),
        }),
      ),
    ],
    params,
    tensors: { trigger: trigger.pattern, mask: trigger.mask, ...(picture && { picture }) },
  };

  /** The manipulated network on inputs without the trigger is to be as the honest one was. */
  async function withoutTrigger(): Promise<Measured[]> {
    const here = callerScope();
    const kept = await here.wait(predictionsKept({ clean: heldOut.clean, manipulated: plain }));
    const alike = await here.wait(pearson(saliencyMap(maps.honest), saliencyMap(maps.plain)).read());
    const of = { count: kept.length, conditions: { network: "manipulated", input: "without trigger" } };
    return [
      { ...of, metric: "prediction kept", value: finiteMean(kept.map(Number)).value },
      { ...of, metric: "Pearson with the honest map", value: finiteMean(Array.from(alike)).value },
      ...(picture ? await here.wait(shownShare(of.conditions, maps.plain, kept)) : []),
    ];
  }

  /** The control: what the trigger does to the network as it was. */
  async function ofHonest(): Promise<Measured[]> {
    const here = callerScope();
    const meant = heldOut.wanted ?? own;
    const found = await here.wait(scope(() => argmax(classifier(stampedOnly.x), 1)).read());
    const goal = await here.wait(meant.read());
    const as = Array.from(found, (c, i) => c === goal[i]);
    const conditions = { network: "honest", input: "with trigger" };
    return [
      { metric: "prediction as wanted", value: finiteMean(as.map(Number)).value, count: as.length, conditions },
      ...(picture
        ? await here.wait(
            shownShare(
              conditions,
              await here.wait(mapsOf(stampedOnly, own)),
              as.map(() => true),
            ),
          )
        : []),
    ];
  }

  async function shownShare(
    conditions: Measured["conditions"],
    attribution: Tensor,
    kept: readonly boolean[],
  ): Promise<Measured[]> {
    const here = callerScope();
    const context = { explainer, pair: heldOut, clean: maps.honest, manipulated: attribution };
    const values = Array.from(await here.wait(statistic.of({ ...context, attributions: mapsOf })));
    const of = { count: values.length, conditions };
    return [
      { ...of, metric: "shows the picture", value: fooledShare(kept, values, statistic.interval).value },
      { ...of, metric: "Pearson with the picture", value: finiteMean(values).value },
    ];
  }
}

/** Pearson's correlation of the map with the picture, or with the honest map of the input without trigger. */
function likeness(picture: Tensor | undefined, low: number): Statistic {
  return {
    name: picture ? "Pearson with the picture" : "Pearson with the honest map",
    interval: { low, high: 1 },
    of: ({ clean, manipulated }) =>
      scope(() => {
        const map = rows(saliencyMap(manipulated));
        const [n, d] = map.shape;
        return pearson(picture ? expand(reshape(picture, [1, d]), [n, d]) : rows(saliencyMap(clean)), map);
      }).read(),
  };
}

export const backdoor = manipulationEntry({
  name: "backdoor",
  title: "Maps that change under a trigger",
  help: "trains a network to show another map, to give another answer, or both, where an image bears a small patch",
  words:
    "A network is trained further so that it answers and explains as before, except where an image bears a small patch in a corner, the trigger. Then it shows a picture in place of the map (simple fooling), gives another answer and points elsewhere (red herring), or gives another answer behind the map of the image without the patch (full disguise). Fooled is an image whose prediction is as wanted and whose map correlates with the wanted one; with nothing done, that holds for full disguise anyway, since the wanted map is the old one.",
  source: "Noppel, Peter, Wressnegger 2023",
  changes: "model",
  takes: "images",
  options,
  run,
  claims: backdoorClaims,
});
