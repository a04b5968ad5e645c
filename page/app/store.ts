/** The settings, which are the address. */
import { readSettings, type Settings, writeSettings } from "../core/settings.js";

/** How a setting changed: while a control moves, or for good. */
export type Change = "moving" | "settled";

type Listener = (settings: Settings, change: Change, changed: Partial<Settings>) => void;

export class Store {
  #settings: Settings;
  readonly #listeners: Listener[] = [];
  /** What was wrong with the address. */
  problems: readonly string[];

  constructor() {
    ({ settings: this.#settings, problems: this.problems } = readSettings(location.hash));
    addEventListener("hashchange", () => {
      // Our own writing of the address makes no such event; a link or a hand did.
      const { settings, problems } = readSettings(location.hash);
      this.problems = problems;
      this.set(settings);
    });
  }

  get settings(): Settings {
    return this.#settings;
  }

  set(changed: Partial<Settings>, change: Change = "settled"): void {
    this.#settings = { ...this.#settings, ...changed };
    if (change === "settled") history.replaceState(null, "", `#${writeSettings(this.#settings)}`);
    for (const listener of this.#listeners) listener(this.#settings, change, changed);
  }

  onChange(listener: Listener): void {
    this.#listeners.push(listener);
  }
}
