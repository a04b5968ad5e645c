/** The cases that run the network, on the inputs that all systems share. */
import { dispose, keep, type Tensor, type Tree, tensor } from "../engine/index.js";
import { adam, crossEntropy } from "../nn/index.js";
import { type BenchCase, caseOf, upload } from "./cases.js";
import {
  type batchSizes,
  adam as constants,
  type HostTensor,
  networkBatch,
  networkParameters,
  type ParameterName,
  parameterNames,
  parameterShapes,
} from "./inputs.js";
import { captureInputGradient, captureSecondOrder, model, trainer } from "./steps.js";

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
export function parameterTree(): Tree {
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

export function batchOf(name: keyof typeof batchSizes): { images: Tensor; labels: Tensor } {
  const { images, labels } = networkBatch(name);
  return { images: upload(images), labels: keep(tensor(labels)) };
}

/** Mean cross-entropy and Adam. */
export function trainStep(): BenchCase {
  const { images, labels } = batchOf("train-step");
  return training((p, x, y) => crossEntropy(model.apply(p, x), y), [images, labels]);
}

/** The gradients of the network's parameters, from Adam's first moments after one step. */
async function caseGradients(moments: Tree): Promise<Record<string, ArrayLike<number>>> {
  const gradients: Record<string, ArrayLike<number>> = {};
  // After one step the first moment is the gradient times 1 - beta1.
  for (const name of parameterNames) {
    const moment = await inCaseLayout(part(moments, name), name);
    gradients[`gradient ${name}`] = Float64Array.from(moment, (value) => value / (1 - constants.beta1));
  }
  return gradients;
}

/** What is trained, and the gradients in the cases' layout from Adam's first moments after one step. */
export interface Trained {
  readonly params: Tree;
  gradients(moments: Tree): Promise<Record<string, ArrayLike<number>>>;
}

/** Adam on a loss of parameters and of inputs, parameters and state updated in place; those of the network above if not given. */
export function training(
  loss: (params: Tree, ...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  { params, gradients }: Trained = { params: parameterTree(), gradients: caseGradients },
): BenchCase {
  const { learningRate: lr, ...rest } = constants;
  const training = trainer(adam({ lr, ...rest }), loss, params, inputs);
  return {
    async results() {
      const losses: number[] = [];
      let first: Record<string, ArrayLike<number>> = {};
      for (let i = 0; i < 3; i++) {
        const loss = training.run();
        losses.push(await loss.item());
        loss.dispose();
        if (i === 0) first = await gradients(training.state().optimiser.m);
      }
      return { losses, ...first };
    },
    submit: () => training.run().dispose(),
    step: training.step,
    dispose() {
      training.dispose();
      dispose([...inputs]);
    },
  };
}

export function inputGradient(): BenchCase {
  const { images, labels } = batchOf("input-gradient");
  return caseOf(captureInputGradient(), [parameterTree(), images, labels]);
}

/** Parameter gradient of the mean squared norm of the input gradient. */
export function secondOrder(): BenchCase {
  const { images, labels } = batchOf("second-order");
  // The last bias does not reach the input gradient.
  const names = parameterNames.filter((name) => name !== "dense2.b");
  const step = captureSecondOrder((gradients) =>
    Object.fromEntries(names.map((name) => [`gradient ${name}`, part(gradients, name)])),
  );
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
