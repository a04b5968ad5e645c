/** f16: stored in half the memory, rounded by one rule everywhere, unpacked to compute, and refused by everything else. */
import fc from "fast-check";
import { executor } from "../../engine/executor.js";
import type { GpuExecutor, GpuValue } from "../../engine/gpu/executor.js";
import {
  add,
  capture,
  cast,
  concat,
  memory,
  mul,
  reshape,
  type Tensor,
  tensor,
  transpose,
  zeros,
  zerosLike,
} from "../../engine/index.js";
import { table } from "../../engine/ops/table.js";
import { Tensor as TensorClass } from "../../engine/tensor.js";
import { gpuTest, onReference, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { tensorsOf } from "../values.js";

/** Every half that is a number of at least 0, in order: 0, 1024 of each power of two, and 2¹⁶ in the place of infinity. */
const LADDER: readonly number[] = Array.from({ length: 31 * 1024 + 1 }, (_, i) =>
  i < 1024 ? i / 2 ** 24 : (1024 + (i % 1024)) * 2 ** (Math.floor(i / 1024) - 25),
);

/** The half nearest to x, found on the ladder; of two equally near the one at an even place, whose last bit is 0. */
function rounded(x: number): number {
  if (Number.isNaN(x)) return x;
  const size = Math.abs(x);
  let [low, high] = [0, LADDER.length - 1];
  if (size >= LADDER[high]) return Math.sign(x) * Infinity;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (LADDER[middle] <= size) low = middle;
    else high = middle;
  }
  const [down, up] = [size - LADDER[low], LADDER[high] - size];
  const at = down < up || (down === up && low % 2 === 0) ? low : high;
  const half = at === LADDER.length - 1 ? Infinity : LADDER[at];
  return x < 0 || Object.is(x, -0) ? -half : half;
}

const thereAndBack = (x: Tensor): Tensor => cast(cast(x, "f16"), "f32");

/** What comes back from f16 by each way there is: a cast, a captured one, and host data that is stored so. */
async function ways(values: Float32Array): Promise<[string, ArrayLike<number>][]> {
  using step = capture((x: Tensor) => thereAndBack(x));
  using fused = capture((x: Tensor) => mul(thereAndBack(x), 1));
  return [
    ["cast", await thereAndBack(tensor(values)).read()],
    ["read as f16", await cast(tensor(values), "f16").read()],
    ["captured", await step(tensor(values)).read()],
    ["captured and fused", await fused(tensor(values)).read()],
    ["made as f16", await tensor(values, [values.length], "f16").read()],
    ["made as f16 and cast", await cast(tensor(values, [values.length], "f16"), "f32").read()],
    [
      "captured on the float64 reference",
      await onReference(async () => {
        using own = capture((x: Tensor) => thereAndBack(x));
        return (await own(tensor(values)).read()).map(Number);
      }),
    ],
    ["float64 reference", await onReference(async () => (await thereAndBack(tensor(values)).read()).map(Number))],
  ];
}

gpuTest("numbers there and back are the nearest halves, ties to even", () =>
  check.holds(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc.float(),
          fc.float({ min: -70000, max: 70000 }),
          fc.float({ min: Math.fround(-1e-4), max: Math.fround(1e-4) }),
        ),
        {
          maxLength: 9,
        },
      ),
      async (list) => {
        const values = Float32Array.from(list);
        const expected = values.map(rounded);
        for (const [way, actual] of await ways(values)) check.identical(actual, expected, way);
      },
    ),
    { numRuns: 40 },
  ),
);

gpuTest("each half keeps its value, and so do the middles between two and what lies next to those", async () => {
  const bits = new Uint32Array(1);
  const float = new Float32Array(bits.buffer);
  /** The f32 next to a positive one. */
  const beside = (x: number, by: 1 | -1): number => {
    float[0] = x;
    bits[0] += by;
    return float[0];
  };
  const positive = LADDER.slice(0, -1).flatMap((half, i) => {
    const middle = (half + LADDER[i + 1]) / 2;
    return [half, middle, beside(middle, 1), beside(middle, -1)];
  });
  const values = Float32Array.from([...positive, ...positive.map((x) => -x)]);
  const expected = values.map(rounded);
  for (const [way, actual] of await ways(values)) check.identical(actual, expected, way);
});

