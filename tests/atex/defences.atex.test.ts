/** ATEX: its points and its loss. */
import { type AtexOptions, atex, type DirectionSource } from "../../atex/index.js";
import { dispose, keep, mul, random, type Tensor, type Tree, tensor, valueAndGrad } from "../../engine/index.js";
import { gpuTest, onGpu, onReference, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { classifier, images, indices, maxAbs, n, phi, rowsOf, student, teacher, x } from "./lesson.js";
import * as by from "./mlp.js";

const direction = by.mlp(3);
const norm = (v: by.Vector): number => Math.sqrt(by.squared(v));

/** Given directions, by themselves and with g(x). */
const given: DirectionSource = () => [images(phi)];
const withLogits: DirectionSource = (g, batch) => [images(phi), g(batch.x)];

async function run(options: Omit<AtexOptions, "teacher" | "directions">, directions = given) {
  const shown: Tensor[] = [];
  const scheme = atex({ teacher: classifier(teacher), directions, ...options });
  const batch = { x: images(x), y: indices(n), indices: indices(n), key: random.key(5) };
  const loss = (params: Tree): Tensor => {
    const g = (z: Tensor): Tensor => {
      shown.push(keep(mul(z, 1)));
      return by.model.apply(params, z);
    };
    return scheme.loss(Object.assign(g, { params }), batch)[0];
  };
  const [value, gradient] = valueAndGrad(loss)(by.parameters(student));
  // The images, the points where the slope of the loss is asked for, and the points.
  const passes = options.steepest === 0 ? (directions === given ? 1 : 2) : 3;
  check.is(shown.length, passes, "passes of the student");
  const [first, last] = [rowsOf(await shown[0].read()), rowsOf(await shown[shown.length - 1].read())];
  check.close(first.slice(0, n).flat(), x.flat(), { atol: 1e-7 }, "the images themselves come first");
  const around = passes === 1 ? last.slice(n) : last;
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
    steepest: 0,
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
    steepest: 0.2,
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
    steepest: 0,
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
    steepest: 0.05,
    alpha: 2,
    terms: "both",
    matching: "logits",
    temperature: 1,
    studentTemperature: 1,
  },
  {
    delta1: 0.3,
    delta2: 0.2,
    normalisation: "maxAbs",
    points: 2,
    spacing: "sampled",
    copies: 2,
    noise: "symmetric",
    scale: "unit",
    steepest: 0.1,
    alpha: 3,
    terms: "both",
    matching: "changes",
    temperature: 3,
    studentTemperature: 2,
  },
];

/** What the student's logits beside an image are compared as. */
function seen(o: (typeof settings)[number], g: by.Mlp, image: by.Vector, beside: by.Vector): number[] {
  const nearby = by.logits(g, beside);
  if (o.matching !== "changes") return [...nearby];
  const [f, own] = [by.logits(teacher, image), by.logits(g, image)];
  return nearby.map((v, c) => v + f[c] - own[c]);
}

for (const [i, o] of settings.entries())
  referenceTest(`ATEX (${i}): points, loss and gradient = by hand in float64`, async () => {
    const { value, slope, around } = await run(o);
    check.is(around.length, n * o.points * o.copies);
    const size = o.normalisation === "l2" ? norm : maxAbs;
    // Each x_p − x splits into a part along φ, which is xᵢ − x, and a rest across it.
    const centres: number[][] = [];
    let across = 0;
    for (const [k, point] of around.entries()) {
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
      if (o.scale === "unit") check.ok(size(rest) <= o.delta2 + o.steepest + 1e-12, `δ₂ of point ${k}`);
      across = Math.max(across, size(rest));
      centres.push(by.combine(image, along, (a, b) => a + b));
    }
    check.ok(across > 0.3 * o.delta2, "tangent shifts use their length");
    const loss = (g: by.Mlp): number => {
      const apart = (f: by.Vector, student: by.Vector): number => {
        if (o.matching === "logits") return by.average(by.combine(f, student, (a, b) => (a - b) ** 2));
        return divergence(f, student, o.temperature, o.studentTemperature);
      };
      const own = by.average(x.map((a) => apart(by.logits(teacher, a), by.logits(g, a))));
      const nearby = by.average(centres.map((c, k) => apart(by.logits(teacher, c), seen(o, g, x[k % n], around[k]))));
      return (o.terms === "both" ? own : 0) + o.alpha * nearby;
    };
    check.close([value], [loss(student)], { rtol: 1e-9 }, "loss");
    const h = 1e-5;
    const difference = loss(by.moved(student, direction, h)) - loss(by.moved(student, direction, -h));
    check.close([slope], [difference / (2 * h)], { rtol: 1e-5, atol: 1e-8 }, "derivative");
  });

