/** Replay on the GPU: equal to the eager run to the bit, in place where given up, flat in memory. */
import { capture } from "../../engine/capture.js";
import { executor } from "../../engine/executor.js";
import type { GpuExecutor } from "../../engine/gpu/executor.js";
import { grad } from "../../engine/grad.js";
import type { OpSpec, Sample } from "../../engine/op.js";
import { add, mul, neg, sub } from "../../engine/ops/arithmetic.js";
import { conv2d } from "../../engine/ops/conv.js";
import { expand, reshape } from "../../engine/ops/movement.js";
import { sum } from "../../engine/ops/reduce.js";
import { slice } from "../../engine/ops/slice.js";
import { table } from "../../engine/ops/table.js";
import { square } from "../../engine/ops/unary.js";
import { dispose, scope } from "../../engine/scope.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import { mapTree, type Tree } from "../../engine/tree.js";
import { gpuTest, onReference } from "../executors.js";
import { gpuCalls } from "../gpuCalls.js";
import { check } from "../harness.js";
import { seededDraw, tensorsOf } from "../values.js";

const values = async (t: Tensor): Promise<number[]> => [...(await t.read())];

/** The op's result and the gradients of its sum of squares. */
function withGradients(op: OpSpec<never>, sample: Sample): (...xs: Tensor[]) => Tensor[] {
  const argument = sample.inputs.flatMap((x, i) => ((x.dtype ?? "f32") === "f32" ? [i] : []));
  return (...xs) => {
    const y = sample.call(...xs);
    if (op.vjp === null || y.dtype !== "f32" || argument.length === 0) return [y];
    const energy = (...inner: Tensor[]): Tensor => {
      const inside = sample.call(...inner);
      return sum(mul(inside, inside));
    };
    return [y, ...grad(energy, { argument })(...xs)];
  };
}

for (const op of table) {
  const samples = [...op.samples(), ...(op.draw ? [op.draw(seededDraw(21))] : [])];
  gpuTest(`${op.name}: replay = eager to the bit`, async () => {
    for (const [k, sample] of samples.entries()) {
      using step = capture(withGradients(op, sample), { fuse: false });
      for (const seed of [400 + k, 500 + k]) {
        const inputs = tensorsOf(sample.inputs, seed);
        const expected = withGradients(op, sample)(...inputs);
        const actual = step(...inputs);
        for (const [j, y] of expected.entries())
          check.identical(await actual[j].read(), await y.read(), `sample ${k}, output ${j}`);
      }
    }
  });
}

gpuTest("a step closes over windows: fused right, and without fusion as the op alone to the bit", async () => {
  // Minimal filtering by small tiles, a product with turned weights, and grouped ones.
  const cases: readonly [x: number[], w: number[], groups: number][] = [
    [[1, 256, 7, 7], [256, 256, 3, 3], 1],
    [[2, 12, 10, 10], [36, 12, 1, 1], 1],
    [[1, 16, 9, 9], [16, 1, 3, 3], 16],
  ];
  for (const [k, [shape, window, groups]] of cases.entries()) {
    const given = () => tensorsOf([{ shape }, { shape: window }], 700 + k);
    const energy = (w: Tensor) => (x: Tensor) => sum(square(conv2d(x, w, { padding: "same", groups })));
    const made = (w: Tensor) => (x: Tensor) => [conv2d(x, w, { padding: "same", groups }), grad(energy(w))(x)];
    const truth = await onReference(() => {
      const [x, w] = given();
      return Promise.all(made(w)(x).map((y) => y.read()));
    });
    const [x, w] = given();
    const alone = await Promise.all(made(w)(x).map((y) => y.read()));
    using fused = capture(made(w));
    using exact = capture(made(w), { fuse: false });
    for (const [j, y] of exact(x).entries()) check.identical(await y.read(), alone[j], `case ${k}, output ${j}`);
    for (const [j, y] of fused(x).entries()) {
      const atol = 3e-6 * Math.max(...truth[j].map(Math.abs));
      check.close(await y.read(), truth[j], { atol }, `case ${k}, output ${j}`);
    }
  }
});

