/** What the host pays: milliseconds of JavaScript for ops one by one, for the replay of a whole step, for a read-back. */
import {
  add,
  capture,
  dispose,
  matmul,
  openScope,
  reshape,
  softplus,
  sum,
  type Tensor,
  tensor,
} from "../engine/index.js";
import { aFlag, aPositiveNumber, requireTensor } from "../engine/kinds.js";
import { checkedOptions, isList } from "../engine/options.js";
import { normaliseAxis } from "../engine/shape.js";
import { cases } from "./cases.js";
import { checkResults } from "./goldens.js";
import type { Bench } from "./holdfast.js";
import type { CaseName } from "./inputs.js";
import { median } from "./measure.js";
import type { Row } from "./report.js";

/** Ops per run of the first two cases. */
const chain = 100;
const smallSide = 8;

/** Median and minimum of the host's milliseconds; the queue is empty before each run. On a software adapter the median
 *  includes what its threads take from the host's core, so `hostMs` is the minimum. */
async function hostTimes(on: Bench, runs: number, work: () => void | Promise<void>): Promise<Partial<Row>> {
  const times: number[] = [];
  for (let i = -2; i < runs; i++) {
    await on.finish();
    const start = performance.now();
    await work();
    if (i >= 0) times.push(performance.now() - start);
  }
  await on.finish();
  const minMs = Math.min(...times);
  return { medianMs: median(times), minMs, hostMs: minMs, runs };
}

/** Microseconds of JavaScript for each op of a chain. */
const perOp = ({ hostMs = Number.NaN }: Partial<Row>): string => `${((1000 * hostMs) / chain).toFixed(2)} µs an op`;

function increments(count: number) {
  return (x: ReturnType<typeof tensor>) => {
    let y = x;
    for (let i = 0; i < count; i++) y = add(y, 1);
    return y;
  };
}

/** `chain` ops of five kinds: pointwise, with a number, of two shapes, a view, a reduction. */
function mixed(x: Tensor): Tensor {
  let y = x;
  for (let i = 0; i < chain / 5; i++) y = sum(reshape(matmul(softplus(add(x, 1), 2), x), [1, smallSide, smallSide]), 0);
  return y;
}

const FLAGS = { first: aFlag, second: aFlag };

/** The checks of arguments that those ops make, without the ops. */
function checksOfMixed(x: Tensor): void {
  for (let i = 0; i < chain / 5; i++) {
    for (const op of ["add", "softplus", "matmul", "matmul", "reshape"]) requireTensor(op, x);
    aPositiveNumber.fits(2);
    checkedOptions("matmul", {}, FLAGS);
    isList(x.shape);
    checkedOptions("sum", {}, FLAGS);
    normaliseAxis("sum", 0, x);
  }
}

/** Host rows: `eager-100` and `replay-100` are 100 additions to 64 numbers, `eager-mixed-100` 100 ops of five kinds and `checks-100`
 *  what of it are checks of arguments; `read-4-bytes` is a read-back, and the network
 *  cases are replays of their step. */
export async function runEngine(on: Bench, { runs = 20, onRow }: { runs?: number; onRow?: (row: Row) => void } = {}) {
  const rows: Row[] = [];
  const report = (name: string, checked: boolean, measured: Partial<Row>) => {
    const row: Row = { case: name, system: "holdfast", wait: "none", checked, ...measured };
    rows.push(row);
    onRow?.(row);
  };

  using here = openScope("engine benchmark");
  const x = tensor(new Float32Array(smallSide ** 2), [smallSide, smallSide]);
  const eager = increments(chain);
  const replayed = capture(eager, { fuse: false });
  for (const [name, f] of [
    ["eager-100", eager],
    ["replay-100", replayed],
  ] as const) {
    const run = () => {
      using _ = openScope("run");
      f(x);
    };
    const y = f(x);
    const checked = (await here.wait(y.read())).every((value) => value === chain);
    const before = on.launches();
    run();
    const dispatches = on.launches() - before;
    report(name, checked, { dispatches, ...(await here.wait(hostTimes(on, runs, run))) });
  }
  replayed.dispose();

  const runMixed = () => {
    using _ = openScope("run");
    mixed(x);
  };
  const [a] = await here.wait(mixed(x).read());
  const beforeMixed = on.launches();
  runMixed();
  const dispatchesMixed = on.launches() - beforeMixed;
  const all = await here.wait(hostTimes(on, runs, runMixed));
  report("eager-mixed-100", a === 0, { dispatches: dispatchesMixed, ...all, note: perOp(all) });
  const checks = await here.wait(hostTimes(on, runs, () => checksOfMixed(x)));
  report("checks-100", true, { ...checks, note: perOp(checks) });

  const one = tensor([1]);
  const read = await here.wait(
    hostTimes(on, runs, async () => {
      await one.read();
    }),
  );
  report("read-4-bytes", (await here.wait(one.item())) === 1, read);

  for (const name of ["train-step", "input-gradient", "second-order"] satisfies CaseName[]) {
    const work = cases[name]();
    const { checked, disagreement } = checkResults(name, await here.wait(work.results()));
    const before = on.launches();
    work.submit();
    const dispatches = on.launches() - before;
    report(`replay-${name}`, checked, {
      disagreement,
      dispatches,
      ...(await here.wait(hostTimes(on, runs, work.submit))),
    });
    work.dispose();
  }
  dispose([x, one]);
  return rows;
}
