/** What the page and its worker say to each other. */
import type { Attacked, Explained } from "./attack.js";
import type { Drawn } from "./pictures.js";
import type { Opening, Place } from "./place.js";
import type { SanityAnswer } from "./sanity.js";
import type { Settings } from "./settings.js";
import type { PersonAnswer } from "./table.js";
import type { TrainingResult, TrainingTold } from "./training.js";

/** A file of the reader's; it is read in the worker, however large it is. */
export interface Dropped {
  readonly file: Blob;
  readonly name: string;
}

/** A table of the reader's, and its column that is predicted, and the one by which nobody should be judged. */
export interface DroppedTable extends Dropped {
  readonly target: string;
  readonly sensitive: string;
}

/** What the worker can be asked: by name, its question, what it tells while it works, and its answer. */
export interface Tasks {
  /** Opens the engine, the best one that works here, or again after a loss. */
  open: { asks: Opening; tells: never; answers: Place };
  /** The map, told as soon as it is there, and the attack on it. `steps`: fewer than the settings' while a slider moves. */
  attack: {
    asks: { readonly settings: Settings; readonly steps: number };
    tells: { readonly explained: Explained; readonly pictures: readonly [before: Drawn] };
    answers: {
      readonly explained: Explained;
      readonly attacked: Attacked;
      readonly pictures: readonly [before: Drawn, after: Drawn];
    };
  };
  train: { asks: { readonly settings: Settings }; tells: TrainingTold; answers: TrainingResult };
  sanity: { asks: { readonly settings: Settings }; tells: { readonly share: number }; answers: SanityAnswer };
  /** A person of the table, explained by LIME with and without the scaffold. */
  table: {
    asks: { readonly settings: Settings; readonly file?: DroppedTable };
    tells: { readonly words: string };
    answers: PersonAnswer;
  };
  /** The names of the columns of a CSV file. */
  columns: { asks: Dropped; tells: never; answers: readonly string[] };
  /** Bytes of the test pictures, one after the other; no engine is needed. */
  pictures: { asks: Record<string, never>; tells: never; answers: Uint8Array };
  /** A PNG or JPEG file as bytes of a grey picture of the page's size. */
  picture: { asks: Dropped; tells: never; answers: Uint8Array };
  /** An ONNX file as the network "onnx"; answers what it is, for people. */
  onnx: {
    asks: Dropped;
    tells: never;
    answers: { readonly words: string };
  };
}

export type TaskName = keyof Tasks;

export type Asked = {
  [K in TaskName]: { readonly id: number; readonly task: K; readonly asks: Tasks[K]["asks"] };
}[TaskName];

/** Ends the task that is under way, where it can be ended. */
export interface Stop {
  readonly stop: number;
}

export type ToWorker = Asked | Stop;

/** Why a task failed. */
export interface Failure {
  readonly message: string;
  /** The device is gone: `open` it again. */
  readonly lost: boolean;
}

export type FromWorker =
  | { readonly id: number; readonly tells: unknown }
  | { readonly id: number; readonly answers: unknown }
  | { readonly id: number; readonly failure: Failure };
