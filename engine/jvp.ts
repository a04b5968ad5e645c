/** Forward-mode products without forward rules: a pullback is linear in its cotangent, so its own pullback is the pushforward. */
import { describe, ShapeError } from "./errors.js";
import { valueAuxAndGrad, vjp } from "./grad.js";
import { add, mul } from "./ops/arithmetic.js";
import { zeros } from "./ops/create.js";
import { sum } from "./ops/reduce.js";
import { requireFunction } from "./options.js";
import { scope } from "./scope.js";
import { sameShape } from "./shape.js";
import { shapeOf } from "./shape-of.js";
import type { Tensor } from "./tensor.js";
import { leaves, type Tree } from "./tree.js";

/** Value and Jacobian-vector product: `[f(x), J v]` for a tensor-valued `f` and a tangent `v` of the structure of x, by two backward
 *  passes. Differentiable again. Source: Townsend, "A new trick for calculating Jacobian vector products", 2017.
 *  @throws ShapeError or TypeError when the tangent does not fit x. */
export function jvp<T extends Tree>(f: (x: T) => Tensor, x: T, tangent: T): [Tensor, Tensor] {
  requireFunction("jvp", f, "jvp((x) => square(x), x, v)");
  const [xs, vs] = [leaves(x), leaves(tangent)];
  if (xs.length !== vs.length || xs.length === 0)
    throw new TypeError(`jvp: x has ${xs.length} tensors, the tangent ${vs.length}; one for each is needed`);
  for (const [i, v] of vs.entries())
    if (!sameShape(v.shape, xs[i].shape))
      throw new ShapeError(`jvp: x has ${describe(xs[i])}, the tangent ${describe(v)}; they need the same shape`);
  return scope(() => {
    const { shape } = shapeOf(() => f(x));
    const along = (u: Tensor): readonly [Tensor, Tensor] => {
      const [y, pulled] = vjp(f, x, u);
      return [
        leaves(pulled)
          .map((g, i) => sum(mul(g, vs[i])))
          .reduce(add),
        y,
      ];
    };
    const [, y, pushed] = valueAuxAndGrad(along)(zeros(shape));
    return [y, pushed];
  }, "jvp");
}
