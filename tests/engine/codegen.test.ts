/** Generated pointwise kernels: random graphs over random layouts, with sizes as parameters and as literals. */
import fc from "fast-check";
import { executor } from "../../engine/executor.js";
import { callsIn, libraryFor, tokensOf } from "../../engine/expression.js";
import { type PointwiseGraph, pointwise } from "../../engine/gpu/codegen.js";
import type { GpuExecutor } from "../../engine/gpu/executor.js";
import { planIteration } from "../../engine/gpu/iteration.js";
import { wholeOperand } from "../../engine/gpu/lowering.js";
import { literal } from "../../engine/literal.js";
import type { Capabilities, Operand } from "../../engine/lower.js";
import { broadcastStrides, contiguousStrides, sizeOf } from "../../engine/shape.js";
import { reflect } from "../../shaders/reflect.js";
import { gpuTest } from "../executors.js";
import { check, test } from "../harness.js";

interface Layout {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Every operation on small integers is exact in f32. */
const operations = [
  { text: ([a, b]: readonly string[]) => `(${a} + ${b})`, value: (a: number, b: number) => a + b },
  { text: ([a, b]: readonly string[]) => `max(${a}, ${b})`, value: (a: number, b: number) => Math.max(a, b) },
  {
    text: ([a, b]: readonly string[]) => `(${a} - ${literal(3)} * relu(${b}))`,
    value: (a: number, b: number) => a - 3 * Math.max(b, 0),
  },
  { text: ([a]: readonly string[]) => `(${literal(-2)} * ${a})`, value: (a: number) => -2 * a },
];

/** An operand that broadcasts to `shape`: some sides 1, axes in any order in memory, flipped, gapped, shifted. */
const operand = (shape: readonly number[]): fc.Arbitrary<Layout> =>
  fc
    .record({
      kept: fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }),
      order: fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
      plain: fc.boolean(),
      flips: fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }),
      gap: fc.constantFrom(1, 1, 2),
      shift: fc.constantFrom(0, 0, 1, 4),
    })
    .map(({ kept, order, plain, flips, gap, shift }) => {
      const own = shape.map((side, k) => (plain || kept[k] ? side : 1));
      if (plain) return { shape: own, strides: contiguousStrides(own), offset: shift };
      const strides = new Array<number>(own.length).fill(0);
      let step = gap;
      for (const k of order) {
        strides[k] = step;
        step *= own[k];
      }
      let offset = shift;
      flips.forEach((flip, k) => {
        if (!flip) return;
        offset += (own[k] - 1) * strides[k];
        strides[k] = -strides[k];
      });
      return { shape: own, strides, offset };
    });

/** Windows of pooling, three to a row, beside all others. */
const sides = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.constantFrom(1, 2, 3, 4, 8), { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.constant([3, 2, 3, 2]) },
);
const problem = sides.chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    inputs: fc.array(operand(shape), { minLength: 1, maxLength: 3 }),
    steps: fc.array(fc.record({ operation: fc.nat(3), a: fc.nat(), b: fc.nat() }), { minLength: 1, maxLength: 4 }),
    second: fc.option(fc.nat()),
    bake: fc.boolean(),
  }),
);

