/** What a page does with the library: trains on the built-in data, explains, attacks. Runs wherever ops run. */
import { argmax, callerScope, dispose, random, scope, type Tensor, tensor } from "holdfast";
import {
  attackExplanation,
  classScore,
  gradient,
  linf,
  saliencyMap,
  signStep,
  smoothGrad,
  topKIntersection,
  topKSuppression,
} from "holdfast/atex";
import {
  adam,
  avgPool,
  conv2d,
  dense,
  flatten,
  initialState,
  residentImages,
  sequential,
  shapeBytes,
  softplus,
  train,
  unitPixels,
} from "holdfast/nn";

const EPOCHS = 5;
const STEPS_PER_EPOCH = 4;
const BATCH = 8;
/** Pictures explained, and the width of one. */
const SHOWN = 2;
export const SIDE = 28;
const RADIUS = 8 / 255;

/** Plain numbers, so that they can be sent and compared. */
export interface Outcome {
  /** Mean loss of each epoch. */
  readonly losses: number[];
  /** [SHOWN, 10] */
  readonly logits: number[];
  readonly classes: number[];
  /** [SHOWN, SIDE, SIDE] each */
  readonly gradientMap: number[];
  readonly smoothMap: number[];
  readonly attacked: number[];
  /** Objective of the attack, [SHOWN] each. */
  readonly before: number[];
  readonly after: number[];
  /** How much of the top 50 pixels of the map survives, [SHOWN]. */
  readonly survives: number[];
}

const model = sequential([conv2d(8, 3, { padding: "same" }), softplus({ beta: 10 }), avgPool(4), flatten, dense(10)]);

async function numbers(x: Tensor): Promise<number[]> {
  return [...(await x.read())];
}

export async function runProgram(): Promise<Outcome> {
  const here = callerScope();
  const data = shapeBytes({ count: STEPS_PER_EPOCH * BATCH, seed: 3 });
  const images = residentImages(data.images, data.labels, [1, SIDE, SIDE]);
  const optimiser = adam({ lr: 0.02 });
  const start = scope(() => initialState(model.init(random.key(1), [1, SIDE, SIDE]).params, optimiser));
  const losses: number[] = [];
  const trained = await here.wait(
    train(model, start, images, {
      optimiser,
      epochs: EPOCHS,
      batchSize: BATCH,
      onProgress: ({ loss, step, steps }) => {
        if (step === steps) losses.push(loss);
      },
    }),
  );

  using _ = here.open("explain");
  const classifier = (x: Tensor): Tensor => model.apply(trained.params, x);
  const shown = shapeBytes({ count: SHOWN, seed: 3, stream: 1 });
  const x = tensor(unitPixels(shown.images), [SHOWN, 1, SIDE, SIDE]);
  const logits = classifier(x);
  const classes = argmax(logits, 1);
  const score = classScore(classifier, classes);
  const map = (image: Tensor): Tensor => saliencyMap(gradient(score, image));
  const smooth = smoothGrad({ samples: 8, sigma: 0.1, key: random.key(5) });
  const attack = attackExplanation({
    explainer: gradient,
    objective: topKSuppression(50),
    ball: linf(RADIUS),
    rule: signStep(RADIUS / 2),
    steps: 3,
  });
  const attacked = attack({ classifier, x });
  const outcome = {
    losses,
    logits: await here.wait(numbers(logits)),
    classes: await here.wait(numbers(classes)),
    gradientMap: await here.wait(numbers(map(x))),
    smoothMap: await here.wait(numbers(saliencyMap(smooth(score, x)))),
    attacked: await here.wait(numbers(attacked.images)),
    before: await here.wait(numbers(attacked.before)),
    after: await here.wait(numbers(attacked.after)),
    survives: await here.wait(numbers(topKIntersection(50)(map(x), map(attacked.images)))),
  };
  dispose([trained, images]);
  return outcome;
}

/** A map as grey values 0 to 255, the largest white. */
export function greyValues(map: readonly number[]): number[] {
  const largest = Math.max(...map);
  return map.map((value) => Math.round((255 * value) / largest));
}
