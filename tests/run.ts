/**
 * `node dist/tests/run.js [--only substring] [--file substring] [--seed n] [--driver swiftshader|path] [file …]` runs the
 * test files under dist/tests (or the ones named) in one process, one after the other, on one device: that of the Vulkan
 * driver whose JSON manifest is named, or the default one. Exits 0 only if every registered test ran and none failed.
 */
import { existsSync, readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { ensureAdapter, formatRemedy } from "../cli/driver.js";
import { driverEnvironment, findSwiftShader } from "./drivers/find.js";
import { root } from "./harness.js";
import { failUntilFinished, MOST_MAPS, mappedPieces } from "./longRun.js";
import { collect, hooks } from "./registry.js";
import { runSuite, type Totals, verdict } from "./suite.js";

const here = fileURLToPath(new URL(".", import.meta.url));

const finished = failUntilFinished("tests");

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string" },
    file: { type: "string" },
    seed: { type: "string", default: "1" },
    driver: { type: "string" },
  },
});
fc.configureGlobal({ seed: Number(options.seed) });
if (options.driver !== undefined) Object.assign(process.env, driverEnvironment(driverNamed(options.driver)));

function driverNamed(name: string): string {
  const path = name === "swiftshader" ? findSwiftShader() : name;
  if (path !== undefined && existsSync(path)) return path;
  throw new Error(`tests: no Vulkan driver ${name} ; install Chromium, or give the path of a driver's JSON manifest`);
}

/** The adapter, or why GPU tests cannot run; looked up once, when the first one comes. */
let gpu: { adapter?: string; missing?: string } | undefined;

async function findGpu(): Promise<{ adapter?: string; missing?: string }> {
  const found = await ensureAdapter();
  if (found.kind === "ready") return { adapter: found.adapter.name };
  console.log(formatRemedy(found.remedy));
  return { missing: found.remedy.reason };
}

/** Opens the device for the modules that asked for it since the last file. */
async function openGpu(): Promise<void> {
  gpu ??= await findGpu();
  if (gpu.missing !== undefined) return;
  try {
    for (const hook of hooks.gpuStart.splice(0)) await hook();
  } catch (error) {
    console.log(error);
    gpu = { missing: `the adapter ${gpu.adapter} cannot be opened` };
  }
}

function testFiles(): string[] {
  if (positionals.length > 0) return positionals.map((path) => resolve(path));
  const found = readdirSync(here, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".test.js"));
  return (
    found
      .filter((path) => path.includes(options.file ?? ""))
      // The compiler leaves the output of deleted sources behind.
      .filter((path) => existsSync(join(root, "tests", path.replace(/\.js$/, ".ts"))))
      .sort()
      .map((path) => join(here, path))
  );
}

/** Opens the device anew where the driver is about to run out of maps. */
async function renewDevice(): Promise<void> {
  if (mappedPieces() < MOST_MAPS) return;
  for (const hook of hooks.renew) await hook();
}

const totals: Totals = { passed: 0, failed: [], skipped: [], gpuRan: 0 };
const { failed, skipped } = totals;
let registered = 0;

async function runFile(path: string): Promise<void> {
  const name = relative(here, path).replace(/\.js$/, ".ts");
  const started = performance.now();
  const all = await collect(() => import(pathToFileURL(path).href));
  if (all.length === 0) throw new Error("the file registers no test");
  const tests = all.filter((test) => test.name.includes(options.only ?? ""));
  if (tests.length === 0) return;
  registered += tests.length;
  if (tests.some((test) => test.gpu)) await openGpu();
  await runSuite(name, tests, gpu?.missing, totals);
  console.log(`    ${tests.length} tests in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

for (const path of testFiles()) {
  try {
    await renewDevice();
    await runFile(path);
  } catch (error) {
    registered++;
    failed.push(relative(here, path));
    console.log(`\n  FAIL  ${relative(here, path)}`, error);
  }
}
for (const hook of hooks.shutdown) {
  try {
    await hook();
  } catch (error) {
    registered++;
    failed.push("shutdown");
    console.log(error);
  }
}

const accounted = totals.passed + failed.length + skipped.length;
if (accounted !== registered) failed.push(`internal: ${registered} tests registered, ${accounted} accounted for`);
console.log();
for (const line of skipped) console.log(`skipped  ${line}`);
for (const line of failed) console.log(`FAILED   ${line}`);
if (totals.passed === 0) console.log("FAILED   no test passed");
if (failed.length > 0) console.log(`seed of the random samples: ${options.seed}`);
if (gpu?.missing !== undefined) console.log(`GPU: NOT RUN (${gpu.missing})`);
else if (gpu) console.log(`GPU: ${totals.gpuRan} checks on ${gpu.adapter}`);
else console.log("GPU: no check was asked for");
console.log(verdict(totals));
finished();
// Left-over timers or a device of a test that hung must not keep the process alive.
await new Promise((written) => process.stdout.write("", written)); // a pipe takes the report after process.exit otherwise
process.exit(failed.length === 0 && totals.passed > 0 ? 0 : 1);
