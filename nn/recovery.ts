/** A training run that outlives the devices it runs on. */
import { DeviceLostError, dispose, reopen as reopenEngine } from "../engine/index.js";
import { aFunction, aNatural, anObject } from "../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments, requireFunction } from "../engine/options.js";
import { loadCheckpoint, saveCheckpoint } from "./checkpoint.js";
import type { Split } from "./data/dataset.js";
import type { ResidentData } from "./data/resident.js";
import { aLayer, anyObject, aTrainState, labelledSamples } from "./kinds.js";
import type { Layer } from "./layer.js";
import { type TrainOptions, type TrainState, train } from "./train.js";

/** What the function of `trainThroughLosses` gives. */
const aTrainingRun = anObject("a function that gives what train takes", {
  model: aLayer,
  start: aTrainState,
  data: labelledSamples,
  options: anyObject,
});

/** What `train` takes, made on the device of the moment. */
export interface TrainingRun {
  readonly model: Layer;
  readonly start: TrainState;
  readonly data: ResidentData | Split;
  readonly options: TrainOptions;
}

/** What `trainThroughLosses` does when the device is lost. */
export interface RecoveryOptions {
  /** Opens another device, for an engine that was given its own; default `reopen()`, with the options of `init`. */
  readonly reopen?: () => Promise<unknown>;
  /** Losses that are borne; default 3. */
  readonly losses?: number;
  /** Told of each loss before another device is opened. */
  readonly onLost?: (error: DeviceLostError) => void;
}

const RECOVERY_OPTIONS: KindsOf<RecoveryOptions> = { reopen: aFunction, losses: aNatural, onLost: aFunction };

/**
 * `train` that goes on after the loss of the device, from the last epoch that ended, to the same bits as without the loss: it keeps each
 * state on the host. `begin` makes all that the run needs, and is called again on each new device; everything else on the lost one
 * is gone. @throws what `train` throws; DeviceLostError after `shutdown` or `stop`, and when more devices are lost than `losses`.
 */
export async function trainThroughLosses(
  begin: () => TrainingRun | Promise<TrainingRun>,
  recovery: RecoveryOptions = {},
): Promise<TrainState> {
  requireFunction("trainThroughLosses", begin, "() => ({ model, start, data, options })");
  const {
    reopen = reopenEngine,
    losses = 3,
    onLost,
  } = checkedOptions("trainThroughLosses", recovery, RECOVERY_OPTIONS);
  let saved: Uint8Array | undefined;
  for (let lost = 0; ; ) {
    try {
      const run = await begin();
      requireArguments("trainThroughLosses", { begin: [run, aTrainingRun] });
      const { model, start, data, options } = run;
      let from = start;
      if (saved) {
        from = loadCheckpoint(saved, start).state;
        dispose([start.params, start.optimiser]);
      }
      return await train(model, from, data, {
        ...options,
        async onEpoch(state) {
          saved = await saveCheckpoint(state);
          await options.onEpoch?.(state);
        },
      });
    } catch (error) {
      if (!(error instanceof DeviceLostError) || error.reason !== "lost" || ++lost > losses) throw error;
      onLost?.(error);
      await reopen();
    }
  }
}
