/** ADV2 as a manipulation: another class, and the explanation of before. */
import { callerScope, random, scope, softmax, type Tensor, tensor } from "../../../engine/index.js";
import { count, list, number, oneOf, type Read, setting, size, text } from "../../../nn/schema.js";
import { surrogateOf } from "../../attacks/surrogate.js";
import { usualTopK } from "../../attacks/table.js";
import { difference, select } from "../../experiments/aggregate.js";
import type { PictureRows } from "../../experiments/cells.js";
import type { Findings } from "../../experiments/kind.js";
import { type Claim, judged, reached } from "../../experiments/verdicts.js";
import { saliencyMap } from "../../explainers/explainer.js";
import { importanceMap } from "../../judge.js";
import { topKIntersection } from "../../metrics/similarities.js";
import { attributionsOf, explainerMaker } from "../explaining.js";
import {
  type Manipulation,
  type ManipulationWorld,
  type Measured,
  manipulationEntry,
  type Pair,
  type Statistic,
} from "../manipulation.js";
import { finiteMean, fooledShare } from "../study.js";
import { adv2Attack } from "./adv2Attack.js";
import { requireAttackable, samplesOf, withPoints } from "./attacked.js";
import { meanDistance } from "./distance.js";
import { perScheme } from "./ghorbaniClaims.js";
import { reachOf } from "./reach.js";
import { firstSample } from "./resistance.js";

const options = {
  attacked: setting(
    list(text),
    ["gradient"],
    "explainers that are led astray, one after another; the first is studied",
  ),
  aim: setting(oneOf("random", "runner-up"), "random", "which class is to be predicted"),
  eps: setting(number({ min: 0, max: 1 }), 0.2, "largest change, as a share of the range of each pixel or column"),
  warmSteps: setting(count, 20, "steps on the prediction alone, from which the others begin"),
  steps: setting(count, 60, "steps on prediction and map"),
  stepSize: setting(size, 0.1, "length of a step as a share of eps"),
  weight: setting(size, 10, "of the map's error beside the cross-entropy; maps are divided by their mean"),
  points: setting(count, 10, "copies of SmoothGrad and points of integrated gradients while they are attacked"),
  twinBeta: setting(number({ min: 1e-3 }), 20, "sharpness of the softplus through which relu networks are attacked"),
  k: setting(count, undefined, "places in the top; default 50, or a third of a short row"),
  bound: setting(number({ min: 0, max: 1 }), 0.5, "share of the top in common from which on the map counts as kept"),
};

type Settings = Read<typeof options>;

/** Explainers whose slopes are none of the network's second order: attacked directly. */
const DIRECT = ["grad-cam"];

interface Led {
  readonly explainer: string;
  readonly both: Pair;
  readonly alone: Pair;
  readonly maps: { readonly benign: Tensor; readonly both: Tensor; readonly alone: Tensor };
}

async function run(settings: Settings, world: ManipulationWorld): Promise<Manipulation> {
  const here = callerScope();
  const { domain, classifier, say } = world;
  const names = [...new Set(settings.attacked)];
  requireAttackable("adv2", names, domain.shape);
  const { x, classes } = await here.wait(samplesOf("adv2", world));
  const wanted = tensor(Int32Array.from(await here.wait(wantedClasses(settings.aim, world, x))), [x.shape[0]]);
  const { ball, signStep } = reachOf(domain, { eps: settings.eps });
  const attackers = explainerMaker({ ...world.explaining, settings: withPoints(settings.points) });
  const { warmSteps, steps, weight, stepSize, twinBeta: beta } = settings;
  const led: Led[] = [];
  for (const name of names) {
    say(`${steps} steps on prediction and ${name}`);
    const clean = { classifier, x };
    const benign = await here.wait(attributionsOf(world.explainer, name, clean, classes));
    const surrogate = DIRECT.includes(name) ? undefined : surrogateOf(classifier, domain.shape, beta);
    const attack = adv2Attack({
      ...{ explainer: await here.wait(attackers(name, x)), ball, rule: signStep(stepSize), range: domain.range },
      ...{ warmSteps, steps, weight },
    });
    const { images, plain } = attack({ classifier, surrogate, x, wanted, benign });
    const to = (samples: Tensor): Pair => ({ clean, manipulated: { classifier, x: samples }, wanted });
    const mapOf = (pair: Pair): Promise<Tensor> => attributionsOf(world.explainer, name, pair.manipulated, wanted);
    const [both, alone] = [to(images), to(plain)];
    led.push({
      explainer: name,
      both,
      alone,
      maps: { benign, both: await here.wait(mapOf(both)), alone: await here.wait(mapOf(alone)) },
    });
  }
  const statistic = statisticOf(settings.k ?? usualTopK(x.shape), settings.bound);
  return {
    explainer: names[0],
    madeFor: led[0].both,
    statistic,
    cost: { steps: warmSteps + steps },
    measurements: await here.wait(measured(led, statistic, wanted)),
    pictures: domain.shape.length === 3 ? [await here.wait(picturesOf(led, world))] : [],
    tensors: { wanted },
  };
}

