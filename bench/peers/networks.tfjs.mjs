/** The cases of the suite `networks` in tfjs: layers as data, channels last. */
import * as inputs from "../../dist/bench/inputs.js";
import { attack, coalitions, networkInputs, networkJson, networkWorks } from "../../dist/bench/networkInputs.js";

/** @param {object} tools what tfjs.mjs has for its own cases */
export function networkCases(tools) {
  const { tf, upload, pure, training, finish, issue, batchOf, networkParametersOf } = tools;
  const { averagePool, imagesLast, imagesFirst, filtersLast } = tools;
  const kernel = (name, inputs, attributes) => tf.engine().runKernel(name, inputs, attributes);

  const smoothRelu = (z) => tf.div(tf.softplus(tf.mul(z, attack.beta)), attack.beta);

  /**
   * Gradients of depthwise convolutions and of max pooling have no gradients of their own in tfjs. Both are linear maps beside their
   * adjoints: told so, they differentiate to any order.
   */
  const linear = (f, adjoint) => {
    const forward = tf.customGrad((x) => ({ value: f(x), gradFunc: (dy) => back(dy) }));
    const back = tf.customGrad((dy) => ({ value: adjoint(dy), gradFunc: (ddx) => forward(ddx) }));
    return forward;
  };

  function depthwise(x, w, { stride, padding }) {
    const inputShape = x.shape;
    const attributes = { strides: [stride, stride], pad: padding, dilations: [1, 1], dimRoundingMode: "floor" };
    return linear(
      (x) => tf.depthwiseConv2d(x, w, stride, padding, "NHWC", 1, "floor"),
      (dy) => kernel("DepthwiseConv2dNativeBackpropInput", { dy, filter: w }, { ...attributes, inputShape }),
    )(x);
  }

  /** Of a batch of 1. */
  const maxPool = (size, stride) =>
    tf.customGrad((x, save) => {
      const y = tf.maxPool(x, size, stride, "valid");
      save([x, y]);
      return {
        value: y,
        gradFunc: (dy, [x, y]) => unpool(dy, x, y, { filterSize: size, strides: stride, pad: "valid" }),
      };
    });
  function unpool(dy, x, y, attributes) {
    const at = tf.maxPoolWithArgmax(x, attributes.filterSize, attributes.strides, "valid").indexes;
    // What a gradient needs and is not saved is freed before it runs.
    return tf.customGrad((dy, save) => {
      save([at]);
      return {
        value: kernel("MaxPoolGrad", { dy, input: x, output: y }, attributes),
        gradFunc: (ddx, [at]) => tf.reshape(tf.gather(tf.reshape(ddx, [-1]), tf.reshape(at, [-1])), dy.shape),
      };
    })(dy);
  }

  /** A layer of holdfast/nn on x; `at` begins the names of its parameters; `smooth`: differentiable twice, with softplus in the place of relu. */
  function logits({ kind, options: o = {}, parts = {} }, p, x, at = "", smooth = false) {
    const own = (name) => p[at + name];
    switch (kind) {
      case "sequential":
        return parts.layers.reduce((h, inside, i) => logits(inside, p, h, `${at}${i}.`, smooth), x);
      case "residual": {
        const body = logits(parts.body, p, x, `${at}body.`, smooth);
        return tf.add(body, parts.shortcut ? logits(parts.shortcut, p, x, `${at}shortcut.`, smooth) : x);
      }
      case "conv2d":
        if (o.groups === 1) return tf.conv2d(x, own("weight"), o.stride, o.padding, "NHWC", 1, "floor");
        if (smooth) return depthwise(x, own("weight"), o);
        return tf.depthwiseConv2d(x, own("weight"), o.stride, o.padding, "NHWC", 1, "floor");
      case "batchNorm":
        return tf.batchNorm(x, own("running_mean"), own("running_var"), own("bias"), own("weight"), o.epsilon);
      case "layerNorm": {
        const { mean, variance } = tf.moments(x, -1, true);
        const normal = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, o.epsilon)));
        return tf.add(tf.mul(normal, own("weight")), own("bias"));
      }
      case "dense":
        return dense(x, own("weight"), own("bias"));
      case "relu":
        return smooth ? smoothRelu(x) : tf.relu(x);
      case "relu6":
        return smooth ? tf.sub(smoothRelu(x), smoothRelu(tf.sub(x, 6))) : tf.relu6(x);
      case "gelu":
        return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.div(x, Math.SQRT2)), 1));
      case "maxPool":
        return smooth ? maxPool(o.size, o.stride)(x) : tf.maxPool(x, o.size, o.stride, "valid");
      case "globalAvgPool":
        return tf.mean(x, [1, 2]);
      case "averageTokens":
        return tf.mean(x, 1);
      case "positions":
        return tf.add(x, own("weight"));
      case "attention": {
        const [n, t, d] = x.shape;
        const heads = (part) => tf.transpose(tf.reshape(part, [n, t, o.heads, d / o.heads]), [0, 2, 1, 3]);
        const [q, k, v] = tf.split(dense(x, own("in_proj_weight"), own("in_proj_bias")), 3, -1).map(heads);
        const weights = tf.softmax(tf.div(tf.matMul(q, k, false, true), Math.sqrt(d / o.heads)));
        const mixed = tf.reshape(tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]), [n, t, d]);
        return dense(mixed, own("out_proj.weight"), own("out_proj.bias"));
      }
      default:
        throw new Error(`no layer ${kind}`);
    }
  }

  /** x [..., in], weight [out, in]: one product of matrices, however many tokens there are. */
  function dense(x, weight, bias) {
    const rows = tf.reshape(x, [-1, x.shape.at(-1)]);
    const y = tf.add(tf.matMul(rows, weight, false, true), bias);
    return tf.reshape(y, [...x.shape.slice(0, -1), weight.shape[0]]);
  }

  const layers = Object.fromEntries(
    Object.entries(networkWorks).map(([name, { network }]) => [name, networkJson(network)]),
  );

  /** What a case is given, on the device: parameters, samples, labels as rows of an identity matrix, and what else there is. */
  function given(name) {
    const { labels, x, ...others } = networkInputs(name);
    const image = (t) => tf.tidy(() => (t.shape.length === 4 ? imagesLast(upload(t)) : upload(t)));
    const p = {};
    for (const [path, t] of Object.entries(others)) {
      if (!path.includes(".")) continue;
      const depthwise = t.shape.length === 4 && t.shape[1] === 1;
      const placed = (w) => (depthwise ? tf.transpose(w, [2, 3, 0, 1]) : t.shape.length === 4 ? filtersLast(w) : w);
      p[path] = tf.tidy(() => placed(upload(t)));
    }
    const classes = Object.values(p).at(-1).shape[0];
    const target = others.target && image(others.target);
    return { p, x: image(x), labels: upload(inputs.oneHot(labels.data, classes)), target };
  }

  const labelLogit = (name, p, x, labels, smooth) => tf.sum(tf.mul(logits(layers[name], p, x, "", smooth), labels));

  function forward(name) {
    const { p, x } = given(name);
    return pure(() => [logits(layers[name], p, x)], ["y"]);
  }

  function gradient(name) {
    const { p, x, labels } = given(name);
    const slope = tf.grad((x) => labelLogit(name, p, x, labels, false));
    return pure(() => [slope(x)], ["x"], [imagesFirst]);
  }

  function secondOrderAttack(name) {
    const { p, x: start, labels, target } = given(name);
    const shown = tf.grad((x) => labelLogit(name, p, x, labels, true));
    const climb = tf.valueAndGrad((x) => tf.sum(tf.square(tf.sub(shown(x), target))));
    const [low, high] = tf.tidy(() => [
      tf.maximum(tf.sub(start, attack.radius), 0),
      tf.minimum(tf.add(start, attack.radius), 1),
    ]);
    const step = (x) =>
      tf.tidy(() => {
        const { value, grad } = climb(x);
        const length = tf.sqrt(tf.sum(tf.square(grad)));
        const moved = tf.sub(x, tf.mul(grad, tf.div(attack.step, length)));
        return { next: tf.minimum(tf.maximum(moved, low), high), value };
      });
    const run = () => {
      const losses = [];
      let x = tf.clone(start);
      for (let i = 0; i < attack.steps; i++) {
        const { next, value } = step(x);
        x.dispose();
        x = next;
        losses.push(value);
      }
      return { x, losses };
    };
    return {
      async results() {
        const { x, losses } = run();
        const values = [];
        for (const loss of losses) values.push((await loss.data())[0]);
        const shift = tf.tidy(() => imagesFirst(tf.sub(x, start)));
        return { shift: await shift.data(), losses: values };
      },
      submit() {
        tf.dispose(run());
        issue();
      },
      finish,
    };
  }

  function trainingStep(name) {
    const { p, x, labels } = given(name);
    return training((p) => tf.losses.softmaxCrossEntropy(labels, logits(layers[name], p, x)), p);
  }

  /** The coalitions in chunks that keep the hidden layers under the 128 MiB that a binding may have. */
  function shapley(name) {
    const chunk = 256;
    const { p, x, labels } = given(name);
    const { background, masks, solver } = coalitions();
    const [count, features] = masks.shape;
    const all = upload({ shape: [count, 1, features], data: masks.data });
    const [around, matrix] = [upload(background), upload(solver)];
    const sizes = Array.from({ length: Math.ceil(count / chunk) }, (_, i) => Math.min(chunk, count - i * chunk));
    const pieces = tf.split(all, sizes);
    const scores = (mask) =>
      tf.tidy(() => {
        const [rows, n] = [mask.shape[0], x.shape[0]];
        const points = tf.reshape(tf.add(around, tf.mul(mask, tf.sub(x, around))), [rows * n, features]);
        const outputs = tf.reshape(logits(layers[name], p, points), [rows, n, labels.shape[1]]);
        return tf.sum(tf.mul(outputs, labels), -1);
      });
    const run = () => {
      const [empty, others] = tf.split(tf.concat(pieces.map(scores)), [1, count - 1]);
      return [tf.transpose(tf.matMul(matrix, tf.sub(others, empty)))];
    };
    return pure(run, ["values"]);
  }

  /** The logits of the network of inputs.ts and what leads to them. */
  function inside(p, images) {
    const conv = (x, layer) => tf.softplus(tf.add(tf.conv2d(x, p[`${layer}.w`], 1, "same"), p[`${layer}.b`]));
    const first = conv(images, "conv1");
    const p1 = averagePool(first);
    const second = conv(p1, "conv2");
    const p2 = averagePool(second);
    return { first, p1, second, p2, ...head(p, p2) };
  }

  function head(p, maps) {
    const flat = tf.reshape(maps, [-1, 3136]);
    const hidden = tf.softplus(tf.add(tf.matMul(flat, p["dense1.w"]), p["dense1.b"]));
    return { flat, hidden, outputs: tf.add(tf.matMul(hidden, p["dense2.w"]), p["dense2.b"]) };
  }

  const above = (t) => tf.maximum(t, 0);
  const stable = (z) => tf.add(z, 1e-6);
  const convBack = (g, w, x) => tf.conv2dTranspose(g, w, x.shape, 1, "same");
  const pooledBack = (x, relevance) => {
    const dy = tf.div(relevance, stable(averagePool(x)));
    return tf.mul(x, kernel("AvgPoolGrad", { dy, input: x }, { filterSize: 2, strides: 2, pad: "valid" }));
  };
  const denseBack = (x, w, b, relevance) => {
    const positive = above(w);
    const quotient = tf.div(relevance, stable(tf.add(tf.matMul(x, positive), above(b))));
    return tf.mul(x, tf.matMul(quotient, positive, false, true));
  };

  /** The composite of Dombrowski et al. 2019: z-box in the first layer, z-plus above. */
  function lrp(p, images, labels) {
    const { first, p1, second, p2, flat, hidden, outputs } = inside(p, images);
    let r = denseBack(hidden, p["dense2.w"], p["dense2.b"], tf.mul(outputs, labels));
    r = tf.reshape(denseBack(flat, p["dense1.w"], p["dense1.b"], r), p2.shape);
    const positive = above(p["conv2.w"]);
    const z = tf.add(tf.conv2d(p1, positive, 1, "same"), above(p["conv2.b"]));
    r = tf.mul(p1, convBack(tf.div(pooledBack(second, r), stable(z)), positive, p1));
    r = pooledBack(first, r);
    // Pixels lie in [0, 1]: the lower bound contributes nothing.
    const below = tf.minimum(p["conv1.w"], 0);
    const most = tf.conv2d(tf.onesLike(images), below, 1, "same");
    const quotient = tf.div(r, stable(tf.sub(tf.conv2d(images, p["conv1.w"], 1, "same"), most)));
    const own = tf.mul(images, convBack(quotient, p["conv1.w"], images));
    return tf.sub(own, convBack(quotient, below, images));
  }

  function gradCam(p, images, labels) {
    const { p2 } = inside(p, images);
    const slopes = tf.grad((maps) => tf.sum(tf.mul(head(p, maps).outputs, labels)))(p2);
    const weighted = tf.relu(tf.sum(tf.mul(tf.mean(slopes, [1, 2], true), p2), 3, true));
    return tf.image.resizeBilinear(weighted, [28, 28], false, true);
  }

  function explained(name, f) {
    const p = networkParametersOf();
    const { images, labels } = batchOf(name);
    return pure(() => [f(p, images, labels)], ["map"], [imagesFirst]);
  }

  const works = { forward, gradient, attack: secondOrderAttack, training: trainingStep, shapley };
  return {
    ...Object.fromEntries(Object.entries(networkWorks).map(([name, { work }]) => [name, () => works[work](name)])),
    lrp: () => explained("lrp", lrp),
    "grad-cam": () => explained("grad-cam", gradCam),
  };
}
