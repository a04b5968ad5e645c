/** Opening and closing the engine, in a process of its own: this one has the device of all tests. */
import { gpuTest } from "../executors.js";
import { check, skip, test } from "../harness.js";
import { dist, inProcess as inOwnProcess } from "../in-process.js";

const imports = `import { init, memory, mul, profile, reopen, shutdown, stop, tensor } from "${dist}engine/index.js";`;
const inProcess = (code: string, flags?: readonly string[]): Promise<string[]> => inOwnProcess(imports + code, flags);

test("the engine opens without an adapter on the reference, once at a time, and again after closing", async () => {
  const lines = await inProcess(`
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
    /init: the engine is being opened with { executor: "reference" }, now { executor: "gpu" } came; call shutdown\(\) first/,
    /^the float64 reference$/,
    /init: the engine already runs on the float64 reference with { executor: "reference" }, now { executor: "gpu" } came/,
    /^1,2$/,
    /^1$/,
    /profile: the float64 reference has no kernels/,
    /no executor/,
    /^reference$/,
  ];
  for (const [i, pattern] of expected.entries()) check.match(lines[i], pattern);
});

gpuTest("an adapter that is not there is refused with those that are", async () => {
  const [line] = await inProcess(`await init({ adapter: "GeForce 9999" }).catch(show);`);
  check.match(
    line,
    /init: no WebGPU adapter named like "GeForce 9999" was found; there is ".+": give part of such a name, or none$/,
  );
});

test("init is one promise while it runs and when repeated; what shutdown gave up may be taken up again", async () => {
  const lines = await inProcess(`
    const options = { executor: "reference" };
    const first = init(options);
    show(first === init({ executor: "reference", leakNotice: true }));
    await first;
    show(first === init(options));
    shutdown();
    // React's StrictMode: an effect, its end, the effect again.
    const effect = init(options);
    shutdown();
    const again = init(options);
    show(effect === again);
    show((await again).description);
    shutdown();
    const given = init(options);
    shutdown();
    show(await given.catch((e) => e));
    const other = init(options);
    shutdown();
    show(await Promise.all([init({ ...options, poolBytes: 1 }).then((on) => on.kind), other.catch((e) => e.name)]));
    await stop();
    refused(() => memory());
    await reopen().catch(show);
    for (const wrong of [{ leakNotice: 1 }, { onLost: 1 }, { device: {} }, { device: {}, adapter: "x" }]) await init(wrong).catch(show);
  `);
  const expected = [
    /^true$/,
    /^true$/,
    /^true$/,
    /^the float64 reference$/,
    /^init: shutdown\(\) was called before the device was open; call init\(\) again$/,
    /^reference,DeviceError$/,
    /no executor/,
    /^reopen: the engine is not open; call init\(\)$/,
    /^init: leakNotice is 1; true or false is needed$/,
    /^init: onLost: 1 given; a function is needed/,
    /^init: device is an object \{\}; a GPUDevice is needed, as adapter\.requestDevice\(\) gives it$/,
    /^init: device and adapter given, and a device has its adapter already; give one of the two$/,
  ];
  check.is(lines.length, expected.length, lines.join("\n"));
  for (const [i, pattern] of expected.entries()) check.match(lines[i], pattern);
});

test("a program that loses tensors is told once, with the ops that made them; one that holds many is not", async () => {
  const program = (loop: string): Promise<string[]> =>
    inProcess(
      `console.warn = (text) => show(text);
      await init({ executor: "reference" });
      const held = [];
      for (let i = 0; i < 900; i++) {
        ${loop}
        if (i % 100 === 0) { await pause(0); gc(); await pause(0); }
      }
      show(memory().liveCount);`,
      ["--expose-gc"],
    );
  const [notice, alive, ...rest] = await program("mul(mul(tensor([1, 2]), tensor([3, 4])), tensor(2));");
  check.equal(rest, [], "told once");
  check.is(Number(alive), 4500);
  check.match(notice, /^holdfast: the program loses tensors: \d+ live outside of scopes, .* They were made by /);
  check.match(notice, /made by tensor \(\d\d %\), mul \(\d\d %\)\..*init\({ leakNotice: false }\) silences this$/);
  // As many, and somebody has them all.
  check.equal(
    await program(
      "held.push(tensor([1, 2]), tensor([3, 4]), tensor(2)); held.push(mul(held.at(-3), held.at(-2))); held.push(mul(held.at(-1), held.at(-2)));",
    ),
    ["4500"],
  );
});

const openDawn = `
    const { create } = await import("webgpu");
    const dawn = create([]);
    const adapter = await dawn.requestAdapter();`;

gpuTest("a device that is given is used with its own limits, and lives on", async () => {
  const lines = await inProcess(`${openDawn}
    const device = await adapter.requestDevice();
    const executor = await init({ device });
    show(executor.device.capabilities.maxStorageBuffers === device.limits.maxStorageBuffersPerShaderStage);
    show(executor.device.capabilities.subgroups);
    show(await mul(tensor([1, 2]), 3).read());
    refused(() => tensor(new Float32Array(device.limits.maxStorageBufferBindingSize / 4 + 1)));
    await reopen().catch(show);
    await init({}).catch(show);
    shutdown();
    // Still open: its owner goes on with it.
    const buffer = device.createBuffer({ size: 4, usage: 0x1 | 0x8 });
    await buffer.mapAsync(0x1);
    show("alive");
    show((await init({ device })).kind);
    show(await mul(tensor([1, 2]), 2).read());
    shutdown();
    device.destroy();
    await device.lost;
    await init({ device }).catch(show);
    process.exit();
  `);
  const expected = [
    /^true$/,
    /^false$/,
    /^3,6$/,
    /needs \d+ bytes in one buffer; this adapter binds at most \d+/,
    /^reopen: the engine was given its device; call shutdown\(\), then init\(\{ device \}\) with another one$/,
    /^init: the engine already runs on .* with \{ device: .* \}, now \{ device: undefined \} came/,
    /^alive$/,
    /^gpu$/,
    /^2,4$/,
    /^init: the device is lost \(.*\); request another one$/,
  ];
  check.is(lines.length, expected.length, lines.join("\n"));
  for (const [i, pattern] of expected.entries()) check.match(lines[i], pattern);
});

gpuTest("a loss is told once, closing is none, and the engine opens again", async () => {
  const lines = await inProcess(`
    const told = [];
    const onLost = (error) => told.push(error.reason);
    const executor = await init({ onLost });
    const x = tensor([1, 2]);
    executor.device.gpu.destroy();
    await executor.device.gpu.lost;
    await pause(0);
    refused(() => mul(x, 2));
    show(told);
    await reopen();
    show(await mul(tensor([1, 2]), 2).read());
    (await init({ onLost })).device.gpu.destroy();
    await pause(50);
    show(told);
    show((await init()).kind);
    shutdown();
    await pause(50);
    show(told);
    await init();
    const working = mul(tensor(new Float32Array(1e6)), 2).read();
    await stop();
    show((await working).length);
  `);
  const expected = [
    /was lost: .*; call shutdown\(\), then init\(\) again/,
    /^lost$/,
    /^2,4$/,
    /^lost,lost$/,
    /^gpu$/,
    /^lost,lost$/,
    /^1000000$/,
  ];
  check.is(lines.length, expected.length, lines.join("\n"));
  for (const [i, pattern] of expected.entries()) check.match(lines[i], pattern);
});

gpuTest("opening and closing many times keeps no threads and no files", async () => {
  if (process.platform !== "linux") skip("threads are counted in /proc");
  // The platform keeps a device until its wrappers are collected.
  const counted = await inProcess(
    `
    const { readdirSync } = await import("node:fs");
    const count = (what) => readdirSync("/proc/self/" + what).length;
    for (let i = 0; i < 12; i++) {
      await init({ tuning: false });
      await mul(tensor([1]), 2).read();
      shutdown();
      await pause(20);
      if (i === 2 || i === 11) { gc(); await pause(500); gc(); await pause(100); show([count("task"), count("fd")]); }
    }
  `,
    ["--expose-gc"],
  );
  const [first, last] = counted.map((line) => line.split(",").map(Number));
  check.ok(
    last[0] <= first[0] + 2 && last[1] <= first[1] + 1,
    `threads and files ${first} after 3 times, ${last} after 12`,
  );
});
