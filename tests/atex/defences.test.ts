/** What holds for every defence, generated from the table: on grey and colour images and on rows of a table. */

import { packed } from "../../atex/defences/directions.js";
import {
  batchLoss,
  type Classifier,
  DEFENCES,
  type Defence,
  type DefenceContext,
  type DefenceEntry,
  makeDefence,
  pickDirections,
} from "../../atex/index.js";
import {
  dispose,
  keep,
  leaves,
  mul,
  random,
  type Tensor,
  type Tree,
  tensor,
  valueAndGrad,
} from "../../engine/index.js";
import {
  avgPool,
  conv2d,
  dense,
  type FeatureRange,
  flatten,
  type Layer,
  residentImages,
  sequential,
  softplus,
} from "../../nn/index.js";
import { object } from "../../nn/schema.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { generator } from "../values.js";
import { numbers } from "./subjects.js";

interface Subject {
  readonly name: string;
  readonly model: Layer;
  readonly shape: readonly number[];
  readonly range: FeatureRange;
}

const TABLE: Subject = {
  name: "rows of a table",
  model: sequential([dense(8), softplus({ beta: 3 }), dense(3)]),
  shape: [6],
  range: { low: [-1, 0, -2, -1, -1, 0.1], high: [1, 1, 2, 0.5, 1, 0.6] },
};
const SUBJECTS: readonly Subject[] = [
  TABLE,
  {
    name: "colour images",
    model: sequential([conv2d(3, 3), softplus({ beta: 3 }), flatten, dense(3)]),
    shape: [3, 6, 7],
    range: { low: 0.1, high: 0.9 },
  },
  {
    name: "grey images 28×28",
    model: sequential([conv2d(2, 5), softplus({ beta: 3 }), avgPool(4), flatten, dense(3)]),
    shape: [1, 28, 28],
    range: { low: 0, high: 1 },
  },
];

const N = 4;
/** So wide that points leave the valid range unless they are held. */
const EPS = 0.3;
const LABELS = [0, 2, 1, 2];

/** Settings that fit few features and little time, and in which every other setting counts. */
const SMALL: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  atex: { directions: "student", points: 2, copies: 2, samples: 3 },
  naive: { neighbours: 2 },
  rar: { steps: 6, path: 2, innerPath: 1 },
  pgd: { steps: 3, radius: 0.5 },
  r2et: { k: 2 },
  igr: { steps: 3, path: 2 },
};

function settingsOf(entry: DefenceEntry, changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return object(entry.options).read({ ...SMALL[entry.name], ...changes }, entry.name);
}

const of = (bound: number | readonly number[], i: number): number => (typeof bound === "number" ? bound : bound[i]);

/** Valid samples, many of them near the ends of the range. */
function samples({ shape, range }: Subject): Float32Array {
  const next = generator(31);
  const size = shape.reduce((a, b) => a * b, 1);
  return Float32Array.from({ length: N * size }, (_, i) => {
    const [low, high] = [of(range.low, i % size), of(range.high, i % size)];
    return low + (high - low) * Math.min(Math.max(1.4 * next() - 0.2, 0), 1);
  });
}

interface Run {
  readonly loss: number;
  /** Sizes of the gradient of each parameter. */
  readonly slopes: readonly number[];
  /** What the network was shown, batch after batch. */
  readonly shown: readonly Float32Array[];
  /** Most gradients that were open around a pass of the network. */
  readonly nested: number;
}

/** The loss, and where the network looked for it: a few more points of a path may lead to the same worst sample. */
const traceOf = ({ loss, shown }: Run): string => `${loss}, ${shown.map((batch) => batch.length)}`;

const bitsOf = (n: number): number => n.toString(2).replaceAll("0", "").length;

async function run(subject: Subject, make: (context: DefenceContext) => Defence, labels = LABELS): Promise<Run> {
  const { model, shape, range } = subject;
  const x = tensor(samples(subject), [N, ...shape]);
  const { params } = model.init(random.key(1), [...shape]);
  const taught = model.init(random.key(2), [...shape]).params;
  const teacher: Classifier = (z) => model.apply(taught, z);
  const defence = make({ eps: EPS, teacher, range });
  const seen: Tensor[] = [];
  let nested = 0;
  const loss = (p: Tree): Tensor => {
    const g = (z: Tensor): Tensor => {
      seen.push(keep(mul(z, 1)));
      const logits = model.apply(p, z);
      nested = Math.max(nested, bitsOf(logits.bits));
      return logits;
    };
    const batch = {
      x,
      y: tensor(Int32Array.from(labels)),
      indices: tensor(Int32Array.from({ length: N }, (_, i) => i)),
      key: random.key(7),
    };
    return defence.loss(Object.assign(g, { params: p }), batch)[0];
  };
  const [value, gradient] = valueAndGrad(loss)(params);
  const slopes: number[] = [];
  for (const leaf of leaves(gradient)) slopes.push(Math.max(...Array.from(await leaf.read(), Math.abs)));
  const shown: Float32Array[] = [];
  for (const t of seen) shown.push(Float32Array.from(await t.read()));
  dispose(seen);
  return { loss: await value.item(), slopes, shown, nested };
}

