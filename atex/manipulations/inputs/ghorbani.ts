/** The attacks on explanations of Ghorbani, Abid, Zou 2019: a small change of the input, of which the prediction knows nothing. */
import { callerScope, random, type Tensor } from "../../../engine/index.js";
import { cosineDecay } from "../../../nn/index.js";
import { count, list, natural, number, oneOf, type Read, record, setting, size, text } from "../../../nn/schema.js";
import { attackExplanation } from "../../attacks/explanation.js";
import type { Objective } from "../../attacks/objectives.js";
import { surrogateOf } from "../../attacks/surrogate.js";
import { objectiveEntryOf } from "../../attacks/table.js";
import { explainerMaker } from "../explaining.js";
import { type Manipulation, type ManipulationWorld, manipulationEntry, type Pair } from "../manipulation.js";
import { requireAttackable, samplesOf, withPoints } from "./attacked.js";
import { ghorbaniClaims } from "./ghorbaniClaims.js";
import { randomSignNoise } from "./randomSigns.js";
import { reachOf } from "./reach.js";
import { type AttackedPairs, mapsOfPairs, resistance, resistancePictures } from "./resistance.js";
import { type AimName, statisticOf } from "./statistics.js";

export const AIMS = ["top-k", "mass-centre", "target", "random-sign"] as const;

const options = {
  objective: setting(
    oneOf(...AIMS),
    "top-k",
    "what the map shall do: lose its k most important places, move its centre, fill a region; or random signs, the control",
  ),
  attacked: setting(list(text), ["gradient"], "explainers that are attacked, one after another; the first is studied"),
  eps: setting(number({ min: 0, max: 1 }), 0.03, "largest change, as a share of the range of each pixel or column"),
  steps: setting(count, 25, "steps of the attack"),
  stepSize: setting(size, 0.5, "length of the first step as a share of eps"),
  schedule: setting(oneOf("constant", "cosine"), "cosine", "how steps shrink (the paper: not at all)"),
  restarts: setting(
    natural,
    undefined,
    "random starts; default none, or one where the objective is flat at the sample",
  ),
  draws: setting(
    count,
    undefined,
    "draws of random signs, of which the best counts; default as many as the attack has steps",
  ),
  points: setting(count, 10, "copies of SmoothGrad and points of integrated gradients while they are attacked"),
  k: setting(count, undefined, "places in the top; default 50, or a third of a short row"),
  region: setting(text, undefined, "top,left,height,width that shall be filled; default a 5x5 block at a random place"),
  twinBeta: setting(number({ min: 1e-3 }), 20, "sharpness of the softplus through which relu networks are attacked"),
  immutable: setting(list(text), undefined, "features of a table that are not touched; categories never are"),
  columnSteps: setting(record(size), undefined, "smallest changes of a table's numeric columns, in their own units"),
  bound: setting(
    number(),
    undefined,
    "where the statistic counts as fooled: top-k intersection at most (0.5), centre moved by pixels at least (a tenth of the side), share inside the region at least (0.2)",
  ),
};

type Settings = Read<typeof options>;

const seedOf = ({ seed }: ManipulationWorld, purpose: number): Tensor => random.fold(random.key(seed), purpose);

async function run(settings: Settings, world: ManipulationWorld): Promise<Manipulation> {
  const here = callerScope();
  const { domain, classifier } = world;
  const names = [...new Set(settings.attacked)];
  requireAttackable("ghorbani", names, domain.shape);
  const { x, classes } = await here.wait(samplesOf("ghorbani", world));
  const aim: AimName = settings.objective === "random-sign" ? "top-k" : settings.objective;
  const { objective, mask } = await here.wait(objectiveOf(aim, settings, x.shape, seedOf(world, 31)));
  const { eps, immutable, columnSteps } = settings;
  const reach = reachOf(domain, { eps, immutable, columnSteps, preparation: world.preparation });
  const { ball } = reach;
  const attackers = explainerMaker({ ...world.explaining, settings: withPoints(settings.points) });
  const { steps, stepSize, restarts } = settings;
  // Where it is flat, the attack does not start at the sample itself.
  const starts = objective.flatAtClean ? (restarts ?? 1) : 1 + (restarts ?? 0);
  const draws = settings.draws ?? steps * starts;
  const schedule = settings.schedule === "cosine" ? cosineDecay(1, steps) : undefined;
  const surrogate = surrogateOf(classifier, domain.shape, settings.twinBeta);
  const pairs: AttackedPairs[] = [];
  for (const name of names) {
    const explainer = await here.wait(attackers(name, x));
    world.say(`${settings.objective} against ${name}, ${steps} steps`);
    const common = { explainer, objective, range: domain.range };
    const noise = randomSignNoise({ ...common, reach, draws })({ classifier, x, key: seedOf(world, 32) });
    const aimed =
      settings.objective === "random-sign"
        ? noise
        : attackExplanation({ ...common, ball, rule: reach.signStep(stepSize), steps, restarts, schedule })({
            ...{ classifier, surrogate, x, key: seedOf(world, 33) },
          });
    const to = (images: Tensor): Pair => ({ clean: { classifier, x }, manipulated: { classifier, x: images } });
    pairs.push({ explainer: name, attacked: to(aimed.images), control: to(noise.images) });
  }
  const statistic = statisticOf(aim, { ...settings, mask, shape: x.shape });
  const maps = await here.wait(mapsOfPairs(pairs, world, classes));
  const control = settings.objective === "random-sign";
  return {
    explainer: names[0],
    madeFor: pairs[0].attacked,
    statistic,
    cost: control ? { draws } : { steps: steps * starts },
    measurements: control ? [] : await here.wait(resistance(pairs, maps, statistic)),
    pictures: domain.shape.length === 3 ? [await here.wait(resistancePictures(pairs, maps, world))] : [],
    tensors: mask && { region: mask },
  };
}

/** The objective, and for the target region its mask [n,h,w]. */
async function objectiveOf(
  aim: AimName,
  { k, region }: Settings,
  shape: readonly number[],
  key: Tensor,
): Promise<{ readonly objective: Objective; readonly mask?: Tensor }> {
  const entry = objectiveEntryOf(aim);
  if (entry.needsGrid && shape.length !== 4)
    throw new TypeError(
      `ghorbani: the objective ${aim} is about images [c,h,w]; samples of [${shape.slice(1)}] came, take top-k`,
    );
  const given = { "top-k": { k }, target: { region }, "mass-centre": {} }[aim];
  const objective = await entry.make(given, { shape, key });
  return { objective, mask: objective.region };
}

/** The manipulation "ghorbani" of the table: a small change of the input that moves the explanation and keeps the prediction, with
 *  random noise of the same size as its control. Source: Ghorbani, Abid, Zou 2019. */
export const ghorbani = manipulationEntry({
  name: "ghorbani",
  title: "a small change of the input",
  help: "move an input a little, so that its map loses its top, its centre or its place while the prediction stays",
  words:
    "Every pixel or numeric column may change by at most eps of its range. The map of a softplus copy is climbed by signs of gradients; every iterate is judged on the network itself, and the best one that keeps the predicted class counts. Beside it stands random noise of the same size, the best of as many draws.",
  source: "Ghorbani, Abid, Zou 2019",
  changes: "inputs",
  takes: "images and tables",
  options,
  run,
  claims: ghorbaniClaims,
});
