/** Explaining a plain function. One learns: that an explainer takes a score and an input and gives a tensor; how three methods share
 *  the product of two features; and that an explanation is differentiable like everything else. */
import { grad, init, mul, shutdown, slice, sum, type Tensor, tensor } from "holdfast";
import "holdfast/methods";
import { elementGroups, exactShapley, gradientTimesInput, integratedGradients } from "holdfast/atex";

await init();
/** f(a, b, c) = a b + 2 c, for rows [n, 3] → [n]. */
function score(x: Tensor): Tensor {
  const column = (i: number): Tensor => slice(x, [0, i], [x.shape[0], 1]).reshape([-1]);
  return mul(column(0), column(1)).add(column(2).mul(2));
}

const x = tensor([[2, 3, 1]]);
const methods = {
  "gradient x input": gradientTimesInput, // a and b count the whole product each
  "integrated gradients": integratedGradients({ steps: 16 }), // half of it, and the shares sum to f(x) − f(0)
  "Shapley values": exactShapley({ groups: elementGroups([3]), background: 0 }),
};
for (const [name, explain] of Object.entries(methods)) {
  const shares = explain(score, x);
  console.log(
    name,
    ...[...(await shares.read())].map((v) => v.toFixed(3)),
    "sum",
    (await sum(shares).item()).toFixed(3),
  );
}
console.log("score", await score(x).item());

// How much does the share of a change with b? Attacks and defences are built of such derivatives.
const ofA = (z: Tensor): Tensor => sum(slice(integratedGradients({ steps: 16 })(score, z), [0, 0], [1, 1]));
console.log("derivative", ...[...(await grad(ofA)(x).read())].map((v) => v.toFixed(3)));
shutdown();
