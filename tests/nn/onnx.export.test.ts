/** Networks of layers written as ONNX, and read back by the importer: the same outputs, the same gradients, the same names. */
import { grad, random, square, sum, type Tensor } from "../../engine/index.js";
import {
  conv2d,
  dense,
  exportOnnx,
  flatten,
  LAYER_KINDS,
  type Layer,
  layerNorm,
  named,
  presets,
  relu,
  sequential,
  softplus,
} from "../../nn/index.js";
import { LAYER_EXPORTS } from "../../nn/onnx/layer-exports.js";
import { readModelProto } from "../../nn/onnx/proto.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { CASES, drawn } from "./onnx/export-cases.js";
import { byName, withNetwork } from "./onnx/with-network.js";

const draw = (shape: readonly number[]): Tensor => random.uniform(random.key(9), shape, { low: -4, high: 7 });

referenceTest(
  "every kind of layer comes back with the same outputs and gradients, for batches of any size",
  async () => {
    for (const [layer, shape] of CASES) {
      const what = `${layer.kind} ${JSON.stringify(layer.options)}`;
      const params = drawn(layer, shape);
      const bytes = await exportOnnx(layer, params, shape);
      await withNetwork(bytes, async (net) => {
        check.is(net.batched, true, what);
        for (const n of [1, 3]) {
          const x = draw([n, ...shape]);
          const expected = layer.apply(params, x);
          const given = net.classifier(x);
          check.equal(given.shape, expected.shape, what);
          // Parameters and settings go through float32.
          check.close(await given.read(), await expected.read(), { atol: 1e-5, rtol: 1e-5 });
          const slope = (f: (x: Tensor) => Tensor): Tensor => grad((z: Tensor) => sum(square(f(z))))(x);
          const own = slope((z) => layer.apply(params, z));
          check.close(await slope(net.classifier).read(), await own.read(), { atol: 1e-4, rtol: 1e-5 });
        }
      });
    }
  },
);

test("every kind of layer is written and tried, or refused by name", () => {
  const tried = new Set(CASES.map(([{ kind }]) => kind));
  check.equal(
    Object.keys(LAYER_EXPORTS).filter((kind) => !tried.has(kind)),
    [],
  );
  const refused = LAYER_KINDS.map(({ kind }) => kind).filter((kind) => !Object.hasOwn(LAYER_EXPORTS, kind));
  check.equal(refused, ["embedding", "attention", "patches", "positions", "averageTokens"]);
});

referenceTest("names are those of layers, the batch is open, what the file says of itself is in it", async () => {
  const network = sequential([named("stem", conv2d(2, 3)), relu, flatten, named("head", dense(3)), dense(2)]);
  const shape = [1, 4, 4];
  const params = drawn(network, shape);
  const bytes = await exportOnnx(network, params, shape, { metadata: { classes: '["a","b"]' }, softmax: true });
  check.ok(Buffer.from(bytes).includes('["a","b"]'), "metadata");
  const { graph, producer_name, opset_import } = readModelProto(bytes);
  check.is(producer_name, "holdfast");
  check.equal(opset_import[0].version, 17);
  const sides = graph!.input[0].type!.tensor_type!.shape!.dim.map(({ dim_value, dim_param }) => dim_value ?? dim_param);
  check.equal(sides, ["n", 1, 4, 4]);
  await withNetwork(bytes, async (net) => {
    check.equal(net.output, { name: "probabilities", shape: [2], probabilities: true });
    const names = ["stem.weight", "stem.bias", "head.weight", "head.bias", "4.weight", "4.bias"];
    check.equal(Object.keys(byName(net.params)).sort(), names.sort());
  });
});

gpuTest("the authors' network and a residual one, on the GPU", async () => {
  for (const [network, shape] of [
    [presets.tiny({ activation: softplus({ beta: 20 }) }), [1, 28, 28]],
    [presets.residual({ classes: 4 }), [3, 16, 16]],
  ] as const) {
    const { params } = network.init(random.key(0), shape);
    await withNetwork(await exportOnnx(network, params, shape), async (net) => {
      const x = random.uniform(random.key(3), [2, ...shape]);
      const [given, own] = [net.classifier(x), network.apply(params, x)];
      check.close(await given.read(), await own.read(), { atol: 1e-5, rtol: 1e-5 });
      const slope = (f: (x: Tensor) => Tensor): Tensor => grad((z: Tensor) => sum(square(f(z))))(x);
      const expected = await slope((z) => network.apply(params, z)).read();
      check.close(await slope(net.classifier).read(), expected, { atol: 1e-5, rtol: 1e-4 });
    });
  }
});

referenceTest("what ONNX does not have is refused in one sentence", async () => {
  const hand: Layer = { kind: "mine", init: (_, shape) => ({ params: null, shape }), apply: (_, x) => x };
  await check.rejects(
    () => exportOnnx(sequential([relu, named("own", hand)]), [], [3]),
    /a layer of kind "mine" \(own\) is not written/,
  );
  const first = layerNorm({ axes: [0] });
  const { params } = first.init(random.key(0), [3, 4]);
  await check.rejects(() => exportOnnx(first, params, [3, 4]), /normalises over sides 0 of 2/);
});
