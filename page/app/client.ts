/** The worker as the page sees it: tasks with answers. */
import type { Failure, FromWorker, TaskName, Tasks } from "../core/messages.js";

/** A task failed; with `lost`, because the device is gone. */
export class TaskError extends Error {
  override readonly name = "TaskError";
  readonly lost: boolean;

  constructor({ message, lost }: Failure) {
    super(message);
    this.lost = lost;
  }
}

export interface Task<K extends TaskName> {
  readonly answer: Promise<Tasks[K]["answers"]>;
  /** Ends it early, where that can be. */
  stop(): void;
}

interface Waiting {
  resolve(answers: unknown): void;
  reject(error: Error): void;
  tell(tells: unknown): void;
}

export class Client {
  #worker: Worker;
  /** It has answered: one that broke later is replaced, one that never started is not. */
  #works = false;
  #broken: Failure | undefined;
  #last = 0;
  readonly #waiting = new Map<number, Waiting>();

  constructor() {
    this.#worker = this.#start();
  }

  #start(): Worker {
    const worker = new Worker("worker.js", { type: "module", name: "holdfast" });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#restart(event.message || "the worker did not start");
    };
    return worker;
  }

  /** A worker that broke is of no use any more: all its tasks fail, and another takes over. */
  #restart(message: string): void {
    this.#worker.terminate();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    if (this.#works) this.#worker = this.#start();
    else this.#broken = { message, lost: false };
    for (const { reject } of waiting) reject(new TaskError({ message, lost: this.#works }));
  }

  #receive(message: FromWorker): void {
    this.#works = true;
    const waiting = this.#waiting.get(message.id);
    if (!waiting) return;
    if ("tells" in message) {
      waiting.tell(message.tells);
      return;
    }
    this.#waiting.delete(message.id);
    if ("answers" in message) waiting.resolve(message.answers);
    else waiting.reject(new TaskError(message.failure));
  }

  ask<K extends TaskName>(
    task: K,
    asks: Tasks[K]["asks"],
    tell: (tells: Tasks[K]["tells"]) => void = () => {},
  ): Task<K> {
    if (this.#broken) return { answer: Promise.reject(new TaskError(this.#broken)), stop: () => {} };
    const id = ++this.#last;
    const answer = new Promise<Tasks[K]["answers"]>((resolve, reject) => {
      this.#waiting.set(id, {
        resolve: resolve as (answers: unknown) => void,
        reject,
        tell: tell as (tells: unknown) => void,
      });
    });
    this.#worker.postMessage({ id, task, asks });
    return { answer, stop: () => this.#worker.postMessage({ stop: id }) };
  }
}
