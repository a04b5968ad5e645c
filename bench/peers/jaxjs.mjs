/** The cases in jax-js: everything under `jit`, channels first, as the library's own examples do it. */
import * as inputs from "../../dist/bench/inputs.js";
import { installNavigator, versionOf } from "./adapter.mjs";
import { networkCases } from "./networks.jaxjs.mjs";
import { runCases } from "./worker.mjs";

const { adapter: wantedAdapter } = JSON.parse(process.argv[2]);
const adapter = await installNavigator(wantedAdapter);
const jax = await import("@jax-js/jax");
const { numpy: np, lax, nn, jit, grad, valueAndGrad, vjp, tree } = jax;
if (!(await jax.init("webgpu")).includes("webgpu")) throw new Error("jax-js did not start on WebGPU");
jax.defaultDevice("webgpu");

const upload = ({ shape, data }) => np.array(data, { shape: [...shape], dtype: np.float32 });
const uploadAll = (tensors) => Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, upload(t)]));
const finish = () => jax.getWebGPUDevice().queue.onSubmittedWorkDone();

/** Issues what the arrays wait for, now; blockUntilReady would do so after a turn of the event loop. */
function issue(arrays) {
  for (const array of tree.leaves(arrays)) array.ref.gpuBufferSync();
}

/** A pure function of a list of arrays as a case; `names` are those of its results. */
function pure(f, args, names) {
  const compiled = jit(f);
  const call = () => {
    const output = compiled(...args.map((a) => tree.ref(a)));
    return Array.isArray(output) ? output : [output];
  };
  return {
    async results() {
      const results = {};
      for (const [i, array] of call().entries()) results[names[i]] = await array.data();
      return results;
    },
    submit() {
      const output = call();
      issue(output);
      tree.dispose(output);
    },
    finish,
  };
}

const conv = (x, w) => lax.conv(x, w, [1, 1], "SAME");
const pool = (x) => lax.reduceWindow(x, (window) => np.mean(window), [2, 2], [2, 2]);
const bias = (b) => b.reshape([1, b.shape[0], 1, 1]);

/** Logits of images [batch, 1, 28, 28]; consumes both arguments. */
function logits(p, images) {
  const first = pool(nn.softplus(conv(images, p["conv1.w"]).add(bias(p["conv1.b"]))));
  const second = pool(nn.softplus(conv(first, p["conv2.w"]).add(bias(p["conv2.b"]))));
  const flat = second.reshape([second.shape[0], 3136]);
  const hidden = nn.softplus(np.matmul(flat, p["dense1.w"]).add(p["dense1.b"]));
  return np.matmul(hidden, p["dense2.w"]).add(p["dense2.b"]);
}

const crossEntropy = (p, images, labels) => softCrossEntropy(logits(p, images), labels);
const labelLogit = (p, images, labels) => np.sum(logits(p, images).mul(labels));

function batchOf(name) {
  const { images, labels } = inputs.networkBatch(name);
  return { images: upload(images), labels: upload(inputs.oneHot(labels)) };
}

const parametersAndBatch = (name) => ({ p: uploadAll(inputs.networkParameters()), ...batchOf(name) });

/** Cross-entropy of logits with one-hot or soft targets, mean over the rows. */
const softCrossEntropy = (outputs, targets) => np.mean(np.sum(nn.logSoftmax(outputs, -1).mul(targets), -1)).neg();

/** The first n rows, and the others. */
const apart = (array, n) => [array.ref.slice([0, n]), array.slice([n])];

/** Eq. 2 with squared L2 between the label logit's gradients; one forward pass serves predictions and gradients. */
function naive(p, images, labels, neighbours) {
  const { samples, weight } = inputs.around;
  const n = images.shape[0];
  const all = np.concatenate([images, neighbours]);
  const targets = np.tile(labels, [1 + samples, 1]);
  // A closure over p: nested grad(f)(x, p) loses the outer derivative of the inner arguments.
  const outputsAt = (x) => {
    const outputs = logits(p, x);
    return [np.sum(outputs.ref.mul(targets.ref)), outputs];
  };
  const [maps, outputs] = grad(outputsAt, { hasAux: true })(all);
  const [map, beside] = apart(maps, n);
  const distance = np.sum(np.square(beside.sub(np.tile(map, [samples, 1, 1, 1])))).div(samples * n);
  const [own, around] = apart(outputs, n);
  const [label, labelsAround] = apart(targets, n);
  return softCrossEntropy(own, label).add(softCrossEntropy(around, labelsAround)).add(distance.mul(weight));
}

/** Eq. 4: KL(taught, network) at the images and at the points around them. */
function atex(p, images, points, taught) {
  const n = images.shape[0];
  const divergence = (outputs, target) => {
    const logs = nn.logSoftmax(target, -1);
    return np.mean(np.sum(np.exp(logs.ref).mul(logs.sub(nn.logSoftmax(outputs, -1))), -1));
  };
  const [own, around] = apart(logits(p, np.concatenate([images, points])), n);
  const [taughtOwn, taughtAround] = apart(taught, n);
  return divergence(own, taughtOwn).add(divergence(around, taughtAround));
}

