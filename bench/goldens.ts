/** Whether a case's results are right: PyTorch's in float64 decide (peers/goldens.json). */
import { readFileSync } from "node:fs";
import { compare, type Disagreement, type Summary, summarise, tolerance } from "./agreement.js";
import type { CaseName } from "./inputs.js";

/** Results of a case by name, in the layouts of inputs.ts. */
export type Results = Readonly<Record<string, ArrayLike<number>>>;

export interface Verdict {
  readonly checked: boolean;
  /** The largest departure from the truth. */
  readonly disagreement: Disagreement;
}

const file = new URL("../../bench/peers/goldens.json", import.meta.url);
const goldens: Readonly<Record<CaseName, Summary>> = JSON.parse(readFileSync(file, "utf8")).cases;

/** @throws Error when a result is missing or of another size. */
export function checkResults(name: CaseName, results: Results): Verdict {
  const got = Object.fromEntries(Object.entries(results).map(([key, values]) => [key, summarise(values)]));
  const disagreement = compare(got, goldens[name]);
  return { checked: disagreement.relativeError <= tolerance, disagreement };
}
