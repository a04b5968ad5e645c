/** The cases that run the network: paperNetwork of nn with softplus (beta 1, as the peers have it), its losses and optimiser. */
import {
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
  tensor,
  valueAndGrad,
} from "../engine/index.js";
import { adam, crossEntropy, paperNetwork, softplus } from "../nn/index.js";
import { type BenchCase, caseOf, upload } from "./cases.js";
import {
  batchSizes,
  adam as constants,
  type HostTensor,
  networkBatch,
  networkParameters,
  type ParameterName,
  parameterNames,
  parameterShapes,
} from "./inputs.js";

const model = paperNetwork({ activation: softplus() });
/** Where each parameter lies in the model's tree. */
const places = Object.fromEntries(
  parameterNames.map((name) => {
    const [layer, kind] = name.split(".");
    const at = model.layers.findIndex((l) => l.name === layer);
    return [name, { at, key: kind === "w" ? "weight" : "bias" }];
  }),
) as Record<ParameterName, { readonly at: number; readonly key: "weight" | "bias" }>;

/** Weights of dense layers are [in, out] in the cases, and nn has them [out, in]. */
const isTurned = (name: ParameterName): boolean => /^dense.*w$/.test(name);

function turned(values: ArrayLike<number>, rows: number, columns: number): Float32Array {
  return Float32Array.from({ length: values.length }, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]);
}

/** The model's tree of parameters on the device, kept. */
function parameterTree(): Tree {
  const given: Record<string, HostTensor> = networkParameters();
  const tree: Record<string, Tensor>[] = model.layers.map(() => ({}));
  for (const name of parameterNames) {
    const { shape, data } = given[name];
    const [rows, columns] = shape;
    const { at, key } = places[name];
    tree[at][key] = upload(
      isTurned(name) ? { shape: [columns, rows], data: turned(data, rows, columns) } : given[name],
    );
  }
  return tree;
}

/** What belongs to a parameter in a tree like the model's. */
function part(tree: Tree, name: ParameterName): Tensor {
  const { at, key } = places[name];
  return tree[at][key];
}

/** Values like a parameter in the layout of the cases. */
async function inCaseLayout(t: Tensor, name: ParameterName): Promise<ArrayLike<number>> {
  const [rows, columns] = parameterShapes[name];
  const values = await t.read();
  return isTurned(name) ? turned(values, columns as number, rows) : values;
}

function batchOf(name: keyof typeof batchSizes): { images: Tensor; labels: Tensor } {
  const { images, labels } = networkBatch(name);
  return { images: upload(images), labels: keep(tensor(labels)) };
}

/** Mean cross-entropy and Adam, parameters and state updated in place. */
export function trainStep(): BenchCase {
  const { images, labels } = batchOf("train-step");
  const { learningRate: lr, ...rest } = constants;
  const optimiser = adam({ lr, ...rest });
  const parameters = parameterTree();
  let state: Tree = { parameters, optimiser: optimiser.init(parameters) };
  const step = capture(
    function trainStep(state: Tree, x: Tensor, y: Tensor) {
      const loss = (p: Tree) => crossEntropy(model.apply(p, x), y);
      const [value, gradients] = valueAndGrad(loss)(state.parameters);
      const [parameters, next] = optimiser.update(state.parameters, gradients, state.optimiser);
      return { state: { parameters, optimiser: next }, loss: value };
    },
    { donate: [0] },
  );
  const run = (): Tensor => {
    const made = step(state, images, labels);
    state = keep(made.state);
    return made.loss;
  };
  return {
    async results() {
      const losses: number[] = [];
      const gradients: Record<string, ArrayLike<number>> = {};
      for (let i = 0; i < 3; i++) {
        const loss = run();
        losses.push(await loss.item());
        loss.dispose();
        if (i > 0) continue;
        // After one step the first moment is the gradient times 1 - beta1.
        for (const name of parameterNames) {
          const moment = await inCaseLayout(part(state.optimiser.m, name), name);
          gradients[`gradient ${name}`] = Float64Array.from(moment, (value) => value / (1 - constants.beta1));
        }
      }
      return { losses, ...gradients };
    },
    submit: () => run().dispose(),
    step,
    dispose() {
      step.dispose();
      dispose([state, images, labels]);
    },
  };
}

function labelLogit(p: Tree, x: Tensor, y: Tensor): Tensor {
  return sum(mul(model.apply(p, x), oneHot(y, 10)));
}

export function inputGradient(): BenchCase {
  const { images, labels } = batchOf("input-gradient");
  const step = capture(function inputGradient(p: Tree, x: Tensor, y: Tensor) {
    return { x: grad((x: Tensor) => labelLogit(p, x, y))(x) };
  });
  return caseOf(step, [parameterTree(), images, labels]);
}

/** Parameter gradient of the mean squared norm of the input gradient. */
export function secondOrder(): BenchCase {
  const { images, labels } = batchOf("second-order");
  const step = capture(function secondOrder(p: Tree, x: Tensor, y: Tensor) {
    const roughness = (p: Tree) => {
      const gradient = grad((x: Tensor) => labelLogit(p, x, y))(x);
      return mul(sum(square(gradient)), 1 / batchSizes["second-order"]);
    };
    const gradients = grad(roughness)(p);
    // The last bias does not reach the input gradient.
    const names = parameterNames.filter((name) => name !== "dense2.b");
    return Object.fromEntries(names.map((name) => [`gradient ${name}`, part(gradients, name)]));
  });
  const made = caseOf(step, [parameterTree(), images, labels]);
  return {
    ...made,
    async results() {
      const results = await made.results();
      return Object.fromEntries(
        Object.entries(results).map(([title, values]) => {
          const name = title.slice("gradient ".length) as ParameterName;
          const [rows, columns] = parameterShapes[name];
          return [title, isTurned(name) ? turned(values, columns as number, rows) : values];
        }),
      );
    },
  };
}
