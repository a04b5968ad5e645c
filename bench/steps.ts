/** The network's steps as captured functions of parameters and a batch, at any batch size and image side. */
import {
  type Captured,
  capture,
  dispose,
  grad,
  keep,
  mul,
  oneHot,
  square,
  sum,
  type Tensor,
  type Tree,
  valueAndGrad,
} from "../engine/index.js";
import { type Optimiser, paperNetwork, softplus } from "../nn/index.js";

/** With softplus of beta 1, as the peers have it. */
export const model = paperNetwork({ activation: softplus() });

/** Training steps one after the other: parameters and the optimiser's state live on between them and are updated in place. */
export interface Trainer {
  /** Issues a step. Returns its loss. */
  run(): Tensor;
  state(): { readonly params: Tree; readonly optimiser: Tree };
  readonly step: Pick<Captured<never, never>, "describe">;
  dispose(): void;
}

/** Steps of an optimiser on a loss of parameters and `inputs`. */
export function trainer(
  optimiser: Optimiser,
  loss: (params: Tree, ...inputs: Tensor[]) => Tensor,
  params: Tree,
  inputs: readonly Tensor[],
): Trainer {
  let state: Tree = keep({ params, optimiser: optimiser.init(params) });
  const step = capture(
    function trainStep(state: Tree, ...given: Tensor[]) {
      const [value, gradients] = valueAndGrad((p: Tree) => loss(p, ...given))(state.params);
      const [params, next] = optimiser.update(state.params, gradients, state.optimiser);
      return { state: { params, optimiser: next }, loss: value };
    },
    { donate: [0] },
  );
  return {
    run() {
      const made = step(state, ...inputs);
      state = keep(made.state);
      return made.loss;
    },
    state: () => state as ReturnType<Trainer["state"]>,
    step,
    dispose() {
      step.dispose();
      dispose(state);
    },
  };
}

function labelGradient(params: Tree, x: Tensor, y: Tensor): Tensor {
  return grad((z: Tensor) => sum(mul(model.apply(params, z), oneHot(y, 10))))(x);
}

/** (params, x, y) → d (sum of the label logits) / d x. */
export function captureInputGradient() {
  return capture(function inputGradient(params: Tree, x: Tensor, y: Tensor) {
    return { x: labelGradient(params, x, y) };
  });
}

/** (params, x, y) → what `select` takes of the parameter gradient of the mean squared norm of the input gradient. */
export function captureSecondOrder(select: (gradients: Tree) => Record<string, Tensor>) {
  return capture(function secondOrder(params: Tree, x: Tensor, y: Tensor) {
    const roughness = (p: Tree) => mul(sum(square(labelGradient(p, x, y))), 1 / x.shape[0]);
    return select(grad(roughness)(params));
  });
}
