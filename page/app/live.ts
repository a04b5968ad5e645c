/** Asks the worker for what the settings say, the newest settings first, and opens the device again when it was lost. */
import type { Attacked, Explained } from "../core/attack.js";
import type { TaskName, Tasks } from "../core/messages.js";
import type { Drawn } from "../core/pictures.js";
import type { Place } from "../core/place.js";
import { attackKey, type Settings } from "../core/settings.js";
import { previewSteps, stepsAt } from "../core/steps.js";
import { type Client, type Task, TaskError } from "./client.js";

/** An answer to the question of the settings. */
export interface Answer {
  readonly settings: Settings;
  readonly explained: Explained;
  /** Missing while the attack is still under way. */
  readonly attacked?: Attacked;
  /** Without the second while the attack is still under way. */
  readonly pictures: readonly [before: Drawn, after?: Drawn];
  /** With fewer steps, while a control moves. */
  readonly preview: boolean;
}

type Whole = Tasks["attack"]["answers"];

export interface LiveEvents {
  onAnswer(answer: Answer): void;
  /** All that was asked for is done. */
  onIdle(settings: Settings): void;
  onPlace(place: Place, again: boolean): void;
  onProblem(message: string): void;
}

/** Losses in a row after which the processor takes over. */
const TRIES = 3;
const PAUSE_MS = 400;
const REMEMBERED = 16;

export class Live {
  readonly #client: Client;
  readonly #events: LiveEvents;
  #place: Place | undefined;
  #opening: Promise<Place> | undefined;
  #wanted: { readonly settings: Settings; readonly preview: boolean } | undefined;
  #running = false;
  #losses = 0;
  readonly #answers = new Map<string, Whole>();
  /** What the last whole attack took. */
  #last: { readonly steps: number; readonly milliseconds: number } | undefined;

  constructor(client: Client, events: LiveEvents) {
    this.#client = client;
    this.#events = events;
  }

  /** Opens the engine; `again` after a loss. */
  open(again = false): Promise<Place> {
    this.#opening ??= (async () => {
      try {
        const asked = new URLSearchParams(location.search).get("on") === "processor";
        const processor = asked
          ? "the address asks for the processor"
          : this.#losses >= TRIES
            ? "it was lost again and again"
            : undefined;
        this.#place = await this.#client.ask("open", { processor, tries: again ? TRIES : 1 }).answer;
        this.#events.onPlace(this.#place, again);
        return this.#place;
      } finally {
        this.#opening = undefined;
      }
    })();
    return this.#opening;
  }

  /** Asks for the settings' picture; what was asked for before and has not begun is forgotten. */
  request(settings: Settings, preview = false): void {
    this.#wanted = { settings, preview };
    void this.#run();
  }

  get isBusy(): boolean {
    return this.#running;
  }

  /** Steps that an attack has here. */
  steps({ steps }: Settings, preview = false): number {
    const whole = stepsAt(this.#place?.kind ?? "gpu", steps);
    return preview ? previewSteps(whole, this.#last) : whole;
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    let settings: Settings | undefined;
    while (this.#wanted) {
      const { preview } = this.#wanted;
      ({ settings } = this.#wanted);
      this.#wanted = undefined;
      const now = settings;
      try {
        const answer = await this.attack(now, this.steps(now, preview), (told) => {
          performance.mark("first-map");
          if (!preview) this.#events.onAnswer({ settings: now, ...told, preview });
        });
        performance.mark("first-attack");
        this.#last = answer.attacked;
        this.#events.onAnswer({ settings: now, ...answer, preview });
      } catch (error) {
        this.#events.onProblem((error as Error).message);
        settings = undefined;
      }
    }
    this.#running = false;
    if (settings) this.#events.onIdle(settings);
  }

  /** The attack of the settings; what was asked lately is remembered, but for networks of the reader's, which change. */
  async attack(settings: Settings, steps: number, tell?: (told: Tasks["attack"]["tells"]) => void): Promise<Whole> {
    const key = attackKey(settings, steps);
    const known = this.#answers.get(key);
    if (known) return known;
    const answer = await this.ask("attack", { settings, steps }, tell);
    if (!["trained", "onnx"].includes(settings.defence)) this.#answers.set(key, answer);
    for (const old of [...this.#answers.keys()].slice(0, -REMEMBERED)) this.#answers.delete(old);
    return answer;
  }

  /** Asks the worker; where the device was lost meanwhile it is opened again and asked again. */
  async ask<K extends TaskName>(
    task: K,
    asks: Tasks[K]["asks"],
    tell?: (tells: Tasks[K]["tells"]) => void,
    onTask?: (task: Task<K>) => void,
  ): Promise<Tasks[K]["answers"]> {
    for (;;) {
      try {
        if (!this.#place) await this.open();
        const asked = this.#client.ask(task, asks, tell);
        onTask?.(asked);
        const answer = await asked.answer;
        this.#losses = 0;
        return answer;
      } catch (error) {
        if (!(error instanceof TaskError && error.lost) || ++this.#losses > 2 * TRIES) throw error;
        this.#events.onProblem("The graphics device was lost; it is being opened again.");
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * this.#losses));
        await this.open(true);
      }
    }
  }
}
