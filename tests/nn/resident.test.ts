/** The data set that stays on the GPU as bytes: exact pixels, any size of image, refusals. */
import { dispose, memory, type Tensor, tensor } from "../../engine/index.js";
import { batchIndices, pickImages, residentData, residentImages, unitPixels } from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";

const indices = (...at: number[]): Tensor => tensor(Int32Array.from(at));

gpuTest("every byte becomes exactly k/255 in f32, the pixels that unitPixels gives", async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, k) => k);
  const data = residentImages(bytes, Uint8Array.of(7), [1, 16, 16]);
  const { x, y } = pickImages(data, indices(0));
  const expected = Float32Array.from(bytes, (k) => k / 255);
  check.identical(unitPixels(bytes), expected);
  check.identical(await x.read(), expected);
  check.identical(await y.read(), [7]);
  dispose([data.words, data.labels]);
});

async function picked(): Promise<void> {
  // Three channels of 3x4 pixels, five images; and the source lies at an odd place of a larger buffer.
  const [count, size] = [5, 36];
  const shape = [3, 3, 4] as const;
  const buffer = Uint8Array.from({ length: 1 + count * size }, (_, i) => (i * 101) % 251);
  const bytes = buffer.subarray(1);
  for (const source of [bytes, Buffer.from(bytes), Buffer.from(buffer).subarray(1)]) {
    const before = memory().liveCount;
    const data = residentImages(source, Uint8Array.of(4, 3, 2, 1, 255), shape);
    check.is(memory().liveCount, before + 2);
    check.equal([data.count, ...data.shape], [5, 3, 3, 4]);
    const order = [3, 0, 3, 4];
    const { x, y } = pickImages(data, indices(...order));
    check.equal([...x.shape], [4, 3, 3, 4]);
    const expected = order.flatMap((i) => [...bytes.subarray(i * size, (i + 1) * size)].map((k) => k / 255));
    check.close(await x.read(), expected, { atol: 2 ** -25 });
    check.identical(await y.read(), [1, 4, 1, 255]);
    dispose([data.words, data.labels]);
  }
}
referenceTest("images are picked by index, in any order and again, on the reference", picked);
gpuTest("images are picked by index, in any order and again, on the GPU", picked);

gpuTest("the bytes are copied when the data set is made", async () => {
  const bytes = Buffer.from([51, 102, 153, 255]);
  const data = residentImages(bytes, Uint8Array.of(0), [1, 2, 2]);
  bytes.fill(0);
  check.close(await pickImages(data, indices(0)).x.read(), [0.2, 0.4, 0.6, 1], { rtol: 1e-7 });
  dispose([data.words, data.labels]);
});

referenceTest("a batch is the next part of an order", async () => {
  const order = indices(4, 2, 0, 1, 3);
  const at = tensor(1, [], "i32");
  check.identical(await batchIndices(order, at, 3).read(), [2, 0, 1]);
});

referenceTest("sizes that do not agree are refused", () => {
  check.throws(
    () => residentImages(new Uint8Array(783), new Uint8Array(1), [1, 28, 28]),
    /^residentData: 783 values for 1 labels; 784 values per sample \[1,28,28\] are needed, and a sample$/,
  );
  check.throws(
    () => residentData({ shape: [3], samples: new Float32Array(0), labels: new Uint8Array(0) }),
    /0 values for 0 labels; 3 values per sample \[3\] are needed, and a sample/,
  );
  const data = residentImages(new Uint8Array(8), new Uint8Array(2), [1, 2, 2]);
  check.throws(() => pickImages(data, tensor([0, 1])), /^pickSamples: indices are f32\[2\]; i32\[b\] is needed$/);
  check.throws(() => pickImages(data, tensor(1, [], "i32")), /^pickSamples: indices are i32\[\]; i32\[b\]/);
  dispose([data.words, data.labels]);
});