gpuTest("a generated kernel computes its graph, whatever the layouts", async () => {
  const on = executor() as GpuExecutor;
  const data = Float32Array.from({ length: 4096 }, (_, i) => ((i * 7) % 23) - 11);
  const source = on.upload(data, { shape: [data.length], dtype: "f32" });
  await fc.assert(
    fc.asyncProperty(problem, async ({ shape, inputs, steps, second, bake }) => {
      const count = inputs.length;
      const args = steps.map(({ a, b }, i) => [a % (count + i), b % (count + i)]);
      const results = [count + steps.length - 1, ...(second === null ? [] : [second % (count + steps.length)])];
      const graph: PointwiseGraph = {
        name: "random",
        steps: steps.map(({ operation }, i) => ({
          dtype: "f32",
          args: args[i],
          expression: (texts) => operations[operation].text(texts),
        })),
        results,
      };
      const outputs = results.map(() => {
        const spec = { shape, dtype: "f32" } as const;
        const storage = on.pool.acquire(4 * sizeOf(shape), "test");
        return on.own(spec, wholeOperand(spec, storage), storage);
      });
      const operands = inputs.map((x): Operand => ({ ...x, dtype: "f32", buffer: source.buffer }));
      on.stream.record(pointwise(graph, operands, outputs, { caps: on.device.capabilities, bake })!);

      const expected = results.map(() => new Float32Array(sizeOf(shape)));
      const strides = inputs.map((x) => broadcastStrides(x.shape, x.strides, shape));
      const places = contiguousStrides(shape);
      for (let i = 0; i < sizeOf(shape); i++) {
        const at = places.map((place, k) => Math.floor(i / place) % shape[k]);
        const values = inputs.map((x, o) => data[x.offset + strides[o].reduce((sum, s, k) => sum + s * at[k], 0)]);
        for (const [s, { operation }] of steps.entries())
          values.push(operations[operation].value(values[args[s][0]], values[args[s][1]]));
        results.forEach((r, o) => {
          expected[o][i] = values[r];
        });
      }
      for (const [o, y] of outputs.entries()) {
        check.equal(await on.read(y), expected[o]);
        on.release(y);
      }
    }),
    { numRuns: 40 },
  );
  on.release(source);
});

const contiguous = (shape: readonly number[], offset = 0): Layout => ({
  shape,
  strides: contiguousStrides(shape),
  offset,
});

test("dimensions merge where every operand allows, and vectors are used where they may be", () => {
  const plain = planIteration([2, 3, 8], [contiguous([2, 3, 8]), contiguous([2, 3, 8])]);
  check.equal([plain.width, plain.sides, plain.operands[0].access], [4, [12], "linear"]);
  const row = planIteration([2, 3, 8], [contiguous([8]), contiguous([2, 3, 8])]);
  check.equal([row.width, row.sides, row.operands.map((o) => o.access)], [4, [6, 2], ["strided", "linear"]]);
  const scalar = planIteration([5, 7], [contiguous([]), contiguous([5, 7])]);
  check.equal(
    [scalar.width, scalar.sides, scalar.count],
    [4, [35].map((n) => Math.ceil(n / 4)), 9],
    "into the padding",
  );
  const part = planIteration([5, 7], [{ ...contiguous([5, 7]), padded: false }]);
  check.is(part.width, 1, "not where others' elements follow");
  const odd = planIteration([4, 8], [contiguous([4, 8], 2), contiguous([4, 8])]);
  check.is(odd.width, 1, "not off the alignment");
  const turned = planIteration([8, 4], [{ shape: [8, 4], strides: [1, 8], offset: 0 }, contiguous([8, 4])]);
  check.equal([turned.width, turned.sides], [1, [8, 4]]);
});

test("captured kernels gather what is no vector, so that all else can be one", () => {
  const gathered = (shape: readonly number[], strides: readonly number[], offset = 0) =>
    planIteration(shape, [{ shape, strides, offset, gathers: true }, contiguous(shape)]);
  const turned = gathered([8, 4], [1, 8]);
  check.equal([turned.width, turned.sides], [4, [8]]);
  check.equal([turned.operands[0].lanes, turned.operands[0].strides], [[0, 8, 16, 24], [1]]);
  check.equal([turned.operands[1].access, turned.operands[1].vector], ["linear", true]);
  // The gradient of a 2 x 2 mean: four neighbours of a row come from two of its elements.
  const spread = gathered([3, 2, 6, 2], [6, 0, 1, 0]);
  check.equal(
    [spread.sides, spread.operands[0].lanes],
    [
      [3, 2, 3],
      [0, 0, 1, 1],
    ],
  );
  check.is(gathered([3, 2, 7, 2], [7, 0, 1, 0]).width, 1, "rows of 14");
  const all = [{ strides: [7, 0, 1, 0] }, { strides: [28, 14, 2, 1] }].map(({ strides }) => ({
    ...{ shape: [3, 2, 7, 2], strides, offset: 0, gathers: true },
  }));
  const windows = planIteration([3, 2, 7, 2], all);
  check.equal(
    [windows.width, windows.sides],
    [4, [3, 7]],
    "a window to a thread, where its results may be written one by one",
  );
  check.equal(
    windows.operands.map(({ lanes, strides, access }) => [lanes, strides, access]),
    [
      [undefined, [7, 1], "strided"],
      [[0, 1, 14, 15], [28, 2], "strided"],
    ],
  );
  check.is(gathered([4, 8], [8, 1], 2).width, 1, "neighbours off the alignment");
});

