/** Active fooling: the maps of two classes change places. */
import { argmax, callerScope, scope, slice, type Tensor, tensor } from "../../../engine/index.js";
import { saliencyMap } from "../../explainers/explainer.js";
import { classSwap, type FoolingInterval } from "../../metrics/heo.js";
import { attributionsOf } from "../explaining.js";
import { finetuned } from "../finetune.js";
import type { Manipulation, ManipulationWorld, Measured, Pair, Statistic, StatisticContext } from "../manipulation.js";
import { fooledShare } from "../study.js";
import { compositesOf } from "./composites.js";
import { scaled, swapLoss } from "./foolingLoss.js";
import { type FoolingSettings, intervalOf, stepsOf, trainingOf, weightOf } from "./foolingSettings.js";
import { classNamed, intoScope, predictionsKept, withParams } from "./network.js";
import { intervalWithin } from "./objectives.js";
import { inParts, shownBy } from "./shown.js";

/** Images with both classes that are trained on. */
const MOST = 600;

export async function swapped(settings: FoolingSettings, world: ManipulationWorld): Promise<Manipulation> {
  const here = callerScope();
  const { model, classifier, train, test, samples, classes: names } = world;
  const { explainer, holding, batch } = settings;
  const pair = [
    classNamed("fooling", names, settings.first, 0),
    classNamed("fooling", names, settings.second, 1),
  ] as const;
  if (pair[0] === pair[1])
    throw new RangeError(`fooling: class ${names[pair[0]]} twice; two different ones are needed`);
  const statistic = swapStatistic(pair, intervalOf(settings));
  const shown = await here.wait(shownBy(world, { explainer, layer: settings.layer, twinBeta: settings.twinBeta }));
  const images = compositesOf(train, pair, holding, MOST);
  const n = images.shape[0];
  const part = (from: number, size: number): Tensor => slice(images, [from, 0, 0, 0], [size, ...images.shape.slice(1)]);
  const original = async (which: 0 | 1): Promise<Tensor> =>
    inParts(n, (from, size) => scaled(shown.exact(classifier, part(from, size), filled(pair[which], size))));
  const params = intoScope(
    await here.wait(
      finetuned(world, {
        ...trainingOf(settings),
        loss: swapLoss({
          ...{ map: shown.trained, weight: weightOf(settings), images, classes: pair },
          predicted: scope(() => argmax(classifier(images), 1)),
          original: [await here.wait(original(0)), await here.wait(original(1))],
          batch: Math.max(1, Math.floor(batch / 2)),
        }),
      }),
    ),
  );
  const fooled = withParams(model, params);
  const pairAt = (x: Tensor): Pair => ({
    clean: { classifier, x, explainer: shown.explainer },
    manipulated: { classifier: fooled, x, explainer: shown.explainer },
  });
  const heldOut = pairAt(compositesOf(test, pair, holding, samples.length));
  return {
    explainer,
    madeFor: pairAt(part(0, Math.min(n, samples.length))),
    heldOut,
    statistic,
    cost: { steps: stepsOf(settings, train.labels.length) },
    measurements: await here.wait(otherWay(heldOut)),
    params,
  };

  /** The statistic the other way round: what the maps of the second class became. */
  async function otherWay({ clean, manipulated }: Pair): Promise<Measured[]> {
    const here = callerScope();
    const { of, interval } = swapStatistic([pair[1], pair[0]], intervalOf(settings));
    const attributions: StatisticContext["attributions"] = (side, classes) =>
      attributionsOf(world.explainer, explainer, side, classes);
    const context = { explainer, pair: heldOut, clean: clean.x, manipulated: clean.x, attributions };
    const values = Array.from(await here.wait(of(context)));
    const kept = await here.wait(predictionsKept({ clean, manipulated }));
    return [{ metric: "fooled, the second class", ...fooledShare(kept, values, interval) }];
  }
}

/** r(h_c1(w), h_c2(w₀)) − r(h_c1(w), h_c1(w₀)), r Spearman's. Source: Heo, Joo, Moon 2019, sec. 4. */
function swapStatistic([first, second]: readonly [number, number], interval: FoolingInterval): Statistic {
  return {
    name: "rank correlation gained by the other class",
    interval: intervalWithin({ low: 0.5, high: 2 }, interval),
    async of({ pair: { clean, manipulated }, attributions }) {
      const here = callerScope();
      const n = clean.x.shape[0];
      const now = await here.wait(attributions(manipulated, filled(first, n)));
      const own = await here.wait(attributions(clean, filled(first, n)));
      const other = await here.wait(attributions(clean, filled(second, n)));
      return scope(() => classSwap(...([now, own, other].map(saliencyMap) as [Tensor, Tensor, Tensor]))).read();
    },
  };
}

const filled = (value: number, n: number): Tensor => tensor(new Int32Array(n).fill(value));
