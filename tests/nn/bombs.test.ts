/** Small files that would take much time or memory, or that would print what they like: refused before they do. */
import { memory } from "../../engine/index.js";
import { DataError } from "../../nn/data/error.js";
import { readImage, readImageAs } from "../../nn/data/image.js";
import { readClasses, readCsv, readSafetensors, unpackTree, writeSafetensors } from "../../nn/index.js";
import { printable, shownNames } from "../../nn/printable.js";
import { ConfigError, number, object, variations } from "../../nn/schema.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { makePng, repairSums } from "./make-png.js";
import { processorMs } from "./mutants.js";

const one = { dtype: "f32", shape: [1], data: Float32Array.of(1) } as const;
const named = (...names: readonly string[]): Uint8Array => {
  const bytes = writeSafetensors(new Map(names.map((name) => [name, one])));
  return bytes;
};

/** What `body` takes of the processor, in ms. */
async function timed(body: () => unknown): Promise<number> {
  const began = processorMs();
  await body();
  return processorMs() - began;
}

referenceTest("names of tensors that make no tree are refused, and no tensor stays", async () => {
  const cases: [string[], RegExp][] = [
    [["0.weight", "99999999.weight"], /the list of layers has 2 entries and goes up to 99999999; number them/],
    [["net.4000.w"], /the list net has 1 entry and goes up to 4000/],
    [["__proto__.x"], /begins with __proto__; .*rename the tensor/],
    [["a.__proto__"], /begins with a\.__proto__/],
    [["a", "a.b"], /weights: a is a tensor, and so is what is named after it/],
    [["a.b.c", "a.b"], /weights: a\.b is a tensor/],
    [[`${".".repeat(20_000)}x`], /at most 64 parts/],
  ];
  const before = memory().liveCount;
  for (const [names, message] of cases) {
    const ms = await timed(() =>
      check.ok(check.throws(() => unpackTree(named(...names)), message) instanceof DataError),
    );
    check.ok(ms < 500, `${names[0].slice(0, 20)}: ${ms.toFixed(0)} ms`);
  }
  check.is(memory().liveCount, before);
});

referenceTest("names that a tree has come back: numbers with gaps as lists, others as they are", () => {
  const { tree } = unpackTree(named("net.0.w", "net.3.w", "00", "0", "constructor.toString"));
  check.equal([tree.net.length, tree.net[1], tree.net[2]], [4, null, null]);
  check.equal(Object.keys(tree).sort(), ["0", "00", "constructor", "net"]);
  check.equal(Object.keys(tree.constructor), ["toString"]);
  // Freed with the scope of the test would be too late: they are kept.
  for (const t of [tree["0"], tree["00"], tree.net[0].w, tree.net[3].w, tree.constructor.toString]) t.dispose();
});

test("an image is judged by its header before it is unpacked", async () => {
  const large = makePng({ width: 8, height: 8, depth: 1, colourType: 0, channels: 1, sample: () => 0 });
  new DataView(large.buffer, large.byteOffset).setUint32(16, 4100);
  new DataView(large.buffer, large.byteOffset).setUint32(20, 4100);
  const before = process.memoryUsage().arrayBuffers;
  const ms = await timed(async () => {
    await check.rejects(() => readImage(repairSums(large), 1), /4100x4100 pixels take .*at most 16777216 pixels/);
    await check.rejects(() => readImageAs(large, [1, 28, 28], { resize: true }), DataError);
    await check.rejects(() => readImageAs(large, [1, 28, 28]), /image is 4100x4100; the network takes 28x28/);
  });
  check.ok(ms < 100, `${ms.toFixed(0)} ms`);
  check.ok(process.memoryUsage().arrayBuffers - before < 2 ** 21, "nothing was unpacked");
});

test("a header of safetensors that is as long as allowed is read or refused in little time", async () => {
  const header = (json: string): Uint8Array => {
    const bytes = new Uint8Array(8 + json.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
    bytes.set(new TextEncoder().encode(json), 8);
    return bytes;
  };
  const most = 4 * 2 ** 20;
  const entry = (i: number): string => `"t${i}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`;
  const entries = Array.from({ length: 12_000 }, (_, i) => entry(i)).join(",");
  for (const [json, message] of [
    [`{${entries}}`, undefined],
    [`{"a":${"[".repeat(most / 3)}${"]".repeat(most / 3)}}`, /safetensors: /],
    [`{"__metadata__":{"a":"${"x".repeat(most - 100)}"}}`, undefined],
    [`{"${"\\".repeat(most / 4)}":1}`, /safetensors: the entry of/],
    [`{${" ".repeat(most)}}`, /safetensors: .* bytes with a header length/],
  ] as const) {
    const bytes = header(json);
    const ms = await timed(() =>
      message ? check.throws(() => readSafetensors(bytes), message) : readSafetensors(bytes),
    );
    check.ok(ms < 4000, `${json.slice(0, 30)}: ${ms.toFixed(0)} ms`);
  }
});

test("names of classes are lines of bounded length that a terminal shows as they are", () => {
  const bad = "\u001b[2K\rpredicted: safe\n\u202eefas";
  const [first, second, third] = readClasses(JSON.stringify([bad, "x".repeat(1_000_000), "Zürich 東京"]))!;
  check.is(first, "\\x1b[2K\\x0dpredicted: safe\\x0a\\u202eefas");
  check.ok(second.length === 200 && second.includes("..."), second);
  check.is(third, "Zürich 東京");
  check.equal(shownNames([first, second, third]), [first, second, third], "shown once more they stay");
  check.is(printable("\u0007".repeat(500), 100).length, 100);
});

test("messages are one line of bounded length, whatever a file says", () => {
  const long = `${"a".repeat(10_000_000)}\u001b[31m\n`;
  const messages = [
    new DataError(`weights: ${long}; write the file again`).message,
    new ConfigError(`x: ${long} came`).message,
    (check.throws(() => number().read(long, "x"), ConfigError) as Error).message,
    (check.throws(() => readCsv(`${long.trim()},${long.trim()}\n1,2`), DataError) as Error).message,
  ];
  for (const message of messages) check.ok(message.length <= 1000 && !/\p{Cc}/u.test(message), message.slice(0, 80));
  check.match(messages[0], /^weights: a+\.\.\..*write the file again$/);
});

test("values that are like each other are read in time, circles and long chains refused", async () => {
  const schema = variations(object({ size: number() }));
  const chain = (length: number): Record<string, unknown> => ({
    ...Object.fromEntries(Array.from({ length }, (_, i) => [`s${i}`, { like: `s${i + 1}` }])),
    [`s${length}`]: { size: 3 },
  });
  check.equal(schema.read(chain(50), "").s0, { size: 3 });
  const wide = {
    base: { size: 1 },
    ...Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`t${i}`, { like: "base", size: i }])),
  };
  check.ok((await timed(() => check.is(schema.read(wide, "").t4999.size, 4999))) < 500);
  check.ok(
    (await timed(() =>
      check.throws(() => schema.read(chain(20_000), ""), /s100\.like: more than 100 values|s101\.like/),
    )) < 500,
  );
  check.throws(() => schema.read({ a: { like: "b" }, b: { like: "a" } }, ""), /a\.like|b\.like/);
  check.throws(() => schema.read({ a: { like: "__proto__" } }, ""), /a\.like: "__proto__" came/);
});
