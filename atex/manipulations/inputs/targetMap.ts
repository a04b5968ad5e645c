/** Explanations that show what somebody wants: Dombrowski et al. 2019, with the defence and the bound of the same paper. */

import { argmax, callerScope, gather, scope, type Tensor, tensor } from "../../../engine/index.js";
import { requireArguments } from "../../../engine/options.js";
import { count, list, number, oneOf, positive, type Read, setting, size, text } from "../../../nn/schema.js";
import { importanceMap } from "../../judge.js";
import { anyNumbers } from "../../kinds.js";
import { pearson } from "../../metrics/similarities.js";
import { attributionsOf, explainerMaker } from "../explaining.js";
import {
  type Manipulation,
  type ManipulationWorld,
  manipulationEntry,
  type Side,
  type Statistic,
} from "../manipulation.js";
import { requireAttackable, samplesOf } from "./attacked.js";
import { targetMapAttack } from "./targetMapAttack.js";
import { targetMapClaims } from "./targetMapClaims.js";
import { curvatureOf, measureShown, type Shown, shownPictures, smoothedAgain } from "./targetMapMeasures.js";

const options = {
  attacked: setting(list(text), ["gradient"], "explainers that are attacked, one after another; the first is studied"),
  iterations: setting(count, 200, "steps of Adam (the paper: 1500)"),
  learningRate: setting(positive, 0.02, "of Adam on the input, in units of the samples (the paper: 0.0002)"),
  decay: setting(oneOf("none", "cosine"), "cosine", "how it falls over the steps (the paper: none)"),
  mapWeight: setting(
    size,
    1e11,
    "weight of the map's error at 224 x 224; scaled by the square of the number of elements",
  ),
  outputWeight: setting(size, 3e4, "weight of the error of the probabilities (the paper: 1e6)"),
  betaFirst: setting(positive, 10, "sharpness of the softplus at the beginning"),
  betaLast: setting(positive, 100, "and at the end, growing geometrically"),
  stages: setting(count, 5, "values of the sharpness on the way"),
  points: setting(count, 30, "points of integrated gradients, when they are judged"),
  attackPoints: setting(count, undefined, "and while they are attacked; default the same"),
  smoothing: setting(list(positive), [10, 3, 1], "sharpness of the softplus by which explanations are smoothed again"),
  curvature: setting(list(positive), [10, 3, 1], "sharpness of the networks whose curvature is measured"),
  bound: setting(number({ min: -1, max: 1 }), 0.8, "correlation with the target from which on it counts as fooled"),
};

type Settings = Read<typeof options>;

async function run(settings: Settings, world: ManipulationWorld): Promise<Manipulation> {
  const here = callerScope();
  const { domain, classifier, say } = world;
  const names = [...new Set(settings.attacked)];
  requireAttackable("target-map", names, domain.shape);
  const { x, classes, predicted } = await here.wait(samplesOf("target-map", world));
  if (predicted.length < 2)
    throw new RangeError(
      `target-map: ${predicted.length} sample came; at least 2 are needed, for each is to show the map of another`,
    );
  const others = tensor(Int32Array.from(othersOf(predicted)), [predicted.length]);
  const explainer = explainersOf(world, settings.points);
  const attackers = explainersOf(world, settings.attackPoints ?? settings.points);
  const sideOf = (samples: Tensor): Side => ({ classifier, x: samples, explainer });
  const clean = sideOf(x);
  const { iterations, learningRate, decay, mapWeight, outputWeight, stages } = settings;
  const shown: Shown[] = [];
  for (const name of names) {
    const own = await here.wait(attributionsOf(explainer, name, clean, classes));
    const target = scope(() => gather(importanceMap(own), others));
    const attack = targetMapAttack({
      ...{ explainer: await here.wait(attackers(name, x)), range: domain.range },
      ...{ iterations, learningRate, decay, mapWeight, outputWeight, stages },
      betas: [settings.betaFirst, settings.betaLast],
    });
    const images = await here.wait(
      attack({
        ...{ classifier, x, target, classes },
        say: (text) => say(`target map under ${name}: ${text}`),
      }),
    );
    const map = await here.wait(attributionsOf(explainer, name, sideOf(images), classes));
    shown.push({ explainer: name, x: images, target, clean: importanceMap(own), map: importanceMap(map) });
  }
  const context = { world, clean, classes, others, explainer };
  return {
    explainer: names[0],
    madeFor: { clean, manipulated: sideOf(shown[0].x) },
    statistic: statisticOf(others, settings.bound),
    cost: { steps: settings.iterations },
    measurements: [
      ...(await here.wait(measureShown(shown, context))),
      ...(await here.wait(smoothedAgain(shown, context, settings.smoothing))),
      ...(await here.wait(curvatureOf(shown[0], context, settings.curvature))),
    ],
    pictures: domain.shape.length === 3 ? [await here.wait(shownPictures(shown, world, x))] : [],
    tensors: Object.fromEntries(shown.map((one) => [`target of ${one.explainer}`, one.target])),
  };
}

/** Explainers as the paper has them: 30 points, z-box and then only what speaks for a class. */
function explainersOf({ explaining }: ManipulationWorld, points: number) {
  const own = { "integrated-gradients": { points }, lrp: { composite: "dombrowski" } };
  return explainerMaker({ ...explaining, settings: { ...explaining.settings, ...own } });
}

/** For each sample another one, of another class where there is any: the next. */
export function othersOf(classes: readonly number[]): number[] {
  requireArguments("othersOf", { classes: [classes, anyNumbers] });
  const n = classes.length;
  return classes.map((own, i) => {
    const following = Array.from({ length: n - 1 }, (_, k) => (i + k + 1) % n);
    return following.find((j) => classes[j] !== own) ?? following[0];
  });
}

/** Correlation of the shown map with the clean one of the other sample, by whatever explainer. */
function statisticOf(others: Tensor, bound: number): Statistic {
  return {
    name: "Pearson with the target",
    interval: { low: bound },
    async of({ pair, manipulated, attributions }) {
      const here = callerScope();
      const x = scope(() => gather(pair.clean.x, others));
      const other = { ...pair.clean, x };
      const target = await here.wait(
        attributions(
          other,
          scope(() => argmax(other.classifier(x), 1)),
        ),
      );
      return scope(() => pearson(importanceMap(target), importanceMap(manipulated))).read();
    },
  };
}

/** The manipulation "target-map" of the table: inputs moved until they show the explanation of another one, at the same output.
 *  Source: Dombrowski et al. 2019. */
export const targetMapEntry = manipulationEntry({
  name: "target-map",
  title: "the explanation of another input",
  help: "move an input until it shows the explanation of another one, with the same output",
  words:
    "Adam on the input lowers the error of its map, scaled to sum 1, against the map of another sample, and the change of the probabilities. Relu is replaced by softplus that grows sharper; the network itself is judged. There is no ball, only the valid range. Beta-smoothing explains the network with a blunt softplus instead; the bound says that on a level set of the score the gradient cannot turn faster than the level set is curved.",
  source: "Dombrowski, Alber, Anders, Ackermann, Müller, Kessel 2019",
  changes: "inputs",
  takes: "images and tables",
  options,
  run,
  claims: targetMapClaims,
});
