/** The softplus twin: of any function, to the bit that of replaced layers, by what is inside and not by how it was written. */
import { classScore, gradient, hasKinks, smoothed, surrogateOf } from "../../atex/index.js";
import {
  add,
  capture,
  clamp,
  div,
  grad,
  label,
  leakyRelu,
  maximum,
  minimum,
  mul,
  random,
  relu,
  reshape,
  softplus,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
  zeros,
} from "../../engine/index.js";
import {
  authorsNetwork,
  dense,
  flatten,
  hardSwish,
  type Layer,
  paperNetwork,
  relu6 as relu6Layer,
  relu as reluLayer,
  replaceLayers,
  sequential,
  softplus as softplusLayer,
  tanh,
  tinyNetwork,
} from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { images, labelled, NETWORKS, uniform } from "./insideNets.js";

const values = async (t: Tensor): Promise<number[]> => [...(await t.read())];
const classes = (...list: number[]): Tensor => tensor(Int32Array.from(list));

gpuTest(
  "for layers one after the other it is the network with softplus layers, to the bit, and so are its maps",
  async () => {
    for (const [name, make] of Object.entries({ paperNetwork, authorsNetwork, tinyNetwork })) {
      const model = make({ activation: reluLayer });
      const { params } = model.init(random.key(1), [1, 28, 28]);
      const twin = replaceLayers(model, "relu", softplusLayer({ beta: 7 }));
      const x = uniform(2, [2, 1, 28, 28]);
      const expected = (z: Tensor): Tensor => twin.apply(params, z);
      const map = (f: (z: Tensor) => Tensor): Tensor => gradient(classScore(f, classes(3, 1)), x);
      for (const surrogate of [
        smoothed((z) => model.apply(params, z), 7),
        surrogateOf((z) => model.apply(params, z), [1, 28, 28], 7)!,
      ]) {
        check.identical(await values(surrogate(x)), await values(expected(x)), name);
        check.identical(await values(map(surrogate)), await values(map(expected)), name);
      }
    }
  },
);

/** x + f(x), whose layers show. */
function residual(...inside: Layer[]): Layer {
  const body = sequential(inside);
  return { kind: "residual", ...{ body }, init: body.init, apply: (params, x) => add(x, body.apply(params, x)) };
}

referenceTest("it goes through blocks, whether they show their layers or not", async () => {
  const model = (activation: Layer) => sequential([flatten, residual(dense(72), activation, dense(72)), dense(3)]);
  const { params } = model(reluLayer).init(random.key(1), [2, 6, 6]);
  const x = images(1, 2);
  const expected = await values(model(softplusLayer({ beta: 20 })).apply(params, x));
  const [real, smooth] = [model(reluLayer), model(tanh)];
  check.close(await values(surrogateOf((z) => real.apply(params, z), [2, 6, 6])!(x)), expected, { atol: 1e-14 });
  const clamped = model(relu6Layer);
  check.ok(
    surrogateOf((z) => clamped.apply(params, z), [2, 6, 6]),
    "relu6 has kinks too",
  );
  check.is(
    surrogateOf((z) => smooth.apply(params, z), [2, 6, 6]),
    undefined,
  );
});

referenceTest("every way to write a relu is replaced, and nothing else", async () => {
  const z = uniform(3, [2, 5], 8);
  const beta = 3;
  const plus = (v: Tensor): Tensor => softplus(v, beta);
  const replaced: [(v: Tensor) => Tensor, Tensor][] = [
    [relu, plus(z)],
    [(v) => leakyRelu(v, 0.2), add(mul(z, 0.2), mul(plus(z), 0.8))],
    [(v) => clamp(v, 0, 6), sub(plus(z), plus(sub(z, 6)))],
    [(v) => clamp(v, 0, Infinity), plus(z)],
    [(v) => maximum(v, 0), plus(z)],
    [(v) => maximum(0, v), plus(z)],
    [(v) => maximum(v, zeros([5])), plus(z)],
    [(v) => minimum(relu(v), 6), sub(plus(z), plus(sub(z, 6)))],
    [(v) => minimum(2, maximum(v, 0)), sub(plus(z), plus(sub(z, 2)))],
    [(v) => relu6Layer.apply(null, v), sub(plus(z), plus(sub(z, 6)))],
    [(v) => hardSwish.apply(null, v), mul(z, div(sub(plus(add(z, 3)), plus(sub(z, 3))), 6))],
    [(v) => sum(maximum(v, zeros([3, 1, 5])), 0), mul(plus(z), 3)],
  ];
  for (const [i, [f, expected]] of replaced.entries()) {
    check.close(await values(smoothed(f, beta)(z)), await values(expected), { atol: 1e-14 }, `${i}`);
    check.ok(hasKinks(f, [5]), `${i}`);
  }
  for (const f of [
    (v: Tensor) => maximum(v, 0.1),
    (v: Tensor) => clamp(v, -1, 1),
    (v: Tensor) => minimum(v, 0),
    (v: Tensor) => minimum(square(v), 6),
    square,
  ]) {
    check.equal(await values(smoothed(f, beta)(z)), await values(f(z)));
    check.ok(!hasKinks(f, [5]));
  }
});

referenceTest("a plain function with a relu anywhere has kinks, found without computing", () => {
  check.ok(hasKinks(labelled, [2, 6, 6]));
  const found = Object.entries(NETWORKS).filter(([, network]) => hasKinks(network, [2, 6, 6]));
  const names = found.map(([name]) => name);
  for (const name of ["relu", "leakyRelu", "a residual sum", "batch norm"]) check.ok(names.includes(name), name);
  for (const name of ["softplus", "gelu", "attention", "a quotient", "relu6"]) check.ok(!names.includes(name), name);
  check.throws(() => hasKinks((x) => reshape(x, [3]), [2]), /reshape/);
  check.throws(() => smoothed(relu, 0), /smoothed: beta 0 given/);
});

referenceTest("the network itself is what it was, also inside an explainer that differentiates its twin", async () => {
  const twin = smoothed(labelled);
  const x = images(5, 1);
  const energy = (f: (z: Tensor) => Tensor) => (z: Tensor) => sum(square(gradient(classScore(f, classes(1)), z)));
  const [bent, flat] = [grad(energy(twin))(x), grad(energy(labelled))(x)];
  check.ok((await values(bent)).some((v) => Math.abs(v) > 1e-3));
  check.ok((await values(flat)).every((v) => v === 0));
  check.equal(await values(label("again", () => labelled(x))), await values(labelled(x)));
});

gpuTest("it can be captured", async () => {
  const step = capture((x: Tensor) => [smoothed(labelled)(x)]);
  try {
    check.close(await values(step(images(6, 2))[0]), await values(smoothed(labelled)(images(6, 2))), {
      rtol: 1e-5,
      atol: 1e-6,
    });
  } finally {
    step.dispose();
  }
});
