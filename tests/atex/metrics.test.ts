/** What holds for every metric of the table, generated from it. */
import {
  classScore,
  gradient,
  METRIC_TABLE,
  type MetricEntry,
  type MetricKinds,
  makeMetric,
  type Score,
} from "../../atex/index.js";
import {
  abs,
  capture,
  checkGrads,
  concat,
  grad,
  matmul,
  mul,
  random,
  reshape,
  slice,
  sum,
  type Tensor,
  tensor,
} from "../../engine/index.js";
import { closeScaled, GRADIENT, SECOND } from "../derivatives.js";
import { gpuTest, onGpu, onReference, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { numbers, SUBJECTS, type TestSubject } from "./subjects.js";

const N = 3;
/** Small enough for a test, where a metric has such options. */
const SMALL: Readonly<Record<string, number>> = { samples: 6, restarts: 1 };
/** Searches end elsewhere after a few steps of other rounding: the sign of a small number is a step. */
const SEARCH_STEPS = 2;

function settingsOf({ options, kind }: MetricEntry, shape: readonly number[] = []): Record<string, number> {
  // A tenth of a few elements says little.
  const wanted = shape.length === 1 ? { ...SMALL, k: 3 } : SMALL;
  const small = Object.fromEntries(Object.entries(wanted).filter(([name]) => name in options));
  return kind === "stability" && "steps" in options ? { ...small, steps: SEARCH_STEPS } : small;
}

/** What a metric is run on: a network, inputs, two maps of each. */
interface Case {
  readonly name: string;
  readonly subject: TestSubject;
  /** Shape of one map. */
  readonly shape: readonly number[];
  readonly grid: boolean;
}

const CASES: readonly Case[] = SUBJECTS.map((subject) => {
  const grid = subject.shape.length === 3;
  return { name: subject.name, subject, shape: grid ? subject.shape.slice(1) : subject.shape, grid };
});
/** Maps alone, of sizes that every similarity takes. */
const MAPS: readonly (readonly number[])[] = [[12, 14], [15, 11], [6], [4, 5, 3]];

const scoreOf = ({ logits }: TestSubject, from = 0, n = N): Score =>
  classScore(logits, tensor(Int32Array.from({ length: n }, (_, i) => (from + i) % 3)));
const read = async (t: Tensor): Promise<number[]> => [...(await t.read())];
const part = (x: Tensor, from: number, count: number): Tensor =>
  slice(x, [from, ...x.shape.slice(1).map(() => 0)], [count, ...x.shape.slice(1)]);

/** The metric as a function of the tensors that it depends on and a score of samples from `from` on. */
interface Runnable {
  readonly inputs: () => readonly Tensor[];
  readonly run: (inputs: readonly Tensor[], from?: number) => Tensor;
  /** Which of the inputs are maps. */
  readonly maps: readonly number[];
}

function runnable(
  entry: MetricEntry,
  { subject, shape }: Pick<Case, "shape"> & { readonly subject?: TestSubject },
): Runnable {
  const context = () => ({
    ...(subject?.context() ?? { key: random.key(5) }),
    explainer: gradient,
    mask: tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Number(i % 3 === 0)),
      [1, ...shape],
    ),
  });
  const made = <K extends keyof MetricKinds>(): MetricKinds[K] =>
    makeMetric(entry.name, settingsOf(entry, shape), context()) as MetricKinds[K];
  const map = (seed: number): Tensor => numbers([N, ...shape], seed);
  if (entry.kind === "similarity")
    return {
      ...{ inputs: () => [map(1), map(2)], maps: [0, 1] },
      run: ([a, b]) => made<"similarity">()(a, b),
    };
  if (entry.kind === "placement") return { inputs: () => [map(1)], maps: [0], run: ([a]) => made<"placement">()(a) };
  const score = (x: Tensor, from: number): Score => scoreOf(subject!, from, x.shape[0]);
  if (entry.kind === "stability")
    return {
      ...{ inputs: () => [subject!.x(N)], maps: [] },
      run: ([x], from = 0) => made<"stability">()(score(x, from), x),
    };
  return {
    inputs: () => [subject!.x(N), entry.needs.attribution ? numbers([N, ...subject!.shape], 1) : map(1)],
    maps: [1],
    run: ([x, m], from = 0) => made<"faithfulness">()(score(x, from), x, m),
  };
}

