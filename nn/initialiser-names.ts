/** Initialisers by name: what a file says of where weights started. */
import * as all from "./init.js";

export type { Initialiser } from "./init.js";

export const initialisers: Readonly<Record<string, all.Initialiser>> = { ...all };

/** The name of one of `initialisers`; undefined for any other function. */
export function nameOfInitialiser(f: all.Initialiser): string | undefined {
  return Object.keys(initialisers).find((name) => initialisers[name] === f);
}
