/** Measured choices of kernels: which shapes they speak for, which tables are refused, and where they are kept. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Capabilities } from "../../engine/lower.js";
import { chooseConv2d, chooseConv2dFilter, chooseConv2dInput, chooseMatmul } from "../../engine/ops/choose.js";
import { isTunedChoice, type TunedChoice } from "../../engine/ops/tuned.js";
import { kernelsVersion, type TuningTable, tuningFor } from "../../engine/tuning.js";
import { check, gpuTest, root, test } from "../harness.js";

const caps: Capabilities = {
  ...{ software: true, subgroups: true, subgroupMinSize: 8, subgroupMaxSize: 8, f16: false },
  ...{ maxInvocationsPerWorkgroup: 1024, maxWorkgroupSizeX: 1024, maxWorkgroupStorageBytes: 32768 },
  ...{ maxWorkgroupsPerDimension: 65535, maxBindingBytes: 2 ** 27, maxBufferBytes: 2 ** 31, maxStorageBuffers: 16 },
};
const square = { batch: 1, m: 512, n: 512, depth: 512, transA: false, transB: false };
const conv = { rows: 64 * 196, columns: 64, depth: 800, groups: 1, window: 25 };
const input = { ...conv, images: 64, places: 196 };
const filter = { ...conv, rows: 800, depth: 64 * 196, cuts: 64 * 14, bytes: 2 ** 22 };

function tuned(op: TunedChoice["op"], shape: object, choice: TunedChoice["choice"]): Capabilities {
  return { ...caps, tuning: [{ op, shape: { ...shape } as TunedChoice["shape"], choice }] };
}

test("a table changes the choice of every op", () => {
  const tiled = { variant: "tiled", side: 16 } as const;
  check.equal(chooseMatmul(square, tuned("matmul", square, { ...tiled, parts: 4 })), { ...tiled, parts: 4 });
  check.equal(chooseConv2d(conv, tuned("conv2d", conv, tiled)), tiled);
  check.equal(chooseConv2dInput(input, tuned("conv2dInput", input, { variant: "fold" })), { variant: "fold" });
  check.equal(chooseConv2dFilter(filter, tuned("conv2dFilter", filter, { variant: "plain" })), { variant: "plain" });
});

test("a choice speaks for sizes up to twice as large or small, for its own op and layout", () => {
  const plain = { variant: "plain" };
  const table = tuned("matmul", square, plain);
  for (const near of [{ m: 1024 }, { n: 256 }, { m: 700, n: 300, depth: 1000 }])
    check.equal(chooseMatmul({ ...square, ...near }, table), plain);
  for (const far of [{ m: 1025 }, { depth: 255 }, { batch: 3 }, { transA: true }])
    check.equal(chooseMatmul({ ...square, ...far }, table), chooseMatmul({ ...square, ...far }, caps));
  check.equal(chooseConv2dInput(input, tuned("conv2d", conv, plain)), chooseConv2dInput(input, caps));
});

test("of several measured shapes the nearest speaks, even where it says that the model is right", () => {
  const table = [
    ...tuned("matmul", square, { variant: "plain" }).tuning!,
    ...tuned("matmul", { ...square, m: 800 }, null).tuning!,
  ];
  const choose = (m: number) => chooseMatmul({ ...square, m }, { ...caps, tuning: table }).variant;
  check.equal([500, 600, 700, 1500].map(choose), ["plain", "plain", "registers", "registers"]);
});

test("what the adapter cannot run is not taken", () => {
  const wide = { variant: "registers", subgroups: true, columns: 64, exchanged: true };
  const without = { ...caps, subgroups: false, subgroupMinSize: 1 };
  const table = tuned("matmul", square, wide).tuning;
  check.equal(chooseMatmul(square, { ...without, tuning: table }), chooseMatmul(square, without));
  const small = { ...caps, maxBindingBytes: 4 * 512 * 512 };
  const split = tuned("matmul", square, { variant: "tiled", side: 8, parts: 2 }).tuning;
  check.equal(chooseMatmul(square, { ...small, tuning: split }), chooseMatmul(square, small));
  const fold = tuned("conv2dInput", input, { variant: "fold" }).tuning;
  check.ok(chooseConv2dInput(input, { ...small, tuning: fold }).variant !== "fold");
  const parts = tuned("conv2dFilter", filter, { variant: "tiled", side: 8, parts: 16 });
  check.equal(chooseConv2dFilter({ ...filter, cuts: 5 }, parts), { variant: "tiled", side: 8, parts: 5 });
  const dots = { variant: "dots", lanes: 8, columns: 2 } as const;
  const line = { ...square, m: 1, transA: true, transB: true };
  const along = tuned("matmul", line, dots);
  check.equal(chooseMatmul(line, along), dots);
  check.equal(chooseMatmul({ ...line, m: 2 }, along), chooseMatmul({ ...line, m: 2 }, caps));
  const filtering = { variant: "winograd", side: 8, tiles: 1024, group: 256 } as const;
  const filtered = tuned("conv2d", conv, filtering);
  check.equal(chooseConv2d({ ...conv, tiles: 1024 }, filtered), filtering);
  check.is(chooseConv2d(conv, filtered).variant, "registers");
  const transforming = { variant: "fourier", side: 16, images: 7 } as const;
  const transformed = tuned("conv2d", conv, transforming);
  const [fits, other] = ([16, 8] as const).map((side) => ({ ...conv, transform: { side, images: 64 } }));
  check.equal(chooseConv2d(fits, transformed), transforming);
  check.equal(chooseConv2d(other, transformed), chooseConv2d(other, caps));
});

const adapter = { vendor: "v", architecture: "a", device: "card", description: "driver 1" };
const table: TuningTable = {
  ...{ adapter, kernels: kernelsVersion(), made: "2026-01-31" },
  choices: tuned("matmul", square, { variant: "tiled", side: 8, parts: 2 }).tuning!,
};

test("a table of another adapter or of other kernels is refused, one that says less of the adapter is not", () => {
  check.equal(tuningFor(adapter, JSON.parse(JSON.stringify(table))), table);
  check.throws(
    () => tuningFor({ ...adapter, description: "driver 2" }, table),
    /^tuning: the table was measured on description "driver 1" ; this adapter has "driver 2" ; run `npx holdfast bench tune`/,
  );
  check.throws(() => tuningFor({ ...adapter, architecture: "" }, table), /on architecture "a" ; this adapter has ""/);
  check.equal(tuningFor({ ...adapter, device: "", description: "" }, table), table);
  check.throws(
    () => tuningFor(adapter, { ...table, kernels: "0" }),
    /of kernels 0 ; this engine has kernels [0-9a-f]{8}/,
  );
});

test("what is no table, or holds a choice that cannot be made, is refused", () => {
  for (const value of [null, 1, [], {}, { ...table, choices: {} }, { ...table, adapter: null }])
    check.throws(() => tuningFor(adapter, value), /no adapter and no list of choices/);
  const [good] = table.choices;
  check.ok(isTunedChoice(good) && isTunedChoice({ ...good, choice: null }));
  const [dots, along] = [
    { variant: "dots", lanes: 64, columns: 4 },
    { ...square, transB: true },
  ];
  check.ok(isTunedChoice({ ...good, shape: along, choice: dots }));
  const wrong: unknown[] = [
    null,
    "plain",
    { ...good, op: "sum" },
    { ...good, op: "conv2d" },
    { op: "conv2d", shape: conv, choice: dots },
    { ...good, choice: dots },
    ...[
      { ...dots, lanes: 16 },
      { ...dots, columns: 3 },
    ].map((choice) => ({ ...good, shape: along, choice })),
    { ...good, shape: null },
    { ...good, shape: { ...square, m: 0 } },
    { ...good, shape: { ...square, m: "512" } },
    { ...good, shape: { ...square, transA: 1 } },
    ...[
      undefined,
      {},
      { variant: "constructor" },
      { variant: "fold" },
      { variant: "plain", side: 8 },
      { variant: "tiled", side: 8 },
      { variant: "tiled", side: 12, parts: 1 },
      { variant: "tiled", side: 8, parts: 0.5 },
      { variant: "registers", subgroups: true, columns: 7, exchanged: false },
      { variant: "registers", subgroups: true, columns: 8, parts: 1 },
    ].map((choice) => ({ ...good, choice })),
  ];
  for (const entry of wrong)
    check.throws(() => tuningFor(adapter, { ...table, choices: [good, entry] }), /entry 2 of 2 is no choice/);
});

/** Runs `code` with the engine open on the GPU, in a process whose cache folder is `folder`. */
function withCache(folder: string, code: string): { lines: string[]; err: string } {
  const script = `
    import { init, matmul, profile, shutdown, tensor } from "${root}dist/engine/index.js";
    import { tuningPath } from "${root}dist/engine/tuning.node.js";
    import { kernelsVersion } from "${root}dist/engine/tuning.js";
    const identity = ({ device: { gpu: { adapterInfo: i } } }) =>
      ({ vendor: i.vendor, architecture: i.architecture, device: i.device, description: i.description });
    const kernels = async () => {
      const a = tensor(new Float32Array(128 * 128).fill(1), [128, 128]);
      const { result, kernels } = await profile(() => matmul(a, a).read());
      return [result[0], ...kernels.map((k) => k.kernel)].join(" ");
    };
    ${code}
    await new Promise((written) => process.stdout.write("", written));
    process.exit(0);`;
  const env = { ...process.env, HOME: folder, XDG_CACHE_HOME: folder, LOCALAPPDATA: folder };
  const made = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    ...{ encoding: "utf8", timeout: 50_000, env },
  });
  check.is(made.status, 0, made.stderr);
  return { lines: made.stdout.trimEnd().split("\n"), err: made.stderr };
}

