/** Timing of GPU work from the host: wall time, and the CPU time of a software adapter's own threads. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { pollSlowly } from "../engine/gpu/provider.node.js";
import { Naps } from "./naps.js";

/** GPU work that can be issued again and again. */
export interface Work {
  /** Issues the whole work to the queue without waiting for it. */
  submit(): void;
  /** Resolves when the queue is empty. */
  finish(): Promise<void>;
}

/**
 * How the host waits: `spin` awaits at once, while Dawn polls and takes a core from a software adapter; `nap` sleeps for
 * most of the expected time first, and then between two polls.
 */
export type Waiting = "spin" | "nap";

/** One timed run. */
export interface Run {
  readonly ms: number;
  /** CPU time of all threads but the main one; null where the system does not tell. */
  readonly cpuMs: number | null;
}

/** Milliseconds per run. */
export interface Timing {
  readonly medianMs: number;
  readonly minMs: number;
  /** Middle half of the runs' wall times, as a fraction of the median. */
  readonly spread: number;
  /** CPU time of all threads but the main one, `typicalCpuMs` of the runs; null where the system does not tell. */
  readonly workerCpuMs: number | null;
  /** From the first host instruction to the end of `submit`, fastest run: in others the adapter's threads took the core. */
  readonly hostMs: number;
  readonly runs: number;
  /** The runs in order; the n-th of works that take turns belong together. */
  readonly each: readonly Run[];
}

export interface MeasureOptions {
  readonly wait: Waiting;
  /** Timed runs, at least 1; default 10. */
  readonly runs?: number;
  /** Runs before them that are not counted; default 3. */
  readonly warmUps?: number;
  /** Milliseconds that a run took that was waited for by polling; without warm-ups the first nap goes by it. */
  readonly polledMs?: number;
}

/** Work that is done within this share of a run after a nap was done before its end. */
const atOnce = 0.03;
/** Sleep between two polls, less than where nobody measures. */
const betweenPolls = { share: 0.01, longestMs: 0.5 };
/** Times a run is repeated because its nap was too long. */
const mostAgain = 4;

const clockTicksPerSecond = 100;
/** Whether the kernel counts a thread's CPU time to the nanosecond. */
const countsNanoseconds = existsSync("/proc/self/schedstat");

/** The median of runs' CPU milliseconds, which no spell of a busy machine moves; their mean where the kernel counts in ticks that are as
 *  long as a run. */
export function typicalCpuMs(each: readonly number[]): number {
  return countsNanoseconds ? median(each) : each.reduce((a, b) => a + b) / each.length;
}

/** CPU milliseconds of one thread: to the nanosecond where the kernel keeps schedstat, else to the tick of 10 ms. */
function threadCpuMs(directory: string): number {
  try {
    return Number(readFileSync(`${directory}/schedstat`, "utf8").split(" ")[0]) / 1e6;
  } catch {
    const [, fields] = readFileSync(`${directory}/stat`, "utf8").split(") ");
    const [user, system] = fields.split(" ").slice(11, 13).map(Number);
    return ((user + system) / clockTicksPerSecond) * 1000;
  }
}

/** CPU milliseconds used so far by all threads of this process but the main one; null outside Linux. */
export function workerCpuMs(): number | null {
  let threads: string[];
  try {
    threads = readdirSync("/proc/self/task");
  } catch {
    return null;
  }
  let sum = 0;
  for (const thread of threads) {
    if (Number(thread) === process.pid) continue;
    try {
      sum += threadCpuMs(`/proc/self/task/${thread}`);
    } catch {
      // The thread ended between the listing and the reading.
    }
  }
  return sum;
}

/** The q-quantile of at least one number, 0 <= q <= 1, between neighbours by linear interpolation. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}

/** The median of at least one number. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The interquartile range as a fraction of the median. */
export function spread(values: readonly number[]): number {
  return (quantile(values, 0.75) - quantile(values, 0.25)) / median(values);
}

