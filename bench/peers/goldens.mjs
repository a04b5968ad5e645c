/** Writes goldens.json: summaries of every case's results in PyTorch's float64. Run `npm run format` after it. */
import { writeFileSync } from "node:fs";
import { summarise } from "../../dist/bench/agreement.js";
import { caseNames } from "../../dist/bench/inputs.js";
import { missingTorch, runTorch } from "./pytorch.mjs";

const missing = missingTorch();
if (missing !== undefined) throw new Error(`goldens need PyTorch: ${missing}`);
const digits = (_, value) => (typeof value === "number" ? Number(value.toPrecision(9)) : value);
const cases = {};
const { versions } = runTorch(caseNames, "float64", 0, (name, results, { error }) => {
  if (error !== undefined) throw new Error(`${name}: ${error}`);
  cases[name] = Object.fromEntries(Object.entries(results).map(([key, values]) => [key, summarise(values)]));
});
const goldens = { about: `PyTorch ${versions.torch}, float64`, cases };
writeFileSync(new URL("goldens.json", import.meta.url), `${JSON.stringify(goldens, digits, 2)}\n`);
