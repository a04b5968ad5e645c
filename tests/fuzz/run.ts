/**
 * `node dist/tests/fuzz/run.js graphs|networks [--count n] [--seed n] [--captured n] [--seconds n] [--as-gpu] [--most-maps n]`: random expression graphs or
 * networks, eager and captured, against the float64 reference; with `--as-gpu` by the kernels and the fusion that a GPU would get. The device is opened
 * anew once more pieces of memory than `--most-maps` are mapped. Prints every disagreement with the seed that makes it again; exits 0 if there is none.
 */
import { parseArgs } from "node:util";
import { executor } from "../../engine/executor.js";
import type { GpuExecutor } from "../../engine/gpu/executor.js";
import { init, shutdown } from "../../engine/init.js";
import { openScope, setBaseScope } from "../../engine/scope.js";
import { failUntilFinished, MOST_MAPS, mappedPieces } from "../longRun.js";
import { disagreement, type Problem } from "./compare.js";
import { randomGraph } from "./graphs.js";
import { elsewhere, randomNetwork } from "./networks.js";

const finished = failUntilFinished("fuzz");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    captured: { type: "string", default: "1" },
    seconds: { type: "string", default: "Infinity" },
    "as-gpu": { type: "boolean", default: false },
    "most-maps": { type: "string", default: String(MOST_MAPS) },
  },
});
const makers: Readonly<Record<string, (seed: number) => Promise<Problem>>> = {
  graphs: randomGraph,
  networks: randomNetwork,
};
const make = makers[positionals[0] ?? ""];
if (!make) throw new Error(`fuzz: ${positionals[0] ?? "nothing"} given ; graphs or networks is needed`);
const [count, first, every, seconds, mostMaps] = [
  ...[values.count, values.seed, values.captured, values.seconds, values["most-maps"]],
].map(Number);

let [done, captured, kinks, wrong, renewed] = [0, 0, 0, 0, 0];

async function judge(seed: number, ways: readonly ("eager" | "captured")[]): Promise<void> {
  const problem = await make(seed);
  const found = await disagreement(problem, ways);
  if (!found) return;
  // At a kink f32 may be on the other side; near by it is not again.
  const again = [await disagreement(elsewhere(problem, 1), ways), await disagreement(elsewhere(problem, 2), ways)];
  const isKink = again.some((other) => other === undefined);
  if (isKink) kinks++;
  else wrong++;
  console.log(`${isKink ? "kink" : "DISAGREES"} ${problem.text}\n  ${found}`);
}

async function open(): Promise<void> {
  await init({ tuning: false });
  if (values["as-gpu"]) Object.assign((executor() as GpuExecutor).device.capabilities, { software: false });
}

/** Problems between two looks at the maps, which take a while to read. */
const LOOK_EVERY = 10;

async function renew(): Promise<void> {
  if (done % LOOK_EVERY > 0 || done === 0) return;
  const before = mappedPieces();
  if (before <= mostMaps) return;
  shutdown();
  await open();
  renewed++;
  console.error(`${done} of ${count}: ${before} pieces of memory were mapped, ${mappedPieces()} by a new device`);
}

const end = performance.now() + 1000 * seconds;
await open();
for (; done < count && performance.now() < end; done++) {
  await renew();
  if (done > 0 && done % 500 === 0) console.error(`${done} of ${count}`);
  const seed = first + 2 * done;
  const isCaptured = done % every === 0;
  if (isCaptured) captured++;
  // Programs that are drawn open no scopes of their own.
  const all = openScope("problem", { enter: false });
  const base = setBaseScope(all);
  try {
    await judge(seed, isCaptured ? ["eager", "captured"] : ["eager"]);
  } finally {
    setBaseScope(base);
    all.close();
  }
}
console.log(
  `${done} ${positionals[0]}, ${captured} of them captured: ${wrong} disagree, ${kinks} at a kink; ${renewed} times a new device`,
);
shutdown();
finished();
process.exit(wrong > 0 ? 1 : 0);
