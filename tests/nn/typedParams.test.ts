/** Parameters have the type of the layers that made them: what does not compile here would be NaN or a crash at run time. */
import { dispose, random, type Tensor, valueAndGrad } from "../../engine/index.js";
import {
  attention,
  batchNorm,
  concatenate,
  conv1d,
  conv2d,
  dense,
  embedding,
  flatten,
  initialState,
  type Layer,
  mse,
  relu,
  residual,
  sequential,
  sgd,
  type TrainState,
} from "../../nn/index.js";
import { referenceTest } from "../executors.js";
import { check } from "../harness.js";

const model = sequential([
  conv2d(2, 3, { bias: false }),
  relu,
  residual(sequential([conv2d(2, 1), batchNorm()])),
  flatten,
  concatenate([dense(2), relu]),
]);

referenceTest("a misspelt parameter, one that is not there and a layer that is not there do not compile", () => {
  const { params } = model.init(random.key(0), [1, 4, 4]);
  const weight: Tensor = params[0].weight;
  const inside: Tensor = params[2].body[1].running_mean;
  const branch: Tensor = params[4][0].bias;
  check.equal(
    [weight, inside, branch].map((t) => t.rank),
    [4, 1, 1],
  );
  // @ts-expect-error a misspelt name
  check.is(params[0].wieght, undefined);
  // @ts-expect-error a layer without a bias
  check.is(params[0].bias, undefined);
  // @ts-expect-error an activation has no parameters
  check.throws(() => params[1].weight, /null/);
  // @ts-expect-error there are five layers
  check.is(params[5], undefined);
  // @ts-expect-error a list is needed
  check.throws(() => model.apply({ weight }, weight), /sequential: the parameters are no list/);
});

referenceTest("gradients, updates and the state of a training have the type of the parameters", () => {
  const { params } = model.init(random.key(0), [1, 4, 4]);
  type Params = typeof params;
  const loss = (p: Params): Tensor => mse(p[0].weight, p[0].weight);
  const [, gradients] = valueAndGrad(loss)(params);
  const optimiser = sgd({ lr: 0.1 });
  const state: TrainState<Params> = initialState(params, optimiser);
  const [next] = optimiser.update(params, gradients, state.optimiser);
  check.equal(next[0].weight.shape, params[0].weight.shape);
  dispose(state.optimiser);
  // @ts-expect-error a misspelt name of a gradient
  check.is(gradients[2].boddy, undefined);
});

referenceTest("layers of every typed kind have the parameters that their types name", () => {
  const key = random.key(1);
  const d = dense(2).init(key, [3]).params;
  const c = conv1d(2, 3).init(key, [1, 5]).params;
  const e = embedding(4, 3).init(key, [2]).params;
  const a = attention(1).init(key, [2, 4]).params;
  const n = batchNorm().init(key, [2, 3, 3]).params;
  const named: Record<string, Tensor> = {
    ...{ weight: d.weight, bias: d.bias, filter: c.weight, shift: c.bias, table: e.weight },
    ...{ inward: a.in_proj_weight, inwardBias: a.in_proj_bias, out: a.out_proj.weight, outBias: a.out_proj.bias },
    ...{ mean: n.running_mean, variance: n.running_var, scale: n.weight, move: n.bias },
  };
  for (const [name, t] of Object.entries(named)) check.ok(t.rank > 0, name);
  // Typed layers go where any layer goes.
  const list: readonly Layer[] = [dense(2), relu, model];
  check.is(sequential(list).layers.length, 3);
});
