/** `npm run mutants [-- --count 10000] [--only name]`: feeds mutants to every parser of foreign files and prints what became of them. */
import { parseArgs } from "node:util";
import { failUntilFinished } from "./longRun.js";
import { PARSERS, survive } from "./parsers.js";
import { running } from "./registry.js";

const finished = failUntilFinished("mutants");
const { values } = parseArgs({
  options: { count: { type: "string", default: "10000" }, only: { type: "string", default: "" } },
});
const count = Number(values.count);
const chosen = PARSERS.filter(({ name }) => name.includes(values.only));
let failed = chosen.length === 0;
for (const parser of chosen) {
  const began = performance.now();
  try {
    const { refused, slowest } = await running.run({ assertions: 0 }, () => survive(parser, count));
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    console.log(
      `${parser.name.padEnd(40)} ${count} mutants, ${refused} refused, ${seconds} s${slowest > 0 ? `, slowest ${slowest.toFixed(0)} ms` : ""}`,
    );
  } catch (error) {
    failed = true;
    console.log(`${parser.name.padEnd(40)} FAILED: ${(error as Error).message}`);
  }
}
finished();
process.exit(failed ? 1 : 0);
