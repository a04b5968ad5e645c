/** Looking inside functions: labels, the tensors at them, walks back with other rules, other ops in place of some. */
import {
  add,
  argsort,
  capture,
  conv2d,
  customVjp,
  gatherAlong,
  grad,
  inspect,
  isWithin,
  label,
  matmul,
  max,
  mul,
  type Rule,
  relu,
  sigmoid,
  softplus,
  square,
  step,
  stopGradient,
  sub,
  sum,
  type Tensor,
  tensor,
  vjp,
  where,
  withOps,
} from "../../engine/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";

const values = async (t: Tensor): Promise<number[]> => [...(await t.read())];

/** Two labelled parts, the second inside a block. */
function network(x: Tensor): Tensor {
  const w = tensor([
    [1, -2],
    [0.5, 3],
  ]);
  const h = label("first", () => relu(add(matmul(x, w), tensor([0.1, -0.2]))));
  return label("block", () => label("second", () => square(matmul(h, w))));
}
const input = () =>
  tensor([
    [0.3, 0.7],
    [-1, 0.4],
  ]);

referenceTest("steps come in the order they ran, with their labels", async () => {
  inspect(network, input(), ({ steps }) => {
    check.equal(
      steps.map(({ op, label: name }) => `${name}:${op}`),
      ["first:matmul", "first:add", "first:relu", "block.second:matmul", "block.second:square"],
    );
    check.equal(steps[0].depends, [true, false]);
    check.equal(
      steps.map((step) => step.uses),
      [1, 1, 1, 1, 1],
    );
    check.equal([steps[0].linearIn, steps[2].pointwise, steps[2].routes], [[0, 1], true, false]);
  });
});

referenceTest("a tensor is found at its label and at the block around it", async () => {
  const [first, block] = inspect(network, input(), ({ at }) => [at("first"), at("block")]);
  check.close(await values(first), [0.75, 1.3, 0, 3], { atol: 1e-12 });
  check.equal(await values(block), await values(network(input())));
  inspect(network, input(), ({ at }) => {
    check.throws(() => at("firs"), /inspect: nothing is labelled "firs"; there is first, block.second/);
  });
  check.throws(
    () => inspect(square, input(), ({ at }) => at("a")),
    /inspect: nothing is labelled "a"; there are no labels/,
  );
});

referenceTest("without a rule the walk back is the derivative, at x and inside", async () => {
  const g = tensor([
    [1, -1],
    [2, 0.5],
  ]);
  const [, expected] = vjp(network, input(), g);
  const [x, inner] = inspect(network, input(), ({ pullback, at }) => {
    const pulled = pullback(g);
    return [pulled.x, pulled.at(at("first"))];
  });
  check.equal(await values(x), await values(expected));
  const second = (h: Tensor) =>
    square(
      matmul(
        h,
        tensor([
          [1, -2],
          [0.5, 3],
        ]),
      ),
    );
  const h = inspect(network, input(), ({ at }) => at("first"));
  check.close(await values(inner), await values(vjp(second, h, g)[1]), { atol: 1e-12 });
});

/** Passes what comes back to relu on unchanged; everything else keeps its derivative. */
const straightThrough: Rule = (g, step) => (step.op === "relu" ? [g] : undefined);

referenceTest("a rule replaces the derivative of the steps it names, and can be differentiated", async () => {
  const walked = (x: Tensor): Tensor =>
    inspect(network, x, ({ output, pullback }) => pullback(output, straightThrough).x);
  // By hand: J₂ᵀ of the square and matmul, then the first matmul's, as if relu were the identity.
  const byHand = (x: Tensor): Tensor => {
    const w = tensor([
      [1, -2],
      [0.5, 3],
    ]);
    const h = relu(add(matmul(x, w), tensor([0.1, -0.2])));
    const z = matmul(h, w);
    return matmul(mul(mul(square(z), z), 2), matmul(w, w), { transposeB: true });
  };
  check.close(await values(walked(input())), await values(byHand(input())), { rtol: 1e-12 });
  const slope = (f: (x: Tensor) => Tensor) => grad((x: Tensor) => sum(mul(f(x), tensor([1, 0.3]))))(input());
  check.close(await values(slope(walked)), await values(slope(byHand)), { rtol: 1e-12 });
});

gpuTest("a walk with a rule can be captured, and gives what it gives op by op", async () => {
  const walked = (x: Tensor): Tensor =>
    inspect(network, x, ({ output, pullback }) => pullback(output, straightThrough).x);
  const slope = (x: Tensor): Tensor => grad((z: Tensor) => sum(walked(z)))(x);
  const step = capture((x: Tensor) => [slope(x)]);
  try {
    check.close(await values(step(input())[0]), await values(slope(input())), { rtol: 1e-5 });
  } finally {
    step.dispose();
  }
});

