/** Samples of any shape, bytes and numbers: arrays of the user's own, splits, the same values on host and GPU, training. */
import fc from "fast-check";
import { dispose, random, scope, tensor } from "../../engine/index.js";
import {
  type ArraysOptions,
  adam,
  conv2d,
  DATASET_NAMES,
  DATASETS,
  DataError,
  type Dataset,
  dense,
  evaluate,
  flatten,
  fromArrays,
  globalAvgPool,
  hostSamples,
  initialState,
  type Layer,
  loadDataset,
  openTable,
  partOf,
  pickSamples,
  relu,
  residentData,
  type Split,
  sampleSize,
  sequential,
  stratifiedSplit,
  train,
} from "../../nn/index.js";
import { gpuTest, onGpu, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { generator } from "../values.js";

const split = fc
  .record({
    shape: fc.oneof(
      fc.tuple(fc.integer({ min: 1, max: 23 })),
      fc.tuple(fc.constantFrom(1, 3), fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 })),
    ),
    count: fc.integer({ min: 1, max: 6 }),
    bytes: fc.boolean(),
    seed: fc.integer({ min: 1, max: 1000 }),
  })
  .map(({ shape, count, bytes, seed }): Split => {
    const next = generator(seed);
    const values = Array.from({ length: count * shape.reduce((a, b) => a * b, 1) }, () => next());
    const samples = bytes ? Uint8Array.from(values, (v) => 256 * v) : Float32Array.from(values, (v) => 20 * v - 10);
    return { shape, samples, labels: Int32Array.from({ length: count }, (_, i) => (i * 7) % 5) };
  });

gpuTest("samples of any size, bytes or numbers, are picked to the bit as on the host", async () => {
  await check.holds(
    fc.asyncProperty(split, fc.array(fc.nat(5), { minLength: 1, maxLength: 8 }), fc.nat(2), (data, wanted, spread) =>
      onGpu(async () => {
        const indices = wanted.map((i) => i % data.labels.length);
        // A whole buffer, a few columns in each, a single one in each.
        const resident = residentData(data, { maxBytes: [2 ** 20, 12, 4][spread] * data.labels.length });
        if (spread === 2)
          check.is(
            resident.words.length,
            Math.ceil(sampleSize(data.shape) / (data.samples instanceof Uint8Array ? 4 : 1)),
          );
        const { x, y } = pickSamples(resident, tensor(Int32Array.from(indices)));
        check.equal([...x.shape], [indices.length, ...data.shape]);
        check.identical(await x.read(), hostSamples(data, indices));
        check.identical(
          await y.read(),
          indices.map((i) => data.labels[i]),
        );
        dispose([resident.words, resident.labels]);
      }),
    ),
    { numRuns: 40 },
  );
});

referenceTest("on the reference, too, and from any place of a larger buffer", async () => {
  const buffer = Buffer.from(Array.from({ length: 31 }, (_, i) => 8 * i));
  const data: Split = { shape: [3, 1, 5], samples: buffer.subarray(1), labels: Uint8Array.of(0, 200) };
  const resident = residentData(data);
  const { x, y } = pickSamples(resident, tensor(Int32Array.of(1, 0)));
  check.close(await x.read(), hostSamples(data, [1, 0]), { atol: 2 ** -24 });
  check.identical(await y.read(), [200, 0]);
  dispose([resident.words, resident.labels]);
});

test("a part is a view, and what is not there is refused", () => {
  const samples = Float32Array.from({ length: 12 }, (_, i) => i);
  const masks = Uint8Array.from({ length: 12 }, (_, i) => i & 1);
  const whole: Split = { shape: [1, 1, 3], samples, labels: Uint8Array.of(3, 2, 1, 0), masks };
  const part = partOf(whole, 1, 2);
  check.identical(part.samples, [3, 4, 5, 6, 7, 8]);
  check.identical(part.labels, [2, 1]);
  check.identical(part.masks!, masks.subarray(3, 9));
  check.ok(part.samples.buffer === samples.buffer, "nothing is copied");
  check.identical(hostSamples(part, [1]), [6, 7, 8]);
  check.throws(() => partOf(whole, 3, 2), /^partOf: 2 samples from number 3 on were asked for; there are 4$/);
  for (const index of [4, -1, 0.5])
    check.throws(
      () => hostSamples(whole, [0, index]),
      new RegExp(`^hostSamples: index ${index} of 4 samples; 0 to 3 is needed$`),
    );
});

