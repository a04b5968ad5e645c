/** The library in a browser: one program, bundled, in headless Chromium, against the same program in float64. */
import { join } from "node:path";
import { build } from "esbuild";
import { runInChromium } from "./browser/chromium.js";
import type { PageReport } from "./browser/page.js";
import { greyValues, type Outcome, runProgram } from "./browser/program.js";
import { findChromium } from "./drivers/find.js";
import { onReference } from "./executors.js";
import { check, root, skip, test } from "./harness.js";

/** Three times what a machine took that was busy with other work. */
const timeoutMs = 180_000;

/** Where a browser would have Symbol.dispose there is nothing at first: not every one with WebGPU has it. */
const olderBrowser = { "Symbol.dispose": "Symbol.missing" };

async function bundle(): Promise<string> {
  const { outputFiles, warnings } = await build({
    entryPoints: [join(root, "dist/tests/browser/page.js")],
    bundle: true,
    define: olderBrowser,
    platform: "browser",
    format: "esm",
    target: "es2022",
    write: false,
    logLevel: "silent",
  });
  check.equal(warnings, []);
  return outputFiles[0].text;
}

test(
  "training, maps and an attack in Chromium are those of float64",
  async () => {
    const chromium = findChromium() ?? skip("no Chromium; install it, or set HOLDFAST_CHROMIUM to the program");
    const answer = runInChromium(chromium, await bundle(), AbortSignal.timeout(timeoutMs - 5000));
    const [exact, came] = await Promise.all([onReference(runProgram), answer]);
    if ("error" in (came as object)) check.fail((came as { error: string }).error);
    const { adapter, outcome, drawn, left } = came as PageReport;
    console.log(`    in Chromium on ${adapter}`);
    for (const [name, expected] of Object.entries(exact) as [keyof Outcome, number[]][])
      check.close(outcome[name], expected, { rtol: 1e-3, atol: 1e-6 }, name);
    check.ok(outcome.losses.at(-1)! < outcome.losses[0], `the loss falls: ${outcome.losses}`);
    for (const [i, after] of outcome.after.entries())
      check.ok(after > outcome.before[i], `the attack gains: ${outcome.before[i]} before, ${after} after`);
    check.equal(drawn, greyValues(outcome.smoothMap), "the canvas shows the map");
    check.is(left, 0, "tensors left alive in the page");
  },
  { timeoutMs },
);
