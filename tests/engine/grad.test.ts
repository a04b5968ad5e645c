/** Differentiation as a whole: nesting, trees, detachment, rules of one's own, refusals. */
import {
  add,
  cos,
  customVjp,
  div,
  exp,
  expand,
  grad,
  hessian,
  hvp,
  jacobian,
  matmul,
  mul,
  neg,
  pow,
  sigmoid,
  sin,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
  valueAndGrad,
  valueAuxAndGrad,
  vjp,
} from "../../engine/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";

const number = async (t: Tensor): Promise<number> => (await t.read())[0];
const exact = { rtol: 1e-9, atol: 1e-9 };

referenceTest("no perturbation confusion: d/dx (x · d/dy (x + y)) = 1", async () => {
  const one = tensor(1);
  const f = (x: Tensor): Tensor => mul(x, grad((y: Tensor) => add(x, y))(one));
  check.close([await number(grad(f)(one))], [1], exact);
});

referenceTest("an inner gradient depends on outer variables it closes over: d/dx (x · d/dy (x y²)) = 4xy", async () => {
  const [x, y] = [tensor(3), tensor(5)];
  const f = (a: Tensor): Tensor => mul(a, grad((b: Tensor) => mul(a, square(b)))(y));
  check.close([await number(grad(f)(x))], [4 * 3 * 5], exact);
});

referenceTest("the derivative of tanh, four times", async () => {
  let f = (x: Tensor): Tensor => tanh(x);
  const at = 0.3;
  const t = Math.tanh(at);
  const s = 1 - t * t;
  // Derivatives of tanh as polynomials in tanh.
  const expected = [s, -2 * t * s, s * (6 * t * t - 2), s * t * (16 - 24 * t * t)];
  for (const e of expected) {
    f = grad(f);
    check.close([await number(f(tensor(at)))], [e], exact);
  }
});

gpuTest("second derivatives that other engines get silently wrong", async () => {
  const at = 0.3;
  const cases: [(x: Tensor) => Tensor, number][] = [
    [(x) => add(tanh(x), square(x)), -2 * Math.tanh(at) * (1 - Math.tanh(at) ** 2) + 2],
    [(x) => add(exp(x), square(x)), Math.exp(at) + 2],
    [
      (x) => add(sigmoid(x), square(x)),
      (() => {
        const s = 1 / (1 + Math.exp(-at));
        return s * (1 - s) * (1 - 2 * s) + 2;
      })(),
    ],
  ];
  for (const [f, expected] of cases)
    check.close([await number(grad(grad(f))(tensor(at)))], [expected], { rtol: 1e-5, atol: 1e-6 });
});

referenceTest("a value used twice, and paths of different length, add up once each", async () => {
  const f = (x: Tensor): Tensor => {
    const y = square(x);
    const z = mul(y, x);
    return add(add(mul(z, y), z), y);
  };
  // x⁵ + x³ + x²
  const x = 1.7;
  check.close([await number(grad(f)(tensor(x)))], [5 * x ** 4 + 3 * x ** 2 + 2 * x], exact);
});

referenceTest("gradients have the structure of their argument, and zeros where nothing flows", async () => {
  const params = {
    layers: [{ w: tensor([2, 3]), note: "kept" }, null],
    unused: tensor([1]),
    count: tensor(Int32Array.of(4)),
  };
  const [value, g] = valueAndGrad((p: typeof params) => sum(square(p.layers[0]!.w)))(params);
  check.is(await number(value), 13);
  check.equal([...(await g.layers[0]!.w.read())], [4, 6]);
  check.is(g.layers[0]!.note, "kept");
  check.is(g.layers[1], null);
  check.equal([...(await g.unused.read())], [0]);
});

referenceTest("several arguments, and an auxiliary result", async () => {
  const f = (a: Tensor, b: Tensor): readonly [Tensor, { product: Tensor }] => {
    const product = mul(a, b);
    return [sum(product), { product }];
  };
  const [value, aux, [ga, gb]] = valueAuxAndGrad(f, { argument: [0, 1] })(tensor([1, 2]), tensor([3, 4]));
  check.is(await number(value), 11);
  check.equal([...(await aux.product.read())], [3, 8]);
  check.equal([...(await ga.read()), ...(await gb.read())], [3, 4, 1, 2]);
});