/** For each sample another class than its own: a random one, or the one that comes second. */
async function wantedClasses(
  target: Settings["aim"],
  { classifier, seed }: ManipulationWorld,
  x: Tensor,
): Promise<number[]> {
  const here = callerScope();
  const logits = classifier(x);
  const [n, classes] = logits.shape;
  if (classes < 2) throw new RangeError(`adv2: a network of ${classes} output came; at least 2 classes are needed`);
  const all = Array.from(await here.wait(logits.read()));
  const shifts = await here.wait(random.randint(random.fold(random.key(seed), 51), [n], 1, classes).read());
  return Array.from({ length: n }, (_, i) => {
    const own = all.slice(i * classes, (i + 1) * classes);
    const order = own.map((_, c) => c).sort((a, b) => own[b] - own[a]);
    return target === "runner-up" ? order[1] : (order[0] + shifts[i]) % classes;
  });
}

function statisticOf(k: number, bound: number): Statistic {
  return {
    name: `top-${k} intersection`,
    interval: { low: bound },
    of: ({ clean, manipulated }) =>
      scope(() => topKIntersection(k)(saliencyMap(clean), saliencyMap(manipulated))).read(),
  };
}

/** Both attacks on each explainer: whether the class was won, how surely, and what became of the map. */
async function measured(led: readonly Led[], statistic: Statistic, wanted: Tensor): Promise<Measured[]> {
  const here = callerScope();
  const found: Measured[] = [];
  const targets = Array.from(await here.wait(wanted.read()));
  for (const { explainer, both, alone, maps } of led)
    for (const [attack, pair, map] of [
      ["ADV2", both, maps.both],
      ["prediction alone", alone, maps.alone],
    ] as const) {
      const logits = pair.manipulated.classifier(pair.manipulated.x);
      const chances = Array.from(await here.wait(scope(() => softmax(logits)).read()));
      const classes = chances.length / targets.length;
      const sure = targets.map((c, i) => chances[i * classes + c]);
      const won = targets.map((c, i) => {
        const own = chances.slice(i * classes, (i + 1) * classes);
        return own.every((p, other) => other === c || p < own[c]);
      });
      const values = Array.from(
        await here.wait(
          statistic.of({
            ...{ explainer, pair, clean: maps.benign, manipulated: map },
            attributions: () => Promise.reject(new Error("internal: ADV2's statistic knows two maps")),
          }),
        ),
      );
      const of = { count: values.length, conditions: { attack, explainer } };
      found.push(
        { ...of, metric: "class won", value: finiteMean(won.map(Number)).value },
        { ...of, metric: "probability of the wanted class", value: finiteMean(sure).value },
        { ...of, metric: "class won and map kept", value: fooledShare(won, values, statistic.interval).value },
        { ...of, metric: "top of the map kept", value: finiteMean(values).value },
        { ...of, metric: "L1 distance of the maps", value: await here.wait(meanDistance(maps.benign, map)) },
      );
    }
  return found;
}

async function picturesOf(led: readonly Led[], { domain }: ManipulationWorld): Promise<PictureRows> {
  const [channels, height, width] = domain.shape;
  const rows = await Promise.all(
    led.map(async ({ explainer, both, alone, maps }) => ({
      label: explainer,
      cells: await Promise.all(
        [
          ...[both.clean.x, importanceMap(maps.benign)],
          ...[both.manipulated.x, importanceMap(maps.both)],
          ...[alone.manipulated.x, importanceMap(maps.alone)],
        ].map(firstSample),
      ),
    })),
  );
  return {
    ...{ name: "prediction and map at once", size: { channels, height, width }, rows },
    titles: ["input", "its explanation", "ADV2", "its explanation", "prediction alone", "its explanation"],
    columns: ["image", "map", "image", "map", "image", "map"],
  };
}

function claims({ all }: Findings): Claim[] {
  const each = (metric: string, attack: string) =>
    perScheme(all).flatMap(([label, own]) =>
      select(own, { metric, conditions: { attack } }).map((quantity) => ({
        label: `${quantity.conditions.explainer}, ${label}`,
        quantity,
      })),
    );
  const against = (metric: string) =>
    each(metric, "ADV2").map(({ label, quantity }) => ({
      label,
      quantity,
      plain: each(metric, "prediction alone").find((one) => one.label === label)?.quantity,
    }));
  return [
    reached(
      "ADV2 wins the class of the attacker's choice in at least 95 % of samples (Zhang et al. 2020, sec. 4.2)",
      each("class won", "ADV2"),
      { least: 0.95 },
    ),
    judged(
      "Its maps are more like the benign ones than those of an attack on the prediction alone (sec. 4.3)",
      against("top of the map kept").map(({ label, quantity, plain }) => ({
        label,
        gain: difference(quantity, plain),
      })),
    ),
    judged(
      "Class and map together are had more often than by an attack on the prediction alone (sec. 4)",
      against("class won and map kept").map(({ label, quantity, plain }) => ({
        label,
        gain: difference(quantity, plain),
      })),
    ),
  ];
}

/** The manipulation "adv2" of the table: one change of the input that wins a class of the attacker's choice and keeps the
 *  explanation. Source: Zhang et al. 2020. */
export const adv2 = manipulationEntry({
  name: "adv2",
  title: "another class, the same explanation",
  help: "change what is predicted and keep the explanation, by one perturbation",
  words:
    "In an L-inf ball the cross-entropy of a class of the attacker's choice is lowered together with the squared difference between the map of that class and the map of the unchanged input; it begins where an attack on the prediction alone has come to. Gradient maps are led through a softplus copy, Grad-CAM directly. Beside it stands the attack on the prediction alone, of as many steps, whose map moves.",
  source: "Zhang, Wang, Shen, Ji, Luo, Wang 2020",
  changes: "inputs",
  takes: "images and tables",
  options,
  run,
  claims,
});
