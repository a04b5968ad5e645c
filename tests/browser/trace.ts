/** What kept the main thread of a page, by Chromium's own trace. */
import type { Browser } from "./devtools.js";

/** A task of a page's main thread. */
export interface MainTask {
  /** Milliseconds for which the thread computed, and from its first moment to its last: the rest it waited, for a processor above all. */
  readonly cpu: number;
  readonly wall: number;
  /** Milliseconds from the page's mark to its first moment. */
  readonly start: number;
  /** The longest things in it that have a name, with the milliseconds that they computed. */
  readonly parts: readonly string[];
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

/** Traces a browser while `body` runs; resolves with the tasks of the page that made the performance mark `mark`, longest first.
 *  @throws Error where no page made it, and where Chromium does not tell how long threads computed. */
export async function traceMain(browser: Browser, mark: string, body: () => Promise<void>): Promise<MainTask[]> {
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
  return mainTasks(traceEvents, mark);
}

function mainTasks(events: readonly TraceEvent[], mark: string): MainTask[] {
  const marked = events.find(({ cat, name }) => cat === MARKS && name === mark);
  if (!marked) throw new Error(`no page made the mark ${mark} while the browser was traced`);
  const { pid, tid } = marked;
  const whole = events.filter((event) => event.ph === "X" && event.pid === pid && event.tid === tid);
  const tasks = whole.filter(({ name }) => name === "RunTask");
  if (tasks.length === 0 || tasks.some(({ tdur }) => tdur === undefined))
    throw new Error(`${tasks.length} tasks were traced; Chromium has to tell how long the thread computed in each`);
  const named = whole.filter(({ name }) => name !== "RunTask");
  const ms = (microseconds = 0): number => microseconds / 1000;
  return tasks
    .sort((a, b) => b.tdur! - a.tdur!)
    .map(({ ts, dur = 0, tdur }) => {
      const inside = named.filter((part) => part.ts >= ts && part.ts + part.dur! <= ts + dur);
      const longest = inside.sort((a, b) => b.tdur! - a.tdur!).slice(0, 4);
      return {
        ...{ cpu: ms(tdur), wall: ms(dur), start: ms(ts - marked.ts) },
        parts: longest.map((part) => `${part.name} ${ms(part.tdur).toFixed(1)}`),
      };
    });
}