gpuTest("donated state is updated in place and never copied", async () => {
  using step = capture((state: Tensor, x: Tensor) => mul(add(state, x), x), { donate: [0] });
  const x = tensor([2, 3]);
  let state = tensor([1, 1]);
  for (let i = 0; i < 3; i++) state = step(state, x);
  check.equal(await values(state), [((1 + 2) * 2 + 2) * 2 * 2 + 2 * 2, (((1 + 3) * 3 + 3) * 3 + 3) * 3]);
  check.match(step.describe(), /output 0 f32\[2\] from #0 .*, written in place of argument 0/);
});

gpuTest("results of earlier calls stay what they were", async () => {
  using step = capture((state: Tensor) => ({ state: add(state, 1), double: add(state, state) }), { donate: [0] });
  const first = step(tensor([1, 2]));
  const second = step(tensor([10, 20]));
  check.equal(await values(first.state), [2, 3]);
  check.equal(await values(first.double), [2, 4]);
  check.equal(await values(second.state), [11, 21]);
  const third = step(first.state);
  check.equal(await values(third.state), [3, 4]);
  check.equal(await values(second.state), [11, 21]);
});

gpuTest("donated tensors may be exchanged, viewed and passed through", async () => {
  using swap = capture((p: Tensor, q: Tensor) => [q, p], { donate: [0, 1] });
  check.throws(() => swap(tensor([1]), tensor([2])), /ran no op/);
  using step = capture((p: Tensor, q: Tensor, r: Tensor) => ({ p: q, q: p, r, sum: add(p, q), old: r }), {
    donate: [0, 1, 2],
  });
  const [p, q, r] = [tensor([1, 2]), tensor([3, 4]), tensor([5, 6])];
  let now = step(p, q, r);
  now = step(now.q, now.p, now.r);
  now = step(now.p, now.q, now.r);
  check.equal(await values(now.p), [1, 2]);
  check.equal(await values(now.q), [3, 4]);
  check.equal(await values(now.r), [5, 6]);
  check.equal(await values(now.sum), [4, 6]);
  using flat = capture((m: Tensor) => reshape(mul(m, 2), [2, 2]), { donate: [0] });
  let m = tensor([
    [1, 2],
    [3, 4],
  ]);
  m = flat(flat(m));
  check.equal(await values(m), [4, 8, 12, 16]);
});

gpuTest("arguments may be views", async () => {
  using step = capture((a: Tensor, b: Tensor) => sub(a, b), { donate: [0] });
  const wide = expand(tensor([[1], [2]]), [2, 3]);
  const b = reshape(tensor([1, 2, 3, 4, 5, 6]), [2, 3]);
  const y = step(wide, b);
  check.equal(await values(y), [0, -1, -2, -2, -3, -4]);
  const again = step(reshape(y, [2, 3]), b);
  check.equal(await values(again), [-1, -3, -5, -6, -8, -10]);
  // The view is all that is left of a result in the step's own buffer.
  const flat = reshape(again, [6]);
  const view = reshape(flat, [2, 3]);
  dispose([again, flat]);
  check.equal(await values(step(view, b)), [-2, -5, -8, -10, -13, -16]);
});

gpuTest("an argument passed again is read again only when it changed", async () => {
  using step = capture((a: Tensor, b: Tensor) => mul(a, b));
  const [a, b] = [tensor([1, 2]), tensor([3, 4])];
  check.equal(await values(step(a, b)), [3, 8]);
  check.equal(await values(step(a, a)), [1, 4]);
  check.equal(await values(step(b, a)), [3, 8]);
  a.dispose();
  const again = tensor([5, 6]);
  check.equal(await values(step(again, b)), [15, 24]);
});

gpuTest("a captured tensor may lie in another step's buffer", async () => {
  using advance = capture((s: Tensor) => add(s, 1), { donate: [0] });
  const state = advance(tensor([1, 2]));
  using uses = capture((x: Tensor) => mul(x, state));
  const x = tensor([10, 10]);
  check.equal(await values(uses(x)), [20, 30]);
  const other = advance(tensor([100, 100]));
  check.equal(await values(uses(x)), [20, 30]);
  check.equal(await values(other), [101, 101]);
});

gpuTest("200 replays use no more memory than two, and dispose gives it back", async () => {
  const on = executor();
  const before = on.memory();
  const step = capture((s: Tree, x: Tensor) => [sum(x), mapTree(s, (t) => add(mul(t, x), 1))], { donate: [0] });
  let [state, x] = [{ a: tensor([0, 0]), b: [tensor([1, 1])] }, tensor([0.5, 0.25])];
  const live: number[] = [];
  for (let i = 0; i < 200; i++)
    state = scope(() => {
      const [, next] = step(state, x);
      live.push(on.memory().liveBytes);
      return next;
    });
  check.is(live[199], live[1]);
  check.close(await values(state.a), [2, 4 / 3], { rtol: 1e-6 });
  step.dispose();
  check.close(await values(state.a), [2, 4 / 3], { rtol: 1e-6 });
  state.a.dispose();
  state.b[0].dispose();
  x.dispose();
  check.is(on.memory().liveBytes, before.liveBytes);
});

gpuTest("a replay is one submit, makes nothing and copies nothing", async () => {
  using step = capture((x: Tensor) => neg(mul(add(x, 1), x)), { fuse: false });
  const x = tensor([1, 2, 3]);
  step(x).dispose();
  const { result: y, calls } = await gpuCalls(() => step(x));
  check.equal(calls, ["createCommandEncoder", "submit"]);
  check.equal(await values(y), [-2, -6, -12]);
});

gpuTest("results that are kept are not overwritten, and not copied either", async () => {
  using step = capture((x: Tensor) => ({ square: mul(x, x), double: add(x, x) }), { fuse: false });
  const inputs = Array.from({ length: 16 }, (_, v) => tensor([v, v + 0.5]));
  const kept = [step(inputs[0])];
  // What is freed comes back: the buffers of results take turns, and so do the bind groups.
  let last = step(inputs[1]);
  const next = (x: Tensor): void => {
    const made = step(x);
    dispose(last);
    last = made;
  };
  for (const x of inputs.slice(2, 14)) next(x);
  const { calls } = await gpuCalls(() => inputs.slice(14).forEach(next));
  // What is copied are the arguments.
  const replay = ["createCommandEncoder", "copyBufferToBuffer", "submit"];
  check.equal(calls, [...replay, ...replay]);
  kept.push(last);
  for (const [k, v] of [0, 15].entries()) {
    check.equal(await values(kept[k].square), [v * v, (v + 0.5) ** 2]);
    check.equal(await values(kept[k].double), [2 * v, 2 * v + 1]);
  }
});

gpuTest("a step goes on after there was no memory for a result", async () => {
  using step = capture((x: Tensor) => mul(x, 2), { fuse: false });
  const x = tensor(new Float32Array(12_345).fill(3));
  const kept = step(x);
  check.is((await kept.read())[0], 6);
  const { pool, device } = executor() as GpuExecutor;
  const { gpu } = device;
  const pop = gpu.popErrorScope.bind(gpu);
  // With nothing to reuse, the first scope that closes is that of the buffer for the second result.
  pool.trim();
  gpu.popErrorScope = () => {
    Reflect.deleteProperty(gpu, "popErrorScope");
    class GPUOutOfMemoryError extends Error {}
    return pop().then(() => new GPUOutOfMemoryError("pretended"));
  };
  const failed = step(x);
  await check.rejects(() => failed.read(), /out of memory: pretended/);
  failed.dispose();
  const { result: good, calls } = await gpuCalls(() => step(x));
  check.ok(calls.includes("createBuffer"), "the buffer that failed is not used again");
  check.is((await good.read())[12_344], 6);
});

for (const fuse of [true, false])
  gpuTest(`results may be constants, arguments, views and one tensor twice, ${fuse ? "fused" : "exact"}`, async () => {
    const captured = tensor([10, 20, 30]);
    using step = capture(
      (x: Tensor, given: Tensor) => {
        const wide = mul(expand(reshape(x, [2, 1]), [2, 40]), add(given, 1));
        const pairs = expand(reshape(x, [1, 2]), [3, 2]);
        return {
          captured,
          fixed: sum(expand(captured, [40, 3]), 0),
          x,
          row: reshape(slice(wide, [1, 0], [1, 40]), [40]),
          corner: slice(wide, [0, 0], [1, 2]),
          wide,
          flat: reshape(wide, [80]),
          pairs: [reshape(pairs, [6]), reshape(pairs, [2, 3])],
          given: add(given, 1),
        };
      },
      { donate: [1], fuse },
    );
    const [a, b] = [tensor([1, 2]), tensor([5, 7])];
    const inputs = [a, a, b];
    let given = tensor(1);
    const all: ReturnType<typeof step>[] = [];
    for (const [k, x] of inputs.entries()) {
      all.push(step(x, given));
      given = all[k].given;
    }
    check.is(await given.item(), 4);
    if (!fuse) check.match(step.describe(), /f32\[1,2\] from .*, copied to a fresh buffer/);
    for (const [k, made] of all.entries()) {
      const [p, q] = await values(inputs[k]);
      const rows = [p, q].map((v) => new Array<number>(40).fill(v * (k + 2)));
      check.equal(await values(made.captured), [10, 20, 30]);
      check.equal(await values(made.fixed), [400, 800, 1200]);
      check.equal(await values(made.x), [p, q]);
      check.equal(await values(made.row), rows[1]);
      check.equal(await values(made.corner), rows[0].slice(0, 2));
      for (const t of [made.wide, made.flat]) check.equal(await values(t), rows.flat());
      for (const t of made.pairs) check.equal(await values(t), [p, q, p, q, p, q]);
    }
  });