/** One Adam step of all parameters: (parameters, m, v, steps taken, ...given) -> (parameters, m, v, steps taken, loss). */
const adamStep =
  (lossOf) =>
  (parameters, m, v, steps, ...given) => {
    const { learningRate, beta1, beta2, epsilon } = inputs.adam;
    const [loss, gradients] = valueAndGrad((p) => lossOf(p, ...given))(tree.ref(parameters));
    const t = steps.add(1);
    const correction1 = np.subtract(1, np.power(beta1, t.ref));
    const correction2 = np.subtract(1, np.power(beta2, t.ref));
    const next = { parameters: {}, m: {}, v: {} };
    for (const name of Object.keys(parameters)) {
      const g = gradients[name];
      const first = m[name].mul(beta1).add(g.ref.mul(1 - beta1));
      const second = v[name].mul(beta2).add(np.square(g).mul(1 - beta2));
      const step = first.ref.div(correction1.ref).div(np.sqrt(second.ref.div(correction2.ref)).add(epsilon));
      next.parameters[name] = parameters[name].sub(step.mul(learningRate));
      next.m[name] = first;
      next.v[name] = second;
    }
    correction1.dispose();
    correction2.dispose();
    return [next.parameters, next.m, next.v, t, loss];
  };

/** Adam steps on a loss of the parameters and of `given`, from `start`, which it consumes. */
function training(lossOf, given, start = uploadAll(inputs.networkParameters())) {
  const compiled = jit(adamStep(lossOf));
  const names = Object.keys(start);
  const zeros = () => Object.fromEntries(names.map((name) => [name, np.zeros(start[name].shape)]));
  let parameters = start;
  let m = zeros();
  let v = zeros();
  let steps = np.array([0], { shape: [], dtype: np.float32 });
  const step = () => {
    let loss;
    [parameters, m, v, steps, loss] = compiled(parameters, m, v, steps, ...given.map((array) => array.ref));
    return loss;
  };
  return {
    async results() {
      const losses = [];
      const results = {};
      for (let i = 0; i < 3; i++) {
        losses.push((await step().data())[0]);
        if (i > 0) continue;
        // After one step the first moment is the gradient times 1 - beta1.
        for (const name of names) {
          const moment = await m[name].ref.data();
          results[`gradient ${name}`] = moment.map((value) => value / (1 - inputs.adam.beta1));
        }
      }
      return { losses, ...results };
    },
    submit() {
      const loss = step();
      issue([loss, parameters, m, v, steps]);
      loss.dispose();
    },
    finish,
  };
}

function trainStep() {
  const { images, labels } = batchOf("train-step");
  return training(crossEntropy, [images, labels]);
}

function naiveStep() {
  const { images, labels } = batchOf("naive-step");
  return training(naive, [images, labels, upload(inputs.neighbours())]);
}

function atexStep() {
  const { points, taught } = uploadAll(inputs.lesson());
  return training(atex, [batchOf("atex-step").images, points, taught]);
}

function inputGradient() {
  const { images, labels } = batchOf("input-gradient");
  const p = uploadAll(inputs.networkParameters());
  return pure((p, images, labels) => grad((x) => labelLogit(p, x, labels))(images), [p, images, labels], ["x"]);
}

function secondOrder() {
  const { images, labels } = batchOf("second-order");
  const { "dense2.b": constant, ...p } = uploadAll(inputs.networkParameters());
  const names = Object.keys(p);
  // Closures: nested grad(f)(x, p) loses the outer derivative of the inner arguments.
  const roughness = (p, constant, images, labels) => {
    const gradient = grad((x) => labelLogit({ ...p, "dense2.b": constant }, x, labels))(images);
    return np.sum(np.square(gradient)).div(inputs.batchSizes["second-order"]);
  };
  const f = (p, constant, images, labels) => {
    const gradients = grad((q) => roughness(q, constant, images, labels))(p);
    return names.map((name) => gradients[name]);
  };
  const titles = names.map((name) => `gradient ${name}`);
  return pure(f, [p, constant, images, labels], titles);
}

function convCase(layer) {
  const { x, w } = uploadAll(inputs.convInputs(layer));
  return pure(conv, [x, w], ["y"]);
}

function matmulCase(size) {
  const { a, b } = uploadAll(inputs.matmulInputs(size));
  return pure(np.matmul, [a, b], ["c"]);
}

const cases = {
  "matmul-512": () => matmulCase(512),
  "matmul-1024": () => matmulCase(1024),
  conv1: () => convCase("conv1"),
  conv2: () => convCase("conv2"),
  "conv2-input-gradient"() {
    const { x, w, g } = uploadAll(inputs.convInputs("conv2"));
    const f = (x, w, g) => vjp((x) => conv(x, w), [x])[1](g)[0];
    return pure(f, [x, w, g], ["x"]);
  },
  "conv2-filter-gradient"() {
    const { x, w, g } = uploadAll(inputs.convInputs("conv2"));
    const f = (x, w, g) => vjp((w) => conv(x, w), [w])[1](g)[0];
    return pure(f, [x, w, g], ["w"]);
  },
  "softplus-4m"() {
    const { x, w, b } = uploadAll(inputs.softplusInputs());
    return pure((x, w, b) => nn.softplus(x.mul(w).add(b)), [x, w, b], ["y"]);
  },
  "sum-4m": () => pure((x) => np.sum(x), [upload(inputs.sumInputs().x)], ["sum"]),
  "train-step": trainStep,
  "input-gradient": inputGradient,
  "second-order": secondOrder,
  "naive-step": naiveStep,
  "atex-step": atexStep,
  ...networkCases({
    ...{ jax, upload, uploadAll, pure, training, issue, finish },
    ...{ parametersAndBatch, conv, pool, bias, softCrossEntropy },
  }),
};

await runCases("jax-js", cases, {
  adapter,
  versions: { "jax-js": versionOf("@jax-js/jax"), webgpu: versionOf("webgpu") },
});
