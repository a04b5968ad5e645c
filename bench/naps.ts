/**
 * How long to sleep before asking for a result. While the host waits for one, Dawn polls and takes a core that a software adapter
 * computes on, so the host sleeps for most of the time that the same work took before.
 */

/** Share of the expected duration that is slept; data is waited for in the rest, so that work that became faster is noticed. */
const napShare = 0.9;
/** A timer is not worth its imprecision below this. */
const shortestNapMs = 2;
/** Data that comes within this time after a nap may have been there for long. */
const atOnceMs = 1;
/** What the next estimate keeps of a nap that was too long. */
const overslept = 0.85;
/** What a millisecond of polled waiting would have been without the polling; two cores, llvmpipe. */
const polledShare = 0.65;
/** Work never seen before is taken to last as long per launch as the last one, where it is at most this many times as large or small … */
const alike = 4;
/** … and less of that is slept. */
const guessedShare = 0.6;
const mostKinds = 1024;

interface Seen {
  /** Estimates of the duration, the last and the one before it. */
  readonly last: number;
  readonly before: number;
}

/** What was learnt about kinds of work: a kind is its number of launches and what is read after them. */
export class Naps {
  readonly #seen = new Map<string, Seen>();
  #latest = { launches: 0, ms: 0 };

  /** Milliseconds to sleep; 0 where a nap would be too short. */
  before(launches: number, size: number): number {
    if (launches === 0) return 0;
    const seen = this.#seen.get(kindOf(launches, size));
    // Of two estimates the smaller one: a machine that was suspended meanwhile must not put the host to sleep for as long again.
    const nap = seen ? napShare * Math.min(seen.last, seen.before) : this.#guess(launches);
    return nap < shortestNapMs ? 0 : nap;
  }

  /** After `nap` (0 for none) the data came in `waited` milliseconds. */
  after(launches: number, size: number, nap: number, waited: number): void {
    if (launches === 0) return;
    const tooLong = nap > 0 && waited < atOnceMs;
    const last = tooLong ? overslept * nap : nap + polledShare * waited;
    const kind = kindOf(launches, size);
    if (this.#seen.size >= mostKinds) this.#seen.clear();
    this.#seen.set(kind, { last, before: this.#seen.get(kind)?.last ?? last });
    this.#latest = { launches, ms: last };
  }

  #guess(launches: number): number {
    const times = launches / this.#latest.launches;
    return times >= 1 / alike && times <= alike ? guessedShare * times * this.#latest.ms : 0;
  }
}

function kindOf(launches: number, size: number): string {
  return `${launches}:${size}`;
}
