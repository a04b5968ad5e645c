/** Training states as files to go on from, to the same bits as without the pause. */

import { byteArray } from "../engine/kinds.js";
import { requireArguments } from "../engine/options.js";
import { DataError } from "./data/error.js";
import { aTrainState, textRecord } from "./kinds.js";
import { readSafetensors } from "./safetensors.js";
import type { TrainState } from "./train.js";
import { packTree, unpackTree } from "./weights.js";

/** A training state read back by `loadCheckpoint`, and what was written beside it. */
export interface Checkpoint {
  /** Kept tensors. */
  readonly state: TrainState;
  /** What was given to `saveCheckpoint`, and `epoch` and `step` of the state. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** A training state as a safetensors file. `metadata` is for what else determines the run: options, seed, data. */
export function saveCheckpoint(
  state: TrainState,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Uint8Array> {
  requireArguments("saveCheckpoint", { state: [state, aTrainState], metadata: [metadata, textRecord] });
  const { epoch, step, params, optimiser } = state;
  return packTree({ params, optimiser }, { ...metadata, epoch: String(epoch), step: String(step) });
}

/** The state in a file of `saveCheckpoint`. `like` is a state of the same network and optimiser, such as the first one; it
 *  stays the caller's. @throws DataError when the file holds no state, or that of another network or optimiser. */
export function loadCheckpoint(bytes: Uint8Array, like: TrainState): Checkpoint {
  requireArguments("loadCheckpoint", { bytes: [bytes, byteArray], like: [like, aTrainState] });
  const { metadata } = readSafetensors(bytes);
  const count = (name: string): number => {
    const text = metadata.get(name) ?? "";
    if (!/^\d{1,15}$/.test(text))
      throw new DataError(
        `checkpoint: the file has ${name} "${text}"; a whole number is needed; give a file that saveCheckpoint made`,
      );
    return Number(text);
  };
  const [epoch, step] = [count("epoch"), count("step")];
  const { tree } = unpackTree(bytes, { params: like.params, optimiser: like.optimiser });
  return { state: { epoch, step, params: tree.params, optimiser: tree.optimiser }, metadata };
}
