/** Capture and replay: guards, donation, memory, gradients inside. Here on the float64 reference; on the GPU in
 *  replay.test.ts. */
import { type Captured, capture } from "../../engine/capture.js";
import { executor, withExecutor } from "../../engine/executor.js";
import { grad, hvp, stopGradient, valueAndGrad } from "../../engine/grad.js";
import { shareCommon, simplify } from "../../engine/graph/simplify.js";
import { withOps } from "../../engine/op.js";
import { relu } from "../../engine/ops/activations.js";
import { add, constant, mul, neg, sub } from "../../engine/ops/arithmetic.js";
import { matmul } from "../../engine/ops/matmul.js";
import { expand, reshape } from "../../engine/ops/movement.js";
import { sum } from "../../engine/ops/reduce.js";
import { ReferenceExecutor } from "../../engine/reference.js";
import { scope } from "../../engine/scope.js";
import { Tensor, tensor } from "../../engine/tensor.js";
import { type Graph, type GraphNode, inputNode, opsOf, Tracer } from "../../engine/trace.js";
import type { Tree } from "../../engine/tree.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";

const values = async (t: Tensor): Promise<number[]> => [...(await t.read())];

/** One step of gradient descent on a linear least-squares problem. */
const descend = (params: { w: Tensor; b: Tensor }, x: Tensor, y: Tensor): [Tensor, { w: Tensor; b: Tensor }] => {
  const [loss, g] = valueAndGrad((p: { w: Tensor; b: Tensor }) => {
    const error = sub(add(matmul(x, p.w), p.b), y);
    return sum(mul(error, error));
  })(params);
  return [loss, { w: sub(params.w, mul(g.w, 0.1)), b: sub(params.b, mul(g.b, 0.1)) }];
};
const problem = (): [{ w: Tensor; b: Tensor }, Tensor, Tensor] => [
  { w: tensor([[0.5], [-1]]), b: tensor([0.25]) },
  tensor([
    [1, 2],
    [3, -1],
    [0.5, 0.5],
  ]),
  tensor([[1], [2], [3]]),
];

referenceTest("replay equals the function, with a gradient inside", async () => {
  using step = capture(descend);
  let eager = problem();
  let replayed = problem();
  for (let i = 0; i < 3; i++) {
    const [loss, params] = descend(...eager);
    const [loss2, params2] = step(...replayed);
    check.identical(await loss2.read(), await loss.read());
    check.identical(await params2.w.read(), await params.w.read());
    check.identical(await params2.b.read(), await params.b.read());
    eager = [params, eager[1], eager[2]];
    replayed = [params2, replayed[1], replayed[2]];
  }
  check.is(step.recordings, 1);
});

referenceTest("gradients of second order are captured", async () => {
  const cube = (x: Tensor): Tensor => sum(mul(mul(x, x), x));
  using second = capture((x: Tensor) => grad((p: Tensor) => sum(grad(cube)(p)))(x));
  using product = capture((x: Tensor, v: Tensor) => hvp(cube, x, v));
  check.equal(await values(second(tensor([1, 2]))), [6, 12]);
  check.equal(await values(second(tensor([-1, 0.5]))), [-6, 3]);
  check.equal(await values(product(tensor([1, 2]), tensor([1, 0]))), [6, 0]);
});

referenceTest("donated tensors are consumed, others are not", async () => {
  using step = capture((state: Tensor, x: Tensor) => add(state, x), { donate: [0] });
  const [first, x] = [tensor([1, 2]), tensor([10, 20])];
  const second = step(first, x);
  const third = step(second, x);
  check.equal(await values(third), [21, 42]);
  check.equal(await values(x), [10, 20]);
  check.equal([first.disposed, second.disposed, x.disposed], [true, true, false]);
  await check.rejects(() => first.read(), /f32\[2\] made by tensor was freed by donation to step/);
});

referenceTest("a donated tensor may be passed once", async () => {
  using step = capture((a: Tensor, b: Tensor) => add(a, b), { donate: [0] });
  const x = tensor([1, 2]);
  check.throws(() => step(x, x), /arguments 0 and 1 of step .* are one tensor, f32\[2\], and it is donated/);
  using both = capture((a: Tensor[]) => add(a[0], a[1]), { donate: [0] });
  check.throws(() => both([x, x]), /arguments 0\.0 and 0\.1/);
  using missing = capture((a: Tensor, b?: Tensor) => (b ? add(a, b) : neg(a)), { donate: [1] });
  check.throws(() => missing(x), /donates argument 1, but was given 1/);
  check.equal(await values(x), [1, 2]);
});

