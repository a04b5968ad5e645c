/** Jacobian-vector products against jacobians, by hand, and as something to be differentiated. */
import { cos, grad, jacobian, jvp, matmul, mul, sin, square, sum, type Tensor, tensor } from "../../engine/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";

const f = (x: Tensor): Tensor => matmul(tensor([1, 2, -1, 0.5, 3, 1], [2, 3]), mul(sin(x), square(x)));

async function againstJacobian(rtol: number): Promise<void> {
  const [x, v] = [tensor([0.5, -1, 2]), tensor([1, 3, -2])];
  const [y, pushed] = jvp(f, x, v);
  check.close(await y.read(), await f(x).read(), { rtol });
  check.close(await pushed.read(), await matmul(jacobian(f)(x), v).read(), { rtol, atol: rtol });
}
referenceTest("J v is the jacobian times v, in float64", () => againstJacobian(1e-12));
gpuTest("J v is the jacobian times v, on the GPU", () => againstJacobian(1e-5));

referenceTest("of a tree, and of a function that returns one number", async () => {
  const x = { a: tensor([1, 2]), b: tensor(3) };
  const [y, pushed] = jvp((p: typeof x) => mul(sum(square(p.a)), p.b), x, { a: tensor([1, 0]), b: tensor(1) });
  // d(‖a‖² b) = 2 a·da b + ‖a‖² db
  check.equal([await y.item(), await pushed.item()], [15, 11]);
});

referenceTest("it can be differentiated again", async () => {
  const v = tensor([2, -1]);
  const along = grad((x: Tensor) => sum(jvp((z: Tensor) => sin(z), x, v)[1]));
  const x = tensor([0.3, 1.2]);
  check.close(await along(x).read(), await mul(sin(x), mul(v, -1)).read(), { rtol: 1e-12 });
  const [, second] = jvp((z: Tensor) => jvp((w: Tensor) => cos(w), z, v)[1], x, v);
  check.close(await second.read(), await mul(mul(cos(x), -1), square(v)).read(), { rtol: 1e-12 });
});

referenceTest("tangents that do not fit are refused", () => {
  const x = tensor([1, 2]);
  check.throws(
    () => jvp(square, x, tensor([1])),
    /^jvp: x has f32\[2\], the tangent f32\[1\]; they need the same shape/,
  );
  check.throws(() => jvp(square as never, [x] as never, [] as never), /^jvp: x has 1 tensors, the tangent 0/);
  check.throws(() => jvp(3 as never, x, x), /^jvp: 3 given; a function is needed/);
});
