/**
 * Notices a program that loses tensors. What is made outside of all scopes lives until somebody frees it; once JavaScript has collected
 * the handle nobody can. Tensors that somebody still holds are no leak, however many there are, so nothing is said of them.
 */
import { formatShares } from "./shares.js";

/** So many tensors outside of scopes are nothing to look at. */
const FIRST_LOOK = 2000;
/** How much the number grows from one look to the next. */
const GROWTH = 1.25;
/** Handles that are followed at a time. */
const FOLLOWED = 300;
/** Of which so many must be lost. */
const LOST = 100;

/** What the watch sees of a tensor. */
export interface Watched {
  readonly origin: string;
  /** Its entry here; undefined while it belongs to a scope or to whoever kept it. */
  stray: Stray | undefined;
}

export interface Stray {
  /** A WeakRef; described here, so that the types need no newer library. */
  readonly handle?: { deref(): object | undefined };
  readonly origin: string;
  readonly since: number;
  isFreed: boolean;
}

/** The entry of all tensors that are only counted. */
const counted: Stray = { origin: "", since: 0, isFreed: false };

let isWatching = true;
let live = 0;
let nextLook = FIRST_LOOK;
let followed: Stray[] = [];

/** Whether losing tensors is told; for `init`. Forgets what was seen. */
export function setLeakNotice(wanted: boolean): void {
  isWatching = wanted;
  live = 0;
  nextLook = FIRST_LOOK;
  followed = [];
}

/** A tensor came into the world outside of all scopes. */
export function watchForLeaks(t: Watched): void {
  live++;
  if (!isWatching || live < FIRST_LOOK) {
    t.stray = counted;
    return;
  }
  if (live >= nextLook) look();
  if (followed.length >= FOLLOWED) {
    t.stray = counted;
    return;
  }
  t.stray = { handle: new WeakRef(t), origin: t.origin, since: performance.now(), isFreed: false };
  followed.push(t.stray);
}

/** It was freed, kept, or taken over by a scope. */
export function unwatch(t: Watched): void {
  if (!t.stray) return;
  if (t.stray !== counted) t.stray.isFreed = true;
  t.stray = undefined;
  live--;
}

function look(): void {
  nextLook = Math.ceil(live * GROWTH);
  const lost = followed.filter(({ isFreed, handle }) => !isFreed && handle?.deref() === undefined);
  if (lost.length >= LOST) {
    isWatching = false;
    console.warn(notice(lost));
    followed = [];
  } else
    followed = followed.filter(({ isFreed, handle }) => !isFreed && handle?.deref() !== undefined).slice(FOLLOWED / 2);
}

function notice(lost: readonly Stray[]): string {
  const seconds = (performance.now() - lost[0].since) / 1000;
  return (
    `holdfast: the program loses tensors: ${live} live outside of scopes, and of ${lost.length} that were followed in the last ` +
    `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s no variable holds any longer, so that nothing frees them. They were made by ` +
    `${formatShares(lost.map(({ origin }) => origin))}. Write each step as scope(() => ...), which frees all but its result, and dispose() ` +
    "of what the result replaces; init({ leakNotice: false }) silences this"
  );
}