referenceTest("other shapes, dtypes, structures and plain values are refused with both sides", async () => {
  const step = capture((p: { w: Tensor; list: Tensor[] }, scale: number) => mul(add(p.w, p.list[0]), scale));
  const ok = { w: tensor([1, 2]), list: [tensor([3, 4])] };
  check.equal(await values(step(ok, 2)), [8, 12]);
  const refused: [args: unknown[], message: RegExp][] = [
    [
      [{ ...ok, w: tensor([1]) }, 2],
      /argument 0\.w was f32\[2\] at capture, now f32\[1\]; pad the last batch or capture/,
    ],
    [[{ ...ok, w: tensor([1, 2], [2], "i32") }, 2], /argument 0\.w was f32\[2\] at capture, now i32\[2\]/],
    [[{ ...ok, list: [ok.w, ok.w] }, 2], /argument 0\.list was a list of 1 at capture, now a list of 2/],
    [[{ ...ok, more: 1 }, 2], /argument 0 was \{w, list\} at capture, now \{w, list, more\}/],
    [[{ ...ok, w: 1 }, 2], /argument 0\.w was f32\[2\] at capture, now 1/],
    [[ok, 3], /argument 1 was 2 at capture, now 3; pass what varies as a tensor or capture a second step/],
    [[ok], /was a list of 2 at capture, now a list of 1/],
  ];
  for (const [args, message] of refused) check.throws(() => (step as Captured<Tree[], Tensor>)(...args), message);
  step.dispose();
  check.throws(() => step(ok, 2), /was disposed; capture it again/);
});

referenceTest("what cannot be replayed is refused", async () => {
  const x = tensor([1, 2]);
  check.throws(() => capture((a: Tensor) => a)(x), /ran no op/);
  check.throws(() => capture(async (a: Tensor) => neg(a))(x), /returned a promise/);
  // At once: a promise in a condition would take a branch in silence.
  const reads: [string, (a: Tensor) => unknown][] = [
    ["read", (a) => a.read()],
    ["item", (a) => a.item()],
    ["item", (a) => sum(a).item()],
    ["read", () => x.read()],
  ];
  for (const [word, look] of reads) {
    using step = capture((a: Tensor) => (look(a) ? neg(a) : a));
    check.throws(() => step(x), new RegExp(`^${word}: a captured function cannot look at values, and f32.* where`));
    check.is(step.recordings, 0);
  }
  using waits = capture(async (a: Tensor) => mul(a, await a.item()));
  // The harness fails a test that leaves a rejection behind.
  check.throws(() => waits(x), /returned a promise/);
  await Promise.resolve();
  using step = capture((a: Tensor) => mul(a, a));
  check.throws(() => grad((a: Tensor) => sum(step(a)))(x), /argument 0 .* is being differentiated.*stopGradient/);
  check.throws(
    () =>
      grad((a: Tensor) => {
        using closure = capture((b: Tensor) => mul(a, b));
        return sum(closure(tensor([1, 1])));
      })(x),
    /closes over a tensor that is being differentiated/,
  );
  const detached = grad((a: Tensor) =>
    sum(
      mul(
        a,
        stopGradient(() => step(a)),
      ),
    ),
  )(x);
  check.equal(await values(detached), [1, 4]);
  const other = new ReferenceExecutor();
  withExecutor(other, () =>
    scope(() => check.throws(() => step(tensor([1, 2])), /captured on the float64 reference, ops now run on/)),
  );
});

referenceTest("a function that throws while it is recorded leaves nothing behind", async () => {
  const step = capture((a: Tensor) => {
    tensor([1, 2, 3]);
    return add(a, tensor([1, 2, 3]));
  });
  check.throws(() => step(tensor([1, 2])), /add: f32\[2\] and f32\[3\] do not broadcast/);
  check.is(step.recordings, 0);
  check.equal(await values(step(tensor([1, 1, 1]))), [2, 3, 4]);
  step.dispose();
});

referenceTest("tensors closed over are constants, kept until the step is disposed", async () => {
  const offset = tensor([10, 20]);
  const step = capture((x: Tensor) => ({ y: add(x, offset), offset, twice: [x, x] }));
  check.equal(await values(step(tensor([1, 2])).y), [11, 22]);
  offset.dispose();
  const { y, offset: same, twice } = step(tensor([3, 4]));
  check.equal(await values(y), [13, 24]);
  check.equal(await values(same), [10, 20]);
  check.equal(await values(twice[1]), [3, 4]);
  check.is(twice[0], twice[1]);
  step.dispose();
  check.equal(await values(y), [13, 24]);
});

