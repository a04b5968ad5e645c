/** Networks as data: through JSON and files and back, to the same bits; names that lead inside; refusals. */
import fc from "fast-check";
import { dispose, inspect, random, type Tensor, tensor } from "../../engine/index.js";
import {
  batchNorm,
  cardMetadata,
  concatenate,
  conv2d,
  dense,
  type FileCard,
  flatten,
  globalAvgPool,
  LAYER_KINDS,
  type Layer,
  type LayerJson,
  layerFromJson,
  layerToJson,
  named,
  openNetwork,
  packTree,
  placesOf,
  presets,
  readSafetensors,
  relu,
  replaceLayers,
  residual,
  type SampleShape,
  sequential,
  softplus,
  writeSafetensors,
} from "../../nn/index.js";
import { onReference, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";

/** A layer of each kind, and a shape that it takes. */
const EXAMPLES: Readonly<Record<string, readonly [LayerJson, SampleShape]>> = {
  sequential: [{ kind: "sequential", parts: { layers: [{ kind: "relu" }] } }, [3]],
  residual: [{ kind: "residual", parts: { body: { kind: "tanh" } } }, [2, 3]],
  concatenate: [{ kind: "concatenate", parts: { branches: [{ kind: "relu" }, { kind: "identity" }] } }, [2, 3, 3]],
  dense: [{ kind: "dense", options: { units: 4 } }, [3]],
  conv2d: [{ kind: "conv2d", options: { filters: 4, size: [3, 2], stride: 2, padding: 1, groups: 2 } }, [2, 5, 6]],
  conv1d: [{ kind: "conv1d", options: { filters: 4, size: 3, stride: 2, padding: [2, 1], groups: 2 } }, [2, 7]],
  embedding: [{ kind: "embedding", options: { entries: 5, size: 2 } }, [3]],
  avgPool: [{ kind: "avgPool", options: { size: 2 } }, [2, 4, 5]],
  maxPool: [{ kind: "maxPool", options: { size: 2, stride: 1 } }, [2, 4, 5]],
  globalAvgPool: [{ kind: "globalAvgPool" }, [2, 4, 5]],
  flatten: [{ kind: "flatten" }, [2, 4]],
  reshape: [{ kind: "reshape", options: { shape: [4, 2] } }, [8]],
  dropout: [{ kind: "dropout", options: { rate: 0.5 } }, [8]],
  batchNorm: [{ kind: "batchNorm" }, [3, 2, 2]],
  layerNorm: [{ kind: "layerNorm" }, [3, 2]],
  attention: [{ kind: "attention", options: { heads: 2 } }, [3, 4]],
  patches: [{ kind: "patches", options: { size: 2 } }, [2, 4, 6]],
  positions: [{ kind: "positions" }, [3, 4]],
  averageTokens: [{ kind: "averageTokens" }, [3, 4]],
};

/** Activations take what comes. */
function exampleOf(kind: string): readonly [LayerJson, SampleShape] {
  return EXAMPLES[kind] ?? [{ kind }, [4]];
}

async function outputOf(layer: Layer, shape: SampleShape): Promise<number[]> {
  const { params } = layer.init(random.key(3), shape);
  return [...(await layer.apply(params, random.normal(random.key(4), [2, ...shape])).read())];
}

for (const { kind, about } of LAYER_KINDS)
  referenceTest(`${kind}: through JSON and back, to the same bits`, async () => {
    const [json, shape] = exampleOf(kind);
    const layer = layerFromJson(json);
    check.ok(about.length > 0, "a line for people");
    check.is(layer.kind, kind);
    const once = layerToJson(layer);
    const again = layerFromJson(JSON.parse(JSON.stringify(once)));
    check.equal(layerToJson(again), once);
    check.equal(await outputOf(again, shape), await outputOf(layer, shape));
    const { params, shape: out } = layer.init(random.key(3), shape);
    check.equal(layer.apply(params, random.normal(random.key(4), [2, ...shape])).shape, [2, ...out]);
    check.throws(
      () => layerFromJson({ ...json, options: { ...json.options, sise: 2 } }),
      new RegExp(`${kind}: no setting "sise"`),
    );
  });

/** Small networks over images of 2 channels, 4×4: blocks that keep the shape, in random nesting. */
const blockArbitrary: fc.Arbitrary<LayerJson> = fc.letrec<{ block: LayerJson }>((tie) => ({
  block: fc.oneof(
    { depthSize: "small", maxDepth: 2 },
    fc.constantFrom<LayerJson>(
      { kind: "relu" },
      { kind: "softplus", options: { beta: 3 } },
      { kind: "batchNorm" },
      { kind: "conv2d", options: { filters: 2, size: 3, padding: "same" } },
      { kind: "conv2d", options: { filters: 2, size: 1, groups: 2 } },
      { kind: "dropout", options: { rate: 0.1 } },
    ),
    fc.array(tie("block"), { minLength: 1, maxLength: 3 }).map((layers) => ({ kind: "sequential", parts: { layers } })),
    fc.tuple(tie("block"), tie("block")).map(([body, shortcut]) => ({ kind: "residual", parts: { body, shortcut } })),
    tie("block").map((body) => ({ kind: "residual", parts: { body } })),
    tie("block").map((branch) => ({
      kind: "sequential",
      parts: {
        layers: [
          { kind: "concatenate", parts: { branches: [branch, { kind: "identity" }] } },
          { kind: "conv2d", options: { filters: 2, size: 1 } },
        ],
      },
    })),
  ),
})).block;

/** Every label inside a network. */
function labelsOf(layer: Layer, above = ""): string[] {
  return placesOf(layer).flatMap((place) => {
    const path = above + place.label;
    return [path, ...labelsOf(place.layer, `${path}.`)];
  });
}

test("random networks survive JSON and a file, and every layer is found by its label", () =>
  check.holds(
    fc.asyncProperty(fc.array(blockArbitrary, { minLength: 1, maxLength: 3 }), async (layers) => {
      await onReference(async () => {
        const network = layerFromJson({ kind: "sequential", parts: { layers } });
        const shape = [2, 4, 4];
        const { params } = network.init(random.key(1), shape);
        const x = random.normal(random.key(2), [2, ...shape]);
        const expected = [...(await network.apply(params, x).read())];
        const card: FileCard = { classes: ["a", "b"] };
        const bytes = await packTree(params, { ...cardMetadata(card, network), shape: JSON.stringify(shape) });
        const opened = openNetwork(bytes);
        check.equal(layerToJson(opened.network), layerToJson(network));
        const found = [...(await opened.classifier(x).read())];
        check.close(found, expected, { rtol: 1e-4, atol: 1e-4 }, "the file holds f32");
        inspect(
          (z: Tensor) => network.apply(params, z),
          x,
          ({ at }) => {
            for (const label of labelsOf(network)) check.is(at(label).shape[0], 2, label);
          },
        );
        dispose(opened.params);
      });
    }),
    { numRuns: 40 },
  ));

for (const [name, make] of Object.entries(presets))
  referenceTest(`preset ${name}: through a file and back`, async () => {
    const network = make({ classes: 3 });
    const shape = name === "mlp" || name === "logistic" ? [5] : [3, 12, 12];
    const { params, shape: out } = network.init(random.key(1), shape);
    check.equal(out, [3]);
    const bytes = await packTree(params, {
      ...cardMetadata({ classes: ["a", "b", "c"] }, network),
      shape: JSON.stringify(shape),
    });
    const x = random.uniform(random.key(2), [2, ...shape]);
    const opened = openNetwork(bytes);
    const expected = [...(await network.apply(params, x).read())];
    check.close(await opened.classifier(x).read(), expected, { rtol: 1e-5, atol: 1e-5 });
    dispose(opened.params);
  });

referenceTest("replacing layers reaches into blocks", () => {
  const net = presets.residual({ classes: 4 });
  const text = JSON.stringify(layerToJson(layerFromJson(layerToJson(net))));
  check.ok(text.includes('"kind":"residual"') && text.includes('"batchNorm"') && text.includes('"kind":"relu"'));
  const smooth = JSON.stringify(layerToJson(replaceLayers(net, "relu", softplus({ beta: 3 }))));
  check.ok(smooth.includes('"kind":"softplus"') && !smooth.includes('"kind":"relu"'), "none is left in any block");
});

/** Weights with other names than the network's own. */
async function withNames(rename: (name: string) => string): Promise<Uint8Array> {
  const network = sequential([named("conv1", conv2d(2, 3)), relu, flatten, named("dense1", dense(2))]);
  const { params } = network.init(random.key(1), [1, 5, 5]);
  const flat = await packTree(params, {});
  const { tensors } = readSafetensors(flat);
  const metadata = { ...cardMetadata({ classes: ["a", "b"] }, network), shape: "[1,5,5]" };
  return writeSafetensors(
    new Map([...tensors].map(([name, t]) => [rename(name), t])),
    new Map(Object.entries(metadata)),
  );
}

/** How the names of a file were read. */
function renamedIn(bytes: Uint8Array): string | undefined {
  const { params, renamed } = openNetwork(bytes);
  dispose(params);
  return renamed;
}

referenceTest("weights under a prefix, or by the names of layers, are taken, and it is said", async () => {
  const byLayer = (name: string): string => name.replace(/^0/, "conv1").replace(/^3/, "dense1");
  check.is(renamedIn(await withNames((name) => name)), undefined);
  check.is(renamedIn(await withNames((name) => `module.${name}`)), 'without "module."');
  check.is(renamedIn(await withNames(byLayer)), "by the names of the layers");
  check.is(
    renamedIn(await withNames((name) => `model.${byLayer(name)}`)),
    'without "model.", by the names of the layers',
  );
  const strange = await withNames((name) => name.replace(/^3/, "fc"));
  check.throws(() => openNetwork(strange), /the network has 3\.bias f32\[2\], the file has no such tensor, but 0\./);
});

referenceTest("what a file does not say is asked for, what contradicts it is refused, nothing is guessed", async () => {
  const { params } = presets.tiny().init(random.key(1), [1, 28, 28]);
  const silent = await packTree(params, {});
  check.throws(() => openNetwork(silent), /does not name its network .* nor its activation/);
  check.throws(
    () => openNetwork(silent, { network: "tiny" }),
    /does not name its activation \(--activation softplus, relu\)/,
  );
  check.throws(() => openNetwork(silent, { network: "tiny", activation: "softplus" }), /the sharpness of its softplus/);
  dispose(openNetwork(silent, { network: "tiny", activation: "relu" }).params);
  const card = { network: "tiny", activation: "relu", beta: 1, classes: ["a", "b"] } as const;
  const told = await packTree(presets.tiny({ classes: 2 }).init(random.key(1), [1, 28, 28]).params, cardMetadata(card));
  check.throws(
    () => openNetwork(told, { activation: "softplus" }),
    /the file says activation relu, softplus came with it/,
  );
  check.throws(() => openNetwork(told, { beta: 3 }), /the file says beta 1, 3 came with it; leave beta out/);
});

referenceTest("weights that are no numbers are refused by name", async () => {
  const bytes = await withNames((name) => name);
  const { tensors, metadata } = readSafetensors(bytes);
  tensors.get("3.bias")!.data[1] = Number.NaN;
  const damaged = writeSafetensors(tensors, metadata);
  check.throws(() => openNetwork(damaged), /weights: 3\.bias holds NaN at element 1; finite numbers are needed/);
});

referenceTest("architectures that make no sense are refused with the nearest word", () => {
  check.throws(
    () => layerFromJson({ kind: "conf2d" }),
    /architecture: no kind of layer "conf2d"; did you mean conv2d\?/,
  );
  check.throws(() => layerFromJson({ kind: "dense" }), /dense\.units/);
  check.throws(() => layerFromJson({ kind: "relu", optons: {} }), /no field "optons"; did you mean options\?/);
  check.throws(
    () => layerFromJson({ kind: "residual", parts: { bodi: { kind: "relu" } } }),
    /residual: no part "bodi"; did you mean body\?/,
  );
  check.throws(() => layerFromJson([]), /architecture: a list of 0 came where a layer or settings were expected/);
  const own: Layer = { kind: "mine", init: (_, shape) => ({ params: null, shape }), apply: (_, x) => x };
  check.throws(
    () => layerToJson(sequential([named("head", own)])),
    /the layer "head" was written by hand and is no data/,
  );
});

referenceTest("a residual block whose sides differ, or branches that do not join, are refused", () => {
  const key = random.key(0);
  check.throws(
    () => residual(conv2d(3, 1)).init(key, [2, 4, 4]),
    /residual: the body gives f32\[3,4,4\] for f32\[2,4,4\]/,
  );
  check.throws(
    () => concatenate([conv2d(2, 3), conv2d(2, 1)]).init(key, [2, 4, 4]),
    /concatenate: the branches give f32\[2,2,2\], f32\[2,4,4\]/,
  );
  const net = sequential([
    residual(sequential([conv2d(2, 3, { padding: "same" }), batchNorm()])),
    globalAvgPool,
    dense(2),
  ]);
  check.equal(net.init(key, [2, 4, 4]).shape, [2]);
});

referenceTest("attention by hand: one head, two tokens", async () => {
  const layer = layerFromJson({ kind: "attention", options: { heads: 1, bias: false } });
  const x = tensor([
    [
      [1, 0],
      [0, 2],
    ],
  ]);
  // Queries and keys are the tokens, values twice the tokens, the projection out is the identity.
  const in_proj_weight = tensor([
    [1, 0],
    [0, 1],
    [1, 0],
    [0, 1],
    [2, 0],
    [0, 2],
  ]);
  const y = layer.apply(
    {
      in_proj_weight,
      out_proj: {
        weight: tensor([
          [1, 0],
          [0, 1],
        ]),
      },
    },
    x,
  );
  const share = (a: number, b: number): number =>
    Math.exp(a / Math.SQRT2) / (Math.exp(a / Math.SQRT2) + Math.exp(b / Math.SQRT2));
  const [p, q] = [share(1, 0), share(0, 4)];
  check.close(await y.read(), [2 * p, 4 * (1 - p), 2 * q, 4 * (1 - q)], { rtol: 1e-12 });
});
