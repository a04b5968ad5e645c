/** Concealed unfairness: a classifier of tabular data is trained on until its explanations no longer name a column that it uses. */

import {
  abs,
  add,
  callerScope,
  dispose,
  gather,
  grad,
  mean,
  mul,
  scope,
  sum,
  type Tensor,
  type Tree,
  tensor,
} from "../../../engine/index.js";
import { aNatural, aNumberOfAtLeast0, anObject } from "../../../engine/kinds.js";
import { checkedOptions, requireArguments } from "../../../engine/options.js";
import { type BatchLoss, crossEntropy, crossEntropyPerSample, type Feature, sampleTensor } from "../../../nn/index.js";
import { aDomain } from "../../../nn/kinds.js";
import { count, list, natural, positive, setting, size, text } from "../../../nn/schema.js";
import { accuracyOf } from "../../experiments/measuring.js";
import { explainerName } from "../../explainers/table.js";
import { anyNumbers } from "../../kinds.js";
import { featureImportance, featureIndex, featuresOf, ranksOf } from "../columns.js";
import { attributionsOf } from "../explaining.js";
import { finetuned } from "../finetune.js";
import { type ManipulationWorld, manipulationEntry, type Side, type Statistic } from "../manipulation.js";
import { concealmentClaims } from "./concealmentClaims.js";
import { fairnessOf, ranksUnder, useOf } from "./concealmentMeasures.js";

/** CE + weight · ‖∂ CE / ∂ x_z‖₁ with z the elements of the column; CE is the mean over the batch, so the norm is a mean over rows too.
 *  Rows [n,d]. Source: Dimanov, Bhatt, Jamnik, Weller 2020 (norm 1). */
export function concealmentLoss(elements: readonly number[], options: { readonly weight?: number } = {}): BatchLoss {
  requireArguments("concealmentLoss", { elements: [elements, anyNumbers] });
  const { weight = 3 } = checkedOptions("concealmentLoss", options, { weight: aNumberOfAtLeast0 });
  return (model, params, x, y, context) => {
    const g = (z: Tensor): Tensor => model.apply(params, z, context);
    const slope = grad((z: Tensor) => sum(crossEntropyPerSample(g(z), y)))(x);
    const own = gather(slope, tensor(Int32Array.from(elements)), 1);
    const logits = g(x);
    return [add(crossEntropy(logits, y), mul(mean(sum(abs(own), 1)), weight)), logits];
  };
}

/** What measures compare: the network as it was, trained on for as long without the penalty, and trained on with it. */
export interface ConcealedNetworks {
  readonly honest: Side["classifier"];
  readonly control: Side["classifier"];
  readonly concealed: Side["classifier"];
}

/** The column to be concealed: by name; "first" for the one that gradients of the honest network name first most often; else the one by which
 *  nobody should be judged. */
async function columnOf(world: ManipulationWorld, name: string | undefined, rows: readonly number[]): Promise<number> {
  const here = callerScope();
  const { domain, sensitive, train, classifier, explainer } = world;
  if (name !== undefined && name !== "first") return featureIndex(domain, name);
  if (name === undefined) {
    if (sensitive === undefined)
      throw new TypeError(
        `concealment: these data name no sensitive column; name one of ${featuresOf(domain)
          .map((f) => f.name)
          .join(", ")}`,
      );
    return featureIndex(domain, sensitive);
  }
  const found = await here.wait(attributionsOf(explainer, "gradient", { classifier, x: sampleTensor(train, rows) }));
  const importance = await here.wait(scope(() => featureImportance(found, domain)).read());
  const features = featuresOf(domain).length;
  const firsts = featuresOf(domain).map((_, f) => ranksOf(importance, features, f).filter((rank) => rank === 1).length);
  return firsts.indexOf(Math.max(...firsts));
}

/** The rank of the column among all, 1 the most important; from 2 on it has left the first rank. */
export function rankStatistic(world: Pick<ManipulationWorld, "domain">, column: number): Statistic {
  requireArguments("rankStatistic", {
    world: [world, anObject("an object", { domain: aDomain })],
    column: [column, aNatural],
  });
  const features = featuresOf(world.domain).length;
  return {
    name: "rank of the concealed column",
    interval: { low: 2 },
    async of({ manipulated }) {
      const importance = scope(() => featureImportance(manipulated, world.domain));
      return ranksOf(await importance.read(), features, column);
    },
  };
}