referenceTest("hvp = Hessian times vector; the Jacobian of a linear map is its matrix", async () => {
  const f = (x: Tensor): Tensor => sum(mul(sin(x), exp(mul(x, 0.5))));
  const coupled = (x: Tensor): Tensor => mul(f(x), sum(square(x)));
  const [x, v] = [tensor([0.3, -1.2, 0.8]), tensor([1, 0.5, -2])];
  const h = hessian(coupled)(x);
  check.equal(h.shape, [3, 3]);
  check.close(await hvp(coupled, x, v).read(), await matmul(h, v).read(), exact);
  const m = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  check.equal([...(await jacobian((z: Tensor) => matmul(m, z))(x).read())], [1, 2, 3, 4, 5, 6]);
  // And it can be differentiated: d/dx of the sum of the Jacobian of x³ is 6x.
  const cubes = grad((z: Tensor) => sum(jacobian((y: Tensor) => pow(y, 3))(z)))(x);
  check.close(await cubes.read(), [1.8, -7.2, 4.8], { rtol: 1e-6 });
});

referenceTest("vjp takes a cotangent of the result's shape", async () => {
  const x = tensor([1, 2]);
  const [y, g] = vjp((z: Tensor) => mul(z, z), x, tensor([10, 100]));
  check.equal([...(await y.read()), ...(await g.read())], [1, 4, 20, 400]);
  check.throws(
    () => vjp((z: Tensor) => sum(z), x, tensor([1, 2])),
    /vjp: the function returned f32\[\], the cotangent is f32\[2\]/,
  );
});

referenceTest("stopGradient detaches at every order, and records nothing inside", async () => {
  const x = tensor(3);
  const f = (z: Tensor): Tensor =>
    mul(
      z,
      stopGradient(() => square(z)),
    );
  check.is(await number(grad(f)(x)), 9);
  check.is(await number(grad(grad(f))(x)), 0);
  let inside: Tensor | undefined;
  grad((z: Tensor) => {
    stopGradient(() => {
      inside = square(z);
      check.is(inside.node, undefined);
      return inside;
    });
    return square(z);
  })(x);
  check.ok(inside, "the body ran");
});

referenceTest("a gradient inside stopGradient is still a gradient", async () => {
  const f = (z: Tensor): Tensor =>
    mul(
      z,
      stopGradient(() => grad((y: Tensor) => pow(y, 3))(z)),
    );
  check.close([await number(grad(f)(tensor(2)))], [12], exact);
});

referenceTest("customVjp: its rule is used, and differentiated again", async () => {
  // A wrong rule on purpose: the derivative of x² declared as 5x.
  const odd = customVjp(
    (x) => square(x),
    (g, { inputs: [x] }) => [mul(g, mul(x, 5))],
  );
  check.is(await number(odd(tensor(3))), 9);
  check.is(await number(grad((x: Tensor) => odd(x))(tensor(3))), 15);
  check.is(await number(grad(grad((x: Tensor) => odd(x)))(tensor(3))), 5);
  const half = customVjp(
    (a, b) => mul(a, b),
    (g, { inputs: [, b] }) => [mul(g, b), null],
  );
  const [ga, gb] = grad((a: Tensor, b: Tensor) => half(a, b), { argument: [0, 1] })(tensor(2), tensor(7));
  check.equal([await number(ga), await number(gb)], [7, 0]);
});

referenceTest("linearity: the gradient of a f + b h", async () => {
  const f = (x: Tensor): Tensor => sum(exp(x));
  const h = (x: Tensor): Tensor => sum(cos(x));
  const x = tensor([0.1, 0.7, -2]);
  const both = await grad((z: Tensor) => sub(mul(f(z), 3), mul(h(z), 0.5)))(x).read();
  const [gf, gh] = [await grad(f)(x).read(), await grad(h)(x).read()];
  check.close(
    both,
    [...gf].map((v, i) => 3 * v - 0.5 * gh[i]),
    exact,
  );
});

referenceTest("broadcasting is undone, also when it added axes", async () => {
  const f = (b: Tensor): Tensor => sum(square(add(expand(tensor([[1], [2]]), [4, 2, 3]), b)));
  const g = grad(f)(tensor([1, 0, -1]));
  check.equal(g.shape, [3]);
  check.close(await g.read(), [40, 24, 8], exact);
});

referenceTest("refusals", () => {
  const x = tensor([1, 2]);
  check.throws(
    () => grad((z: Tensor) => z)(x),
    /grad: the function must return one f32 number, got f32\[2\]; sum it or use vjp/,
  );
  check.throws(() => grad(((z: Tensor) => z.shape) as never)(x), /grad: the function must return a tensor/);
  check.throws(() => grad((z: Tensor) => sum(z), { argument: 1 })(x), /grad: argument 1 of 1 does not exist/);
  const deep = (n: number): ((z: Tensor) => Tensor) =>
    n === 0 ? (z) => sum(neg(z)) : (z) => sum(div(grad(deep(n - 1))(z), 2));
  check.throws(() => grad(deep(31))(x), /31 nested gradients are the limit/);
});