referenceTest("a step's derivative and the step itself take other inputs", async () => {
  const w = tensor([[[[1, -1]]]]);
  const x = tensor([[[[1, 2, 4]]]]);
  const [y, gx] = inspect(
    (z) => conv2d(z, w),
    x,
    ({ steps: [step] }) => [
      step.apply([x, tensor([[[[1, 0]]]])]),
      step.vjp(tensor([[[[1, 10]]]]), [x, tensor([[[[1, 0]]]])])[0]!,
    ],
  );
  check.equal(
    [await values(y), await values(gx)],
    [
      [1, 2],
      [1, 10, 0],
    ],
  );
});

referenceTest("a step tells which inputs change with x, also by ways that no gradient goes", async () => {
  const held = (x: Tensor): Tensor => {
    const mask = where(step(x), 2, 3);
    const largest = stopGradient(() => max(x, 1, { keepDims: true }));
    const first = gatherAlong(x, argsort(x), 1);
    return add(mul(first, mask), add(largest, tensor([1, 2])));
  };
  const shown = inspect(held, input(), ({ steps }) =>
    steps.map(({ op, depends, varies }) => ({ op, depends, varies })),
  );
  check.equal(shown, [
    { op: "gatherAlong", depends: [true, false], varies: [true, true] },
    { op: "mul", depends: [true, false], varies: [true, true] },
    { op: "add", depends: [true, false], varies: [true, true] },
  ]);
  inspect(network, input(), ({ steps }) => check.equal(steps[0].varies, [true, false]));
});

referenceTest("a function with a rule of its own passes for nothing else", () => {
  const own = customVjp(square, (g) => [g], "own");
  inspect(own, input(), ({ steps: [only] }) => {
    check.equal([only.op, only.routes, only.linearIn, only.pointwise], ["own", false, [], false]);
  });
});

referenceTest("a look inside refuses what does not fit", () => {
  check.throws(
    () => inspect(network, input(), ({ pullback }) => pullback(tensor([1]))),
    /inspect: the function returned f32\[2,2\], the cotangent is f32\[1\]/,
  );
  check.throws(
    () => inspect(network, input(), ({ output, pullback }) => pullback(output, () => []).x),
    /inspect: the rule for square gave \[\] for 1 inputs/,
  );
  check.throws(
    () =>
      inspect(
        () => 3 as unknown as Tensor,
        input(),
        () => 0,
      ),
    /inspect: .* tensor, got 3/,
  );
});

referenceTest("labels nest, end with their body, and refuse what is no name", async () => {
  check.ok(isWithin("a.b", "a") && isWithin("a", "a") && !isWithin("ab", "a"));
  for (const name of ["", ".", "a.", " a", 3 as unknown as string])
    check.throws(() => label(name, () => 0), /label: .* given; a name without dots or spaces at its ends is needed/);
  check.throws(() => label("a", async () => 0), /label: the function returned a promise/);
  const failing = (): never => {
    throw new Error("inside");
  };
  check.throws(() => label("a", failing), /inside/);
  const last = inspect(square, input(), ({ steps }) => steps[0].label);
  check.is(last, "", "a label that ended by an exception is closed");
});

referenceTest("withOps puts another op in the place of one, also inside derivatives of any order", async () => {
  const smooth = (x: Tensor): Tensor => withOps({ relu: ([z]) => softplus(z, 3) }, () => sum(square(relu(x))));
  const written = (x: Tensor): Tensor => sum(square(softplus(x, 3)));
  const twice = (f: (x: Tensor) => Tensor) => grad((x: Tensor) => sum(square(grad(f)(x))));
  check.close(await values(twice(smooth)(input())), await values(twice(written)(input())), { rtol: 1e-12 });
});

referenceTest("a substitute sees the op it stands for, the innermost counts, and it ends with its body", async () => {
  const shifted = withOps({ sigmoid: ([x]) => sub(sigmoid(x), 1) }, () => sigmoid(tensor([0])));
  check.equal(await values(shifted), [-0.5]);
  const inner = withOps({ relu: ([x]) => mul(x, 2) }, () =>
    withOps({ relu: ([x]) => mul(x, 3) }, () => relu(tensor([1]))),
  );
  check.equal(await values(inner), [3]);
  check.equal(await values(relu(tensor([1]))), [1]);
  check.throws(
    () => withOps({ relu: ([x]) => sum(x) }, () => relu(input())),
    /withOps: the substitute for relu gave f32\[\]; f32\[2,2\] is needed/,
  );
  check.throws(() => withOps({}, async () => 0), /withOps: the function returned a promise/);
});

referenceTest("nothing is claimed about a function with a derivative of its own", () => {
  const twice = customVjp(
    (x) => mul(x, 2),
    (g) => [mul(g, 2)],
    "twice",
  );
  inspect(twice, input(), ({ steps: [step] }) => {
    check.equal([step.op, step.routes, step.pointwise, [...step.linearIn]], ["twice", false, false, []]);
  });
});