test("a split keeps every sample once and every class in its share", () => {
  check.holds(
    fc.property(
      fc.array(fc.nat(4), { minLength: 1, maxLength: 200 }),
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      fc.nat(1000),
      (labels, share, seed) => {
        const { train, test } = stratifiedSplit(labels, { share, seed });
        check.equal(
          [...train, ...test].sort((a, b) => a - b),
          labels.map((_, i) => i),
        );
        check.equal([train, test], [[...train].sort((a, b) => a - b), [...test].sort((a, b) => a - b)]);
        for (const label of new Set(labels)) {
          const of = (part: readonly number[]): number => part.filter((i) => labels[i] === label).length;
          const all = of(labels.map((_, i) => i));
          check.ok(Math.abs(of(test) - share * all) <= 1, `${of(test)} of ${all} for a share of ${share}`);
          if (all > 1) check.ok(of(test) > 0 && of(train) > 0, "both parts have some");
        }
      },
    ),
  );
  for (const share of [0, 1, Number.NaN, -0.5])
    check.throws(
      () => stratifiedSplit([0, 1], { share }),
      /^split: a test share of \S+; more than 0 and less than 1 is needed$/,
    );
  check.throws(() => stratifiedSplit([0, 1], { share: 0.5, seed: 1.5 }), /^split: seed 1.5; a whole number from 0 on/);
});

test("arrays make a data set, whose range is that of the training part", () => {
  const rows = Float32Array.from([1, 10, 2, 20, 3, 5, 9, 99]);
  const table = fromArrays({
    shape: [2],
    train: { samples: rows.subarray(0, 6), labels: [0, 1, 1] },
    test: { samples: rows.subarray(6), labels: [1] },
  });
  check.equal(table.domain, { shape: [2], range: { low: [1, 5], high: [3, 20] } });
  check.equal([table.name, ...table.classes], ["arrays", "0", "1"]);
  const images = fromArrays({
    ...{ name: "mine", shape: [3, 1, 1], classes: ["a", "b"], testShare: 0.5 },
    train: {
      samples: Float32Array.from({ length: 12 }, (_, i) => i % 5),
      labels: Uint8Array.of(0, 1, 0, 1),
      masks: Uint8Array.of(1, 2, 3, 4),
    },
  });
  check.equal(images.domain.range, { low: 0, high: 4 });
  for (const { labels } of [images.train, images.test]) check.equal([...labels].sort(), [0, 1]);
  for (const { samples, masks } of [images.train, images.test])
    for (const [i, mark] of masks!.entries())
      check.is(samples[3 * i], (3 * (mark - 1)) % 5, "masks go with their samples");
  const bytes = fromArrays({
    shape: [2],
    range: { low: 0, high: [1, 1] },
    train: { samples: new Uint8Array(8), labels: [0, 0, 1, 1] },
  });
  check.equal(bytes.domain.range, { low: 0, high: [1, 1] });
});