/** Blocks the thread for a number of milliseconds without using the CPU. */
export function nap(milliseconds: number): void {
  if (milliseconds > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** One work while it is measured with others. */
class Series {
  readonly #each: Run[] = [];
  readonly #hostTimes: number[] = [];
  #naps = new Naps();

  constructor(
    readonly work: Work,
    readonly wait: Waiting,
    polledMs?: number,
  ) {
    if (polledMs !== undefined) this.#naps.after(1, 0, 0, polledMs);
  }

  /** One run that does not count. The first one compiles; its duration says nothing about the next. */
  async warmUp(isFirst: boolean): Promise<void> {
    await this.#once();
    if (isFirst) this.#naps = new Naps();
  }

  async run(): Promise<void> {
    for (let again = 0; ; again++) {
      const before = workerCpuMs();
      const { duration, host, overslept } = await this.#once();
      const after = workerCpuMs();
      // Such a run says how long was slept, not how long the work takes.
      if (overslept && again < mostAgain) continue;
      this.#each.push({ ms: duration, cpuMs: before === null || after === null ? null : after - before });
      this.#hostTimes.push(host);
      return;
    }
  }

  async #once(): Promise<{ duration: number; host: number; overslept: boolean }> {
    const start = performance.now();
    this.work.submit();
    const host = performance.now() - start;
    const expected = this.wait === "nap" ? this.#naps.before(1, 0) : 0;
    nap(expected - host);
    const awake = performance.now();
    await (this.wait === "nap" ? this.#finishGently(start) : this.work.finish());
    const end = performance.now();
    const [duration, waited] = [end - start, end - awake];
    this.#naps.after(1, 0, expected && awake - start, waited);
    const overslept = expected > 0 && waited < atOnce * duration;
    return { duration, host, overslept };
  }

  async #finishGently(start: number): Promise<void> {
    let isPending = true;
    pollSlowly(() => (isPending ? performance.now() - start : undefined), betweenPolls);
    try {
      await this.work.finish();
    } finally {
      isPending = false;
    }
  }

  timing(): Timing {
    const durations = this.#each.map(({ ms }) => ms);
    const cpu = this.#each.flatMap(({ cpuMs }) => cpuMs ?? []);
    return {
      medianMs: median(durations),
      minMs: Math.min(...durations),
      spread: spread(durations),
      workerCpuMs: cpu.length < durations.length ? null : typicalCpuMs(cpu),
      hostMs: Math.min(...this.#hostTimes),
      runs: durations.length,
      each: this.#each,
    };
  }
}

/** Timing of one run of each work, from its first host instruction to the empty queue. The works take turns (A B C, A B C, …), so
 *  that a slow spell of the machine meets all of them; one that fails takes no further turns and gives its error. */
export async function measureInTurns(
  works: readonly Work[],
  { wait, runs = 10, warmUps = 3, polledMs }: MeasureOptions,
): Promise<(Timing | Error)[]> {
  const series = works.map((work) => new Series(work, wait, polledMs));
  const failed = new Map<Series, Error>();
  for (let round = 0; round < warmUps + runs; round++)
    for (const one of series) {
      if (failed.has(one)) continue;
      try {
        await (round < warmUps ? one.warmUp(round === 0) : one.run());
      } catch (error) {
        failed.set(one, error instanceof Error ? error : new Error(String(error)));
      }
    }
  return series.map((one) => failed.get(one) ?? one.timing());
}

/** Timing of one run of `work`. */
export async function measure(work: Work, options: MeasureOptions): Promise<Timing> {
  const [timing] = await measureInTurns([work], options);
  if (timing instanceof Error) throw timing;
  return timing;
}

/** Median time of a run among so many issued without waiting that they last about 50 ms, at most 200; `ms` is about what one
 *  alone takes. */
export async function measureInARow({ submit, finish }: Work, ms: number, runs: number): Promise<number> {
  const count = Math.min(200, Math.max(1, Math.ceil(50 / ms)));
  const durations: number[] = [];
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    for (let i = 0; i < count; i++) submit();
    await finish();
    durations.push((performance.now() - start) / count);
  }
  return median(durations);
}
