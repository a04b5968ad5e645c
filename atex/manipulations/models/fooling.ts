/** Networks that are trained further until their explanations show something else. Source: Heo, Joo, Moon 2019. */
import { argmax, callerScope, scope, slice, type Tensor, tensor } from "../../../engine/index.js";
import { sampleTensor } from "../../../nn/index.js";
import { saliencyMap } from "../../explainers/explainer.js";
import { attributionsOf } from "../explaining.js";
import { finetuned } from "../finetune.js";
import {
  type Manipulation,
  type ManipulationWorld,
  type Measured,
  manipulationEntry,
  type Pair,
} from "../manipulation.js";
import { foolingClaims } from "./foolingClaims.js";
import { foolingLoss } from "./foolingLoss.js";
import { type FoolingSettings, intervalOf, options, stepsOf, trainingOf, weightOf } from "./foolingSettings.js";
import { intoScope, withParams } from "./network.js";
import { type FoolingObjective, locationFooling, massCentreFooling, statisticOf, topKFooling } from "./objectives.js";
import { inParts, shownBy } from "./shown.js";
import { stillUsed } from "./stillUsed.js";
import { swapped } from "./swap.js";

const passive = ({ objective, width, share }: FoolingSettings): FoolingObjective =>
  objective === "location"
    ? locationFooling({ width })
    : objective === "top-k"
      ? topKFooling({ share })
      : massCentreFooling();

async function run(settings: FoolingSettings, world: ManipulationWorld): Promise<Manipulation> {
  const here = callerScope();
  if (settings.objective === "active") return swapped(settings, world);
  const { model, classifier, train, test, samples, seed } = world;
  const { explainer } = settings;
  const objective = passive(settings);
  const statistic = statisticOf(objective, intervalOf(settings));
  const shown = await here.wait(shownBy(world, { explainer, layer: settings.layer, twinBeta: settings.twinBeta }));
  const used = Math.min(settings.samples, train.labels.length);
  const references = objective.reference && (await here.wait(referencesOf(objective.reference)));
  const params = intoScope(
    await here.wait(
      finetuned(world, {
        ...trainingOf(settings),
        loss: foolingLoss({ objective, map: shown.trained, weight: weightOf(settings), references }),
      }),
    ),
  );
  const fooled = withParams(model, params);
  const pairAt = (x: Tensor): Pair => ({
    clean: { classifier, x, explainer: shown.explainer },
    manipulated: { classifier: fooled, x, explainer: shown.explainer },
  });
  const heldOut = pairAt(sampleTensor(test, samples));
  const first = Array.from({ length: Math.min(samples.length, used) }, (_, i) => i);
  return {
    explainer,
    madeFor: pairAt(sampleTensor(train, first)),
    heldOut,
    statistic,
    cost: { steps: stepsOf(settings, train.labels.length) },
    measurements: await here.wait(uses(heldOut)),
    params,
  };

  /** Of the first training samples, of the label's class. */
  async function referencesOf(reference: (maps: Tensor) => Tensor): Promise<Tensor> {
    const labels = Int32Array.from(train.labels);
    return inParts(used, (from, n) => {
      const x = sampleTensor(
        train,
        Array.from({ length: n }, (_, i) => from + i),
      );
      return reference(shown.exact(classifier, x, tensor(labels.subarray(from, from + n))));
    });
  }

  async function uses({ clean, manipulated }: Pair): Promise<Measured[]> {
    const here = callerScope();
    const n = Math.min(MOST, clean.x.shape[0]);
    const x = slice(clean.x, [0, 0, 0, 0], [n, ...clean.x.shape.slice(1)]);
    const classes = scope(() => argmax(classifier(x), 1));
    const of = async (side: Pair["clean"]): Promise<Tensor> => {
      const here = callerScope();
      return saliencyMap(await here.wait(attributionsOf(world.explainer, explainer, { ...side, x }, classes)));
    };
    const maps = { honest: await here.wait(of(clean)), fooled: await here.wait(of(manipulated)) };
    return stillUsed({ honest: classifier, fooled, x, classes, maps, seed });
  }
}

/** Samples of which AOPC is taken. */
const MOST = 30;

export const fooling = manipulationEntry({
  name: "fooling",
  title: "Maps changed by further training",
  help: "trains a network further so that an explainer's maps lie elsewhere, or are those of another class",
  words:
    "A network is trained a little further on its own data, with a second loss on its maps: they are to lie in a frame along the border (location), to leave what was most important (top-k), to move their centre (mass-centre), or to change places with the maps of another class (active). Its answers are to stay. What counts is the share of images it was not trained on whose prediction is kept and whose map is as wanted (fooling success rate).",
  source: "Heo, Joo, Moon 2019",
  changes: "model",
  takes: "images",
  options,
  run,
  claims: foolingClaims,
});
