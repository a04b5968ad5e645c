/** A training run that outlives the devices it runs on. */
import { DeviceLostError, dispose, reopen as reopenEngine } from "../engine/index.js";
import { requireFunction } from "../engine/options.js";
import { loadCheckpoint, saveCheckpoint } from "./checkpoint.js";
import type { Split } from "./data/dataset.js";
import type { ResidentData } from "./data/resident.js";
import type { Layer } from "./layer.js";
import { type TrainOptions, type TrainState, train } from "./train.js";

/** What `train` takes, made on the device of the moment. */
export interface TrainingRun {
  readonly model: Layer;
  readonly start: TrainState;
  readonly data: ResidentData | Split;
  readonly options: TrainOptions;
}

export interface RecoveryOptions {
  /** Opens another device, for an engine that was given its own; default `reopen()`, with the options of `init`. */
  readonly reopen?: () => Promise<unknown>;
  /** Losses that are borne; default 3. */
  readonly losses?: number;
  /** Told of each loss before another device is opened. */
  readonly onLost?: (error: DeviceLostError) => void;
}

/**
 * `train` that goes on after the loss of the device, from the last epoch that ended, to the same bits as without the loss: it keeps each
 * state on the host. `begin` makes all that the run needs, and is called again on each new device; everything else on the lost one
 * is gone. @throws what `train` throws; DeviceLostError after `shutdown` or `stop`, and when more devices are lost than `losses`.
 */
export async function trainThroughLosses(
  begin: () => TrainingRun | Promise<TrainingRun>,
  { reopen = reopenEngine, losses = 3, onLost }: RecoveryOptions = {},
): Promise<TrainState> {
  requireFunction("trainThroughLosses", begin, "() => ({ model, start, data, options })");
  let saved: Uint8Array | undefined;
  for (let lost = 0; ; ) {
    try {
      const { model, start, data, options } = await begin();
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
