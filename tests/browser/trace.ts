/** What kept the main thread of a page, by Chromium's own trace. */
import type { Browser } from "./devtools.js";

/** What the tasks of a page's main thread took, in milliseconds. */
export interface MainThread {
  readonly tasks: number;
  /** The task that computed for longest, and what in it did; waiting, for a processor above all, does not count. */
  readonly longest: { readonly cpu: number; readonly parts: readonly string[] };
  /** From the first moment of a task to its last, the most of any: with waiting. */
  readonly wall: number;
}

interface TraceEvent {
  readonly cat: string;
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds: when, for how long, and how long the thread computed of that. */
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
}

const MARKS = "blink.user_timing";
const CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline", MARKS];

/** Traces a browser while `body` runs; resolves with what the page did that made the performance mark `mark`.
 *  @throws Error where no page made it, and where Chromium does not tell how long threads computed. */
export async function traceMain(browser: Browser, mark: string, body: () => Promise<void>): Promise<MainThread> {
  const traceConfig = { includedCategories: CATEGORIES, recordMode: "recordUntilFull", traceBufferSizeInKb: 200_000 };
  await browser.send("Tracing.start", { transferMode: "ReturnAsStream", traceConfig });
  await body();
  const complete = browser.next("Tracing.tracingComplete");
  await browser.send("Tracing.end");
  const { stream, dataLossOccurred } = await complete;
  if (dataLossOccurred) throw new Error("the trace was larger than its buffer");
  const pieces: Buffer[] = [];
  for (;;) {
    const { data, base64Encoded, eof } = await browser.send("IO.read", { handle: stream, size: 4_000_000 });
    pieces.push(Buffer.from(data as string, base64Encoded ? "base64" : "utf8"));
    if (eof) break;
  }
  const { traceEvents } = JSON.parse(Buffer.concat(pieces).toString()) as { traceEvents: TraceEvent[] };
  return mainThread(traceEvents, mark);
}

function mainThread(events: readonly TraceEvent[], mark: string): MainThread {
  const marked = events.find(({ cat, name }) => cat === MARKS && name === mark);
  if (!marked) throw new Error(`no page made the mark ${mark} while the browser was traced`);
  const { pid, tid } = marked;
  const whole = events.filter((event) => event.ph === "X" && event.pid === pid && event.tid === tid);
  const tasks = whole.filter(({ name }) => name === "RunTask");
  if (tasks.length === 0 || tasks.some(({ tdur }) => tdur === undefined))
    throw new Error(`${tasks.length} tasks were traced; Chromium has to tell how long the thread computed in each`);
  const most = (one: TraceEvent, other: TraceEvent): number => (other.tdur ?? 0) - (one.tdur ?? 0);
  const [longest] = tasks.toSorted(most);
  const parts = whole.filter(
    (part) => part !== longest && part.ts >= longest.ts && part.ts <= longest.ts + longest.dur!,
  );
  const ms = (microseconds = 0): number => microseconds / 1000;
  return {
    tasks: tasks.length,
    longest: {
      cpu: ms(longest.tdur),
      parts: parts
        .sort(most)
        .slice(0, 4)
        .map(({ name, tdur }) => `${name} ${ms(tdur).toFixed(1)}`),
    },
    wall: ms(Math.max(...tasks.map(({ dur = 0 }) => dur))),
  };
}
