/** The cases in tfjs on its WebGPU backend: channels last, its own layers, optimiser and fused operations. */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import * as inputs from "../../dist/bench/inputs.js";
import { installNavigator, versionOf } from "./adapter.mjs";
import { networkCases } from "./networks.tfjs.mjs";
import { runCases } from "./worker.mjs";

const { adapter: wantedAdapter } = JSON.parse(process.argv[2]);
const adapter = await installNavigator(wantedAdapter);
const tf = await importTfjs();
await tf.setBackend("webgpu");
await tf.ready();
if (tf.getBackend() !== "webgpu") throw new Error(`tfjs runs on ${tf.getBackend()}, not on WebGPU`);

/** tfjs registers its gradients only in its ES modules, which Node cannot load as they are: bundle them. */
async function importTfjs() {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-tfjs-"));
  const outfile = join(folder, "tfjs.cjs");
  const contents = [
    'export * from "@tensorflow/tfjs-core";',
    'import "@tensorflow/tfjs-core/dist/register_all_gradients";',
    'import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops";',
    'import "@tensorflow/tfjs-backend-webgpu";',
  ].join("\n");
  try {
    await build({
      stdin: { contents, resolveDir: fileURLToPath(new URL(".", import.meta.url)) },
      outfile,
      bundle: true,
      platform: "node",
      format: "cjs",
      mainFields: ["module", "main"],
      logLevel: "error",
    });
    return createRequire(import.meta.url)(outfile);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const upload = ({ shape, data }) => tf.tensor(data, [...shape], "float32");

// Between the layouts of bench/inputs.ts (channels first) and those tfjs is made for (channels last).
const imagesLast = (t) => tf.transpose(t, [0, 2, 3, 1]);
const imagesFirst = (t) => tf.transpose(t, [0, 3, 1, 2]);
const filtersLast = (t) => tf.transpose(t, [2, 3, 1, 0]);
const filtersFirst = (t) => tf.transpose(t, [3, 2, 0, 1]);

/** Rows of the first dense layer: channel-row-column on the host, row-column-channel here. */
const rowsLast = (t) => tf.reshape(tf.transpose(tf.reshape(t, [64, 7, 7, 128]), [1, 2, 0, 3]), [3136, 128]);
const rowsFirst = (t) => tf.reshape(tf.transpose(tf.reshape(t, [7, 7, 64, 128]), [2, 0, 1, 3]), [3136, 128]);

const fromHost = { "conv1.w": filtersLast, "conv2.w": filtersLast, "dense1.w": rowsLast };
const toHost = { "conv1.w": filtersFirst, "conv2.w": filtersFirst, "dense1.w": rowsFirst };
const same = (t) => t;

/** Issues what tfjs has recorded but holds back until a read or until enough of it has come together. */
function issue() {
  const backend = tf.backend();
  if (backend.commandEncoder === null) return;
  backend.endComputePassEncoder();
  backend.submitQueue();
}

const finish = () => tf.backend().queue.onSubmittedWorkDone();

/** A function of nothing as a case: its array of tensors, their names, and their way back to the host's layout. */
function pure(f, names, back = []) {
  return {
    async results() {
      const results = {};
      const output = tf.tidy(() => f().map((t, i) => (back[i] ?? same)(t)));
      for (const [i, name] of names.entries()) results[name] = await output[i].data();
      tf.dispose(output);
      return results;
    },
    submit() {
      tf.dispose(tf.tidy(f));
      issue();
    },
    finish,
  };
}

function parametersOf() {
  const parameters = {};
  for (const [name, tensor] of Object.entries(inputs.networkParameters())) {
    parameters[name] = tf.tidy(() => (fromHost[name] ?? same)(upload(tensor)));
  }
  return parameters;
}

function batchOf(name) {
  const { images, labels } = inputs.networkBatch(name);
  return { images: tf.tidy(() => imagesLast(upload(images))), labels: upload(inputs.oneHot(labels)) };
}

const averagePool = (x) => tf.avgPool(x, 2, 2, "valid");

/**
 * The gradient of tfjs's pooling has no gradient of its own. Pooling is linear, so it and its adjoint are each other's
 * gradients: told so, they differentiate to any order on tfjs's own kernels, in half the time of reshape and mean.
 */
const linearPool = tf.customGrad((x) => ({ value: averagePool(x), gradFunc: (dy) => linearUnpool(dy) }));
const linearUnpool = tf.customGrad((dy) => {
  const [batch, height, width, channels] = dy.shape;
  const input = tf.zeros([batch, 2 * height, 2 * width, channels]);
  const attributes = { filterSize: 2, strides: 2, pad: "valid" };
  return { value: tf.engine().runKernel("AvgPoolGrad", { dy, input }, attributes), gradFunc: (ddx) => linearPool(ddx) };
});

/** Logits of images [batch, 28, 28, 1]. */
function logits(p, images, pool) {
  const conv = (x, layer) => tf.add(tf.conv2d(x, p[`${layer}.w`], 1, "same"), p[`${layer}.b`]);
  const dense = (x, layer) => tf.add(tf.matMul(x, p[`${layer}.w`]), p[`${layer}.b`]);
  const first = pool(tf.softplus(conv(images, "conv1")));
  const second = pool(tf.softplus(conv(first, "conv2")));
  return dense(tf.softplus(dense(tf.reshape(second, [-1, 3136]), "dense1")), "dense2");
}

const labelLogit = (p, images, labels, pool) => tf.sum(tf.mul(logits(p, images, pool), labels));

const crossEntropy = (outputs, labels) => tf.losses.softmaxCrossEntropy(labels, outputs);

/** The first n rows, and the others. */
const apart = (t, n) => tf.split(t, [n, t.shape[0] - n]);

/** Eq. 2 with squared L2 between the label logit's gradients. */
function naive(p, images, labels, neighbours) {
  const { samples, weight } = inputs.around;
  const n = images.shape[0];
  const all = tf.concat([images, neighbours]);
  const targets = tf.tile(labels, [1 + samples, 1]);
  const maps = tf.grad((x) => labelLogit(p, x, targets, linearPool))(all);
  const [map, beside] = apart(maps, n);
  const distance = tf.div(tf.sum(tf.square(tf.sub(beside, tf.tile(map, [samples, 1, 1, 1])))), samples * n);
  const [own, around] = apart(logits(p, all, averagePool), n);
  const [label, labelsAround] = apart(targets, n);
  const predictions = tf.add(crossEntropy(own, label), crossEntropy(around, labelsAround));
  return tf.add(predictions, tf.mul(distance, weight));
}

/** Eq. 4: KL(taught, network) at the images and at the points around them. */
function atex(p, images, points, taught) {
  const n = images.shape[0];
  const divergence = (outputs, target) => {
    const logs = tf.logSoftmax(target);
    return tf.mean(tf.sum(tf.mul(tf.exp(logs), tf.sub(logs, tf.logSoftmax(outputs))), -1));
  };
  const [own, around] = apart(logits(p, tf.concat([images, points]), averagePool), n);
  const [taughtOwn, taughtAround] = apart(taught, n);
  return tf.add(divergence(own, taughtOwn), divergence(around, taughtAround));
}

function trainStep() {
  const { images, labels } = batchOf("train-step");
  return training((p) => crossEntropy(logits(p, images, averagePool), labels));
}

function naiveStep() {
  const { images, labels } = batchOf("naive-step");
  const neighbours = tf.tidy(() => imagesLast(upload(inputs.neighbours())));
  return training((p) => naive(p, images, labels, neighbours));
}

function atexStep() {
  const { images } = batchOf("atex-step");
  const lesson = inputs.lesson();
  const points = tf.tidy(() => imagesLast(upload(lesson.points)));
  const taught = upload(lesson.taught);
  return training((p) => atex(p, images, points, taught));
}

/** Adam steps on a loss of the parameters, from `initial`. */
function training(lossOf, initial = parametersOf()) {
  const { learningRate, beta1, beta2, epsilon } = inputs.adam;
  const optimiser = tf.train.adam(learningRate, beta1, beta2, epsilon);
  const names = Object.keys(initial);
  const parameters = Object.fromEntries(names.map((name) => [name, tf.variable(initial[name])]));
  const step = (returnLoss) => optimiser.minimize(() => lossOf(parameters), returnLoss, Object.values(parameters));
  return {
    async results() {
      const losses = [];
      const results = {};
      for (let i = 0; i < 3; i++) {
        losses.push((await step(true).data())[0]);
        if (i > 0) continue;
        // After one step the first moment is the gradient times 1 - beta1.
        for (const [k, name] of names.entries()) {
          const moment = optimiser.accumulatedFirstMoment[k].variable;
          const gradient = tf.tidy(() => (toHost[name] ?? same)(tf.div(moment, 1 - beta1)));
          results[`gradient ${name}`] = await gradient.data();
        }
      }
      return { losses, ...results };
    },
    submit() {
      step(false);
      issue();
    },
    finish,
  };
}

function inputGradient() {
  const { images, labels } = batchOf("input-gradient");
  const p = parametersOf();
  const gradient = tf.grad((x) => labelLogit(p, x, labels, averagePool));
  return pure(() => [gradient(images)], ["x"], [imagesFirst]);
}

function secondOrder() {
  const { images, labels } = batchOf("second-order");
  const { "dense2.b": constant, ...p } = parametersOf();
  const names = Object.keys(p);
  const roughness = (...values) => {
    const q = { "dense2.b": constant, ...Object.fromEntries(names.map((name, i) => [name, values[i]])) };
    const gradient = tf.grad((x) => labelLogit(q, x, labels, linearPool))(images);
    return tf.div(tf.sum(tf.square(gradient)), inputs.batchSizes["second-order"]);
  };
  const gradients = tf.grads(roughness);
  const titles = names.map((name) => `gradient ${name}`);
  return pure(
    () => gradients(Object.values(p)),
    titles,
    names.map((name) => toHost[name]),
  );
}

function convInputs(layer) {
  const { x, w, g } = inputs.convInputs(layer);
  return tf.tidy(() => ({ x: imagesLast(upload(x)), w: filtersLast(upload(w)), g: imagesLast(upload(g)) }));
}

function convCase(layer) {
  const { x, w } = convInputs(layer);
  return pure(() => [tf.conv2d(x, w, 1, "same")], ["y"], [imagesFirst]);
}

function matmulCase(size) {
  const { a, b } = inputs.matmulInputs(size);
  const [left, right] = [upload(a), upload(b)];
  return pure(() => [tf.matMul(left, right)], ["c"]);
}

const cases = {
  "matmul-512": () => matmulCase(512),
  "matmul-1024": () => matmulCase(1024),
  conv1: () => convCase("conv1"),
  conv2: () => convCase("conv2"),
  "conv2-input-gradient"() {
    const { x, w, g } = convInputs("conv2");
    return pure(() => [tf.conv2dTranspose(g, w, x.shape, 1, "same")], ["x"], [imagesFirst]);
  },
  "conv2-filter-gradient"() {
    const { x, w, g } = convInputs("conv2");
    const attributes = { strides: 1, pad: "same", dataFormat: "NHWC", filterShape: w.shape };
    // The kernel itself: the public way to it would run the forward pass as well.
    return pure(() => [tf.engine().runKernel("Conv2DBackpropFilter", { x, dy: g }, attributes)], ["w"], [filtersFirst]);
  },
  "softplus-4m"() {
    const { x, w, b } = inputs.softplusInputs();
    const [values, scale, shift] = [upload(x), upload(w), upload(b)];
    return pure(() => [tf.softplus(tf.add(tf.mul(values, scale), shift))], ["y"]);
  },
  "sum-4m"() {
    const x = upload(inputs.sumInputs().x);
    return pure(() => [tf.sum(x)], ["sum"]);
  },
  "train-step": trainStep,
  "input-gradient": inputGradient,
  "second-order": secondOrder,
  "naive-step": naiveStep,
  "atex-step": atexStep,
  ...networkCases({
    ...{ tf, upload, pure, training, finish, issue, batchOf, networkParametersOf: parametersOf },
    ...{ averagePool, imagesLast, imagesFirst, filtersLast },
  }),
};

await runCases("tfjs", cases, { adapter, versions: { tfjs: tf.version_core, webgpu: versionOf("webgpu") } });
