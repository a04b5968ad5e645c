/** The order in which processes are given the cells of a grid. */
import type { Cell } from "../../atex/experiments/index.js";
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
