/** Opening and closing the engine, in a process of its own: this one has the device of all tests. */
import { spawnSync } from "node:child_process";
import { gpuTest } from "../executors.js";
import { check, root, skip, test } from "../harness.js";

/** Runs `code` after the imports; what it passes to `show` comes back, one per line. */
function inProcess(code: string): string[] {
  const script = `
    import { init, memory, profile, shutdown, tensor } from "${root}dist/engine/index.js";
    const show = (x) => console.log(String(x instanceof Error ? x.message : x));
    const refused = (f) => { try { f(); show("not refused"); } catch (e) { show(e); } };
    ${code}`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    timeout: 50_000,
  });
  check.is(status, 0, stderr);
  return stdout.trimEnd().split("\n");
}

test("the engine opens without an adapter on the reference, once at a time, and again after closing", () => {
  const lines = inProcess(`
    refused(() => tensor(1));
    const first = init({ executor: "reference" });
    await init().catch(show);
    show((await first).description);
    await init().catch(show);
    const x = tensor([1, 2]);
    show(await x.read());
    show(memory().liveCount);
    refused(() => profile(() => 1));
    shutdown();
    shutdown();
    refused(() => memory());
    show((await init({ executor: "reference" })).kind);
  `);
  check.is(lines.length, 9);
  const expected = [
    /no executor: call `await init\(\)` first/,
    /init: (a first call has not finished|the engine already runs)/,
    /^the float64 reference$/,
    /init: the engine already runs on the float64 reference; call shutdown\(\) first/,
    /^1,2$/,
    /^1$/,
    /profile: the float64 reference has no kernels/,
    /no executor/,
    /^reference$/,
  ];
  for (const [i, pattern] of expected.entries()) check.match(lines[i], pattern);
});

gpuTest("an adapter that is not there is refused with those that are", () => {
  const [line] = inProcess(`await init({ adapter: "GeForce 9999" }).catch(show);`);
  check.match(
    line,
    /init: no WebGPU adapter named like "GeForce 9999" was found; there is ".+": give part of such a name, or none$/,
  );
});

gpuTest("opening and closing again and again leaves no threads and no descriptors behind", () => {
  if (process.platform !== "linux") skip("threads are counted by /proc");
  const [first, last] = inProcess(`
    const { readdirSync } = await import("node:fs");
    const held = () => [readdirSync("/proc/self/task").length, readdirSync("/proc/self/fd").length];
    const turn = async () => {
      await init({ tuning: false });
      await tensor([1, 2]).read();
      shutdown();
    };
    for (let i = 0; i < 2; i++) await turn();
    show(held());
    for (let i = 0; i < 10; i++) await turn();
    show(held());
  `).map((line) => line.split(",").map(Number));
  for (const [i, what] of ["threads", "descriptors"].entries())
    check.ok(last[i] <= first[i] + 5, `${first[i]} ${what} after two times, ${last[i]} after twelve`);
});
