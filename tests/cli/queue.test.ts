/** The order in which processes are given the cells of a grid. */

import { EventEmitter } from "node:events";
import type { Cell } from "../../atex/experiments/index.js";
import type { CellSource } from "../../cli/reproduce/doCells.js";
import { type Helper, serve } from "../../cli/reproduce/helpers.js";
import { CellQueue } from "../../cli/reproduce/queue.js";
import { check, test } from "../harness.js";

const cell = (experiment: string, seed: number): Cell => ({
  ...({ experiment, seed, data: "shapes" } as const),
  id: `${experiment}${seed}`,
});
const alone = ({ experiment }: Cell): boolean => experiment === "timing";

test("cells in work at once share no networks where that can be helped, and every cell is done once", async () => {
  const queue = new CellQueue([cell("a", 0), cell("b", 0), cell("a", 1), cell("b", 1)], alone);
  const [first, second] = [(await queue.next())!, (await queue.next())!];
  check.equal([first.id, second.id], ["a0", "a1"]);
  check.equal((await queue.next())?.id, "b0", "both seeds are in work: the first there is");
  check.equal(
    queue.open.map(({ id }) => id),
    ["a0", "a1", "b0", "b1"],
  );
  queue.release(first);
  check.is((await queue.next())?.id, "b1");
  check.is(await queue.next(), undefined);
});

test("a cell that runs alone waits for the others, and the others for it", async () => {
  const queue = new CellQueue([cell("timing", 0), cell("a", 0), cell("timing", 1)], alone);
  const other = (await queue.next())!;
  check.is(other.id, "a0", "what runs alone comes last");
  const order: string[] = [];
  const asked = [1, 2].map(async () => {
    const next = (await queue.next())!;
    order.push(`begin ${next.id}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
    order.push(`end ${next.id}`);
    queue.release(next);
  });
  await new Promise((resolve) => setTimeout(resolve, 5));
  check.equal(order, []);
  queue.release(other);
  await Promise.all(asked);
  check.equal(order, ["begin timing0", "end timing0", "begin timing1", "end timing1"]);
  check.is(await queue.next(), undefined);
});

test("a process that waits while the last cell is given away is told that there are no more", async () => {
  const queue = new CellQueue([cell("timing", 0), cell("timing", 1)], alone);
  const first = (await queue.next())!;
  const waiting = [queue.next(), queue.next()];
  queue.release(first);
  const second = await waiting[0];
  check.is(second?.id, "timing1");
  queue.release(second!);
  check.is(await waiting[1], undefined);
});

test("a queue that is closed gives nothing away, and what is handed back is done first", async () => {
  const queue = new CellQueue([cell("a", 0), cell("a", 1), cell("timing", 0)], alone);
  const [first, second] = [(await queue.next())!, (await queue.next())!];
  const waiting = queue.next();
  queue.giveBack(second);
  check.is((await waiting)?.id, second.id);
  const late = queue.next();
  queue.close();
  check.equal([await late, await queue.next()], [undefined, undefined]);
  check.equal(
    queue.open.map(({ id }) => id),
    [first.id, second.id, "timing0"],
  );
});

/** A process that does what it is told to, and a source that writes down what it hears. */
function scene() {
  const heard: string[] = [];
  const emitter = Object.assign(new EventEmitter(), {
    pid: 1 as number | undefined,
    connected: true,
    send: (_: unknown, told: (error: Error | null) => void) => {
      // As Node does with a pipe whose other end is gone.
      if (!emitter.connected) told(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
      return true;
    },
  });
  const cells = [cell("a", 0), cell("a", 1)];
  const source: CellSource = {
    next: async () => cells.shift(),
    say: ({ id }, text) => void heard.push(`${id} says ${text}`),
    done: ({ id }) => void heard.push(`${id} done`),
    handBack: ({ id }) => void heard.push(`${id} handed back`),
    failed: (failed, why) => void heard.push(`${failed?.id ?? "all"} failed: ${why}`),
  };
  const ended = serve(emitter as unknown as Helper, {} as never, source);
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { heard, emitter, ended, turn };
}

test("a process that dies fails its cell, one that is sent away hands it back, one that never began is told of", async () => {
  for (const [end, expected] of [
    [[null, "SIGKILL"], "a0 failed: its process ended with SIGKILL"],
    [[134, null], "a0 failed: its process ended with exit status 134"],
    [[null, "SIGTERM"], "a0 handed back"],
    [[null, "SIGINT"], "a0 handed back"],
  ] as const) {
    const { heard, emitter, ended, turn } = scene();
    emitter.emit("message", "idle");
    await turn();
    emitter.emit("message", { say: "step 1" });
    emitter.emit("exit", ...end);
    await ended;
    check.equal(heard, ["a0 says step 1", expected]);
  }
  const { heard, emitter, ended } = scene();
  emitter.pid = undefined;
  emitter.emit("error", new Error("spawn EAGAIN"));
  await ended;
  check.equal(heard, ["all failed: a further process cannot be started: spawn EAGAIN"]);
});

test("a process that ends while it is told something is no error of the process that tells", async () => {
  const { heard, emitter, ended, turn } = scene();
  emitter.emit("message", "idle");
  emitter.connected = false;
  await turn();
  emitter.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
  emitter.emit("exit", null, "SIGKILL");
  await ended;
  check.equal(heard, ["a0 handed back", "all failed: its process ended with SIGKILL"]);
});
