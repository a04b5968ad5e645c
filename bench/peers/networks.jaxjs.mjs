/** The cases of the suite `networks` in jax-js: layers as data, under `jit`; every function consumes what it is given. */
import * as inputs from "../../dist/bench/inputs.js";
import { attack, coalitions, networkInputs, networkJson, networkWorks } from "../../dist/bench/networkInputs.js";

const noGroupedGradient =
  "the gradient of a grouped convolution with a stride for its input is wrong in 0.1.25, without a word (by more than the largest " +
  "element, already for 3 channels of 5x5)";

/** @param {object} tools what jaxjs.mjs has for its own cases */
export function networkCases({
  jax,
  upload,
  uploadAll,
  pure,
  training,
  issue,
  finish,
  parametersAndBatch,
  conv,
  pool,
  bias,
  softCrossEntropy,
}) {
  const { numpy: np, lax, nn, jit, grad, valueAndGrad, vjp, tree } = jax;

  /** Its own softplus, log(1 + exp(z)), has no slope where exp overflows. */
  const smoothRelu = (z) => {
    const tail = np.log1p(np.exp(np.abs(z.ref).mul(-attack.beta)));
    return nn.relu(z).add(tail.div(attack.beta));
  };
  const channels = (b) => b.reshape([1, b.shape[0], 1, 1]);

  /** A layer of holdfast/nn on x; `at` begins the names of its parameters; `smooth`: softplus in the place of relu. */
  function logits({ kind, options: o = {}, parts = {} }, p, x, smooth = false, at = "") {
    const own = (name) => p[at + name];
    switch (kind) {
      case "sequential":
        return parts.layers.reduce((h, inside, i) => logits(inside, p, h, smooth, `${at}${i}.`), x);
      case "residual": {
        const body = logits(parts.body, p, x.ref, smooth, `${at}body.`);
        return body.add(parts.shortcut ? logits(parts.shortcut, p, x, smooth, `${at}shortcut.`) : x);
      }
      case "conv2d": {
        const pad = [o.padding, o.padding];
        const grouped = { featureGroupCount: o.groups };
        return lax.convGeneralDilated(x, own("weight"), [o.stride, o.stride], [pad, pad], grouped);
      }
      case "batchNorm": {
        const scale = own("weight").div(np.sqrt(own("running_var").add(o.epsilon)));
        const shift = own("bias").sub(own("running_mean").mul(scale.ref));
        return x.mul(channels(scale)).add(channels(shift));
      }
      case "layerNorm":
        return nn.standardize(x, -1, { epsilon: o.epsilon }).mul(own("weight")).add(own("bias"));
      case "dense":
        return np.matmul(x, np.transpose(own("weight"))).add(own("bias"));
      case "relu":
        return smooth ? smoothRelu(x) : nn.relu(x);
      case "relu6":
        return smooth ? smoothRelu(x.ref).sub(smoothRelu(x.sub(6))) : nn.relu6(x);
      case "gelu":
        return nn.gelu(x, { approximate: false });
      case "maxPool":
        return lax.reduceWindow(x, (window) => np.max(window), [o.size, o.size], [o.stride, o.stride]);
      case "globalAvgPool":
        return np.mean(x, [2, 3]);
      case "averageTokens":
        return np.mean(x, 1);
      case "positions":
        return x.add(own("weight"));
      case "attention": {
        const [n, t, d] = x.shape;
        const all = np.matmul(x, np.transpose(own("in_proj_weight"))).add(own("in_proj_bias"));
        const [q, k, v] = np.split(all, 3, -1).map((part) => part.reshape([n, t, o.heads, d / o.heads]));
        // By hand: its own dotProductAttention needs iterator helpers, which Node 20 lacks.
        const alike = np.matmul(np.transpose(q, [0, 2, 1, 3]), np.transpose(k, [0, 2, 3, 1]));
        const weights = nn.softmax(alike.div(Math.sqrt(d / o.heads)), -1);
        const mixed = np.transpose(np.matmul(weights, np.transpose(v, [0, 2, 1, 3])), [0, 2, 1, 3]);
        return np.matmul(mixed.reshape([n, t, d]), np.transpose(own("out_proj.weight"))).add(own("out_proj.bias"));
      }
      default:
        throw new Error(`no layer ${kind}`);
    }
  }

  const layers = Object.fromEntries(
    Object.entries(networkWorks).map(([name, { network }]) => [name, networkJson(network)]),
  );

  /** What a case is given, on the device: parameters, samples, labels as rows of an identity matrix, and what else there is. */
  function given(name) {
    const { labels, x, ...others } = networkInputs(name);
    const parameters = Object.fromEntries(Object.entries(others).filter(([key]) => key.includes(".")));
    const classes = Object.entries(parameters).at(-1)[1].shape[0];
    const target = others.target && upload(others.target);
    return { p: uploadAll(parameters), x: upload(x), labels: upload(inputs.oneHot(labels.data, classes)), target };
  }

  const labelLogit = (name, p, x, labels, smooth) => np.sum(logits(layers[name], p, x, smooth).mul(labels));

  function forward(name) {
    const { p, x, labels } = given(name);
    labels.dispose();
    return pure((p, x) => logits(layers[name], p, x), [p, x], ["y"]);
  }

  function gradient(name) {
    const { p, x, labels } = given(name);
    return pure((p, x, labels) => grad((x) => labelLogit(name, p, x, labels, false))(x), [p, x, labels], ["x"]);
  }

  function secondOrderAttack(name) {
    const { p, x: start, labels, target } = given(name);
    const step = jit((p, x, start, labels, target) => {
      const loss = (x) => {
        const shown = grad((z) => labelLogit(name, p, z, labels, true))(x);
        return np.sum(np.square(shown.sub(target)));
      };
      const [value, slope] = valueAndGrad(loss)(x.ref);
      const length = np.sqrt(np.sum(np.square(slope.ref)));
      const moved = x.sub(slope.mul(attack.step).div(length));
      const low = np.maximum(start.ref.sub(attack.radius), 0);
      const high = np.minimum(start.add(attack.radius), 1);
      return [np.minimum(np.maximum(moved, low), high), value];
    });
    const run = (eachStep) => {
      let x = start.ref;
      const losses = [];
      for (let i = 0; i < attack.steps; i++) {
        const [next, loss] = step(tree.ref(p), x, start.ref, labels.ref, target.ref);
        eachStep([next, loss]);
        x = next;
        losses.push(loss);
      }
      return { x, losses };
    };
    return {
      async results() {
        const { x, losses } = run(() => {});
        const values = [];
        for (const loss of losses) values.push((await loss.data())[0]);
        return { shift: await x.sub(start.ref).data(), losses: values };
      },
      submit: () => tree.dispose(run(issue)),
      finish,
    };
  }

  function trainingStep(name) {
    const { p, x, labels } = given(name);
    const loss = (p, x, labels) => softCrossEntropy(logits(layers[name], p, x), labels);
    return training(loss, [x, labels], p);
  }

  /** The coalitions in chunks that keep the hidden layers under the 128 MiB that a binding may have. */
  function shapley(name) {
    const chunk = 256;
    const { p, x, labels } = given(name);
    const { background, masks, solver } = coalitions();
    const [count, features] = masks.shape;
    const pieces = [];
    for (let at = 0; at < count; at += chunk) {
      const rows = Math.min(chunk, count - at);
      const data = masks.data.slice(at * features, (at + rows) * features);
      pieces.push(upload({ shape: [rows, 1, features], data }));
    }
    const scores = jit((p, mask, x, background, labels) => {
      const [rows, n] = [mask.shape[0], x.shape[0]];
      const points = background.ref.add(mask.mul(x.sub(background))).reshape([rows * n, features]);
      const outputs = logits(layers[name], p, points).reshape([rows, n, labels.shape[1]]);
      return np.sum(outputs.mul(labels), -1);
    });
    const solve = jit((solver, ...parts) => {
      const all = np.concatenate(parts);
      const [empty, others] = [all.ref.slice([0, 1]), all.slice([1])];
      return np.transpose(np.matmul(solver, others.sub(empty)));
    });
    const [around, matrix] = [upload(background), upload(solver)];
    const run = () => {
      const parts = pieces.map((mask) => scores(tree.ref(p), mask.ref, x.ref, around.ref, labels.ref));
      return solve(matrix.ref, ...parts);
    };
    return {
      results: async () => ({ values: await run().data() }),
      submit() {
        const values = run();
        issue([values]);
        values.dispose();
      },
      finish,
    };
  }

  /** What every linear step of LRP does: relevance in proportion to the summands of z = f(x, weight) + offset. */
  const shared = (f, x, weight, offset, relevance) => {
    const [z, back] = vjp((x) => f(x, weight), [x.ref]);
    const [g] = back(relevance.div(z.add(offset).add(1e-6)));
    return x.mul(g);
  };
  const above = (t) => np.maximum(t, 0);
  const pooledBack = (x, relevance) => shared((x) => pool(x), x, undefined, 0, relevance);

  /** The composite of Dombrowski et al. 2019: z-box in the first layer, z-plus above. */
  function lrp(p, x, labels) {
    const first = nn.softplus(conv(x.ref, p["conv1.w"].ref).add(bias(p["conv1.b"])));
    const p1 = pool(first.ref);
    const second = nn.softplus(conv(p1.ref, p["conv2.w"].ref).add(bias(p["conv2.b"].ref)));
    const p2 = pool(second.ref);
    const shape = p2.shape;
    const flat = p2.reshape([shape[0], 3136]);
    const hidden = nn.softplus(np.matmul(flat.ref, p["dense1.w"].ref).add(p["dense1.b"].ref));
    const outputs = np.matmul(hidden.ref, p["dense2.w"].ref).add(p["dense2.b"].ref);
    let r = shared(np.matmul, hidden, above(p["dense2.w"]), above(p["dense2.b"]), outputs.mul(labels));
    r = shared(np.matmul, flat, above(p["dense1.w"]), above(p["dense1.b"]), r).reshape(shape);
    r = shared(conv, p1, above(p["conv2.w"]), bias(above(p["conv2.b"])), pooledBack(second, r));
    r = pooledBack(first, r);
    // Pixels lie in [0, 1]: the lower bound contributes nothing.
    const below = np.minimum(p["conv1.w"].ref, 0);
    const [z, back] = vjp((x) => conv(x, p["conv1.w"]), [x.ref]);
    const [most, backBelow] = vjp((x) => conv(x, below), [np.ones(x.shape)]);
    const quotient = r.div(z.sub(most).add(1e-6));
    const [own] = back(quotient.ref);
    const [bound] = backBelow(quotient);
    return x.mul(own).sub(bound);
  }

  /** Rows of the matrix that enlarges `from` positions to `to`, bilinearly, with pixel centres at half integers. */
  function enlarging(from, to) {
    const data = new Float32Array(to * from);
    for (let i = 0; i < to; i++) {
      const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
      const low = Math.min(from - 2, Math.floor(at));
      data[i * from + low] += 1 - (at - low);
      data[i * from + low + 1] += at - low;
    }
    return upload({ shape: [to, from], data });
  }

  function gradCam(p, x, labels, larger) {
    const first = pool(nn.softplus(conv(x, p["conv1.w"]).add(bias(p["conv1.b"]))));
    const maps = pool(nn.softplus(conv(first, p["conv2.w"]).add(bias(p["conv2.b"]))));
    const score = (maps) => {
      const hidden = nn.softplus(np.matmul(maps.reshape([maps.shape[0], 3136]), p["dense1.w"]).add(p["dense1.b"]));
      return np.sum(np.matmul(hidden, p["dense2.w"]).add(p["dense2.b"]).mul(labels));
    };
    const slopes = grad(score)(maps.ref);
    const weighted = np.sum(np.mean(slopes, [2, 3], { keepdims: true }).mul(maps), 1, { keepdims: true });
    // Its product of a matrix with a stack of matrices comes in a wrong order; that of a stack with a matrix is right.
    const across = np.matmul(nn.relu(weighted), np.transpose(larger.ref));
    return np.matmul(across.transpose([0, 1, 3, 2]), np.transpose(larger)).transpose([0, 1, 3, 2]);
  }

  function explained(name, f, ...more) {
    const { p, images, labels } = parametersAndBatch(name);
    return pure(f, [p, images, labels, ...more], ["map"]);
  }

  const works = { forward, gradient, attack: secondOrderAttack, training: trainingStep, shapley };
  return {
    ...Object.fromEntries(Object.entries(networkWorks).map(([name, { work }]) => [name, () => works[work](name)])),
    "mobilenet-v2-224-gradient": noGroupedGradient,
    "mobilenet-v2-224-attack": noGroupedGradient,
    lrp: () => explained("lrp", lrp),
    "grad-cam": () => explained("grad-cam", gradCam, enlarging(7, 28)),
  };
}
