/** The settings, which are the address. */
import { readSettings, type Settings, writeSettings } from "../core/settings.js";

/** How a setting changed: while a control moves, or for good. */
export type Change = "moving" | "settled";

/** A key that is held changes a slider thirty times a second, and browsers let a page write its address a hundred times in thirty. */
const WRITE_MS = 400;

type Listener = (settings: Settings, change: Change, changed: Partial<Settings>) => void;

export class Store {
  #settings: Settings;
  readonly #listeners: Listener[] = [];
  #written = Number.NEGATIVE_INFINITY;
  #later: ReturnType<typeof setTimeout> | undefined;
  /** What was wrong with the address. */
  problems: readonly string[];

  constructor() {
    ({ settings: this.#settings, problems: this.problems } = readSettings(location.hash));
    addEventListener("hashchange", ({ newURL }) => {
      // Our own writing of the address makes no such event; a link or a hand did.
      const { settings, problems } = readSettings(new URL(newURL).hash);
      this.problems = problems;
      this.set(settings);
    });
  }

  get settings(): Settings {
    return this.#settings;
  }

  set(changed: Partial<Settings>, change: Change = "settled"): void {
    this.#settings = { ...this.#settings, ...changed };
    if (change === "settled") this.#write();
    for (const listener of this.#listeners) listener(this.#settings, change, changed);
  }

  /** Writes the address, at once where it was not written lately. */
  #write(): void {
    const wait = this.#written + WRITE_MS - performance.now();
    if (wait > 0) {
      this.#later ??= setTimeout(() => {
        this.#later = undefined;
        this.#write();
      }, wait);
      return;
    }
    this.#written = performance.now();
    history.replaceState(null, "", `#${writeSettings(this.#settings)}`);
  }

  onChange(listener: Listener): void {
    this.#listeners.push(listener);
  }
}