referenceTest("ATEX without tangent shifts looks along the explanation alone, in every copy", async () => {
  const { around } = await run({ ...settings[0], delta2: 0 });
  const { delta1, points, copies } = settings[0];
  check.is(around.length, n * points * copies);
  for (const [k, point] of around.entries()) {
    const length = delta1 * ((2 * Math.floor(k / (n * copies))) / (points - 1) - 1);
    const towards = phi[k % n];
    const expected = by.combine(x[k % n], towards, (a, b) => a + (length * b) / norm(towards));
    check.close(point, expected, { atol: 1e-12 }, `point ${k}`);
  }
});

for (const [i, o] of settings.entries())
  referenceTest(`ATEX (${i}): logits that come with the directions change nothing`, async () => {
    const [alone, together] = [await run(o), await run(o, withLogits)];
    check.close([together.value, together.slope], [alone.value, alone.slope], { rtol: 1e-12 });
  });

/** The part of v along a direction, in units of that direction. */
const share = (v: by.Vector, direction: by.Vector): number => by.dot(v, direction) / by.squared(direction);
const minus = (a: by.Vector, b: by.Vector): number[] => by.combine(a, b, (p, q) => p - q);

for (const [i, o] of settings.entries())
  if (o.steepest > 0)
    referenceTest(`ATEX (${i}): the last shift goes where the loss grows, across the explanation`, async () => {
      const before = (await run({ ...o, steepest: 0 })).around;
      const after = (await run(o)).around;
      const size = o.normalisation === "l2" ? norm : maxAbs;
      const lengths = after.map((point, k) => {
        const [start, towards] = [before[k], phi[k % n]];
        const offset = share(minus(start, x[k % n]), towards);
        const centre = by.combine(x[k % n], towards, (a, b) => a + offset * b);
        const [f, g] = [by.logits(teacher, centre), seen(o, student, x[k % n], start)];
        const perLogit =
          o.matching === "logits"
            ? minus(g, f)
            : minus(by.softmax(g.map((v) => v / o.studentTemperature)), by.softmax(f.map((v) => v / o.temperature)));
        const rows = perLogit.map((v, c) => by.explanation(student, start, c).map((e) => e * v));
        const slope = rows.reduce((a, b) => by.combine(a, b, (p, q) => p + q));
        const along = share(slope, towards);
        const across = by.combine(slope, towards, (a, b) => a - along * b);
        const shift = minus(point, start);
        const unitShift = across.map((v) => (v * size(shift)) / size(across));
        check.close(shift, unitShift, { rtol: 1e-9, atol: 1e-12 }, `shift of point ${k}`);
        return size(shift);
      });
      check.ok(
        Math.max(...lengths) <= o.steepest && Math.max(...lengths) > 0.5 * o.steepest,
        `lengths ${lengths}, at most ${o.steepest}`,
      );
    });

for (const [i, o] of settings.entries())
  gpuTest(`ATEX (${i}): loss and gradient on the GPU = reference`, async () => {
    const expected = await onReference(() => run(o));
    const { value, slope } = await onGpu(() => run(o));
    check.close([value], [expected.value], { rtol: 1e-4, atol: 1e-6 }, "loss");
    check.close([slope], [expected.slope], { rtol: 1e-3, atol: 1e-5 }, "derivative");
  });

referenceTest("ATEX refuses impossible grids and predictions of another one", () => {
  const base = { teacher: classifier(teacher), directions: given, delta1: 0.1 };
  check.throws(() => atex({ ...base, spacing: "grid" }), /atex: 1 grid points up to 0.1 given; at least 2/);
  check.throws(() => atex({ ...base, points: 0 }), /atex: points is 0; an integer of at least 1 is needed/);
  check.throws(() => atex({ ...base, copies: 0 }), /atex: copies is 0; an integer of at least 1 is needed/);
  check.throws(() => atex({ ...base, steepest: -1 }), /atex: steepest is -1; a number of at least 0 is needed/);
  check.throws(() => atex({ ...base, terms: "second", matching: "changes" }), /only the second term; both are needed/);
  check.match(atex(base).formula, /g\(x_p\) \+ f\(x\) − g\(x\), f/);
  check.ok(!atex({ ...base, terms: "second" }).formula.includes("f(x) − g"), "one term matches predictions");
  const along = { length: 0.2, points: 4, spacing: "grid", normalisation: "maxAbs" } as const;
  check.throws(
    () => atex({ ...base, points: 4, spacing: "grid", predictions: { along, logits: tensor([0]) } }),
    /atex: predictions of 4 grid points up to 0.2 maxAbs for shifts of 4 grid points up to 0.1 maxAbs/,
  );
});
