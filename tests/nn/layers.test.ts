/** Layers: normalisation against PyTorch in float64 (goldens/layers.py), dropout, shapes, names, replacing. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { entries, grad, leaves, memory, mul, random, sum, type Tensor, type Tree, tensor } from "../../engine/index.js";
import {
  attention,
  authorsNetwork,
  averageTokens,
  avgPool,
  batchNorm,
  concatenate,
  conv2d,
  dense,
  dropout,
  flatten,
  globalAvgPool,
  isSequential,
  type Layer,
  layerNorm,
  maxPool,
  named,
  paperNetwork,
  patches,
  positions,
  relu,
  replaceLayers,
  reshape,
  residual,
  type Sequential,
  sequential,
  softplus,
  tanh,
  tinyNetwork,
} from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, root } from "../harness.js";

interface Packed {
  readonly shape: number[];
  readonly data: number[];
}
interface Norm {
  readonly name: "batchNorm" | "layerNorm";
  readonly shape: number[];
  readonly start: Record<string, Packed>;
  readonly steps: readonly {
    training: boolean;
    x: Packed;
    y: Packed;
    gradients: readonly Packed[];
    running: Record<string, Packed>;
  }[];
}
const { norms } = JSON.parse(readFileSync(join(root, "tests/goldens/layers.json"), "utf8")) as { norms: Norm[] };
const upload = ({ data, shape }: Packed): Tensor => tensor(data, shape);
const key = (seed = 0): Tensor => random.key(seed);

async function compareNorm({ name, shape, start, steps }: Norm, rtol: number): Promise<void> {
  const model = sequential([name === "batchNorm" ? batchNorm() : layerNorm()]);
  const initial = model.init(key(), shape);
  check.equal(initial.shape, shape);
  check.equal(
    entries(initial.params).map(([path, t]) => [path, t.shape]),
    Object.keys(start)
      .sort()
      .map((entry) => [`0.${entry}`, start[entry].shape]),
  );
  let params: Record<string, Tensor> = Object.fromEntries(
    Object.entries(start).map(([entry, value]) => [entry, upload(value)]),
  );
  for (const { training, x: input, y: output, gradients, running } of steps) {
    const x = upload(input);
    let update: Readonly<Record<string, Tensor>> | undefined;
    const onStatistics = (path: string, found: Readonly<Record<string, Tensor>>): void => {
      check.is(path, "0");
      update = found;
    };
    const y = (model as Layer).apply([params], x, { training, onStatistics });
    check.close(await y.read(), output.data, { rtol, atol: rtol });
    check.is(update !== undefined, training && name === "batchNorm", "statistics are told in training only");
    const n = y.size;
    const weights = tensor(
      Float64Array.from({ length: n }, (_, i) => -1 + (2 * i) / (n - 1)),
      y.shape,
    );
    const weighted = (z: Tensor, p: Tree): Tensor => sum(mul(model.apply([p], z, { training }), weights));
    const [gx, gp] = grad(weighted, { argument: [0, 1] })(x, params) as [Tensor, Record<string, Tensor>];
    const found = [gx, gp.weight, gp.bias];
    for (const [i, g] of found.entries())
      check.close(await g.read(), gradients[i].data, { rtol, atol: 10 * rtol }, `gradient ${i}`);
    if (update) params = { ...params, ...update };
    for (const [entry, value] of Object.entries(running)) {
      check.close(await params[entry].read(), value.data, { rtol, atol: rtol }, entry);
      check.close(await gp[entry].read(), new Float64Array(value.data.length), {}, `no gradient of ${entry}`);
    }
  }
}

for (const norm of norms) {
  const text = `${norm.name} of [${norm.shape}] in training and evaluation = PyTorch`;
  referenceTest(`${text}, in float64`, () => compareNorm(norm, 1e-11));
  gpuTest(`${text}, on the GPU`, () => compareNorm(norm, 1e-5));
}

async function dropped(): Promise<void> {
  const n = 20_000;
  const ones = tensor(new Float32Array(n).fill(1), [n, 1]);
  const layer = dropout(0.3);
  const apply = async (seed: number): Promise<number[]> => [
    ...(await layer.apply(null, ones, { training: true, key: key(seed) }).read()),
  ];
  const y = await apply(5);
  const kept = y.filter((v) => v !== 0);
  check.close(kept, new Float64Array(kept.length).fill(1 / 0.7), { rtol: 1e-6 });
  // Five standard deviations of the share, sqrt(0.3 · 0.7 / n).
  check.close([kept.length / n], [0.7], { atol: 5 * Math.sqrt(0.21 / n) });
  check.close([y.reduce((a, b) => a + b) / n], [1], { atol: (5 * Math.sqrt(0.21 / n)) / 0.7 });
  check.identical(await apply(5), y, "the same key drops the same");
  const other = await apply(6);
  const differing = other.filter((v, i) => v !== y[i]).length;
  check.close([differing / n], [0.42], { atol: 0.03 }, "another key drops others, 2 · 0.3 · 0.7 of all");
  check.is(layer.apply(null, ones), ones, "outside training it is the identity");
  check.is(layer.apply(null, ones, { key: key() }), ones);
  check.is(dropout(0).apply(null, ones, { training: true }), ones);
}
referenceTest("dropout keeps the mean, goes by its key and rests outside training, on the reference", dropped);
gpuTest("dropout keeps the mean, goes by its key and rests outside training, on the GPU", dropped);

referenceTest("two dropouts of one network drop different elements", async () => {
  const model = sequential([dropout(0.5), dropout(0.5)]);
  const x = tensor(new Float32Array(4000).fill(1), [1, 4000]);
  const [first, second] = model.activations([null, null], x, { training: true, key: key(1) });
  const [a, b] = [await first.read(), await second.read()];
  const left = a.filter((v) => v !== 0).length;
  const twice = b.filter((v) => v !== 0).length;
  check.close([twice / left], [0.5], { atol: 0.06 }, "half of what the first left");
});

const layers: [name: string, layer: Layer, input: number[], output: number[], parameters: number][] = [
  ["dense", dense(5), [7], [5], 40],
  ["dense without bias", dense(5, { bias: false }), [7], [5], 35],
  ["conv2d", conv2d(4, 3), [2, 8, 6], [4, 6, 4], 76],
  ["conv2d, window [2,3]", conv2d(4, [2, 3], { bias: false }), [2, 8, 6], [4, 7, 4], 48],
  ["conv2d, same", conv2d(4, 5, { padding: "same" }), [1, 7, 6], [4, 7, 6], 104],
  [
    "conv2d, stride, dilation, groups",
    conv2d(4, 3, { stride: 2, dilation: 2, groups: 2, padding: 1 }),
    [2, 9, 8],
    [4, 4, 3],
    40,
  ],
  ["avgPool", avgPool(2), [3, 7, 4], [3, 3, 2], 0],
  ["avgPool, stride 1", avgPool(3, 1), [3, 7, 4], [3, 5, 2], 0],
  ["maxPool", maxPool(2), [3, 7, 4], [3, 3, 2], 0],
  ["maxPool, stride 1", maxPool(3, 1), [3, 7, 4], [3, 5, 2], 0],
  ["globalAvgPool", globalAvgPool, [3, 7, 4], [3], 0],
  ["flatten", flatten, [3, 2, 4], [24], 0],
  ["layerNorm", layerNorm(), [3, 2], [3, 2], 12],
  ["batchNorm", batchNorm(), [3, 2, 2], [3, 2, 2], 12],
  ["relu", relu, [3, 2], [3, 2], 0],
  ["dropout", dropout(0.5), [3], [3], 0],
  ["sequential", sequential([conv2d(4, 3), avgPool(2), flatten, dense(2)]), [1, 6, 6], [2], 74],
  ["nothing", sequential([]), [4], [4], 0],
  ["dense of tokens", dense(5, { tokens: true }), [3, 7], [3, 5], 40],
  ["depthwise conv2d", conv2d(3, 3, { groups: 3 }), [3, 5, 5], [3, 3, 3], 30],
  ["layerNorm of tokens", layerNorm({ axes: [-1] }), [3, 2], [3, 2], 4],
  ["reshape", reshape([4, 3]), [3, 2, 2], [4, 3], 0],
  ["patches", patches(2), [3, 4, 6], [6, 12], 0],
  ["positions", positions, [3, 2], [3, 2], 6],
  // Queries, keys, values and the projection, each 4·4 + 4.
  ["attention", attention(2), [3, 4], [3, 4], 80],
  ["attention without biases", attention(1, { bias: false }), [3, 4], [3, 4], 64],
  ["averageTokens", averageTokens, [3, 4], [4], 0],
  ["residual", residual(conv2d(2, 3, { padding: 1 })), [2, 4, 4], [2, 4, 4], 38],
  ["residual with a shortcut", residual(conv2d(3, 3), conv2d(3, 3)), [2, 4, 4], [3, 2, 2], 114],
  ["concatenate", concatenate([conv2d(3, 1), relu, conv2d(1, 1)]), [2, 4, 4], [6, 4, 4], 12],
  [
    "concatenate along the last side",
    concatenate([relu, dense(2, { tokens: true })], { axis: -1 }),
    [3, 4],
    [3, 6],
    10,
  ],
];
const parameterCount = (params: Tree): number => leaves(params).reduce((total, t) => total + t.size, 0);

for (const [name, layer, input, output, parameters] of layers)
  referenceTest(`${name}: the shape that init tells is the one that apply gives`, () => {
    const { params, shape } = layer.init(key(), input);
    check.equal([...shape], output);
    check.is(parameterCount(params), parameters);
    const size = input.reduce((a, b) => a * b);
    for (const batch of [0, 1, 3])
      check.equal(
        [...layer.apply(params, tensor(new Float32Array(batch * size), [batch, ...input])).shape],
        [batch, ...output],
      );
  });

referenceTest("presets have the sizes they tell, for ten classes and for others", async () => {
  const sizes: [(options?: { classes?: number; activation?: Layer }) => Sequential, number, number][] = [
    // 5·5·32+32, 5·5·32·64+64, 7·7·64·128+128, and 129 for each class.
    [paperNetwork, 832 + 51_264 + 401_536, 129],
    // 3·3·32+32, 3·3·32·32+32, 5·5·32·120+120, and 121 for each class.
    [authorsNetwork, 320 + 9_248 + 96_120, 121],
    // 3·3·8+8, 3·3·8·16+16, and 7·7·16+1 for each class.
    [tinyNetwork, 80 + 1_168, 785],
  ];
  for (const [make, fixed, perClass] of sizes)
    for (const classes of [10, 3]) {
      const model = make({ classes, activation: relu });
      const { params, shape } = model.init(key(), [1, 28, 28]);
      check.equal([...shape], [classes]);
      check.is(parameterCount(params), fixed + classes * perClass);
      const logits = model.apply(params, random.uniform(key(1), [2, 1, 28, 28]));
      check.equal([...logits.shape], [2, classes]);
      check.ok((await logits.read()).every(Number.isFinite));
    }
});

const model = (): Sequential =>
  sequential([named("conv1", conv2d(2, 3)), relu, named("block", sequential([named("act", relu), tanh])), flatten]);

referenceTest("layers are replaced by kind at any depth, names and parameters stay", async () => {
  const first = model();
  const { params } = first.init(key(), [1, 5, 5]);
  const smooth = softplus({ beta: 10 });
  for (const kind of ["relu", relu]) {
    const second = replaceLayers(first, kind, smooth);
    const block = second.layers[2];
    check.ok(isSequential(block));
    check.equal(
      second.layers.map((l) => [l.name, l.kind]),
      [
        ["conv1", "conv2d"],
        [undefined, "softplus"],
        ["block", "sequential"],
        [undefined, "flatten"],
      ],
    );
    check.equal(
      block.layers.map((l) => [l.name, l.kind]),
      [
        ["act", "softplus"],
        [undefined, "tanh"],
      ],
    );
    const x = random.uniform(key(1), [1, 1, 5, 5]);
    const [before, after] = [await first.apply(params, x).read(), await second.apply(params, x).read()];
    const h = second.activations(params, x);
    check.is(h.length, 4);
    check.identical(await h[3].read(), after);
    // softplus with beta 10 is within log(2)/10 of relu, and twice here.
    check.close(after, before, { atol: 0.2 });
    check.ok(
      after.every((v, i) => v > before[i]),
      "softplus is above relu everywhere",
    );
  }
  check.is(first.layers[1], relu, "the model itself is not changed");
});

gpuTest("init leaves the parameters and nothing else, the same for the same key", async () => {
  const before = memory().liveCount;
  const { params } = model().init(key(3), [1, 5, 5]);
  // Weight and bias; the key is the test's own.
  check.is(memory().liveCount - before, 3);
  const again = model().init(key(3), [1, 5, 5]).params;
  const other = model().init(key(4), [1, 5, 5]).params;
  const weights = (p: Tree): Promise<Float32Array> => p[0].weight.read();
  const first = await weights(params);
  check.identical(await weights(again), first);
  check.ok(
    (await weights(other)).every((v, i) => v !== first[i]),
    "another key gives other weights",
  );
});

referenceTest("layers refuse what does not fit, with both sides in the message", () => {
  const init = (layer: Layer, shape: number[]) => () => layer.init(key(), shape);
  check.throws(init(dense(3), [1, 4]), /^dense: samples are f32\[1,4\], \[in\] is needed$/);
  check.throws(init(conv2d(3, 3), [16]), /^conv2d: samples are f32\[16\], \[c,h,w\] is needed$/);
  check.throws(init(conv2d(4, 3, { groups: 2 }), [3, 8, 8]), /^conv2d: 3 channels and 4 filters in 2 groups/);
  check.throws(init(conv2d(3, 3, { groups: 2 }), [4, 8, 8]), /^conv2d: 4 channels and 3 filters in 2 groups/);
  check.throws(init(conv2d(3, 5), [1, 4, 4]), /^conv2d: a window of 5×5 does not fit an image of 4×4/);
  check.throws(init(avgPool(2), [4]), /^avgPool: samples are f32\[4\], \[c,h,w\] is needed$/);
  check.throws(init(maxPool(5), [1, 4, 4]), /maxPool2d: /);
  check.throws(init(batchNorm(), []), /^batchNorm: samples are single numbers/);
  check.throws(() => dropout(1), /^dropout: rate 1 given; 0 <= rate < 1 is needed$/);
  check.throws(
    () => dropout(0.5).apply(null, tensor([1]), { training: true }),
    /^dropout: training needs a random key; pass \{ training: true, key \}$/,
  );
  const norm = batchNorm();
  const { params } = norm.init(key(), [2]);
  check.throws(
    () => norm.apply(params, tensor([[1, 2]]), { training: true }),
    /^batchNorm: f32\[1,2\] has one value per channel/,
  );
  check.throws(
    () => (sequential([dense(2), relu]) as Layer).apply({ weight: 1 }, tensor([[1]])),
    /^sequential: the parameters are no list/,
  );
  check.throws(
    () => (sequential([relu]) as Layer).apply([null, null], tensor([[1]])),
    /a list of 2; one entry for each of the 1/,
  );
  check.throws(
    () => replaceLayers(model(), "gelu", relu),
    /^replaceLayers: no layer of kind "gelu" in \[conv2d, relu, sequential, flatten\]$/,
  );
});
