/** Residual and concatenating layers, layers for tokens: values by hand, keys, statistics, replacing inside. */
import {
  add,
  checkGrads,
  concat,
  inspect,
  label,
  mapTree,
  random,
  reshape as reshapeOp,
  square,
  sum,
  type Tensor,
  type Tree,
  tensor,
} from "../../engine/index.js";
import {
  attention,
  averageTokens,
  batchNorm,
  concatenate,
  conv2d,
  dense,
  dropout,
  flatten,
  globalAvgPool,
  hardSwish,
  type Layer,
  layerNorm,
  maxPool,
  named,
  patches,
  positions,
  relu,
  relu6,
  replaceLayers,
  reshape,
  residual,
  sequential,
  softplus,
  tanh,
  train,
} from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { generator } from "../values.js";
import { BATCH, free, freeData, halves, optimiser, start } from "./halves.js";

const key = (seed = 0): Tensor => random.key(seed);
const noise = (shape: readonly number[], seed = 1): Tensor => {
  const next = generator(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(
    new Float32Array(size).map(() => 4 * next() - 2),
    shape,
  );
};

/** A layer whose parameters may be anything, as plain JavaScript and trees from files have it. */
const untyped = (layer: Layer): Layer => layer;

referenceTest("a residual layer adds body and shortcut, a concatenating one puts branches side by side", async () => {
  const x = noise([2, 2, 3, 3]);
  const [body, shortcut] = [conv2d(3, 3, { padding: "same" }), conv2d(3, 1, { bias: false })];
  const [a, b] = [body.init(key(1), [2, 3, 3]).params, shortcut.init(key(2), [2, 3, 3]).params];
  const y = await residual(body, shortcut).apply({ body: a, shortcut: b }, x).read();
  check.identical(y, await add(body.apply(a, x), shortcut.apply(b, x)).read());
  check.identical(await untyped(residual(tanh)).apply({}, x).read(), await add(tanh.apply(null, x), x).read());
  check.identical(await untyped(residual(relu)).apply(null, x).read(), await add(relu.apply(null, x), x).read());
  const joined = await untyped(concatenate([body, relu]))
    .apply([a], x)
    .read();
  check.identical(joined, await concat([body.apply(a, x), relu.apply(null, x)], 1).read());
  const last = concatenate([relu, tanh], { axis: -1 });
  check.equal([...last.init(key(), [2, 3, 3]).shape], [2, 3, 6]);
  check.identical(
    await untyped(last).apply([], x).read(),
    await concat([relu.apply(null, x), tanh.apply(null, x)], 3).read(),
  );
});

referenceTest("containers refuse parts that do not fit each other, with both sides", () => {
  const init = (layer: Layer, shape: number[]) => () => layer.init(key(), shape);
  check.throws(
    init(residual(conv2d(3, 3)), [3, 5, 5]),
    /^residual: the body gives f32\[3,3,3\] for f32\[3,5,5\], the shortcut f32\[3,5,5\]; both must have the same shape; a shortcut/,
  );
  check.throws(
    init(concatenate([conv2d(3, 3), relu]), [2, 5, 5]),
    /^concatenate: the branches give f32\[3,3,3\], f32\[2,5,5\] and are joined along axis 0; all other sides must be equal$/,
  );
  check.throws(init(concatenate([relu], { axis: 3 }), [2, 5, 5]), /joined along axis 3/);
  check.throws(
    init(reshape([4, 2]), [2, 5]),
    /^reshape: samples are f32\[2,5\] with 10 elements, which do not fill \[4,2\]$/,
  );
  check.throws(init(attention(3), [4, 8]), /^attention: tokens of 8 features do not fall into 3 heads/);
  check.throws(init(patches(2), [1, 4, 5]), /^patches: samples f32\[1,4,5\] do not fall into squares of 2/);
  check.throws(
    init(layerNorm({ axes: [2] }), [4, 5]),
    /^layerNorm: axes \[2\] of samples f32\[4,5\]; each must be one of/,
  );
  check.throws(init(layerNorm({ axes: [-1, 1] }), [4, 5]), /^layerNorm: axes \[-1,1\]/);
  check.throws(init(dense(2, { tokens: true }), [4]), /^dense: samples are f32\[4\], \[t,in\] is needed$/);
  check.throws(
    () => untyped(concatenate([relu])).apply([null, null], noise([1, 2])),
    /^concatenate: the parameters are a list of 2; one entry for each of the 1 branches/,
  );
});

referenceTest("dropouts in one container drop different elements", async () => {
  const x = tensor(new Float32Array(2000).fill(1), [1, 2000]);
  const context = { training: true, key: key(1) };
  for (const layer of [concatenate([dropout(0.5), dropout(0.5)]), residual(dropout(0.5), dropout(0.5))].map(untyped)) {
    const y = [...(await layer.apply(layer.kind === "residual" ? {} : [], x, context).read())];
    // Two independent halves: both dropped in a quarter, and one of them in a half of all. Five standard deviations.
    const sums = layer.kind === "residual" ? y : y.slice(0, 2000).map((v, i) => v + y[2000 + i]);
    const share = (wanted: number): number => sums.filter((v) => v === wanted).length / 2000;
    check.close([share(0), share(2), share(4)], [0.25, 0.5, 0.25], { atol: 5 * Math.sqrt(0.25 / 2000) });
  }
});

gpuTest("batch norm trains inside a residual layer and inside a branch", async () => {
  const data = halves();
  const block = sequential([conv2d(2, 3, { padding: "same" }), named("norm", batchNorm()), relu]);
  const net = sequential([
    conv2d(2, 3),
    residual(block),
    concatenate([relu, sequential([batchNorm()])]),
    flatten,
    dropout(0.1),
    dense(2),
  ]);
  const end = await train(net, start(net), data, { optimiser, epochs: 2, batchSize: BATCH });
  const statistics = [end.params[1].body[1], end.params[2][1][0]];
  check.is(statistics.length, 2);
  for (const { running_mean, running_var } of statistics) {
    const [mean, variance] = [await running_mean.read(), await running_var.read()];
    check.ok(
      mean.every((v: number) => v !== 0 && Number.isFinite(v)),
      `mean ${mean}`,
    );
    check.ok(
      variance.every((v: number) => v !== 1 && v > 0),
      `variance ${variance}`,
    );
  }
  free(end);
  freeData(data);
});

referenceTest("layers are replaced inside containers of every kind", async () => {
  const net = sequential([
    conv2d(2, 1),
    named("block1", residual(sequential([named("act", relu), tanh]), relu)),
    concatenate([relu, named("inner", residual(relu))]),
  ]);
  const smooth = replaceLayers(net, "relu", softplus({ beta: 3 }));
  const kinds = (layer: Layer): string[] =>
    [layer.kind].concat(
      Object.values(layer.parts ?? {}).flatMap((part) => [part].flat().flatMap((l) => kinds(l as Layer))),
    );
  check.equal(kinds(net).filter((kind) => kind === "relu").length, 4);
  check.equal(kinds(smooth).filter((kind) => kind === "relu").length, 0);
  check.equal(kinds(smooth).filter((kind) => kind === "softplus").length, 4);
  check.is(smooth.layers[1].name, "block1");
  const { params } = net.init(key(), [2, 3, 3]);
  const x = noise([1, 2, 3, 3]);
  // Softplus is above relu by at most log(2)/3: two in the first sum, twice that in the second, and one more.
  const [hard, soft] = [await net.apply(params, x).read(), await smooth.apply(params, x).read()];
  check.close(soft, hard, { atol: 5 * (Math.log(2) / 3) });
  check.ok(soft.some((v, i) => v !== hard[i]));
  const pooled = replaceLayers(net, "residual", maxPool(1));
  check.equal(kinds(pooled).filter((kind) => kind === "maxPool").length, 2);
});

referenceTest("a look inside finds the layers of containers by name, and layers that return their input", async () => {
  const body = sequential([named("conv1", conv2d(2, 1)), relu, named("conv2", conv2d(2, 1))]);
  const net = sequential([named("rest", dropout(0.5)), named("block1", residual(body)), globalAvgPool]);
  const { params } = net.init(key(), [2, 3, 3]);
  const x = noise([1, 2, 3, 3]);
  const look = (z: Tensor): Tensor => label("net", () => net.apply(params, z));
  const [conv2, rest] = inspect(look, x, ({ at }) => [at("net.block1.body.conv2"), at("net.rest")]);
  check.identical(await conv2.read(), await body.apply(params[1].body, x).read());
  check.identical(await rest.read(), await x.read());
});

/** Multi-head attention in plain loops, for one sample. */
function attentionByHand(x: number[][], p: Record<string, number[]>, heads: number): number[] {
  const [t, d] = [x.length, x[0].length];
  const size = d / heads;
  const linear = (v: number[], w: number[], b: number[], from: number, rows: number): number[] =>
    Array.from({ length: rows }, (_, r) => v.reduce((s, xi, i) => s + xi * w[(from + r) * d + i], b[from + r]));
  const [q, k, v] = [0, 1, 2].map((part) => x.map((row) => linear(row, p.in_proj_weight, p.in_proj_bias, part * d, d)));
  const mixed = x.map((_, i) => {
    const row = new Array<number>(d).fill(0);
    for (let h = 0; h < heads; h++) {
      const scores = k.map((kj) => {
        let s = 0;
        for (let c = h * size; c < (h + 1) * size; c++) s += q[i][c] * kj[c];
        return Math.exp(s / Math.sqrt(size));
      });
      const total = scores.reduce((a, b) => a + b);
      for (let j = 0; j < t; j++)
        for (let c = h * size; c < (h + 1) * size; c++) row[c] += (scores[j] / total) * v[j][c];
    }
    return row;
  });
  return mixed.flatMap((row) => linear(row, p.weight, p.bias, 0, d));
}

async function attentionAgrees(tolerance: number): Promise<void> {
  const [n, t, d, heads] = [2, 3, 4, 2];
  const layer = attention(heads);
  const params: Tree = {
    in_proj_weight: noise([3 * d, d], 2),
    in_proj_bias: noise([3 * d], 3),
    out_proj: { weight: noise([d, d], 4), bias: noise([d], 5) },
  };
  check.equal(Object.keys(layer.init(key(), [t, d]).params), Object.keys(params));
  const x = noise([n, t, d], 6);
  const numbers = async (a: Tensor): Promise<number[]> => [...(await a.read())];
  const plain = {
    in_proj_weight: await numbers(params.in_proj_weight),
    in_proj_bias: await numbers(params.in_proj_bias),
    weight: await numbers(params.out_proj.weight),
    bias: await numbers(params.out_proj.bias),
  };
  const flat = await numbers(x);
  const rows = Array.from({ length: n * t }, (_, i) => flat.slice(i * d, (i + 1) * d));
  const expected = [rows.slice(0, t), rows.slice(t)].flatMap((sample) => attentionByHand(sample, plain, heads));
  check.close(await layer.apply(params, x).read(), expected, { rtol: tolerance, atol: tolerance });
  const weights = inspect(
    (z) => layer.apply(params, z),
    x,
    ({ at }) => at("weights"),
  );
  check.equal([...weights.shape], [n, heads, t, t]);
  check.close(await sum(weights, -1).read(), new Float64Array(n * heads * t).fill(1), { atol: 1e-6 });
}
referenceTest("attention = plain loops, in float64", () => attentionAgrees(1e-12));
gpuTest("attention = plain loops, on the GPU", () => attentionAgrees(1e-5));

referenceTest("attention of tokens in another order is the same in that order; positions tell them apart", async () => {
  const layer = attention(2);
  const { params } = layer.init(key(), [2, 4]);
  const x = noise([1, 2, 4], 3);
  const flat = [...(await x.read())];
  const swapped = tensor([...flat.slice(4), ...flat.slice(0, 4)], [1, 2, 4]);
  const [y, z] = [[...(await layer.apply(params, x).read())], [...(await layer.apply(params, swapped).read())]];
  check.close([...z.slice(4), ...z.slice(0, 4)], y, { rtol: 1e-12, atol: 1e-14 });
  const placed = sequential([positions, layer, averageTokens]);
  const all = placed.init(key(5), [2, 4]).params;
  const [first, second] = [await placed.apply(all, x).read(), await placed.apply(all, swapped).read()];
  check.ok(first.some((v, i) => Math.abs(v - second[i]) > 1e-6));
});

referenceTest("patches, averages, norms over some sides, relu6 and hardSwish give what they tell", async () => {
  const image = tensor(
    Float32Array.from({ length: 16 }, (_, i) => i),
    [1, 1, 4, 4],
  );
  check.identical(await patches(2).apply(null, image).read(), [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]);
  const colour = reshapeOp(image, [1, 2, 2, 4]);
  check.identical(await patches(2).apply(null, colour).read(), [0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15]);
  check.identical(
    await averageTokens
      .apply(
        null,
        tensor([
          [
            [1, 2],
            [3, 6],
          ],
        ]),
      )
      .read(),
    [2, 4],
  );
  const norm = layerNorm({ axes: [-1], epsilon: 0 });
  const { params } = norm.init(key(), [2, 2]);
  check.equal([...params.weight.shape], [2]);
  check.identical(
    await norm
      .apply(
        params,
        tensor([
          [
            [1, 3],
            [-2, -8],
          ],
        ]),
      )
      .read(),
    [-1, 1, 1, -1],
  );
  const channels = layerNorm({ axes: [0], epsilon: 0 });
  const inner = channels.init(key(), [2, 1, 2]).params;
  check.equal([...inner.weight.shape], [2, 1, 1]);
  check.identical(await channels.apply(inner, tensor([[[[1, 5]], [[3, 1]]]])).read(), [-1, 1, 1, -1]);
  const x = tensor([-4, -3, -1.5, 0, 1.5, 3, 6, 8]);
  check.identical(await relu6.apply(null, x).read(), [0, 0, 0, 0, 1.5, 3, 6, 6]);
  check.close(await hardSwish.apply(null, x).read(), [0, 0, -0.375, 0, 1.125, 3, 6, 8], { rtol: 1e-12 });
});

referenceTest("networks of all this have derivatives of first and second order in parameters and input", async () => {
  const net = sequential([
    patches(2),
    dense(4, { tokens: true }),
    residual(sequential([layerNorm({ axes: [-1] }), attention(2)])),
    averageTokens,
    concatenate([tanh, dense(2)]),
    dense(1),
  ]);
  const { params } = net.init(key(), [1, 4, 4]);
  const weights: Tensor[] = [];
  mapTree(params, (t) => weights.push(t));
  const f = (z: Tensor, ...at: Tensor[]): Tensor => {
    let i = 0;
    return sum(
      square(
        net.apply(
          mapTree(params, () => at[i++]),
          z,
        ),
      ),
    );
  };
  check.is(weights.length, 12);
  await checkGrads(f, [noise([2, 1, 4, 4]), ...weights], { order: 2 });
});
