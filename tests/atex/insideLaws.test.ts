/** What the table says of explainers that look inside: dummy, symmetry, input invariance. */
import {
  deepLift,
  EXPLAINER_TABLE,
  type Explainer,
  gradCam,
  guidedBackprop,
  guidedGradCam,
  type Score,
} from "../../atex/index.js";
import {
  add,
  conv2d,
  label,
  matmul,
  mul,
  relu,
  softplus,
  square,
  sum,
  type Tensor,
  tensor,
} from "../../engine/index.js";
import { referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { images, uniform } from "./insideNets.js";

const values = async (t: Tensor): Promise<number[]> => [...(await t.read())];
const lawsOf = (name: string) => EXPLAINER_TABLE.find((entry) => entry.name === name)!.laws;

/** Four features; the first two have the same weights, the last has none. */
const network =
  (activation: (z: Tensor) => Tensor): Score =>
  (x) => {
    const w = tensor([
      [0.7, -0.4, 1.1],
      [0.7, -0.4, 1.1],
      [-0.3, 0.9, 0.2],
      [0, 0, 0],
    ]);
    return sum(mul(square(activation(matmul(x, w))), tensor([1, -0.5, 0.8])), 1);
  };

referenceTest("features used alike get the same, unused ones exactly 0", async () => {
  const methods: Record<string, Explainer[]> = {
    "deep-lift": [deepLift({ reference: 0.2 }), deepLift({ reference: 0.2, rule: "reveal-cancel" })],
    "guided-backprop": [guidedBackprop],
  };
  const x = tensor([[0.6, 0.6, -0.5, 0.9]]);
  for (const [name, explainers] of Object.entries(methods))
    for (const explain of explainers)
      for (const activation of [relu, softplus]) {
        const [a, b, c, d] = await values(explain(network(activation), x));
        check.ok(lawsOf(name).symmetry && Math.abs(a) > 1e-3 && Math.abs(c) > 1e-3);
        check.close([a], [b], { rtol: 1e-14 }, name);
        check.is(Math.abs(d), 0, name);
      }
});

referenceTest(
  "under softplus guided backpropagation shows features that only units without use see, as the table says",
  async () => {
    const unused =
      (activation: (z: Tensor) => Tensor): Score =>
      (x) =>
        matmul(
          activation(
            matmul(
              x,
              tensor([
                [1, 0],
                [0, 1],
              ]),
            ),
          ),
          tensor([1, 0]),
        );
    const shown = async (activation: (z: Tensor) => Tensor): Promise<number> =>
      (await values(guidedBackprop(unused(activation), tensor([[0.5, 0.5]]))))[1];
    check.is(await shown(relu), 0);
    check.ok((await shown(softplus)) > 0.1);
    check.is(lawsOf("guided-backprop").dummy, false);
  },
);

referenceTest(
  "a constant added to the input and taken off by the network changes nothing but what has a reference",
  async () => {
    const maps = (x: Tensor): Tensor => {
      const h = relu(conv2d(x, uniform(1, [3, 2, 3, 3])));
      return sum(square(label("maps", () => relu(conv2d(h, uniform(2, [3, 3, 2, 2]))))), [1, 2, 3]);
    };
    const shift = uniform(3, [2, 1, 1]);
    const moved: Score = (x) => maps(add(x, mul(shift, -1)));
    const x = images(41, 2);
    const methods: Record<string, Explainer> = {
      ...{ "guided-backprop": guidedBackprop, "grad-cam": gradCam() },
      ...{ "guided-grad-cam": guidedGradCam(), "deep-lift": deepLift() },
    };
    for (const [name, explain] of Object.entries(methods)) {
      const [before, after] = [await values(explain(maps, x)), await values(explain(moved, add(x, shift)))];
      const apart = Math.max(...before.map((v, i) => Math.abs(v - after[i])));
      check.is(apart < 1e-12, lawsOf(name).inputInvariance, `${name}: ${apart}`);
    }
    // With the reference moved along it is invariant.
    const [before, after] = [deepLift()(maps, x), deepLift({ reference: shift })(moved, add(x, shift))];
    check.close(await values(after), await values(before), { atol: 1e-12 });
  },
);
