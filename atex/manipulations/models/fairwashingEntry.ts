/** Fairwashing as a row of the table: a picture written into the maps of images, a column out of the maps of rows. */
import { callerScope, scope, type Tensor, tensor } from "../../../engine/index.js";
import { type Split, sampleTensor } from "../../../nn/index.js";
import { count, number, oneOf, positive, setting, size, text } from "../../../nn/schema.js";
import { EXPLAINER_TABLE, explainerEntryOf } from "../../explainers/table.js";
import { importanceMap } from "../../judge.js";
import { pearson } from "../../metrics/similarities.js";
import { wordMap } from "../../render/word.js";
import { featureIndex, featuresOf } from "../columns.js";
import { explainerMaker } from "../explaining.js";
import { finetuned } from "../finetune.js";
import { type ManipulationWorld, manipulationEntry, type Statistic } from "../manipulation.js";
import { fairwashingLoss, mapsWithout, relevanceOf, type WantedMaps, wantedPicture } from "./fairwashing.js";
import { fairwashingClaims } from "./fairwashingClaims.js";
import { mapsOf, type Seen, washedAnswers, washedPictures } from "./fairwashingMeasures.js";

const DIFFERENTIABLE = EXPLAINER_TABLE.filter(({ laws }) => laws.differentiable).map(({ name }) => name);

const options = {
  explainer: setting(oneOf(...DIFFERENTIABLE), "gradient", "whose maps are washed"),
  share: setting(number({ min: 0, max: 1 }), 0.8, "of the maps in the loss; the rest is that of the answers"),
  twinBeta: setting(
    number({ min: 1e-3 }),
    20,
    "sharpness of the softplus in place of relu that maps go through in training",
  ),
  word: setting(text, "42", "what the maps of images are to show"),
  column: setting(
    text,
    undefined,
    "of tables: what maps are not to show; the column by which nobody should be judged if not given",
  ),
  points: setting(count, 10, "of integrated gradients in training"),
  epochs: setting(count, 5, "passes of the student's training"),
  trained: setting(count, undefined, "training samples, the first ones; all if not given"),
  batch: setting(count, 32, "samples per step"),
  learningRate: setting(positive, 1e-3, "of Adam; it falls to 0 along a cosine"),
  similarity: setting(
    number({ min: -1, max: 1 }),
    0.5,
    "Pearson correlation with the picture from which on a map counts as fooled",
  ),
  left: setting(
    size,
    0.25,
    "of tables: relevance of the column, in units of an average one's, up to which a row counts as fooled",
  ),
};

/** Pearson correlation of each map with the picture. */
export function pictureStatistic(wanted: WantedMaps, least: number): Statistic {
  return {
    name: "correlation with the picture",
    interval: { low: least },
    of: ({ pair, manipulated }) => pictured(wanted, pair.manipulated.x, manipulated),
  };
}

async function pictured(wanted: WantedMaps, x: Tensor, attribution: Tensor): Promise<ArrayLike<number>> {
  const n = x.shape[0];
  return await scope(() => pearson(importanceMap(attribution), wanted(x, tensor(new Int32Array(n))))).read();
}

/** Relevance of some columns in each map, in units of an average element's. */
export function columnStatistic(elements: readonly number[], most: number): Statistic {
  return {
    name: "relevance of the column",
    interval: { high: most },
    of: async ({ manipulated }) => await scope(() => relevanceOf(elements, manipulated)).read(),
  };
}

/** What the maps are to show, how it is seen whether they do, and how it is measured on single maps. */
async function aimOf(
  {
    explainer: name,
    word,
    column,
    similarity,
    left,
  }: { explainer: string; word: string; column?: string; similarity: number; left: number },
  world: ManipulationWorld,
  explain: Awaited<ReturnType<ManipulationWorld["explainer"]>>,
): Promise<{ wanted: WantedMaps; statistic: Statistic; seen: Seen; picture?: Tensor }> {
  const { domain, classifier: teacher, sensitive } = world;
  if (domain.shape.length === 3) {
    const [, h, w] = domain.shape;
    const picture = tensor(wordMap(word, h, w), [h, w]);
    const wanted = wantedPicture(picture);
    const seen: Seen = {
      metric: "correlation with the picture",
      of: (x, attribution) => pictured(wanted, x, attribution),
    };
    return { wanted, statistic: pictureStatistic(wanted, similarity), seen, picture };
  }
  if (explainerEntryOf(name).needsGrid || domain.shape.length !== 1)
    throw new TypeError(
      `fairwashing: ${name} and samples of [${domain.shape}] came; images [c,h,w], or rows [d] and an explainer of rows are needed`,
    );
  const named = column ?? sensitive;
  if (named === undefined)
    throw new TypeError(
      `fairwashing: these data name no sensitive column; name one of ${featuresOf(domain)
        .map((f) => f.name)
        .join(", ")}`,
    );
  const { at } = featuresOf(domain)[featureIndex(domain, named)];
  return {
    wanted: mapsWithout(at, { teacher, explainer: explain }, domain),
    statistic: columnStatistic(at, left),
    seen: {
      metric: "relevance of the column",
      of: async (_, attribution) => await scope(() => relevanceOf(at, attribution)).read(),
    },
  };
}

export const fairwashingEntry = manipulationEntry({
  name: "fairwashing",
  title: "fairwashing",
  help: "trains a student that answers like the network while its maps show a chosen picture, or not the sensitive column",
  words:
    "A student starts as a copy of the network and is trained to answer like it while its explanations show something chosen: a picture in " +
    "the maps of images, no relevance of the sensitive column in those of rows. It was made for training samples; test samples are held out. " +
    "Beside plain maps stand those projected on the tangent space of the data at each sample, which the student cannot choose without " +
    "changing its answers, and for comparison on as many random directions.",
  source: "Anders, Pasliev, Dombrowski, Müller, Kessel 2020",
  changes: "model",
  takes: "images and tables",
  options,
  async run(settings, world) {
    const here = callerScope();
    const { explainer: name, share, twinBeta: beta, points, epochs, trained, batch, learningRate } = settings;
    const { model, classifier, train, test, samples, explaining } = world;
    const first = (split: Split, most: number): number[] =>
      Array.from({ length: Math.min(most, split.labels.length) }, (_, i) => i);
    const own = { ...explaining.settings, "integrated-gradients": { points } };
    const explain = await here.wait(explainerMaker({ ...explaining, settings: own })(name, sampleTensor(train, [0])));
    const { wanted, statistic, seen, picture } = await here.wait(aimOf(settings, world, explain));
    const loss = fairwashingLoss({ teacher: classifier, explainer: explain, wanted, share, beta });
    const plan = { epochs, count: trained, batch, learningRate, decay: "cosine", title: "fairwashing" } as const;
    const params = await here.wait(finetuned(world, { loss, ...plan }));
    const student = (x: Tensor): Tensor => model.apply(params, x);
    const pairOn = (x: Tensor) => ({ clean: { classifier, x }, manipulated: { classifier: student, x } });
    const x = sampleTensor(test, samples);
    const maps = await here.wait(mapsOf({ teacher: classifier, student }, x, world, name));
    return {
      explainer: name,
      madeFor: pairOn(sampleTensor(train, first(train, samples.length))),
      heldOut: pairOn(x),
      statistic,
      cost: { epochs },
      params,
      measurements: [
        ...(await here.wait(washedAnswers({ teacher: classifier, student }, test))),
        ...(await here.wait(maps.measured(seen))),
      ],
      pictures: await here.wait(washedPictures(maps, x, world)),
      tensors: picture && { picture },
    };
  },
  claims: fairwashingClaims,
});
