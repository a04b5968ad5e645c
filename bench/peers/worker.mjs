/** What every peer's process does: build a case, check its results against the float64 truth, time it, report it. */
import { checkResults } from "../../dist/bench/goldens.js";
import { measure, workerCpuMs } from "../../dist/bench/measure.js";

/**
 * @typedef {import("../inputs.js").CheckedCase} CaseName
 * @typedef {Record<string, ArrayLike<number>>} Results arrays in the layouts of bench/inputs.ts
 * @typedef {object} PeerCase
 * @property {() => Promise<Results>} results runs the case once and reads its results back
 * @property {() => void} submit issues the case without waiting
 * @property {() => Promise<void>} finish waits for the queue
 *
 * @typedef {object} Row one measured case
 * @property {CaseName} case
 * @property {string} system
 * @property {"spin" | "nap" | "none"} wait
 * @property {number} [medianMs]
 * @property {number} [minMs]
 * @property {number} [spread]
 * @property {number | null} [workerCpuMs]
 * @property {number} [inARowMs] a run among many issued without waiting
 * @property {number} [runs]
 * @property {boolean} checked the results agree with the float64 truth
 * @property {import("../agreement.js").Disagreement} [disagreement] the largest departure from it
 * @property {string} [note] that there were fewer runs than asked for
 * @property {string} [error] why there is no measurement
 */

/** Milliseconds that the timed runs of a case may take in each way of waiting; there are fewer where they would take longer. */
const mostMs = 60_000;
/** What takes longer has been warmed up by the two runs before. */
const longMs = 3000;

/**
 * Measures the cases asked for on the command line, as JSON `{cases, runs, waits}`, and sends each row to the driver. A case that is a
 * text is one that the system cannot do, and why.
 *
 * @param {string} system
 * @param {Partial<Record<CaseName, (() => PeerCase) | string>>} cases
 * @param {{adapter: Record<string, string>, versions: Record<string, string>}} about
 */
export async function runCases(system, cases, about) {
  const { cases: wanted, runs, waits } = JSON.parse(process.argv[2]);
  await send({ about });
  for (const name of wanted) {
    const build = cases[name];
    if (typeof build === "string") await send({ leftOut: `${name} in ${system}: ${build}` });
    else for (const row of await measureCase(system, name, build, runs, waits)) await send({ row });
  }
  // Dawn aborts at random when the event loop ends by itself.
  process.exit(0);
}

/** @returns {Promise<Row[]>} */
async function measureCase(system, name, build, runs, waits) {
  const rows = [];
  try {
    const work = build();
    const verdict = checkResults(name, await work.results());
    const [start, cpu] = [performance.now(), workerCpuMs()];
    work.submit();
    await work.finish();
    const once = performance.now() - start;
    // A busy machine must not put the host to sleep for as long as it took: a software adapter has been done after its CPU time.
    const polledMs = cpu === null ? once : Math.min(once, workerCpuMs() - cpu);
    const fewer = Math.max(1, Math.min(runs, Math.floor(mostMs / once)));
    const note = fewer < runs ? { note: `${fewer} of ${runs} runs, of ${(once / 1000).toFixed(0)} s each` } : {};
    for (const wait of waits) {
      const timing = await measure(work, { wait, runs: fewer, warmUps: polledMs > longMs ? 0 : 2, polledMs });
      rows.push({ case: name, system, wait, ...timing, ...note, ...verdict });
    }
  } catch (error) {
    rows.push({ case: name, system, wait: waits[0], checked: false, error: String(error?.message ?? error) });
  }
  return rows;
}

/** @param {object} message */
function send(message) {
  return new Promise((resolve, reject) => {
    process.send(message, (error) => (error ? reject(error) : resolve(undefined)));
  });
}