gpuTest("a kept table decides, a spoilt one is left aside with a reason, a given one must fit", () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-tuning-"));
  try {
    const { lines } = withCache(
      folder,
      `const on = await init();
       console.log(await tuningPath(identity(on)));
       console.log(JSON.stringify({ adapter: identity(on), kernels: kernelsVersion(), made: "2026-01-31", choices: [] }));
       console.log(await kernels());
       shutdown();`,
    );
    const [path, text, builtIn] = lines;
    check.ok(path.startsWith(folder), path);
    const shape = { batch: 1, m: 128, n: 128, depth: 128, transA: false, transB: false };
    const choices = [{ op: "matmul", shape, choice: { variant: "plain" } }];
    const made = { ...(JSON.parse(text) as TuningTable), choices };
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify(made));
    check.equal(withCache(folder, "await init(); console.log(await kernels());").lines, ["128 matmul.plain"]);
    check.equal(withCache(folder, "await init({ tuning: false }); console.log(await kernels());").lines, [builtIn]);
    check.ok(builtIn !== "128 matmul.plain", builtIn);

    writeFileSync(path, JSON.stringify(made).slice(0, -5));
    const spoilt = withCache(folder, "await init(); console.log(await kernels());");
    check.equal(spoilt.lines, [builtIn]);
    check.match(
      spoilt.err,
      /is not used: tuning: the file is no JSON ; a table is needed ; run `npx holdfast bench tune`/,
    );

    const other = JSON.stringify({ ...made, adapter });
    const given = withCache(folder, `await init({ tuning: ${other} }).catch((e) => console.log(e.message));`);
    check.match(given.lines[0], /^tuning: the table was measured on vendor "v" ; this adapter has/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
