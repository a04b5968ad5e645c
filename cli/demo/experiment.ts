/** What the demo does: train, choose images, attack, measure. */
import {
  type AttackStudy,
  EXPLAINERS,
  explainerByName,
  linf,
  signStep,
  studyAttack,
  surrogateOf,
  topKSuppression,
} from "../../atex/index.js";
import type { ImageSize } from "../../atex/render/picture.js";
import { argmax, dispose, openScope, random, type Tensor, tensor } from "../../engine/index.js";
import {
  buildNetwork,
  type Dataset,
  type DatasetName,
  hostSamples,
  type ModelCard,
  packTree,
  type Sequential,
  type TrainState,
} from "../../nn/index.js";
import type { Place } from "../engine.js";
import type { Live } from "../live.js";
import { fileMetadata, type Recipe } from "../recipe.js";
import { imageSizeOf } from "../sample.js";
import { countParameters, runTraining } from "../training.js";
import { type Spelled, spell, type WordPlan } from "./word.js";

/** How large everything is. */
export interface DemoPlan {
  readonly recipe: Recipe;
  readonly epochs: number;
  /** Test images attacked, at most; the word is written on the first of them. */
  readonly images: number;
  readonly eps: number;
  /** Attack steps, each of eps/10 by sign. */
  readonly steps: number;
  /** SmoothGrad's copies. */
  readonly samples: number;
  readonly sigma: number;
  /** Points of integrated gradients. */
  readonly points: number;
  readonly k: number;
  readonly word: WordPlan;
}

/** The plan for a place: about a minute on two quiet cores with a software adapter; more images and passes on a GPU; a small
 *  network and a small part of everything on the reference executor. */
export function planDemo(data: DatasetName, seed: number, place: Place["kind"]): DemoPlan {
  const common = { eps: 0.05, sigma: 0.15, k: 50 };
  const word = { text: "FAKE", images: 16, eps: 0.1, steps: 600, beta: 20, remedy: 1 };
  // Beta is of no meaning for relu.
  const activation = { activation: "relu", beta: 10 } as const;
  if (place === "reference")
    return {
      ...common,
      recipe: {
        card: { network: "tiny", ...activation },
        ...{ data, seed, batch: 20, learningRate: 3e-3, trainSize: 1000, testSize: 200 },
      },
      ...{ epochs: 2, images: 4, steps: 20, samples: 8, points: 8, word: { ...word, images: 4, steps: 40 } },
    };
  const recipe = { card: { network: "authors", ...activation }, data, seed, batch: 64, learningRate: 1e-3 } as const;
  const large = { ...common, word, steps: 100, samples: 30, points: 24 };
  if (place === "hardware") return { ...large, recipe, epochs: data === "shapes" ? 3 : 2, images: 40 };
  if (data === "shapes") return { ...large, recipe, epochs: 2, images: 20 };
  return { ...large, recipe: { ...recipe, trainSize: 30_000 }, epochs: 1, images: 20 };
}

export interface DemoResult {
  readonly plan: DemoPlan;
  readonly card: ModelCard;
  readonly parameters: number;
  readonly trainImages: number;
  readonly testImages: number;
  readonly accuracy: number;
  readonly trainSeconds: number;
  readonly attackSeconds: number;
  /** The images attacked: their places in the test set and true classes, pixels [n·channels·height·width], masks where known. */
  readonly indices: readonly number[];
  readonly labels: readonly number[];
  readonly size: ImageSize;
  readonly pixels: Float32Array;
  readonly masks?: Float32Array;
  readonly study: AttackStudy;
  readonly spelled: Spelled;
  /** The trained network as a safetensors file. */
  readonly weights: Uint8Array;
}

