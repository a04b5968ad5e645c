/** Writes goldens.json and networkGoldens.json: summaries of every case's results in PyTorch's float64. `node goldens.mjs NAME...` renews
 *  these cases alone; the attacks take a minute or two each. Run `npm run format` after it. */
import { readFileSync, writeFileSync } from "node:fs";
import { summarise } from "../../dist/bench/agreement.js";
import { caseNames, networkCaseNames } from "../../dist/bench/inputs.js";
import { missingTorch, runTorch } from "./pytorch.mjs";

const missing = missingTorch();
if (missing !== undefined) throw new Error(`goldens need PyTorch: ${missing}`);
const files = { "goldens.json": caseNames, "networkGoldens.json": networkCaseNames };
const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !Object.values(files).flat().includes(name));
if (unknown !== undefined) throw new Error(`goldens: ${unknown} came ; names of cases are needed`);
for (const [file, names] of Object.entries(files)) {
  const renewed = names.filter((name) => wanted.length === 0 || wanted.includes(name));
  if (renewed.length > 0) write(new URL(file, import.meta.url), names, renewed);
}

function write(path, names, renewed) {
  const found = JSON.parse(readFileSync(path, "utf8")).cases;
  const { versions } = runTorch(renewed, "float64", 0, (name, results, { error }) => {
    if (error !== undefined) throw new Error(`${name}: ${error}`);
    found[name] = Object.fromEntries(Object.entries(results).map(([key, values]) => [key, summarise(values)]));
  });
  // In the order of the cases, whatever was renewed.
  const cases = Object.fromEntries(names.filter((name) => name in found).map((name) => [name, found[name]]));
  const digits = (_, value) => (typeof value === "number" ? Number(value.toPrecision(9)) : value);
  const goldens = { about: `PyTorch ${versions.torch}, float64`, cases };
  writeFileSync(path, `${JSON.stringify(goldens, digits, 2)}\n`);
}