gpuTest("special values", async () => {
  const rows: readonly [number, number][] = [
    [Number.NaN, Number.NaN],
    [Infinity, Infinity],
    [-Infinity, -Infinity],
    [0, 0],
    [-0, -0],
    [65504, 65504],
    [65519.996, 65504],
    [65520, Infinity],
    [-65520, -Infinity],
    [3.4028234663852886e38, Infinity],
    [2 ** -14, 2 ** -14],
    [2 ** -24, 2 ** -24],
    [-1023 * 2 ** -24, -1023 * 2 ** -24],
    [1023.5 * 2 ** -24, 2 ** -14],
    [2 ** -25, 0],
    [-(2 ** -25), -0],
    [1.0000001 * 2 ** -25, 2 ** -24],
    [2 ** -126, 0],
    [2 ** -149, 0],
    [-(2 ** -149), -0],
    [2049, 2048],
    [2051, 2052],
  ];
  const values = Float32Array.from(rows, ([given]) => given);
  for (const [way, actual] of await ways(values))
    check.identical(
      actual,
      rows.map(([, expected]) => expected),
      way,
    );
});

/** The words that a tensor lies in. */
async function wordsIn(h: Tensor, count: number): Promise<number[]> {
  const on = executor() as GpuExecutor;
  const { buffer } = h.valueOn(on, "words") as GpuValue;
  buffer.refs++;
  const layout = { strides: [1], offset: 0 };
  return [...(await new TensorClass(on, on.own({ shape: [count], dtype: "u32" }, layout, buffer), "words").read())];
}

gpuTest("two lie in a word, the first in its low half; beside a last one alone lie zeros", async () => {
  for (const made of [tensor([1, -2, 65504], [3], "f16"), cast(tensor([1, -2, 65504]), "f16")])
    check.equal(await wordsIn(made, 2), [0xc0003c00, 0x7bff]);
});

gpuTest("f16 takes half the bytes of f32", async () => {
  const on = (make: () => Tensor): number => {
    const before = memory().liveBytes;
    const made = make();
    const bytes = memory().liveBytes - before;
    made.dispose();
    return bytes;
  };
  const x = tensor(new Float32Array(2 ** 20));
  check.is(
    on(() => tensor(new Float32Array(2 ** 20))),
    4 * 2 ** 20,
  );
  check.is(
    on(() => cast(x, "f16")),
    2 * 2 ** 20,
  );
  check.is(
    on(() => tensor(new Float32Array(2 ** 20), [2 ** 20], "f16")),
    2 * 2 ** 20,
  );
});

gpuTest("any number of elements, none too, in any shape, and integers there and back", async () => {
  for (const n of [0, 1, 2, 3, 63, 64, 65, 127, 128, 129, 1001]) {
    const x = tensor(Float32Array.from({ length: n }, (_, i) => i - 7));
    const h = cast(x, "f16");
    check.equal([h.dtype, h.size], ["f16", n]);
    check.identical(await h.read(), await x.read());
    const column = reshape(h, [n, 1]);
    check.equal([column.dtype, column.shape], ["f16", [n, 1]]);
    check.identical(await cast(column, "f32").read(), await x.read());
    check.identical(await cast(h, "i32").read(), await cast(x, "i32").read());
    check.identical(await cast(cast(x, "i32"), "f16").read(), await x.read());
  }
  // What is no row-major layout is put in order first.
  const columns = transpose(
    tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]),
  );
  check.identical(await cast(columns, "f16").read(), [1, 4, 2, 5, 3, 6]);
});

referenceTest("all ops but those that store refuse it in one sentence", () => {
  let refused = 0;
  for (const op of table) {
    if (op.takesHalves) continue;
    const sample = op.samples().find(({ inputs }) => inputs.length > 0);
    if (!sample || ["cast", "packHalf"].includes(op.name)) continue;
    const inputs = tensorsOf(sample.inputs, 1);
    for (const i of inputs.keys()) {
      const given = inputs.map((x, k) => (k === i ? cast(x, "f16") : x));
      check.throws(() => sample.call(...given), /f16/, `${op.name}, operand ${i}`);
      refused++;
    }
  }
  check.ok(refused > 100, `${refused} calls`);
  const h = tensor([1, 2], [2], "f16");
  check.throws(
    () => add(h, 1),
    /^add: f16\[2\] given; f16 is only stored; cast\(x, "f32"\) is needed to compute with it$/,
  );
  check.throws(() => add(1, h), /^add: f16\[2\] given/);
  check.throws(() => concat([h, h]), /^concat: f16\[2\] given/);
  check.throws(
    () => zeros([2], "f16"),
    /^zeros: dtype "f16" given; "f32", "i32" or "u32" is needed; f16 is only stored/,
  );
  check.throws(() => zerosLike(h), /f16 is only stored: make it with cast\(x, "f16"\) or tensor\(\)/);
  check.throws(() => cast(h, "f64" as "f32"), /^cast: dtype "f64" given; "f32", "f16", "i32" or "u32" is needed/);
});
