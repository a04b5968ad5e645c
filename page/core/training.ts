/** Training in the page: the same network from scratch, with curves, and the current picture's map after each pass. */
import { dispose, keep, random, scope } from "holdfast";
import {
  adam,
  buildNetwork,
  evaluate,
  initialState,
  type ModelCard,
  residentData,
  SHAPE_CLASSES,
  shapeBytes,
  train,
} from "holdfast/nn";
import { type Explained, explain } from "./attack.js";
import { defendedBy, type Network } from "./networks.js";
import { type Drawn, drawn } from "./pictures.js";
import { type Settings, SIDE } from "./settings.js";

export interface TrainingProgress {
  readonly epoch: number;
  readonly epochs: number;
  /** Steps done since the start. */
  readonly step: number;
  readonly steps: number;
  /** Means of the pass so far. */
  readonly loss: number;
  readonly accuracy: number;
  readonly secondsLeft: number;
  /** After a pass: the share of test pictures classified correctly, and the current picture's map. */
  readonly test?: number;
  readonly seen?: { readonly explained: Explained; readonly pictures: readonly [before: Drawn] };
}

/** What takes so long while no step is done. */
export interface TrainingPhase {
  /** For people: "Compiling kernels". */
  readonly doing: string;
}

export type TrainingTold = TrainingProgress | TrainingPhase;

export interface TrainingResult {
  readonly accuracy: number;
  readonly seconds: number;
  /** Ended before its last pass. */
  readonly stopped: boolean;
}

/** The network of the page. */
export const CARD: ModelCard = { network: "tiny", activation: "relu", beta: 10, classes: SHAPE_CLASSES };
export const SHAPE = [1, SIDE, SIDE] as const;
const BATCH = 50;
/** Test pictures after a pass, and after the last one. On a software driver each costs about as much as one to learn from. */
const TESTED = { between: 100, atTheEnd: 300 } as const;

const splitOf = (count: number, stream: number) => {
  const { images, labels } = shapeBytes({ count, seed: 0, stream });
  return { shape: SHAPE, samples: images, labels };
};

/** Trains; `stop` ends it after the steps on their way. The network's tensors are kept. */
export async function trainNetwork(
  settings: Settings,
  tell: (told: TrainingTold) => void,
  stop: { readonly aborted: boolean },
): Promise<{ readonly network: Network; readonly result: TrainingResult }> {
  const { images, epochs, rate, seed } = settings;
  const began = performance.now();
  const model = buildNetwork(CARD);
  const optimiser = adam({ lr: rate });
  const data = residentData(splitOf(images, 0));
  const held = {
    between: residentData(splitOf(TESTED.between, 1)),
    atTheEnd: residentData(splitOf(TESTED.atTheEnd, 1)),
  };
  // In batches of the training's size: the same kernels, which are compiled already.
  const accuracyOf = (params: Network["params"], when: keyof typeof TESTED): Promise<number> =>
    evaluate(model, params, held[when], { batchSize: BATCH });
  const networkOf = (params: Network["params"]): Network => ({
    title: "Trained here",
    classifier: (x) => model.apply(params, x),
    classes: SHAPE_CLASSES,
    shape: SHAPE,
    layer: model,
    params,
  });
  let accuracy = Number.NaN;
  let last: TrainingProgress | undefined;
  try {
    tell({ doing: "Compiling kernels for the first step" });
    const start = scope(() => keep(initialState(model.init(random.key(seed), SHAPE).params, optimiser)));
    const state = await train(model, start, data, {
      ...{ optimiser, epochs, batchSize: BATCH, seed, stop },
      onProgress: ({ epoch, step, steps, loss, accuracy, secondsLeft }) => {
        const done = (epoch - 1) * steps + step;
        last = { epoch, epochs, step: done, steps: epochs * steps, loss, accuracy, secondsLeft };
        tell(last);
      },
      onEpoch: async ({ epoch, params }) => {
        const when = epoch === epochs ? "atTheEnd" : "between";
        tell({ doing: `Pass ${epoch} of ${epochs} is done; testing on ${TESTED[when]} pictures` });
        accuracy = await accuracyOf(params, when);
        tell({ doing: `Pass ${epoch} of ${epochs} is done; explaining the picture` });
        const on = defendedBy("trained", networkOf(params), settings.beta);
        if (!last) return;
        const explained = await explain({ settings, on });
        const [before] = drawn([explained], explained.shape);
        tell({ ...last, test: accuracy, seen: { explained, pictures: [before] } });
      },
    });
    const { params } = state;
    dispose(state.optimiser);
    if (stop.aborted) accuracy = await accuracyOf(params, "atTheEnd");
    return {
      network: networkOf(params),
      result: { accuracy, seconds: (performance.now() - began) / 1000, stopped: stop.aborted },
    };
  } finally {
    dispose([data, held.between, held.atTheEnd].map(({ words, labels }) => [words, labels]));
  }
}
