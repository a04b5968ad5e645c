/** Random networks: loss, gradients in parameters and image, and the parameters' gradient of the image gradient's squared norm. */
import { withExecutor } from "../../engine/executor.js";
import * as h from "../../engine/index.js";
import { ReferenceExecutor } from "../../engine/reference.js";
import type { Tensor } from "../../engine/tensor.js";
import { entries, leaves, mapTree, type Tree } from "../../engine/tree.js";
import { elu, gelu, relu, sigmoid, silu, softplus, tanh } from "../../nn/activations.js";
import { residual } from "../../nn/containers.js";
import { type Layer, sequential } from "../../nn/index.js";
import { avgPool, conv2d, dense, flatten, globalAvgPool, maxPool } from "../../nn/layers.js";
import { crossEntropy, mse } from "../../nn/losses.js";
import { generator, seededDraw } from "../values.js";
import type { Problem } from "./compare.js";

/** A random network on random images, with its parameters and the images as arguments. */
export async function randomNetwork(seed: number): Promise<Problem> {
  const d = seededDraw(seed);
  const random = generator(seed + 1);
  const side = d.int(5, 9);
  const channels = d.int(1, 3);
  const batch = d.int(1, 4);
  const classes = d.int(2, 5);
  const activation = (): Layer =>
    d.pick([() => relu, () => tanh, () => sigmoid, () => gelu, () => silu, () => elu(), () => softplus({ beta: 2 })])();
  const layers: Layer[] = [];
  let now = side;
  for (let i = d.int(0, 3); i > 0; i--) {
    const size = d.pick([1, 2, 3]);
    const filters = d.int(1, 5);
    if (now < size) break;
    const padding = d.pick(["same", "valid"] as const);
    layers.push(conv2d(filters, size, { padding }), activation());
    if (padding === "valid") now -= size - 1;
    if (d.int(0, 3) === 0) layers.push(residual(sequential([conv2d(filters, 3, { padding: "same" }), activation()])));
    if (now >= 4 && d.boolean()) {
      layers.push(d.boolean() ? avgPool(2) : maxPool(2));
      now = Math.floor(now / 2);
    }
  }
  if (layers.length > 0 && d.int(0, 3) === 0) layers.push(globalAvgPool);
  layers.push(flatten);
  for (let i = d.int(0, 2); i > 0; i--) layers.push(dense(d.int(2, 20)), activation());
  layers.push(dense(classes));
  const model = sequential(layers);
  const squared = d.boolean();
  const targets = new Int32Array(batch).map(() => d.int(0, classes - 1));

  const on = new ReferenceExecutor();
  const { params } = withExecutor(on, () => model.init(h.random.key(seed), [channels, side, side]));
  const initial: Tensor[] = leaves(params);
  const data: Float32Array[] = [];
  for (const t of initial) data.push(Float32Array.from(await t.read()));
  // Zero biases would put whole maps on a kink.
  for (const list of data) for (let i = 0; i < list.length; i++) list[i] += 0.1 * (random() - 0.5);
  data.push(new Float32Array(batch * channels * side * side).map(() => 2 * random() - 1));
  const shapes = [...initial.map(({ shape }) => shape), [batch, channels, side, side]];

  const placeOf = new Map(entries(params).map(([path], i) => [path, i]));
  const treeOf = (tensors: readonly Tensor[]): Tree => mapTree(params, (_, path) => tensors[placeOf.get(path)!]);
  const loss = (tensors: readonly Tensor[], x: Tensor): Tensor => {
    const y = model.apply(treeOf(tensors), x);
    return squared ? mse(y, h.oneHot(h.tensor(targets), classes)) : crossEntropy(y, h.tensor(targets));
  };
  const results = (...args: Tensor[]): Tensor[] => {
    const [tensors, x] = [args.slice(0, -1), args[args.length - 1]];
    const [value, all] = h.valueAndGrad((list: Tensor[]) => loss(list.slice(0, -1), list[list.length - 1]))(args);
    const energy = (list: Tensor[]): Tensor => h.sum(h.square(h.grad((image: Tensor) => loss(list, image))(x)));
    return [value, ...all, ...h.grad(energy)(tensors)];
  };
  const kinds = layers.map(({ kind }) => kind).join(" ");
  return {
    text: `seed ${seed}: ${batch} of ${channels}×${side}×${side}, ${kinds}, ${squared ? "mse" : "cross-entropy"}`,
    shapes,
    data,
    results,
  };
}

/** The same network on other images and parameters near by, for a disagreement at a kink. */
export function elsewhere(problem: Problem, seed: number): Problem {
  const random = generator(seed);
  return { ...problem, data: problem.data.map((list) => list.map((v) => v + 0.02 * (random() - 0.5))) };
}
