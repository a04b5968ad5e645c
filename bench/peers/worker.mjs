/** What every peer's process does: build a case, check its results against the float64 truth, time it, report it. */
import { checkResults } from "../../dist/bench/goldens.js";
import { measure } from "../../dist/bench/measure.js";

/**
 * @typedef {import("../inputs.js").CaseName} CaseName
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
 * @property {string} [error] why there is no measurement
 */

/**
 * Measures the cases asked for on the command line, as JSON `{cases, runs}`, and sends each row to the driver.
 *
 * @param {string} system
 * @param {Partial<Record<CaseName, () => PeerCase>>} cases
 * @param {{adapter: Record<string, string>, versions: Record<string, string>}} about
 */
export async function runCases(system, cases, about) {
  const { cases: wanted, runs } = JSON.parse(process.argv[2]);
  await send({ about });
  for (const name of wanted) {
    for (const row of await measureCase(system, name, cases[name], runs)) await send({ row });
  }
  // Dawn aborts at random when the event loop ends by itself.
  process.exit(0);
}

/** @returns {Promise<Row[]>} */
async function measureCase(system, name, build, runs) {
  const rows = [];
  try {
    const work = build();
    const verdict = checkResults(name, await work.results());
    for (const wait of /** @type {const} */ (["spin", "nap"])) {
      rows.push({ case: name, system, wait, ...(await measure(work, { wait, runs, warmUps: 2 })), ...verdict });
    }
  } catch (error) {
    rows.push({ case: name, system, wait: "spin", checked: false, error: String(error?.message ?? error) });
  }
  return rows;
}

/** @param {object} message */
function send(message) {
  return new Promise((resolve, reject) => {
    process.send(message, (error) => (error ? reject(error) : resolve(undefined)));
  });
}