const takesMapsAlone = ({ kind }: MetricEntry): boolean => kind === "similarity" || kind === "placement";
const fits = ({ needs }: MetricEntry, grid: boolean): boolean => grid || needs.grid !== true;

for (const entry of METRIC_TABLE) {
  const { name, info } = entry;
  const cases = takesMapsAlone(entry)
    ? MAPS.map((shape) => ({ name: `maps of ${shape.join("×")}`, shape, grid: shape.length === 2, subject: undefined }))
    : CASES;

  for (const c of cases) {
    if (!fits(entry, c.grid)) {
      // Some take all channels of an image as well.
      if (c.shape.length > 1) continue;
      referenceTest(`${name} refuses ${c.name}`, () => {
        const { inputs, run } = runnable(entry, c);
        check.throws(() => run(inputs()), /^[a-zA-Z]+: maps are f32\[3,.*; maps of images \[n,h,w\] are needed/);
      });
      continue;
    }
    const { inputs, run, maps } = runnable(entry, c);

    gpuTest(`${name} of ${c.name}: GPU = float64, in range`, async () => {
      const expected = await onReference(async () => read(run(inputs())));
      const actual = await onGpu(async () => {
        const value = run(inputs());
        check.equal([...value.shape], [N]);
        return read(value);
      });
      check.ok(expected.every(Number.isFinite), `${expected}`);
      check.ok(new Set(expected.map((v) => v.toFixed(9))).size > 1 || name === "top-k", `${expected} say nothing`);
      closeScaled(actual, expected, GRADIENT);
      // A score here is a logit, for which an area under its curve has no range.
      if (name.endsWith("-auc")) return;
      for (const v of [...actual, ...expected])
        check.ok(v >= info.range[0] && v <= info.range[1], `${v} is not in ${info.range}`);
    });

    gpuTest(`${name} of ${c.name}: captured = eager`, async () => {
      const step = capture((given: Tensor[]) => [run(given)]);
      try {
        closeScaled(await read(step([...inputs()])[0]), await read(run(inputs())), GRADIENT);
      } finally {
        step.dispose();
      }
    });

    referenceTest(`${name} of ${c.name}: a sample's value is its own affair`, async () => {
      const given = inputs();
      const together = await read(run(given));
      const alone = await read(
        run(
          given.map((t) => part(t, 1, 1)),
          1,
        ),
      );
      closeScaled(alone, [together[1]], { rtol: 1e-9, atol: 1e-12 });
      // In another order: the classes 2, 0, 1 are those of the samples.
      const order = given.map((t) => concat([part(t, 2, 1), part(t, 0, 2)]));
      closeScaled(await read(run(order, 2)), [together[2], together[0], together[1]], { rtol: 1e-9, atol: 1e-12 });
    });

    for (const bad of maps)
      gpuTest(
        `${name} of ${c.name}: a map with NaN or an infinity has no value${maps.length > 1 ? `, ${bad}` : ""}`,
        async () => {
          for (const poison of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
            const given = [...inputs()];
            const data = Float32Array.from(await read(given[bad]));
            data[data.length / N + 1] = poison;
            given[bad] = tensor(data, given[bad].shape);
            const [clean, value] = [await read(run(inputs())), await read(run(given))];
            check.ok(Number.isNaN(value[1]), `${poison} gives ${value[1]}`);
            closeScaled([value[0], value[2]], [clean[0], clean[2]], { rtol: 1e-6, atol: 1e-6 });
          }
        },
      );

    if (info.differentiable) {
      referenceTest(`${name} of ${c.name}: its gradient is that of finite differences, to second order`, async () => {
        await checkGrads((...given: Tensor[]) => sum(run(given)), inputs(), { order: 2 });
        check.ok(true, "checkGrads throws when a derivative is wrong");
      });
      gpuTest(`${name} of ${c.name}: gradient on the GPU = float64`, async () => {
        const slope = async (): Promise<number[]> => {
          const last = inputs().length - 1;
          const g = grad((...given: Tensor[]) => sum(run(given)), { argument: last })(...inputs());
          return read(g);
        };
        const expected = await onReference(slope);
        check.ok(
          expected.some((v) => Math.abs(v) > 1e-8),
          "a slope of zeros cannot be climbed",
        );
        closeScaled(await onGpu(slope), expected, SECOND);
      });
    }

    if (maps.length > 0) mapLaws(entry, c.name, { inputs, run, maps });
  }

  if (takesMapsAlone(entry) && typeof info.perfect === "number" && entry.kind === "similarity")
    gpuTest(`${name}: equal maps have the value it promises, and no rounding carries it out of its range`, async () => {
      const { run } = runnable(entry, { shape: [13, 12] });
      // Many samples: 1.0000001 comes with some sums only.
      const data = numbers([60, 13, 12], 3);
      const value = await read(run([data, data]));
      check.close(
        value,
        value.map(() => info.perfect as number),
        { atol: 2e-6 },
      );
      check.ok(
        value.every((v) => v >= info.range[0] && v <= info.range[1]),
        `${Math.min(...value)} to ${Math.max(...value)}`,
      );
    });

  if (entry.kind === "stability")
    referenceTest(`${name}: maps that do not change are as stable as can be`, async () => {
      const linear: Score = (x) => reshape(matmul(x, numbers([6, 1], 2)), [x.shape[0]]);
      const context = { explainer: gradient, key: random.key(1) };
      const metric = makeMetric(entry.name, settingsOf(entry), context) as MetricKinds["stability"];
      check.close(await read(metric(linear, numbers([2, 6], 3))), [info.perfect as number, info.perfect as number], {
        atol: 1e-12,
      });
    });

  for (const need of ["key", "explainer", "mask"] as const)
    if (entry.needs[need])
      referenceTest(`${name} says that it needs a context with ${need}`, () => {
        const context = { key: random.key(1), explainer: gradient, mask: numbers([1, 6], 1), [need]: undefined };
        check.throws(
          () => makeMetric(entry.name, {}, context),
          new RegExp(`${name}: no ${need} in the context; .*need|whose`),
        );
      });

  referenceTest(`${name}: refuses settings it does not have`, () => {
    const context = { key: random.key(1), explainer: gradient, mask: numbers([1, 6], 1) };
    check.throws(() => makeMetric(entry.name, { sampels: 3 }, context), /sampels: no such setting/);
  });
}

/** What a change of the maps may and may not do: each law holds, or is known to be broken. */
function mapLaws({ name, laws, kind }: MetricEntry, of: string, { inputs, run, maps }: Runnable): void {
  const changed = async (change: (map: Tensor, which: number) => Tensor): Promise<number> => {
    const before = await read(run(inputs()));
    const after = await read(run(inputs().map((t, i) => (maps.includes(i) ? change(t, i) : t))));
    const scale = Math.max(1e-6, ...before.map(Math.abs));
    return Math.max(...before.map((v, i) => Math.abs(v - after[i]))) / scale;
  };
  const holds = (law: boolean, apart: number, tolerance: number): void =>
    law
      ? check.ok(apart <= tolerance, `values moved by ${apart}`)
      : check.ok(apart > 1e-3, `values moved by ${apart}; the law may be set`);

  gpuTest(`${name} of ${of}: ${laws.scaling ? "does not see" : "is known to see"} the size of a map`, async () => {
    // f32 holds maps of these sizes, but not their squares.
    for (const factors of [
      [1e-28, 1e28],
      [1e28, 1e-28],
      [3, 0.1],
    ])
      if (laws.scaling || factors[0] === 3)
        holds(laws.scaling ?? false, await changed((map, i) => mul(map, factors[i % 2])), 1e-4);
  });

  referenceTest(`${name} of ${of}: ${laws.signs ? "does not see" : "is known to see"} signs`, async () => {
    holds(laws.signs ?? false, await changed((map, i) => (i === maps[0] ? abs(map) : map)), 1e-12);
  });

  if (kind !== "similarity") return;
  referenceTest(`${name} of ${of}: ${laws.symmetric ? "symmetric" : "known not to be symmetric"}`, async () => {
    const [a, b] = inputs();
    const [there, back] = [await read(run([a, b])), await read(run([b, a]))];
    holds(laws.symmetric ?? false, Math.max(...there.map((v, i) => Math.abs(v - back[i]))), 1e-12);
  });
}