referenceTest("what no argument reaches is computed once", async () => {
  const weights = tensor([
    [1, 2],
    [3, 4],
  ]);
  const f = (x: Tensor): Tensor => matmul(x, matmul(mul(weights, 2), weights));
  using step = capture(f);
  using exact = capture(f, { fuse: false });
  const x = tensor([[1, 0]]);
  check.equal(await values(step(x)), [14, 20]);
  check.equal(await values(exact(x)), [14, 20]);
  check.equal(
    [step.describe(), exact.describe()].map((text) => text.match(/^\d+ ops/)![0]),
    ["1 ops", "4 ops"],
  );
});

referenceTest("a step inside a captured function becomes part of it", async () => {
  using inner = capture((x: Tensor) => mul(x, x));
  using outer = capture((x: Tensor) => sum(inner(inner(x))));
  check.is(await outer(tensor([1, 2])).item(), 17);
  check.is(inner.recordings, 0);
});

referenceTest("verify accepts an honest replay, consumes nothing, and names what differs", async () => {
  using step = capture((state: Tensor, x: Tensor) => ({ state: add(state, x), square: mul(x, x) }), { donate: [0] });
  const [state, x] = [tensor([1, 2]), tensor([3, 4])];
  await step.verify(state, x);
  check.equal(await values(state), [1, 2]);
  let calls = 0;
  using changing = capture((a: Tensor) => ({ same: neg(a), changed: add(a, calls++) }), { fuse: false });
  changing(x);
  await check.rejects(
    () => changing.verify(x),
    /verify: output changed of step .*, f32\[2\], differs at element 0: 4 from the function, 3 from the replay/,
  );
});

referenceTest("200 replays hold no more than one", async () => {
  const on = executor();
  using step = capture(descend, { donate: [0] });
  let [params, x, y] = problem();
  let live = 0;
  for (let i = 0; i < 200; i++) {
    const [loss, next] = step(params, x, y);
    params = next;
    loss.dispose();
    if (i === 0) live = on.memory().liveCount;
  }
  check.is(on.memory().liveCount, live);
});

/** The graph of `f` and its inputs, without a plan. */
function trace(f: (...xs: Tensor[]) => Tensor, ...shapes: number[][]): Graph {
  const tracer = new Tracer(new ReferenceExecutor());
  const inputs = shapes.map((shape, i) => inputNode({ shape, dtype: "f32" }, String(i), false));
  const y = withExecutor(tracer, () => f(...inputs.map((node) => new Tensor(tracer, node, "input"))));
  return { inputs, outputs: [y.valueOn(tracer, "test") as GraphNode], outputPaths: [""] };
}
const names = (graph: Graph): string[] => opsOf(graph.outputs).map((node) => node.op.name);

test("dead ops are gone and equal ones are computed once", () => {
  const graph = trace(
    (x) => {
      neg(x);
      return add(mul(mul(x, x), constant(-0)), mul(mul(x, x), constant(0)));
    },
    [3],
  );
  check.equal(names(shareCommon(graph)), ["mul", "constant", "mul", "constant", "mul", "add"]);
});

test("what changes nothing is removed", () => {
  const graph = trace((x) => neg(neg(reshape(reshape(mul(x, expand(constant(1), [4])), [2, 2]), [4]))), [4]);
  check.equal(names(simplify(graph)), []);
  check.is(simplify(graph).outputs[0], graph.inputs[0]);
  const kept = trace((x) => mul(x, expand(constant(1), [2, 4])), [4]);
  check.equal(names(simplify(kept)), ["constant", "expand", "mul"]);
});

test("what is rebuilt stays in the order of the program, so that chunks end before the next begin", () => {
  const graph = trace(
    (x, bias) =>
      [1, 2, 3]
        // The bias is reshaped in each chunk, once in all: what follows is rebuilt, what comes before is not.
        .map((factor) => sum(add(mul(x, constant(factor)), reshape(bias, [1, 3]))))
        .reduce((a, b) => sub(a, b)),
    [2, 3],
    [3],
  );
  const chunk = ["constant", "mul", "add", "sum"];
  check.equal(
    names(shareCommon(graph)).filter((name) => name !== "reshape"),
    [...chunk, ...chunk, ...chunk, "sub", "sub"],
  );
});

referenceTest("under withOps the function runs, and the recording stays what it was", async () => {
  const step = capture((x: Tensor) => relu(x));
  const x = tensor([-1, 2]);
  const doubled = (): Tensor => withOps({ relu: ([z]) => mul(z, 2) }, () => step(x));
  // Before the first recording, and after it.
  check.identical(await doubled().read(), [-2, 4]);
  check.identical(await step(x).read(), [0, 2]);
  check.identical(await doubled().read(), [-2, 4]);
  check.identical(await step(x).read(), [0, 2]);
  step.dispose();
});