const made =
  (entry: DefenceEntry, settings = settingsOf(entry)) =>
  (context: DefenceContext): Defence =>
    makeDefence(entry, settings, context);

const fieldJson = (entry: DefenceEntry, name: string) => entry.options[name].json as { [key: string]: unknown };

/** Other values of a setting, one of which has to make a difference. */
function others(entry: DefenceEntry, name: string, now: unknown): unknown[] {
  const { enum: words, type } = fieldJson(entry, name);
  if (Array.isArray(words)) return words.filter((word) => word !== now && word !== "kept");
  const count = Number(now ?? 1);
  return type === "integer"
    ? [count + 1, 2 * count + 1, 1].filter((other) => other !== now)
    : [2 * (Number(now ?? 0) || 0.2)];
}

for (const entry of DEFENCES) {
  for (const subject of SUBJECTS) {
    const body = async (): Promise<void> => {
      const { loss, slopes, shown } = await run(subject, made(entry));
      check.ok(Number.isFinite(loss), `loss ${loss}`);
      check.ok(
        slopes.every((size) => Number.isFinite(size) && size > 0),
        `gradients ${slopes}`,
      );
      // Each batch is copies of the samples, changed or not.
      const x = samples(subject);
      const features = x.length / N;
      const reach = entry.reach?.(settingsOf(entry), EPS);
      const scales = reach?.scales ?? [1];
      let largest = 0;
      for (const batch of shown) {
        check.is(batch.length % x.length, 0, "whole copies of the batch");
        for (let i = 0; i < batch.length / features; i++) {
          // A point on the way from the baseline to one in reach is told by the scale at which it is nearest to its sample.
          const found = scales.map((scale) => {
            const values = Array.from(batch.slice(i * features, (i + 1) * features), (v) => v / scale);
            const changes = values.map((v, j) => Math.abs(v - x[(i * features + j) % x.length]));
            const size =
              reach?.of === "largest element" ? Math.max(...changes) : Math.hypot(...changes) / features ** 0.5;
            return { size, values };
          });
          const { size, values } = found.reduce((a, b) => (b.size < a.size ? b : a));
          if (reach?.of === "largest element")
            for (const [j, value] of values.entries()) {
              const [low, high] = [of(subject.range.low, j), of(subject.range.high, j)];
              check.ok(value >= low - 1e-6 && value <= high + 1e-6, `${value} is outside of ${low} to ${high}`);
            }
          largest = Math.max(largest, size);
        }
      }
      const most = reach?.most ?? 0;
      check.ok(largest <= most * (1 + 1e-5) + 1e-7, `a change of ${largest}, ${most} at most`);
      check.ok(!reach || largest > most / 100, `a change of ${largest} where ${most} is allowed`);
    };
    const name = `${entry.name} on ${subject.name}: a finite loss with a gradient, no further from a sample than it says`;
    if (subject.shape.length === 3 && subject.shape[1] === 28) gpuTest(name, body);
    else referenceTest(name, body);
  }

  referenceTest(`${entry.name}: needs what it says, in the order it says`, async () => {
    const plain = await run(TABLE, made(entry));
    const relabelled = await run(TABLE, made(entry), [1, 0, 0, 1]);
    check.is(plain.loss !== relabelled.loss, entry.needs.includes("labels"), "labels");
    const alone = (): Defence => makeDefence(entry, settingsOf(entry), { eps: EPS });
    if (entry.needs.includes("teacher")) check.match(check.throws(alone, TypeError).message, /no teacher given/);
    else check.is(alone().name, entry.info.name);
    // A map that is only followed is recorded all the same where it is the student's own: the teacher's is not.
    const ordered = entry.needs.includes("teacher") ? { directions: "teacher" } : {};
    check.is((await run(TABLE, made(entry, settingsOf(entry, ordered)))).nested, entry.order, "order");
  });

  referenceTest(`${entry.name}: told defaults are those it takes, and every setting makes a difference`, async () => {
    const settings = settingsOf(entry);
    const trace = traceOf(await run(TABLE, made(entry, settings)));
    const told = Object.keys(entry.options).flatMap((name) => {
      const { default: value, description } = fieldJson(entry, name);
      check.ok(typeof description === "string" && description.length > 5, `${name} has its line of help`);
      return value === undefined || name in settings ? [] : [[name, value]];
    });
    check.is(traceOf(await run(TABLE, made(entry, { ...settings, ...Object.fromEntries(told) }))), trace);
    for (const name of Object.keys(entry.options)) {
      const now = settings[name] ?? fieldJson(entry, name).default;
      const traces: string[] = [];
      for (const value of others(entry, name, now))
        traces.push(traceOf(await run(TABLE, made(entry, settingsOf(entry, { [name]: value })))));
      check.ok(
        traces.some((other) => other !== trace),
        `${name}: ${trace} stays ${traces}`,
      );
    }
  });
}

