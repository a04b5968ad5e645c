/** Storage in 16 bits: rounding as IEEE 754 has it, everywhere the same bits, in half the memory. */
import fc from "fast-check";
import { halfToNumber, numberToHalf } from "../../engine/halves.js";
import {
  capture,
  grad,
  mapTree,
  matmul,
  memory,
  packHalf,
  sum,
  type Tensor,
  tensor,
  unpackHalf,
} from "../../engine/index.js";
import { fromHalf, toHalf } from "../../engine/ops/half.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";

const everywhere = (name: string, body: () => unknown): void => {
  referenceTest(`${name}, in float64`, body);
  gpuTest(name, body);
};

/** Every finite binary16 from below, by its own definition and not by bits. */
const finite = Array.from({ length: 2 * 0x7c00 }, (_, i) => (i % 2 === 0 ? 1 : -1) * halfOf(i >> 1)).sort(
  (a, b) => a - b,
);
function halfOf(bits: number): number {
  const [exponent, fraction] = [bits >> 10, bits & 1023];
  return exponent === 0 ? (fraction / 1024) * 2 ** -14 : (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The nearest of them: of two as near the one with an even last bit; beyond the last one as if they went on. */
function nearest(x: number): number {
  if (Math.abs(x) >= 65520) return Math.sign(x) * Number.POSITIVE_INFINITY;
  let [low, high] = [0, finite.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (finite[middle] <= x) low = middle;
    else high = middle;
  }
  const [below, above] = [x - finite[low], finite[high] - x];
  if (below !== above) return below < above ? finite[low] : finite[high];
  return numberToHalf(finite[low]) % 2 === 0 ? finite[low] : finite[high];
}

test("numbers are rounded to the nearest binary16, ties to even", () => {
  check.holds(
    fc.property(fc.float({ noNaN: true }), fc.integer({ min: 0, max: finite.length - 2 }), (any, at) => {
      const between = Math.fround((finite[at] + finite[at + 1]) / 2);
      for (const x of [any, between]) check.ok(halfToNumber(numberToHalf(x)) === nearest(x), `${x}`);
    }),
  );
});

everywhere("all 65 536 patterns, what lies between them and what is none of them give the same bits", async () => {
  const patterns = Uint32Array.from({ length: 2 ** 16 }, (_, i) => i);
  const numbers = await fromHalf(tensor(patterns)).read();
  check.equal([...numbers], Array.from(patterns, halfToNumber));
  const between = Float32Array.from({ length: 2 ** 15 }, (_, i) =>
    Math.fround((halfToNumber(i) + halfToNumber(i + 1)) / 2),
  );
  const near = [...between].flatMap((x) => [x, Math.fround(x * (1 + 2 ** -20)), Math.fround(-x * (1 - 2 ** -20))]);
  const special = [
    0,
    -0,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    3.4e38,
    -3.4e38,
    1e-45,
    65504,
    65519.99,
    65520,
    2 ** -25,
    2 ** -24,
  ];
  const all = Float32Array.from([...numbers, ...near, ...special]);
  const bits = await toHalf(tensor(all)).read();
  check.equal(
    [...bits],
    Array.from(all, (x) => (Number.isNaN(x) ? bits[0] * 0 + numberToHalf(x) : numberToHalf(x))),
  );
});

everywhere("what was packed comes back in its shape, odd sizes and none included", async () => {
  for (const shape of [[7], [3, 5], [2, 3, 4], [], [1], [0], [4, 0]]) {
    const size = shape.reduce((a, b) => a * b, 1);
    const x = Float32Array.from({ length: size }, (_, i) => Math.fround(Math.sin(i + 1) * 10 ** (i % 7)));
    const packed = packHalf(tensor(x, shape));
    check.equal(packed.words.shape, [Math.ceil(size / 2)]);
    const back = unpackHalf(packed);
    check.equal(back.shape, shape);
    check.equal(
      [...(await back.read())],
      Array.from(x, (v) => halfToNumber(numberToHalf(v))),
    );
  }
});

everywhere("gradients go to what was unpacked, eager and captured", async () => {
  const params = { w: tensor([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [2, 3]), rest: [tensor([1])], name: "net" };
  const stored = mapTree(params, packHalf);
  const loss = (p: { w: Tensor }): Tensor => sum(matmul(p.w, tensor([1, 2, 3], [3, 1])));
  const step = (half: typeof stored) => {
    const whole = unpackHalf(half);
    check.is(whole.name, "net");
    return grad(loss)(whole).w;
  };
  const captured = capture(step);
  for (const f of [step, captured]) check.equal([...(await f(stored).read())], [1, 2, 3, 1, 2, 3]);
  captured.dispose();
});

gpuTest("half the memory", () => {
  const x = tensor(new Float32Array(2 ** 18), [512, 512]);
  const before = memory().liveBytes;
  const packed = packHalf(x);
  check.is(memory().liveBytes - before, 2 * 2 ** 18);
  packed.words.dispose();
});

everywhere("words of another size are refused", () => {
  const { words } = packHalf(tensor([1, 2, 3]));
  check.throws(
    () => unpackHalf({ words, shape: [5] }),
    /unpackHalf: words u32\[2\] came for the shape \[5\]; u32\[3\] is needed/,
  );
  check.throws(() => packHalf(tensor(Int32Array.of(1))), /toHalf: i32\[1\] given; f32 is needed/);
});