test("a software adapter gets few workgroups, any adapter no more than it allows", () => {
  const caps = { software: false, maxWorkgroupsPerDimension: 65_535 } as Capabilities;
  const groups = (n: number, on: Capabilities): number => {
    const x = wholeOperand({ shape: [n], dtype: "f32" }, {});
    const y = wholeOperand({ shape: [n], dtype: "f32" }, {});
    const { grid } = pointwise({ name: "copy", steps: [], results: [0] }, [x], [y], { caps: on })!;
    check.equal(grid.slice(1), [1, 1]);
    return grid[0];
  };
  check.is(groups(1024, caps), 4);
  check.is(groups(1024, { ...caps, software: true }), 4);
  check.is(groups(2 ** 20, caps), 4096);
  check.is(groups(2 ** 20, { ...caps, software: true }), 64);
  check.ok(groups(2 ** 31, caps) <= 65_535, "2^31 elements");
});

test("generated code carries the library functions it calls and those they need", () => {
  check.is(libraryFor(["(x0 + x1)"]).text, "");
  const { names, text } = libraryFor(["relu(x0)"]);
  check.equal(names, ["isNan", "relu"]);
  check.equal(libraryFor(["relu(x0)"], ["isNan"]).names, ["relu"], "what is there already is left out");
  check.match(text, /^\/\/@origin lib\/scalar.wgsl \d+\nfn isNan\(/);
  check.match(text, "fn relu(");
  check.ok(!text.includes("fn fromBits("), "and no other");
});

test("an expression is cut in words and numbers, and nothing is lost", () => {
  const cut = (expression: string): string[] => {
    const tokens = tokensOf(expression);
    check.is(tokens.map(({ text }) => text).join(""), expression);
    return tokens.flatMap(({ text, kind }) => (kind === "other" ? [] : [`${kind} ${text}`]));
  };
  check.equal(cut("(f32(x12 >> 8u) * 5.96e-8f)"), ["word f32", "word x12", "number 8u", "number 5.96e-8f"]);
  check.equal(cut("select(0f,1e+21f,x0==-3i)"), ["word select", "number 0f", "number 1e+21f", "word x0", "number 3i"]);
  check.is(callsIn("select(x0, exp(x1), (x2 > 0f))"), 2);
  // Neither hexadecimal numbers nor numbers without a type can become parameters.
  check.equal(cut("0xffu + 0x1f + 1.0 + 2 + 3fu"), []);
});

test("a generated kernel declares what its source does", () => {
  const caps = { software: false, maxWorkgroupsPerDimension: 65_535 } as Capabilities;
  const x = wholeOperand({ shape: [2, 6], dtype: "i32" }, {});
  const y = { ...wholeOperand({ shape: [6, 2], dtype: "f32" }, {}), shape: [2, 6], strides: [1, 2] };
  const z = wholeOperand({ shape: [2, 6], dtype: "f32" }, {});
  for (const bake of [false, true]) {
    const step = {
      ...({ dtype: "f32", args: [0, 1] } as const),
      expression: ([a, b]: readonly string[]) => `(f32(${a} + 7i) * ${b} + 0.5f)`,
    };
    const { kernel } = pointwise({ name: "mixed", steps: [step], results: [2] }, [x, y], [z], { caps, bake })!;
    const { threads, includes, ...found } = reflect("mixed", (kernel.source as string[]).join(""));
    check.equal(
      { ...kernel, source: [], params: kernel.params ?? null },
      { ...found, source: [], params: found.params ?? null },
    );
  }
});

test("literals are exact, and safe from constant folding", () => {
  check.equal(
    [literal(1.5), literal(-1.5), literal(0.1), literal(1e30)],
    ["1.5f", "(-1.5f)", `${Math.fround(0.1)}f`, `${Math.fround(1e30)}f`],
  );
  check.equal(
    [Number.NaN, Number.POSITIVE_INFINITY, 1e39, -0, 1e-40].map((v) => literal(v).startsWith("fromBits(")),
    [true, true, true, true, true],
  );
  check.equal([literal(-3, "i32"), literal(7, "u32")], ["(-3i)", "7u"]);
});
