/** Whether a case's results are right: PyTorch's in float64 decide (peers/goldens.json, peers/networkGoldens.json), and for the largest product the
 *  definition in float64. */
import { readFileSync } from "node:fs";
import { compare, type Disagreement, type Summary, summarise, tolerance } from "./agreement.js";
import { type CaseName, type CheckedCase, largeCase, matmulInputs, type NetworkCase } from "./inputs.js";

/** Results of a case by name, in the layouts of inputs.ts. */
export type Results = Readonly<Record<string, ArrayLike<number>>>;

export interface Verdict {
  readonly checked: boolean;
  /** The largest departure from the truth. */
  readonly disagreement: Disagreement;
}

function casesIn(file: string): Record<string, Summary> {
  return JSON.parse(readFileSync(new URL(`../../bench/peers/${file}`, import.meta.url), "utf8")).cases;
}
const goldens: Readonly<Record<CaseName | NetworkCase, Summary>> = {
  ...(casesIn("goldens.json") as Record<CaseName, Summary>),
  ...(casesIn("networkGoldens.json") as Record<NetworkCase, Summary>),
};

/** Where a value lies within its rounding error of a kink of relu, relu6 or of a maximum, its slope is either of two: PyTorch's own
 *  fp32 is off by 6e-4 of a pixel of MobileNetV2, tfjs by 6e-3. */
const kinkTolerance = 2e-2;
/** In the attack on ResNet-18 ten steps multiply what its maxima round. */
const kinked: readonly CheckedCase[] = ["resnet18-224-gradient", "mobilenet-v2-224-gradient", "resnet18-224-attack"];

/** @throws Error when a result is missing or of another size. */
export function checkResults(name: CheckedCase, results: Results): Verdict {
  if (name === largeCase) return checkProduct(4096, results.c);
  const got = Object.fromEntries(Object.entries(results).map(([key, values]) => [key, summarise(values)]));
  const disagreement = compare(got, goldens[name]);
  const most = kinked.includes(name) ? kinkTolerance : tolerance;
  return { checked: disagreement.relativeError <= most, disagreement };
}

/** Distance of the rows that are compared: prime, so that every place within a tile is met. */
const stride = 61;

/** Compares entries all over a square product of `matmulInputs` with their definition in float64. */
export function checkProduct(size: number, c: ArrayLike<number>): Verdict {
  const { a, b } = matmulInputs(size);
  const [got, truth]: [number[], number[]] = [[], []];
  for (let row = 0, column = 0; row < size; row += stride, column = (column + 7 * stride) % size) {
    let entry = 0;
    for (let k = 0; k < size; k++) entry += a.data[row * size + k] * b.data[k * size + column];
    truth.push(entry);
    got.push(c[row * size + column]);
  }
  const typical = Math.sqrt(truth.reduce((sum, value) => sum + value * value, 0) / truth.length);
  // NaN disagrees without bound.
  const errors = truth.map((value, i) => (Number.isFinite(got[i]) ? Math.abs(got[i] - value) / typical : Infinity));
  const at = errors.indexOf(Math.max(...errors));
  const disagreement = { relativeError: errors[at], where: `c row ${at * stride}`, got: got[at], truth: truth[at] };
  return { checked: disagreement.relativeError <= tolerance, disagreement };
}