export async function runDemo(plan: DemoPlan, dataset: Dataset, live: Live): Promise<DemoResult> {
  using here = openScope("demo");
  const { recipe, epochs, eps, steps, samples, sigma, points, k } = plan;
  const card: ModelCard = { ...recipe.card, classes: dataset.classes };
  const model = buildNetwork(card);
  const began = performance.now();
  const { state, accuracy } = await here.wait(runTraining({ model, recipe, dataset, epochs, live }));
  const trained = performance.now();
  live.print(`test accuracy ${(100 * accuracy).toFixed(2)} % on ${dataset.test.labels.length} images`);

  const indices = await here.wait(chooseImages(model, state, dataset, plan.images));
  const size = imageSizeOf(dataset.domain);
  const pixels = hostSamples(dataset.test, indices);
  const masks = dataset.test.masks && pick(dataset.test.masks, indices, size.height * size.width);
  live.print(
    `${indices.length} test images: an attack of ${steps} steps, second order through the network, and all maps`,
  );
  const key = random.key(recipe.seed);
  const explainers = EXPLAINERS.map((name) =>
    explainerByName(name, { samples, sigma, steps: points, key: random.fold(key, 1) }),
  );
  const classifier = (x: Tensor): Tensor => model.apply(state.params, x);
  const onStage = (stage: string): void => live.update(stage);
  const study = await here.wait(
    studyAttack({
      classifier,
      surrogate: surrogateOf(classifier, dataset.domain.shape),
      x: tensor(pixels, [indices.length, ...dataset.domain.shape]),
      masks: masks && tensor(masks, [indices.length, size.height, size.width]),
      attack: {
        explainer: explainers[0],
        objective: topKSuppression(k),
        ball: linf(eps),
        rule: signStep(eps / 10),
        steps,
      },
      ...{ explainers, k, key: random.fold(key, 2), onProgress: onStage },
    }),
  );
  const written = pixels.slice(0, (pixels.length / indices.length) * Math.min(indices.length, plan.word.images));
  live.print(`an attack of ${plan.word.steps} steps that writes "${plan.word.text}" into maps, a letter each`);
  const spelled = await here.wait(
    spell(plan.word, { classifier, pixels: written, size, key: random.fold(key, 3), onStage }),
  );
  const result = {
    ...{ plan, card, accuracy, indices, size, pixels, masks, study, spelled },
    parameters: countParameters(state.params),
    trainImages: dataset.train.labels.length,
    testImages: dataset.test.labels.length,
    trainSeconds: (trained - began) / 1000,
    attackSeconds: (performance.now() - trained) / 1000,
    labels: indices.map((index) => dataset.test.labels[index]),
    weights: await here.wait(
      packTree(state.params, {
        ...fileMetadata(recipe, card, dataset),
        ...{ epoch: String(epochs), accuracy: String(accuracy) },
      }),
    ),
  };
  dispose([state.params, state.optimiser]);
  return result;
}

/** How many test images are looked at to find some. */
const CANDIDATES = 500;

/** The first correctly classified test images, one of each class in turn. */
async function chooseImages(
  model: Sequential,
  { params }: TrainState,
  { test, classes }: Dataset,
  wanted: number,
): Promise<number[]> {
  using here = openScope("choose images");
  const n = Math.min(CANDIDATES, test.labels.length);
  const all = Array.from({ length: n }, (_, i) => i);
  const x = tensor(hostSamples(test, all), [n, ...test.shape]);
  const predicted = await here.wait(argmax(model.apply(params, x), 1).read());
  const correct = all.filter((i) => predicted[i] === test.labels[i]);
  const byClass = classes.map((_, c) => correct.filter((i) => test.labels[i] === c));
  const rounds = Array.from({ length: n }, (_, round) => byClass.flatMap((list) => list.slice(round, round + 1)));
  return rounds.flat().slice(0, wanted);
}

/** Pieces of `size` at some places. */
function pick(all: ArrayLike<number>, indices: readonly number[], size: number): Float32Array {
  return Float32Array.from(indices.flatMap((from) => Array.from({ length: size }, (_, i) => all[from * size + i])));
}
