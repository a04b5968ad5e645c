/** ATEX: its points, its loss, what is computed once for it; theorem 1; and training as it is used. */
import {
  type AtexOptions,
  atex,
  batchLoss,
  classScore,
  directionsAtHand,
  explanationDirections,
  freshDirections,
  gradient,
  linf,
  type Network,
  naive,
  pickDirections,
  type Scheme,
  smoothGrad,
  teacherPredictions,
} from "../../atex/index.js";
import {
  add,
  argmax,
  dispose,
  grad,
  keep,
  mul,
  random,
  sum,
  type Tensor,
  type Tree,
  tensor,
  valueAndGrad,
} from "../../engine/index.js";
import {
  adam,
  avgPool,
  conv2d,
  crossEntropyPerSample,
  dense,
  flatten,
  initialState,
  pickImages,
  residentImages,
  sequential,
  softplus,
  type TrainProgress,
  train,
} from "../../nn/index.js";
import { gpuTest, onGpu, onReference, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { generator } from "../values.js";
import * as by from "./mlp.js";

const student = by.mlp(1);
const teacher = by.mlp(2);
const direction = by.mlp(3);
const x = by
  .mlp(50)
  .w1.slice(0, 4)
  .map((row) => row.map((v) => 0.5 + 0.2 * v));
const phi = by.mlp(51).w1.slice(0, 4);
const n = x.length;

const images = (rows: by.Matrix): Tensor => tensor(rows.flat(), [rows.length, ...by.image]);
const classifier = (m: by.Mlp): ((z: Tensor) => Tensor) => {
  const params = by.parameters(m);
  return (z) => by.model.apply(params, z);
};
const maxAbs = (v: by.Vector): number => Math.max(...v.map(Math.abs));
const norm = (v: by.Vector): number => Math.sqrt(by.squared(v));
const rowsOf = (values: ArrayLike<number>, length = by.pixels): by.Matrix =>
  Array.from({ length: values.length / length }, (_, i) => Array.from(values).slice(i * length, (i + 1) * length));

const indices = (count: number): Tensor => tensor(Int32Array.from({ length: count }, (_, i) => i));

async function run(options: Omit<AtexOptions, "teacher" | "directions">) {
  const shown: Tensor[] = [];
  const scheme = atex({ teacher: classifier(teacher), directions: () => images(phi), ...options });
  const batch = { x: images(x), y: indices(n), indices: indices(n), key: random.key(5) };
  const loss = (params: Tree): Tensor => {
    const g = (z: Tensor): Tensor => {
      shown.push(keep(mul(z, 1)));
      return by.model.apply(params, z);
    };
    return scheme.loss(Object.assign(g, { params }), batch)[0];
  };
  const [value, gradient] = valueAndGrad(loss)(by.parameters(student));
  check.is(shown.length, 1, "passes of the student");
  const around = rowsOf(await shown[0].read());
  dispose(shown);
  return { value: await value.item(), slope: await by.along(gradient, direction), around };
}

/** KL(softmax(f/T) ‖ softmax(g/S)). */
function divergence(f: by.Vector, g: by.Vector, temperature: number, studentTemperature: number): number {
  const p = by.softmax(f.map((v) => v / temperature));
  const q = by.softmax(g.map((v) => v / studentTemperature));
  return p.reduce((s, v, c) => s + v * Math.log(v / q[c]), 0);
}

const settings: readonly Required<Omit<AtexOptions, "teacher" | "directions" | "predictions">>[] = [
  {
    delta1: 0.3,
    delta2: 0.2,
    normalisation: "l2",
    points: 3,
    spacing: "grid",
    copies: 2,
    noise: "positive",
    scale: "unit",
    alpha: 0.7,
    terms: "both",
    matching: "predictions",
    temperature: 1,
    studentTemperature: 1,
  },
  {
    delta1: 0.3,
    delta2: 0.1,
    normalisation: "maxAbs",
    points: 2,
    spacing: "grid",
    copies: 3,
    noise: "positive",
    scale: "unit",
    alpha: 1,
    terms: "both",
    matching: "predictions",
    temperature: 2,
    studentTemperature: 2,
  },
  {
    delta1: 0.3,
    delta2: 0.3,
    normalisation: "maxAbs",
    points: 3,
    spacing: "grid",
    copies: 2,
    noise: "symmetric",
    scale: "asProjected",
    alpha: 1,
    terms: "second",
    matching: "predictions",
    temperature: 4,
    studentTemperature: 1,
  },
  {
    delta1: 0.3,
    delta2: 0.2,
    normalisation: "l2",
    points: 5,
    spacing: "sampled",
    copies: 1,
    noise: "symmetric",
    scale: "unit",
    alpha: 2,
    terms: "both",
    matching: "logits",
    temperature: 1,
    studentTemperature: 1,
  },
];

for (const [i, o] of settings.entries())
  referenceTest(`ATEX (${i}): points, loss and gradient = by hand in float64`, async () => {
    const { value, slope, around } = await run(o);
    check.is(around.length, n * (1 + o.points * o.copies));
    check.identical(around.slice(0, n).flat(), x.flat(), "the images themselves come first");
    const size = o.normalisation === "l2" ? norm : maxAbs;
    // Each x_p − x splits into a part along φ, which is xᵢ − x, and a rest across it.
    const centres: number[][] = [];
    let across = 0;
    for (const [k, point] of around.slice(n).entries()) {
      const [image, towards] = [x[k % n], phi[k % n]];
      const shift = by.combine(point, image, (a, b) => a - b);
      const share = by.dot(shift, towards) / by.squared(towards);
      const along = towards.map((v) => v * share);
      const length = Math.sign(share) * size(along);
      const place = Math.floor(k / (n * o.copies));
      if (o.spacing === "grid")
        check.close(
          [length],
          [-o.delta1 + (2 * o.delta1 * place) / (o.points - 1)],
          { atol: 1e-12 },
          `δ₁ of point ${k}`,
        );
      else check.ok(Math.abs(length) <= o.delta1 + 1e-12, `δ₁ of point ${k}`);
      const rest = by.combine(shift, along, (a, b) => a - b);
      if (o.scale === "unit") check.ok(size(rest) <= o.delta2 + 1e-12, `δ₂ of point ${k}`);
      across = Math.max(across, size(rest));
      centres.push(by.combine(image, along, (a, b) => a + b));
    }
    check.ok(across > 0.3 * o.delta2, "tangent shifts use their length");
    const loss = (g: by.Mlp): number => {
      const apart = (at: by.Vector, z: by.Vector): number => {
        const [f, student] = [by.logits(teacher, at), by.logits(g, z)];
        if (o.matching === "logits") return by.average(by.combine(f, student, (a, b) => (a - b) ** 2));
        return divergence(f, student, o.temperature, o.studentTemperature);
      };
      const own = by.average(x.map((a) => apart(a, a)));
      const nearby = by.average(centres.map((c, k) => apart(c, around[n + k])));
      return (o.terms === "both" ? own : 0) + o.alpha * nearby;
    };
    check.close([value], [loss(student)], { rtol: 1e-9 }, "loss");
    const h = 1e-5;
    const difference = loss(by.moved(student, direction, h)) - loss(by.moved(student, direction, -h));
    check.close([slope], [difference / (2 * h)], { rtol: 1e-5, atol: 1e-8 }, "derivative");
  });

for (const [i, o] of settings.entries())
  gpuTest(`ATEX (${i}): loss and gradient on the GPU = reference`, async () => {
    const expected = await onReference(() => run(o));
    const { value, slope } = await onGpu(() => run(o));
    check.close([value], [expected.value], { rtol: 1e-4, atol: 1e-6 }, "loss");
    check.close([slope], [expected.slope], { rtol: 1e-3, atol: 1e-5 }, "derivative");
  });

referenceTest("ATEX refuses impossible grids and predictions of another one", () => {
  const base = { teacher: classifier(teacher), directions: () => images(phi), delta1: 0.1 };
  check.throws(() => atex({ ...base, spacing: "grid" }), /atex: 1 grid points up to 0.1 given; at least 2/);
  check.throws(() => atex({ ...base, points: 0 }), /atex: 0 sampled points up to 0.1 given; at least 1/);
  check.throws(() => atex({ ...base, copies: 0 }), /atex: 0 copies given/);
  const along = { length: 0.2, points: 4, spacing: "grid", normalisation: "maxAbs" } as const;
  check.throws(
    () => atex({ ...base, points: 4, spacing: "grid", predictions: { along, logits: tensor([0]) } }),
    /atex: predictions of 4 grid points up to 0.2 maxAbs for shifts of 4 grid points up to 0.1 maxAbs/,
  );
});

/** 10 seeded images of [1,2,4] and a small teacher for them. */
function small() {
  const next = generator(4);
  const bytes = Uint8Array.from({ length: 80 }, () => 256 * next());
  const data = residentImages(bytes, new Uint8Array(10), [1, 2, 4]);
  const { params } = by.model.init(random.key(11), [1, 2, 4]);
  const f = (z: Tensor): Tensor => by.model.apply(params, z);
  return { data, f, free: () => dispose([data.words, data.labels]) };
}

gpuTest(
  "directions of a data set are the teacher's SmoothGrad to 16 bits, an incomplete last batch included",
  async () => {
    const { data, f, free } = small();
    const key = random.key(3);
    const smooth = { samples: 3, sigma: 0.1 };
    const progress: number[] = [];
    const onProgress = (done: number): void => void progress.push(done);
    const kept = await explanationDirections(f, data, { key, batchSize: 4, onProgress, ...smooth });
    check.equal(progress, [4, 8, 10]);
    for (const [first, size] of [
      [0, 4],
      [4, 4],
      [8, 2],
    ]) {
      const at = add(indices(size), first);
      const { x: z } = pickImages(data, at);
      const score = classScore(f, argmax(f(z), 1));
      const exact = rowsOf(await smoothGrad({ ...smooth, key: random.fold(key, first) })(score, z).read(), 8);
      const expected = exact.map((row) => row.map((v) => v / maxAbs(row)));
      check.close(await pickDirections(kept, at).read(), expected.flat(), { atol: 0.6 / 32767 }, `from ${first}`);
    }
    dispose(kept.words);
    free();
  },
);

gpuTest("predictions at hand change nothing but the work", async () => {
  const { data, f, free } = small();
  const directions = await explanationDirections(f, data, { key: random.key(3), batchSize: 4 });
  const along = { length: 0.3, points: 3, spacing: "grid", normalisation: "l2" } as const;
  const predictions = await teacherPredictions(f, data, directions, { ...along, batchSize: 4 });
  const at = tensor([9, 0, 5], [3], "i32");
  const { x: z, y } = pickImages(data, at);
  const { params } = by.model.init(random.key(12), [1, 2, 4]);
  const batch = { x: z, y, indices: at, key: random.key(5) };
  let passes = 0;
  const counted = (q: Tensor): Tensor => {
    passes++;
    return f(q);
  };
  const options = {
    teacher: counted,
    directions: directionsAtHand(directions),
    delta1: 0.3,
    points: 3,
    spacing: "grid",
    normalisation: "l2",
  } as const;
  const g = (): Network => Object.assign((q: Tensor) => by.model.apply(params, q), { params });
  const [plain] = atex(options).loss(g(), batch);
  check.is(passes, 1, "passes of the teacher");
  const [saved] = atex({ ...options, predictions }).loss(g(), batch);
  check.is(passes, 1, "passes of the teacher, predictions at hand");
  check.close([await saved.item()], [await plain.item()], { rtol: 1e-5 });
  // Sampled points change: only what is taught at the images themselves is at hand.
  const sampled = { ...options, spacing: "sampled" } as const;
  const own = await teacherPredictions(f, data, directions, { ...along, spacing: "sampled" });
  check.equal(
    [predictions.logits.shape, own.logits.shape],
    [
      [10, 4 * by.classes],
      [10, by.classes],
    ],
  );
  const [whole] = atex(sampled).loss(g(), batch);
  const [less] = atex({ ...sampled, predictions: own }).loss(g(), batch);
  check.close([await less.item()], [await whole.item()], { rtol: 1e-5 });
  check.throws(() => atex({ ...sampled, predictions }), /predictions of 3 grid points .* for shifts of sampled points/);
  dispose(own.logits);
  dispose([directions.words, predictions.logits]);
  free();
});

referenceTest("theorem 1: the FGSM direction without sign is -1/p of the probability's explanation", async () => {
  const f = classifier(teacher);
  const c = tensor([0, 1, 2, 1], [n], "i32");
  const fgsmDirection = await grad((z: Tensor) => sum(crossEntropyPerSample(f(z), c)))(images(x)).read();
  const explanation = rowsOf(await gradient(classScore(f, c, { of: "probability" }), images(x)).read());
  const expected = explanation.map((row, i) => {
    const p = by.softmax(by.logits(teacher, x[i]))[[0, 1, 2, 1][i]];
    return row.map((v) => -v / p);
  });
  check.close(fgsmDirection, expected.flat(), { rtol: 1e-9, atol: 1e-12 });
});

const cnn = sequential([conv2d(4, 3), softplus(), avgPool(2), flatten, dense(3)]);
/** 64 images of [1,8,8] whose class is the bright half. */
function halves() {
  const next = generator(6);
  const labels = Uint8Array.from({ length: 64 }, (_, i) => i % 3);
  const bytes = Uint8Array.from({ length: 64 * 64 }, (_, i) => {
    const [image, row, column] = [i >> 6, (i >> 3) & 7, i & 7];
    const bright = [row < 4, row >= 4, column < 4][image % 3];
    return 100 * next() + (bright ? 120 : 0);
  });
  return residentImages(bytes, labels, [1, 8, 8]);
}

/** Mean loss of each epoch. */
async function losses(scheme: Scheme): Promise<number[]> {
  const start = cnn.init(random.key(1), [1, 8, 8]).params;
  const data = halves();
  const optimiser = adam({ lr: 1e-2 });
  const seen: number[] = [];
  const onProgress = (p: TrainProgress): void => {
    if (p.step === p.steps) seen.push(p.loss);
  };
  const options = { optimiser, epochs: 4, batchSize: 16, onProgress, loss: batchLoss(scheme) };
  const end = await train(cnn, initialState(start, optimiser), data, options);
  dispose([end, data]);
  return seen;
}

gpuTest("training with gradients in the loss, one captured step, lowers it", async () => {
  const seen = await losses(naive({ ball: linf(0.05), neighbours: 2 }));
  check.ok(seen[3] < seen[0] - 0.01, `losses of the epochs: ${seen}`);
});

gpuTest("training with ATEX, directions and predictions at hand or made in each batch, lowers its loss", async () => {
  const taught = cnn.init(random.key(2), [1, 8, 8]).params;
  const f = (z: Tensor): Tensor => cnn.apply(taught, z);
  const data = halves();
  const kept = await explanationDirections(f, data, { key: random.key(3), batchSize: 32 });
  const along = { length: 0.2, points: 2, spacing: "grid", normalisation: "maxAbs" } as const;
  const predictions = await teacherPredictions(f, data, kept, { ...along, batchSize: 32 });
  const atHand = {
    ...{ teacher: f, directions: directionsAtHand(kept), predictions },
    ...({ delta1: 0.2, points: 2, spacing: "grid" } as const),
  };
  const fresh = { ...atHand, directions: freshDirections("student", { samples: 2 }), predictions: undefined };
  for (const options of [atHand, fresh]) {
    const seen = await losses(atex(options));
    check.ok(seen[3] < 0.7 * seen[0], `losses of the epochs: ${seen}`);
  }
  dispose([kept.words, predictions.logits, data]);
});
