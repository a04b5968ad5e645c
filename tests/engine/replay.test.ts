/** Replay on the GPU: equal to the eager run to the bit, in place where given up, flat in memory. */
import { capture } from "../../engine/capture.js";
import { executor } from "../../engine/executor.js";
import { grad } from "../../engine/grad.js";
import type { OpSpec, Sample } from "../../engine/op.js";
import { add, mul, neg, sub } from "../../engine/ops/arithmetic.js";
import { expand, reshape } from "../../engine/ops/movement.js";
import { sum } from "../../engine/ops/reduce.js";
import { table } from "../../engine/ops/table.js";
import { scope } from "../../engine/scope.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import { mapTree, type Tree } from "../../engine/tree.js";
import { gpuTest } from "../executors.js";
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
  check.equal(await values(step(reshape(y, [2, 3]), b)), [-1, -3, -5, -6, -8, -10]);
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

gpuTest("a replay is one submit and makes no bind group", async () => {
  using step = capture((x: Tensor) => neg(mul(add(x, 1), x)), { fuse: false });
  const x = tensor([1, 2, 3]);
  step(x);
  const gpu = (executor() as unknown as { device: { gpu: GPUDevice; queue: GPUQueue } }).device;
  const made: string[] = [];
  const spy = (target: object, name: string): (() => void) => {
    const original = Reflect.get(target, name) as (...args: unknown[]) => unknown;
    Reflect.set(target, name, (...args: unknown[]) => {
      made.push(name);
      return original.apply(target, args);
    });
    return () => Reflect.deleteProperty(target, name);
  };
  const undo = [
    ...["createBindGroup", "createBuffer", "createComputePipeline", "createCommandEncoder"].map((n) => spy(gpu.gpu, n)),
    ...["submit", "writeBuffer"].map((n) => spy(gpu.queue, n)),
  ];
  const y = step(x);
  for (const restore of undo) restore();
  check.equal(made, ["createCommandEncoder", "submit"]);
  check.equal(await values(y), [-2, -6, -12]);
});
