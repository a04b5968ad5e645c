/** What holds for every explainer of the table, generated from it. */
import {
  absorbShift,
  attackExplanation,
  classScore,
  EXPLAINER_TABLE,
  type Explainer,
  type ExplainerEntry,
  explainerEntryOf,
  linf,
  makeExplainer,
  type Score,
  signStep,
  topKSuppression,
} from "../../atex/index.js";
import {
  add,
  capture,
  concat,
  grad,
  matmul,
  mul,
  random,
  reshape,
  slice,
  square,
  sum,
  type Tensor,
  tensor,
} from "../../engine/index.js";
import { closeScaled, GRADIENT, SECOND } from "../derivatives.js";
import { gpuTest, onGpu, onReference, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { numbers, SUBJECTS, type TestSubject } from "./subjects.js";

const N = 3;
/** Small enough for a test, where an explainer has such options; fits want more samples than features. */
const SMALL: Readonly<Record<string, number>> = { samples: 12, points: 8 };
const SAMPLES: Readonly<Record<string, number>> = { "kernel-shap": 140, lime: 100 };

function settingsOf({ name, options }: ExplainerEntry): Record<string, number> {
  const small = Object.entries(SMALL).filter(([option]) => option in options);
  return { ...Object.fromEntries(small), ...(name in SAMPLES && { samples: SAMPLES[name] }) };
}

function explainerOn(entry: ExplainerEntry, subject: TestSubject): Explainer {
  return makeExplainer(entry.name, settingsOf(entry), subject.context());
}

/** Whether an explainer is made for such inputs; one that is not must say so. */
function fits(entry: ExplainerEntry, { shape }: Pick<TestSubject, "shape">): boolean {
  return entry.needsGrid !== true || shape.length === 3;
}

const scoreOf = ({ logits }: TestSubject, n = N): Score =>
  classScore(logits, tensor(Int32Array.from({ length: n }, (_, i) => i % 3)));
const read = async (t: Tensor): Promise<number[]> => [...(await t.read())];

for (const entry of EXPLAINER_TABLE) {
  const { name, laws } = entry;

  for (const subject of SUBJECTS) {
    if (!fits(entry, subject)) {
      referenceTest(`${name} refuses ${subject.name}`, () => {
        check.throws(() => explainerOn(entry, subject)(scoreOf(subject), subject.x(N)), /[a-zA-Z]+: .*\[n,c,h,w\]/);
      });
      continue;
    }
    const explain = (x: Tensor): Tensor => explainerOn(entry, subject)(scoreOf(subject), x);
    const slope = (x: Tensor): Tensor => grad((z: Tensor) => sum(square(explain(z))))(x);

    gpuTest(`${name} of ${subject.name}: GPU = float64`, async () => {
      const expected = await onReference(async () => read(explain(subject.x(N))));
      const actual = await onGpu(async () => {
        const map = explain(subject.x(N));
        check.equal(map.shape, [N, ...subject.shape]);
        return read(map);
      });
      check.ok(expected.every(Number.isFinite), "an attribution is finite");
      check.ok(
        expected.some((v) => Math.abs(v) > 1e-6),
        "an attribution of zeros says nothing",
      );
      closeScaled(actual, expected, GRADIENT);
    });

    gpuTest(`${name} of ${subject.name}: captured = eager`, async () => {
      const step = capture((x: Tensor) => [explain(x)]);
      try {
        const x = subject.x(N);
        closeScaled(await read(step(x)[0]), await read(explain(x)), GRADIENT);
      } finally {
        step.dispose();
      }
    });

    referenceTest(`${name} of ${subject.name}: a sample's attribution is its own affair`, async () => {
      const x = subject.x(N);
      const one = slice(x, [1, ...subject.shape.map(() => 0)], [1, ...subject.shape]);
      const alone = explainerOn(entry, subject)(classScore(subject.logits, tensor(Int32Array.of(1))), one);
      const size = alone.size;
      const together = await read(explain(x));
      closeScaled(await read(alone), together.slice(size, 2 * size), { rtol: 1e-9, atol: 1e-12 });
      // In another order and among copies.
      const order = concat([slice(x, [1, ...subject.shape.map(() => 0)], [2, ...subject.shape]), one]);
      const score = classScore(subject.logits, tensor(Int32Array.of(1, 2, 1)));
      const moved = await read(explainerOn(entry, subject)(score, order));
      closeScaled(moved, [...together.slice(size), ...together.slice(size, 2 * size)], { rtol: 1e-9, atol: 1e-12 });
    });

    referenceTest(`${name} of ${subject.name}: the same key gives the same bits`, async () => {
      check.identical(await explain(subject.x(N)).read(), await explain(subject.x(N)).read());
    });

    if (!laws.differentiable) continue;

    gpuTest(`${name} of ${subject.name}: second order on the GPU = float64`, async () => {
      const expected = await onReference(async () => read(slope(subject.x(N))));
      const actual = await onGpu(async () => read(slope(subject.x(N))));
      check.ok(
        expected.some((v) => v !== 0),
        "a slope of zeros cannot be climbed",
      );
      closeScaled(actual, expected, SECOND);
    });

    referenceTest(`${name} of ${subject.name}: its slope is that of finite differences`, async () => {
      const x = subject.x(N);
      const direction = numbers(x.shape, 31);
      const value = async (t: number): Promise<number> => sum(square(explain(add(x, mul(direction, t))))).item();
      const eps = 1e-6;
      const numeric = ((await value(eps)) - (await value(-eps))) / (2 * eps);
      const analytic = await sum(mul(slope(x), direction)).item();
      check.close([analytic], [numeric], { rtol: 1e-4, atol: 1e-6 });
    });

    gpuTest(`${name} of ${subject.name}: an attack through it gains and keeps the prediction`, async () => {
      const x = subject.x(N);
      const attack = attackExplanation({
        explainer: explainerOn(entry, subject),
        objective: topKSuppression(2),
        ball: linf(0.1),
        rule: signStep(0.02),
        steps: 5,
        range: subject.context().domain.range,
      });
      const { images, before, after } = attack({ classifier: subject.logits, x, key: random.key(2) });
      const [b, a] = [await read(before), await read(after)];
      check.ok(a.every((v, i) => v >= b[i]) && a.some((v, i) => v > b[i] + 1e-6), `${b} became ${a}`);
      const [clean, moved] = [await read(x), await read(images)];
      check.ok(
        moved.every((v, i) => Math.abs(v - clean[i]) <= 0.1),
        "the budget holds",
      );
    });
  }

  if (fits(entry, { shape: [4] })) tableLaws(entry);

  test(`${name}: refuses settings it does not have`, async () => {
    await onReference(() => {
      const context = SUBJECTS[2].context();
      check.throws(() => makeExplainer(name, { sampels: 3 }, context), /sampels: no such setting/);
    });
  });
}

/** Laws that a network of four columns shows: the first two used alike, the last not at all. */
function tableLaws(entry: ExplainerEntry): void {
  const { name, laws } = entry;
  const subject: TestSubject = {
    ...{ name: "four columns", shape: [4] },
    // u² + u v² with u the sum of the first two columns and v the third.
    logits: (x) => {
      const h = matmul(
        x,
        tensor([
          [1, 0],
          [1, 0],
          [0, 1],
          [0, 0],
        ]),
      );
      const [u, v] = [slice(h, [0, 0], [-1, 1]), slice(h, [0, 1], [-1, 1])];
      return add(square(u), mul(u, square(v)));
    },
    x: () =>
      tensor([
        [0.5, 0.5, 1, 0.7],
        [-0.3, -0.3, 0.4, 1],
      ]),
    context: () => ({
      domain: { shape: [4], range: { low: -2, high: 2 } },
      key: random.key(5),
      // Symmetric in the first two columns, like the score.
      background: tensor([
        [0.2, 0.2, -0.5, 1],
        [-1, -1, 0.1, 0.3],
        [0.4, 0.4, 0.9, -0.2],
      ]),
    }),
  };
  const score: Score = (x) => reshape(subject.logits(x), [x.shape[0]]);

  if (laws.dummy || laws.symmetry)
    referenceTest(`${name}: columns without use get nothing, columns used alike the same`, async () => {
      const map = await read(explainerOn(entry, subject)(score, subject.x(2)));
      for (const row of [map.slice(0, 4), map.slice(4)]) {
        if (laws.dummy) check.close([row[3]], [0], { atol: 1e-9 });
        if (laws.symmetry) check.close([row[0]], [row[1]], { rtol: 1e-9 });
        check.ok(Math.abs(row[0]) > 1e-6, "a column that is used gets something");
      }
    });

  referenceTest(`${name}: ${laws.inputInvariance ? "keeps" : "is known to break"} input invariance`, async () => {
    const gap = await shiftGap(entry, subject);
    if (laws.inputInvariance) check.ok(gap < 1e-6, `attributions moved by ${gap} of their size`);
    else check.ok(gap > 1e-3, `attributions moved by ${gap} of their size; the law may be set`);
  });
}

/** How far attributions move when all inputs are shifted and the network takes the shift off again, as a share of the largest. */
async function shiftGap(entry: ExplainerEntry, { logits, x, context }: TestSubject): Promise<number> {
  const score: Score = (z) => reshape(logits(z), [z.shape[0]]);
  const shift = tensor([0.3, -0.4, 0.2, 0.1]);
  const still = context();
  const moved = { ...still, background: add(still.background!, shift) };
  const settings = settingsOf(entry);
  const before = await read(makeExplainer(entry.name, settings, still)(score, x(2)));
  const after = await read(makeExplainer(entry.name, settings, moved)(absorbShift(score, shift), add(x(2), shift)));
  const apart = Math.max(...before.map((v, i) => Math.abs(v - after[i])));
  return apart / Math.max(...before.map(Math.abs));
}

test("an unknown explainer is refused with the names there are", () => {
  check.throws(() => explainerEntryOf("gradiant"), /explainer: "gradiant" is unknown; there is gradient, /);
  const names = EXPLAINER_TABLE.map(({ name }) => name);
  check.equal([...new Set(names)], names);
});
