/** Writes goldens.json: summaries of every case's results in PyTorch's float64. */
import { writeFileSync } from "node:fs";
import { summarise } from "../../dist/bench/agreement.js";
import { caseNames } from "../../dist/bench/inputs.js";
import { missingTorch, runTorch } from "./pytorch.mjs";

const missing = missingTorch();
if (missing !== undefined) throw new Error(`goldens need PyTorch: ${missing}`);
const digits = (_, value) => (typeof value === "number" ? Number(value.toPrecision(9)) : value);
const cases = {};
const { versions } = runTorch(caseNames, "float64", 0, (name, results) => {
  cases[name] = Object.fromEntries(Object.entries(results).map(([key, values]) => [key, summarise(values)]));
});
const lines = Object.entries(cases).flatMap(([name, summary]) => {
  const rows = Object.entries(summary).map(
    ([key, value]) => `      ${JSON.stringify(key)}: ${JSON.stringify(value, digits)}`,
  );
  return `    ${JSON.stringify(name)}: {\n${rows.join(",\n")}\n    }`;
});
const head = `  "about": "PyTorch ${versions.torch}, float64"`;
writeFileSync(new URL("goldens.json", import.meta.url), `{\n${head},\n  "cases": {\n${lines.join(",\n")}\n  }\n}\n`);
