/** The runner itself: each way in which a run could pass by mistake must be red. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { check, root, test, withoutDriver } from "./harness.js";

function run(
  fixture: string,
  args: string[] = [],
  env: Record<string, string> = {},
): { code: number | null; text: string } {
  const path = join(root, "dist/tests/fixtures/harness", `${fixture}.js`);
  const result = spawnSync(process.execPath, [join(root, "dist/tests/run.js"), path, ...args], {
    encoding: "utf8",
    timeout: 60_000,
    env: { ...process.env, ...env },
  });
  return { code: result.status, text: result.stdout + result.stderr };
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1)!;
}

const red: [fixture: string, sign: RegExp, last: string][] = [
  ["neverAsserts", /made no assertion/, "0 passed, 1 failed, 0 skipped"],
  ["throwsString", /not an Error: 'not an Error'/, "0 passed, 1 failed, 0 skipped"],
  ["rejectsUndefined", /not an Error: undefined/, "0 passed, 1 failed, 0 skipped"],
  ["hangs", /not finished after 50 ms/, "0 passed, 1 failed, 0 skipped"],
  ["empty", /registers no test/, "0 passed, 1 failed, 0 skipped"],
  ["failsToLoad", /broken at load/, "0 passed, 1 failed, 0 skipped"],
  ["strayRejection", /nobody awaits this/, "0 passed, 1 failed, 0 skipped"],
  ["leaks", /0 live tensors before, 1 after/, "0 passed, 1 failed, 0 skipped"],
  ["onlySkips", /no test passed/, "0 passed, 0 failed, 1 skipped"],
  ["failsPlainly", /2 of 3 elements differ.*worst at 2: NaN came, 3 was expected/, "1 passed, 1 failed, 0 skipped"],
  ["registersTwice", /registered twice/, "0 passed, 1 failed, 0 skipped"],
];

for (const [fixture, sign, last] of red)
  test(`${fixture} is red`, () => {
    const { code, text } = run(fixture);
    check.is(code, 1);
    check.match(text, sign);
    check.is(lastLine(text), last);
  });

test("a run that ends early is red although the test said 0", () => {
  const { code, text } = run("exitsEarly");
  check.is(code, 1);
  check.match(text, /tests: the process ended before its work was done/);
});

test("a test that blocks the event loop ends the run, named and counted", () => {
  const { code, text } = run("blocks");
  check.ok(code !== 0, `exit code ${code}`);
  check.match(text, "blocks.ts: blocks the event loop: blocks the event loop, the run ends here");
  check.is(lastLine(text), "1 passed, 1 failed, 0 skipped");
});

test("tests that hold are green, and skips are counted", () => {
  const { code, text } = run("passes");
  check.is(code, 0);
  check.match(text, /is skipped: nothing to do here/);
  check.is(lastLine(text), "2 passed, 0 failed, 1 skipped");
});

test("--only runs what matches and is red when nothing does", () => {
  check.is(lastLine(run("passes", ["--only", "later"]).text), "1 passed, 0 failed, 0 skipped");
  check.is(run("passes", ["--only", "no such test"]).code, 1);
});

test("without an adapter a GPU test is failed, named, and the reason is printed", () => {
  const { code, text } = run("needsGpu", [], withoutDriver);
  check.is(code, 1);
  check.match(text, /FAILED {3}fixtures\/harness\/needsGpu.ts: needs an adapter \(not run: no GPU\)/);
  check.match(text, /GPU: NOT RUN \(no Vulkan driver is found where VK_DRIVER_FILES points\)/);
  check.is(lastLine(text), "1 passed, 1 failed, 0 skipped");
});