const RANKED = [...["gradient", "gradient-x-input", "integrated-gradients", "guided-backprop", "kernel-shap", "lime"]];

const options = {
  weight: setting(size, 3, "of the L1 norm of the loss's slope along the column"),
  epochs: setting(count, 15, "passes of the further training"),
  batch: setting(count, 64, "rows per step"),
  learningRate: setting(positive, 1e-3, "of Adam"),
  column: setting(
    text,
    undefined,
    'what is concealed, by name; "first" for what gradients name first most often; the column by which nobody should be judged if not given',
  ),
  rows: setting(count, 200, "test rows whose ranks are counted"),
  ranked: setting(list(explainerName), RANKED, "explainers that ranks are counted under"),
  favourable: setting(natural, undefined, "the class that is good to get, by its place; the last if not given"),
};

export const concealmentEntry = manipulationEntry({
  name: "concealment",
  title: "concealed unfairness",
  help: "trains a classifier of rows on until the sensitive column drops out of its explanations",
  words:
    "A classifier of people is trained on with a penalty on the slope of its loss along one column, by which nobody should be judged. Its " +
    "predictions hardly change, but explanations made of slopes no longer name the column. Beside it stands the same network trained on for as " +
    "long without the penalty (control). Ranks are counted on test rows, 1 the most important. A row counts as fooled where the column is not " +
    'first, also where the honest network did not show it first; "left the first rank" asks only rows where it did. Fairness is that of the ' +
    "test part.",
  source: "Dimanov, Bhatt, Jamnik, Weller 2020",
  changes: "model",
  takes: "tables",
  options,
  async run({ weight, epochs, batch, learningRate, column: name, rows, ranked, favourable }, world) {
    const here = callerScope();
    const { model, domain, train, test, samples, classes } = world;
    if (favourable !== undefined && favourable >= classes.length)
      throw new RangeError(
        `concealment: favourable ${favourable} of ${classes.length} classes; 0 to ${classes.length - 1} is needed`,
      );
    const first = (split: typeof train, most: number): number[] =>
      Array.from({ length: Math.min(most, split.labels.length) }, (_, i) => i);
    const column = await here.wait(columnOf(world, name, first(train, rows)));
    const feature: Feature = featuresOf(domain)[column];
    world.say(`concealing ${feature.name}`);
    const further = (strength: number, title: string): Promise<Tree> =>
      finetuned(world, { loss: concealmentLoss(feature.at, { weight: strength }), epochs, batch, learningRate, title });
    const params = await here.wait(further(weight, "concealing"));
    const plain = await here.wait(further(0, "control"));
    const networks: ConcealedNetworks = {
      honest: world.classifier,
      control: (x) => model.apply(plain, x),
      concealed: (x) => model.apply(params, x),
    };
    const pairOn = (x: Tensor) => ({
      clean: { classifier: networks.honest, x },
      manipulated: { classifier: networks.concealed, x },
    });
    const measured = first(test, rows);
    const ranks = await here.wait(ranksUnder(networks, world, { column, explainers: ranked, rows: measured }));
    const treatment = await here.wait(
      fairnessOf(networks, world, { feature, favourable: favourable ?? classes.length - 1 }),
    );
    const used = await here.wait(useOf(networks, test, feature));
    dispose(plain);
    const n = test.labels.length;
    const right = async (weights: Tree): Promise<number> =>
      Math.round(n * (await accuracyOf({ model, params: weights }, test)));
    return {
      explainer: "gradient",
      madeFor: pairOn(sampleTensor(train, first(train, samples.length))),
      heldOut: pairOn(sampleTensor(test, samples)),
      statistic: rankStatistic(world, column),
      cost: { epochs },
      params,
      measurements: [
        {
          metric: "accuracy lost",
          value: ((await here.wait(right(world.params))) - (await here.wait(right(params)))) / n,
          count: n,
        },
        ...treatment,
        ...used,
        ...ranks,
      ],
    };
  },
  claims: concealmentClaims,
});