test("arrays that do not fit together are refused in one sentence", () => {
  const good: ArraysOptions = { shape: [2], train: { samples: new Float32Array(8), labels: [0, 1, 0, 1] } };
  const part = good.train;
  const refused: [Partial<ArraysOptions>, RegExp][] = [
    [{ shape: [] }, /^arrays: samples of shape \[\]; one or more sides of at least 1 are needed$/],
    [
      { shape: [3] },
      /^arrays: the training part has 8 values and 4 labels; 3 values for each label are needed, and a label$/,
    ],
    [{ train: { ...part, labels: [0, 1, 0.5, 1] } }, /^arrays: the training part: label 2 is 0\.5; 0 to 1 is needed$/],
    [{ classes: ["a"] }, /label 1 is 1; 0 to 0 is needed$/],
    [
      { train: { ...part, samples: [1, 2] as never } },
      /samples must be a Uint8Array \(k stands for k\/255\) or a Float32Array$/,
    ],
    [
      { train: { ...part, samples: Float32Array.from([0, 0, 0, Number.NaN, 0, 0, 0, 0]) } },
      /element 1 of sample 1 is NaN; finite numbers are needed$/,
    ],
    [{ train: { ...part, masks: new Uint8Array(3) } }, /masks of 3 values for 4 samples; as many for each are needed$/],
    [
      { test: { samples: new Uint8Array(2), labels: [0] } },
      /one part has bytes and the other numbers; both must be the same$/,
    ],
  ];
  for (const [change, message] of refused)
    check.ok(check.throws(() => fromArrays({ ...good, ...change }), message) instanceof DataError, String(message));
  check.throws(
    () => fromArrays({ ...good, trainSize: 9 }),
    /^arrays: the training part: 9 samples were asked for; it has 1 to 2$/,
  );
});

test("the table of data sets says of each what it is and where it comes from", async () => {
  check.ok(DATASET_NAMES.length >= 8, "they are there");
  for (const [name, entry] of Object.entries(DATASETS)) {
    for (const text of [entry.title, entry.source, entry.licence, entry.citation]) check.ok(text.length > 2, name);
    check.is(entry.shape.length, entry.kind === "table" ? 1 : 3, name);
  }
  const shapes = await loadDataset("shapes", { trainSize: 10, testSize: 10 });
  check.equal(shapes.domain, { shape: DATASETS.shapes.shape, range: { low: 0, high: 1 } });
});

/** Trains for a few epochs; the test accuracy. */
async function learnt(data: Dataset, model: Layer, epochs: number): Promise<number> {
  const optimiser = adam({ lr: 0.02 });
  const [trainSet, testSet] = [residentData(data.train), residentData(data.test)];
  const first = scope(() => initialState(model.init(random.key(1), data.domain.shape).params, optimiser));
  const state = await train(model, first, trainSet, { optimiser, epochs, batchSize: 16 });
  const accuracy = await evaluate(model, state.params, testSet);
  for (const { words, labels } of [trainSet, testSet]) dispose([words, labels]);
  dispose([state.params, state.optimiser]);
  return accuracy;
}

/** Sizes and colours of things: a thing is heavy if it is large and dark, or made of lead. */
function things(): string {
  const next = generator(3);
  const rows = Array.from({ length: 400 }, () => {
    const [size, dark, matter] = [10 * next(), next() < 0.5, ["wood", "lead", "straw"][Math.floor(3 * next())]];
    return `${size.toFixed(2)},${dark ? "yes" : "no"},${matter},${matter === "lead" || (dark && size > 5) ? "heavy" : "light"}`;
  });
  return ["size,dark,matter,weight", ...rows].join("\n");
}

async function learnsTable(): Promise<void> {
  const data = openTable(things(), { target: "weight" });
  const model = sequential([dense(16), relu, dense(2)]);
  const accuracy = await learnt(data, model, 12);
  check.ok(accuracy > 0.9, `accuracy ${accuracy} on ${data.test.labels.length} rows`);
}
referenceTest("a table of numbers and categories is learnt, on the reference", learnsTable);
gpuTest("a table of numbers and categories is learnt, on the GPU", learnsTable);

gpuTest("small pictures in colour, of a size that fills no words, are learnt", async () => {
  const next = generator(5);
  // 3 x 5 x 7 pixels of noise, the channel of the class a little brighter.
  const labels = Uint8Array.from({ length: 240 }, (_, i) => i % 3);
  const samples = Uint8Array.from({ length: 240 * 105 }, (_, i) => {
    const [image, channel] = [Math.floor(i / 105), Math.floor((i % 105) / 35)];
    return 150 * next() + (channel === labels[image] ? 60 : 0);
  });
  const data = fromArrays({ shape: [3, 5, 7], train: { samples, labels } });
  const accuracy = await learnt(data, sequential([conv2d(6, 3), relu, globalAvgPool, flatten, dense(3)]), 20);
  check.ok(accuracy > 0.9, `accuracy ${accuracy}`);
});