test("presets are settings of their defence, called by words of the command line, each by its own", () => {
  const names = DEFENCES.flatMap(({ presets }) => Object.keys(presets));
  check.is(new Set(names).size, names.length);
  check.is(new Set(DEFENCES.map(({ name }) => name)).size, DEFENCES.length);
  for (const entry of DEFENCES) {
    const presets = Object.entries(entry.presets);
    check.ok(presets.length > 0, `${entry.name} can be had on the command line`);
    for (const [name, preset] of presets) {
      check.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/);
      const { learningRate, batch, ...settings } = preset.settings(0.05);
      check.ok(learningRate === undefined || learningRate > 0, name);
      check.ok(batch === undefined || Number.isInteger(batch), name);
      object(entry.options).read(settings, name);
    }
  }
});

gpuTest("what a defence prepares serves every batch of its data, and is freed with it", async () => {
  const subject = SUBJECTS[2];
  const bytes = Uint8Array.from(samples(subject), (v) => Math.round(255 * v));
  const data = residentImages(bytes, Uint8Array.from(LABELS), [1, 28, 28]);
  const preparing = DEFENCES.filter(({ prepare }) => prepare);
  check.ok(preparing.length > 0);
  for (const entry of preparing) {
    const settings = settingsOf(entry, { directions: "kept" });
    const { params } = subject.model.init(random.key(2), [...subject.shape]);
    const context = { eps: EPS, teacher: (z: Tensor) => subject.model.apply(params, z) };
    check.match(check.throws(() => makeDefence(entry, settings, context), TypeError).message, /prepare the defence/);
    using prepared = await entry.prepare!(settings, { ...context, data, key: random.key(3) });
    const { loss } = await run(subject, () => makeDefence(entry, settings, { ...context, prepared }));
    check.ok(Number.isFinite(loss));
  }
  dispose([data.words, data.labels]);
});

referenceTest("directions of an odd number of values are kept to 16 bits", async () => {
  const map = numbers([2, 3, 3], 8);
  const words = packed(map);
  check.equal(words.shape, [2, 5]);
  const picked = await pickDirections({ shape: [3, 3], words }, tensor(Int32Array.of(1, 0))).read();
  const rows = [...(await map.read())];
  const expected = [rows.slice(9), rows.slice(0, 9)].flatMap((row) => {
    const largest = Math.max(...row.map(Math.abs));
    return row.map((v) => v / largest);
  });
  check.close(picked, expected, { atol: 0.6 / 32767 });
});

gpuTest("a defence is a loss of nn's training, logits of the samples first", async () => {
  const x = tensor(samples(TABLE), [N, 6]);
  const { params } = TABLE.model.init(random.key(1), [6]);
  const indices = tensor(Int32Array.from({ length: N }, (_, i) => i));
  for (const entry of DEFENCES) {
    const defence = makeDefence(entry, settingsOf(entry), {
      eps: EPS,
      teacher: (z) => TABLE.model.apply(params, z),
      range: TABLE.range,
    });
    const context = { training: true, key: random.key(1), indices };
    const [, logits] = batchLoss(defence)(TABLE.model, params, x, tensor(Int32Array.from(LABELS)), context);
    check.close(await logits.read(), [...(await TABLE.model.apply(params, x).read())], { atol: 1e-5 }, entry.name);
  }
});
