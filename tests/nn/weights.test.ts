/** Parameter trees as files, to and from PyTorch's `nn.Sequential` (golden/network.py). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cast, dispose, entries, leaves, mapTree, memory, random, type Tree, tensor } from "../../engine/index.js";
import { DataError } from "../../nn/data/error.js";
import {
  avgPool,
  batchNorm,
  conv2d,
  dense,
  dropout,
  flatten,
  layerNorm,
  maxPool,
  packTree,
  readSafetensors,
  sequential,
  softplus,
  unpackTree,
} from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, root } from "../harness.js";

const file = readFileSync(join(root, "tests/nn/golden/network.safetensors"));
const model = sequential([
  conv2d(3, 3, { padding: 1 }),
  sequential([batchNorm(), softplus({ beta: 2 })]),
  avgPool(2),
  conv2d(2, [2, 3], { bias: false }),
  maxPool(2, 1),
  flatten,
  layerNorm(),
  dropout(0.5),
  dense(5),
]);
const first = (): Tree => model.init(random.key(0), [1, 8, 8]).params;

async function logitsAgree(rtol: number): Promise<void> {
  const { tree, metadata } = unpackTree(file, first());
  const x = tensor(
    Float32Array.from({ length: 128 }, (_, i) => ((i * 37) % 256) / 256),
    [2, 1, 8, 8],
  );
  const expected = JSON.parse(metadata.get("logits")!) as number[];
  check.close(await model.apply(tree, x).read(), expected, { rtol, atol: rtol });
  dispose(tree);
}
referenceTest("a network that PyTorch saved gives PyTorch's logits, in float64", () => logitsAgree(1e-12));
gpuTest("a network that PyTorch saved gives PyTorch's logits, on the GPU", () => logitsAgree(1e-5));

gpuTest(
  "what is packed has the names, shapes and bits of PyTorch's own file, which PyTorch was seen to read",
  async () => {
    // network.py read a file packed so and, with load_state_dict needing every name, printed the golden's logits.
    const { tree } = unpackTree(file, first());
    const packed = readSafetensors(await packTree(tree, { epoch: "3" }));
    dispose(tree);
    const golden = readSafetensors(file);
    check.equal(Object.fromEntries(packed.metadata), { epoch: "3" });
    golden.tensors.delete("1.0.num_batches_tracked");
    check.equal([...packed.tensors.keys()].sort(), [...golden.tensors.keys()].sort());
    check.is(packed.tensors.size, 11);
    for (const [name, { dtype, shape, data }] of golden.tensors) {
      const found = packed.tensors.get(name)!;
      check.equal([found.dtype, found.shape], [dtype, shape], name);
      check.identical(found.data, data, name);
    }
  },
);

gpuTest("every type comes back to the bit, in the same places", async () => {
  const tree = {
    key: tensor(Uint32Array.of(0xffffffff, 7)),
    step: tensor(3),
    layers: [{ weight: tensor([[0.1, -0, Infinity]]) }, null, { at: tensor(Int32Array.of(-5)), note: "kept" }],
    empty: tensor(new Float32Array(0), [0, 4]),
  };
  const bytes = await packTree(tree);
  const before = memory().liveCount;
  const like = unpackTree(bytes, tree).tree;
  check.is(memory().liveCount, before + 4 + 1, "five kept tensors");
  check.is(like.layers[1], null);
  check.is(like.layers[2].note, "kept");
  const grown = unpackTree(bytes).tree;
  check.equal(Object.keys(grown).sort(), ["empty", "key", "layers", "step"]);
  check.ok(Array.isArray(grown.layers) && grown.layers.length === 3 && grown.layers[1] === null);
  for (const found of [like, grown])
    for (const [path, t] of entries(tree)) {
      const same = new Map(entries(found)).get(path)!;
      check.equal([same.dtype, [...same.shape]], [t.dtype, [...t.shape]], path);
      check.identical(await same.read(), await t.read(), path);
    }
  check.is(leaves(like).length, 5);
  dispose([like, grown]);
});

referenceTest("a tree without its last layers' entries still runs", async () => {
  const net = sequential([dense(2), softplus()]);
  const { params } = net.init(random.key(0), [3]);
  const { tree } = unpackTree(await packTree(params));
  check.is(tree.length, 1);
  const x = tensor([[1, 2, 3]]);
  // Weights were rounded to f32 in the file.
  check.close(await net.apply(tree, x).read(), await net.apply(params, x).read(), { rtol: 1e-6 });
  dispose(tree);
});

referenceTest("files of another network are refused with both sides", async () => {
  const net = sequential([dense(2)]);
  const { params } = net.init(random.key(0), [3]);
  const before = memory().liveCount;
  const refused = async (tree: Tree, message: RegExp): Promise<void> => {
    const bytes = await packTree(tree);
    const error = check.throws(() => unpackTree(bytes, params), message);
    check.ok(error instanceof DataError);
  };
  const [weight, bias, extra] = [tensor(new Float32Array(6), [2, 3]), tensor([0, 0]), tensor([1])];
  const made = 3;
  await refused(
    [{ weight }],
    /^weights: the network has 0\.bias f32\[2\], the file has no such tensor, but 0\.weight; choose the network/,
  );
  await refused(
    [{ weight: bias, bias }],
    /^weights: the network has 0\.weight f32\[2,3\], the file has f32\[2\]; choose/,
  );
  await refused(
    [{ weight, bias }, { weight: extra }],
    /^weights: the file also has 1\.weight, which the network lacks; choose/,
  );
  await refused([{ weight, bias, num_batches_tracked_: extra }], /also has 0\.num_batches_tracked_/);
  await check.rejects(
    () => packTree({ "a.b": weight, a: { b: bias } }),
    /^weights: two tensors are called a\.b; rename one of them$/,
  );
  check.is(memory().liveCount, before + made, "nothing was uploaded");
});

gpuTest("a tree of halves is saved in half the bytes and comes back as it was told to", async () => {
  const halves = mapTree(first(), (w) => cast(w, "f16"));
  const stored = await packTree(halves);
  check.identical(stored, await packTree(halves, {}, { floats: "f16" }), "told or not");
  const spared = (await packTree(first())).length - stored.length;
  const elements = leaves(halves).reduce((sum, { size }) => sum + size, 0);
  // But for the digits of offsets in the header.
  check.ok(Math.abs(spared - 2 * elements) < 32, `${spared} bytes spared with ${elements} elements`);
  const same = async (tree: Tree, dtype: string): Promise<void> => {
    const expected = new Map(entries(halves));
    for (const [path, t] of entries(tree)) {
      check.is(t.dtype, dtype, path);
      check.identical(await t.read(), await expected.get(path)!.read(), path);
    }
    dispose(tree);
  };
  const f32 = first();
  await same(unpackTree(stored, halves).tree, "f16");
  await same(unpackTree(stored, f32).tree, "f32");
  await same(unpackTree(stored, f32, { halves: "f16" }).tree, "f16");
  await same(unpackTree(stored).tree, "f32");
  await same(unpackTree(stored, undefined, { halves: "f16" }).tree, "f16");
  await same(unpackTree(await packTree(f32), halves).tree, "f16");
});
