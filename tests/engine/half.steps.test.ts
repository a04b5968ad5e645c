/** f16 inside functions: its gradients, and captured steps that take, give and unpack it. */
import {
  add,
  type Captured,
  capture,
  cast,
  customVjp,
  dispose,
  grad,
  hvp,
  jvp,
  keep,
  matmul,
  memory,
  mul,
  random,
  reshape,
  scope,
  square,
  stopGradient,
  sum,
  type Tensor,
  tensor,
} from "../../engine/index.js";
import { gpuTest, onReference, referenceTest } from "../executors.js";
import { check } from "../harness.js";

const thereAndBack = (x: Tensor): Tensor => cast(cast(x, "f16"), "f32");

/** Σ (h as f32)³, whose gradient is 3 h². */
const cubes = (h: Tensor): Tensor => {
  const x = cast(h, "f32");
  return sum(mul(square(x), x));
};

async function gradientsAgree(): Promise<void> {
  const values = [1, -2, 300];
  const h = tensor(values, [3], "f16");
  const g = grad(cubes)(h);
  // In f32, where 3 · 300² still is a number.
  check.is(g.dtype, "f32");
  check.identical(await g.read(), [3, 12, 270_000]);
  check.identical(await grad((x: Tensor) => cubes(cast(x, "f16")))(tensor(values)).read(), [3, 12, 270_000]);
  check.identical(await grad((h: Tensor) => add(cubes(reshape(h, [3, 1])), cubes(h)))(h).read(), [6, 24, 540_000]);
  check.identical(await grad((h: Tensor) => sum(grad(cubes)(h)))(h).read(), [6, -12, 1800]);
  check.identical(await hvp(cubes, h, tensor([1, 1, 2])).read(), [6, -12, 3600]);
  const [, pushed] = jvp((h: Tensor) => square(cast(h, "f32")), h, tensor([1, 1, 1]));
  check.identical(await pushed.read(), [2, -4, 600]);
  // Nothing arrives at b, and at what is held.
  const [a, b] = grad(([a]: Tensor[]) => cubes(a))([h, h]);
  check.identical(await a.read(), [3, 12, 270_000]);
  check.equal([b.dtype, ...(await b.read())], ["f32", 0, 0, 0]);
  check.identical(await grad((h: Tensor) => cubes(stopGradient(() => h)))(h).read(), [0, 0, 0]);
  const own = customVjp(
    (h) => cast(h, "f32"),
    () => [null],
  );
  check.identical(await grad((h: Tensor) => sum(own(h)))(h).read(), [0, 0, 0]);
}
referenceTest("gradients pass both ways in f32, at any order, in float64", gradientsAgree);
gpuTest("gradients pass both ways in f32, at any order, on the GPU", gradientsAgree);

gpuTest("captured steps take halves, give them and take over their memory", async () => {
  const x = tensor([1, 2.0001, -3, 4, 5]);
  const h = cast(x, "f16");
  for (const fuse of [true, false]) {
    using step = capture(
      (h: Tensor, x: Tensor) => ({
        back: cast(h, "f32"),
        half: cast(x, "f16"),
        same: h,
        row: reshape(h, [1, 5]),
        own: cast(mul(x, 2), "f16"),
      }),
      { fuse },
    );
    await step.verify(h, x);
    for (let run = 0; run < 2; run++) {
      const { back, half, same, row, own } = step(h, x);
      for (const t of [back, half, same, row]) check.identical(await t.read(), [1, 2, -3, 4, 5]);
      check.identical(await own.read(), [2, 4, -6, 8, 10]);
      check.equal([half.dtype, same.dtype, row.shape], ["f16", "f16", [1, 5]]);
    }
    using halve = capture((h: Tensor) => cast(mul(cast(h, "f32"), 0.5), "f16"), { fuse, donate: [0] });
    let state = tensor([8, 4, 2, 1, 0.5], [5], "f16");
    for (let run = 0; run < 3; run++) state = halve(state);
    check.identical(await state.read(), [1, 0.5, 0.25, 0.125, 0.0625]);
    using pass = capture((h: Tensor, x: Tensor) => [mul(x, 1), h, h], { fuse, donate: [0] });
    check.identical(await pass(tensor([1, 2, 3], [3], "f16"), x)[1].read(), [1, 2, 3]);
  }
});

/** Layers of so many weights each, and what a captured pass through all of them holds. */
const SIDE = 256;
const LAYERS = 8;

function bytesOf(step: Captured<[Tensor], Tensor>, x: Tensor): number {
  const before = memory().liveBytes;
  step(x).dispose();
  return memory().liveBytes - before;
}

gpuTest("a captured network of halves unpacks one layer at a time and keeps none", async () => {
  const weights = keep(Array.from({ length: LAYERS }, (_, i) => random.normal(random.key(i), [SIDE, SIDE])));
  const halves = keep(scope(() => weights.map((w) => cast(w, "f16"))));
  const x = random.normal(random.key(99), [4, SIDE]);
  const through = (ws: Tensor[], x: Tensor): Tensor => ws.reduce((h, w) => mul(matmul(h, w), 0.06), x);
  for (const fuse of [true, false]) {
    // All of them are cast before the first is used.
    const f = (x: Tensor): Tensor =>
      through(
        halves.map((h) => cast(h, "f32")),
        x,
      );
    using step = capture(f, { fuse });
    const held = bytesOf(step, x);
    const one = 4 * SIDE * SIDE;
    check.ok(held >= one && held < 3 * one, `${held} bytes are held, and a layer as f32 takes ${one}`);
    check.close(await step(x).read(), await f(x).read(), { rtol: 1e-4, atol: 1e-5 });
    check.close(
      await step(x).read(),
      await onReference(async () => {
        const ws = Array.from({ length: LAYERS }, (_, i) => thereAndBack(random.normal(random.key(i), [SIDE, SIDE])));
        return through(ws, random.normal(random.key(99), [4, SIDE])).read();
      }),
      { rtol: 1e-3, atol: 1e-3 },
    );
  }
  dispose([weights, halves]);
});

gpuTest("small layers of halves are kept as they are too", async () => {
  const h = keep(cast(random.normal(random.key(1), [64, 64]), "f16"));
  using step = capture((x: Tensor) => matmul(x, cast(h, "f32")));
  step(random.normal(random.key(2), [3, 64])).dispose();
  check.match(step.describe(), /\d+ {2}half\.unpack/);
  check.ok(!/^once|made once/m.test(step.describe()), step.describe());
  dispose(h);
});
