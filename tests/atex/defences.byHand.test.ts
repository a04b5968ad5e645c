/** Every scheme's loss and gradient against formulas written out by hand in float64 (mlp.ts), and on the GPU against the
 *  reference. Random points are taken from what the network was shown, so that the formulas need no random numbers of ours. */
import {
  type Batch,
  cosineDistance,
  curvaturePenalty,
  type Defence,
  fgsm,
  igr,
  inputGradientPenalty,
  l2,
  lga,
  linf,
  naive,
  normal,
  pgd,
  r2et,
  rar,
  squaredL2,
  ssr,
  weightDecay,
} from "../../atex/index.js";
import {
  dispose,
  grad,
  keep,
  mul,
  random,
  sub,
  type Tensor,
  type Tree,
  tensor,
  valueAndGrad,
  zipTrees,
} from "../../engine/index.js";
import { gpuTest, onGpu, onReference, referenceTest } from "../executors.js";
import { check } from "../harness.js";
import * as by from "./mlp.js";

const x = by
  .mlp(50)
  .w1.slice(0, 4)
  .map((row) => row.map((v) => 0.5 + 0.2 * v));
const y = [0, 2, 1, 2];
const n = x.length;
/** Of a seed for which the two largest eigenvalues that SSR has to tell apart lie within a factor of 4. */
const m = by.mlp(10);
const KEY = 7;

/** Batches the network was shown, in order, as rows; and what `random.normal` makes of the batch's key. */
interface Seen {
  readonly shown: readonly by.Matrix[];
  readonly noise: by.Matrix;
}

interface Case {
  readonly scheme: () => Defence;
  /** The loss by hand for network g; `constant` is the same network where the scheme holds something constant. */
  readonly loss: (g: by.Mlp, seen: Seen, constant: by.Mlp) => number;
}

const mean = (f: (x: by.Vector, y: number, i: number) => number, images: by.Matrix = x): number =>
  by.average(images.map((image, i) => f(image, y[i % n], i)));
const ce = (g: by.Mlp, images: by.Matrix = x): number => mean((a, c) => by.crossEntropy(g, a, c), images);
const clip = (v: number, low: number, high: number): number => Math.min(Math.max(v, low), high);
/** `image` moved by signed steps along `slope`, in the L-inf ball around `centre`. */
const step = (image: by.Vector, centre: by.Vector, slope: by.Vector, size: number, radius: number): number[] =>
  image.map((v, i) => clip(clip(v + size * Math.sign(slope[i]), centre[i] - radius, centre[i] + radius), 0, 1));
const phi = by.explanation;
const l2Apart = (a: by.Vector, b: by.Vector): number => by.squared(by.combine(a, b, (p, q) => p - q));
const cosineApart = (a: by.Vector, b: by.Vector): number => 1 - by.dot(a, b) / Math.sqrt(by.squared(a) * by.squared(b));

const naiveBy =
  (distance: (a: by.Vector, b: by.Vector) => number, weight: number) =>
  (g: by.Mlp, images: by.Matrix): number => {
    const nearby = images.slice(n);
    const d = mean((a, c, i) => distance(phi(g, a, c), phi(g, x[i % n], c)), nearby);
    return 0.5 * ce(g) + 0.25 * ce(g, nearby) + weight * d;
  };

/** The largest eigenvalue of Jᵀ (diag p − p pᵀ) J, D×D, by power iteration. */
function largestEigenvalue(g: by.Mlp, image: by.Vector): number {
  const p = by.softmax(by.logits(g, image));
  const rows = p.map((_, c) => phi(g, image, c));
  let v: number[] = Array.from({ length: by.pixels }, (_, i) => Math.cos(i));
  let value = 0;
  for (let k = 0; k < 2000; k++) {
    const jv = rows.map((row) => by.dot(row, v));
    const centred = jv.map((s, c) => p[c] * (s - by.dot(p, jv)));
    v = v.map((_, i) =>
      by.dot(
        centred,
        rows.map((row) => row[i]),
      ),
    );
    value = Math.sqrt(by.squared(v));
    v = v.map((s) => s / value);
  }
  return value;
}

function rankGap(map: by.Vector, k: number, margin: number): number {
  const ranked = map.map(Math.abs).sort((a, b) => b - a);
  return by.average(ranked.slice(k - margin, k)) - by.average(ranked.slice(k, k + margin));
}

/** ‖integrated gradients of the cross-entropy from x to x'‖₁, midpoint rule. */
function pathSize(g: by.Mlp, from: by.Vector, to: by.Vector, label: number, points: number): number {
  const way = by.combine(to, from, (a, b) => a - b);
  const slopes = Array.from({ length: points }, (_, k) =>
    by.lossSlope(
      g,
      by.combine(from, way, (a, w) => a + (w * (k + 0.5)) / points),
      label,
    ),
  );
  return way.reduce((s, w, i) => s + Math.abs(w * by.average(slopes.map((row) => row[i]))), 0);
}

/** Integrated gradients of the label's logit from 0, midpoint rule. */
function integrated(g: by.Mlp, image: by.Vector, label: number, points: number): number[] {
  const slopes = Array.from({ length: points }, (_, k) =>
    phi(
      g,
      image.map((v) => (v * (k + 0.5)) / points),
      label,
    ),
  );
  return image.map((v, i) => v * by.average(slopes.map((row) => row[i])));
}

const cases: readonly Case[] = [
  { scheme: () => normal(), loss: (g) => ce(g) },
  {
    scheme: () => weightDecay({ weight: 0.3 }),
    loss: (g) => ce(g) + 0.15 * [...g.w1, ...g.w2].reduce((s, row) => s + by.squared(row), 0),
  },
  {
    scheme: () => fgsm({ radius: 0.1, clean: 0.25 }),
    loss(g, _, c) {
      const worst = x.map((a, i) => step(a, a, by.lossSlope(c, a, y[i]), 0.1, 0.1));
      return 0.25 * ce(g) + 0.75 * ce(g, worst);
    },
  },
  {
    scheme: () => pgd({ radius: 0.1, steps: 3, stepSize: 0.05 }),
    loss(g, { shown }, c) {
      // The first batch shown is the random start.
      let worst = shown[0].map((row) => [...row]);
      for (let k = 0; k < 3; k++) worst = worst.map((a, i) => step(a, x[i], by.lossSlope(c, a, y[i]), 0.05, 0.1));
      return ce(g, worst);
    },
  },
  {
    scheme: () => naive({ ball: linf(0.1), neighbours: 3, distance: squaredL2, weight: 2, a1: 0.5, a2: 0.25 }),
    loss: (g, { shown }) => naiveBy(l2Apart, 2)(g, shown[0]),
  },
  {
    scheme: () => naive({ ball: l2(0.2), neighbours: 2, distance: cosineDistance, weight: 3, a1: 0.5, a2: 0.25 }),
    loss: (g, { shown }) => naiveBy(cosineApart, 3)(g, shown[0]),
  },
  {
    scheme: () =>
      naive({
        ball: linf(0.1),
        neighbours: 2,
        choice: { adversarial: { steps: 2, stepSize: 0.03 } },
        distance: squaredL2,
        weight: 2,
        a1: 0.5,
        a2: 0.25,
      }),
    loss(g, { shown }, c) {
      let nearby = shown[0].map((row) => [...row]);
      for (let k = 0; k < 2; k++)
        nearby = nearby.map((a, i) => {
          const [centre, label] = [x[i % n], y[i % n]];
          const gap = by.combine(phi(c, a, label), phi(c, centre, label), (p, q) => p - q);
          return step(
            a,
            centre,
            by.hessian(c, a, label).map((row) => 2 * by.dot(row, gap)),
            0.03,
            0.1,
          );
        });
      return naiveBy(l2Apart, 2)(g, [...x, ...nearby]);
    },
  },
  {
    scheme: () => inputGradientPenalty({ weight: 0.7 }),
    loss: (g) => ce(g) + 0.7 * mean((a, c) => by.squared(by.lossSlope(g, a, c))),
  },
  {
    scheme: () => curvaturePenalty({ weight: 0.7 }),
    loss: (g, { noise }) =>
      ce(g) + 0.7 * mean((a, c, i) => by.squared(by.hessian(g, a, c).map((row) => by.dot(row, noise[i])))),
  },
  { scheme: () => ssr({ weight: 0.7 }), loss: (g) => ce(g) + 0.7 * mean((a) => largestEigenvalue(g, a)) },
  {
    scheme: () => r2et({ k: 2, margin: 2, gap: 0.6, curvature: 0.4, step: 0.05 }),
    loss(g, _, constant) {
      const penalty = mean((a, c) => {
        const direction = phi(constant, a, c);
        const length = Math.sqrt(by.squared(direction));
        const beside = by.combine(a, direction, (v, d) => v + (0.05 * d) / length);
        const bend = Math.sqrt(l2Apart(phi(g, beside, c), phi(g, a, c))) / 0.05;
        return 0.4 * bend - 0.6 * rankGap(phi(g, a, c), 2, 2);
      });
      return ce(g) + penalty;
    },
  },
  {
    scheme: () => lga({ ball: linf(0.1), l2: 0.6, cosine: 0.8 }),
    loss(g, { shown }, constant) {
      const nearby = shown.at(-1)!;
      const apart = mean((a, c, i) => {
        const [near, clean] = [phi(g, nearby[i], c), phi(constant, a, c)];
        return 0.6 * l2Apart(near, clean) + 0.4 * cosineApart(near, clean);
      });
      return ce(g) + apart;
    },
  },
  {
    scheme: () => igr({ ball: linf(0.1), steps: 2, stepSize: 0.05, path: 3, clean: 0.25, weight: 0.7 }),
    loss(g, { shown }, c) {
      let worst = shown[0].map((row) => [...row]);
      for (let k = 0; k < 2; k++) worst = worst.map((a, i) => step(a, x[i], by.lossSlope(c, a, y[i]), 0.05, 0.1));
      const apart = mean((a, label, i) => cosineApart(integrated(g, a, label, 3), integrated(g, worst[i], label, 3)));
      return 0.25 * ce(g) + 0.75 * ce(g, worst) + 0.7 * apart;
    },
  },
  {
    scheme: () => rar({ radius: 0.1, steps: 2, stepSize: 0.03, path: 2, innerPath: 3, weight: 0.7 }),
    loss(g, { shown }) {
      // The last batch shown is the path of two midpoints to x'.
      const path = shown.at(-1)!;
      const worst = x.map((_, i) => by.combine(path[i], path[n + i], (first, second) => 1.5 * second - 0.5 * first));
      return ce(g) + 0.7 * mean((a, c, i) => pathSize(g, a, worst[i], c, 2));
    },
  },
];

interface Run extends Seen {
  readonly value: number;
  readonly slope: number;
}

const direction = by.mlp(99);

function batchOf(): Batch {
  const labels = tensor(y, [n], "i32");
  return { x: tensor(x.flat(), [n, ...by.image]), y: labels, indices: labels, key: random.key(KEY) };
}

/** Loss, its derivative along `direction` and what the network was shown, on the current executor. */
async function run(scheme: Defence): Promise<Run> {
  const batch = batchOf();
  const noise = await asRows(random.normal(batch.key, batch.x.shape));
  const seen: Tensor[] = [];
  const loss = (params: Tree): Tensor => {
    const g = (z: Tensor): Tensor => {
      seen.push(keep(mul(z, 1)));
      return by.model.apply(params, z);
    };
    return scheme.loss(Object.assign(g, { params }), batch)[0];
  };
  const [value, gradient] = valueAndGrad(loss)(by.parameters(m));
  const shown: by.Matrix[] = [];
  for (const t of seen) shown.push(await asRows(t));
  dispose(seen);
  return { value: await value.item(), slope: await by.along(gradient, direction), shown, noise };
}

/** The loss before and after a few small steps down its gradient, on one batch. */
async function descend(scheme: Defence): Promise<readonly [before: number, after: number]> {
  const batch = batchOf();
  const loss = (params: Tree): Tensor =>
    scheme.loss(
      Object.assign((z: Tensor) => by.model.apply(params, z), { params }),
      batch,
    )[0];
  let params = by.parameters(m);
  const before = await loss(params).item();
  for (let k = 0; k < 5; k++) {
    const gradient = grad(loss)(params);
    params = zipTrees((p, d) => sub(p, mul(d, 0.01)), params, gradient);
  }
  return [before, await loss(params).item()];
}

async function asRows(t: Tensor): Promise<by.Matrix> {
  const values = [...(await t.read())];
  return Array.from({ length: t.shape[0] }, (_, i) => values.slice(i * by.pixels, (i + 1) * by.pixels));
}

for (const [i, { scheme, loss }] of cases.entries()) {
  const { name } = scheme();
  referenceTest(`${name} (${i}): loss and gradient = by hand in float64`, async () => {
    const { value, slope, ...seen } = await run(scheme());
    check.close([value], [loss(m, seen, m)], { rtol: 1e-6, atol: 1e-9 }, "loss");
    const h = 1e-5;
    const difference = loss(by.moved(m, direction, h), seen, m) - loss(by.moved(m, direction, -h), seen, m);
    check.close([slope], [difference / (2 * h)], { rtol: 1e-5, atol: 1e-7 }, "derivative");
  });
  gpuTest(`${name} (${i}): on the GPU = reference, and goes down`, async () => {
    const expected = await onReference(() => run(scheme()));
    const { value, slope } = await onGpu(() => run(scheme()));
    check.close([value], [expected.value], { rtol: 1e-4 }, "loss");
    check.close([slope], [expected.slope], { rtol: 1e-3, atol: 1e-4 }, "derivative");
    const [before, after] = await descend(scheme());
    check.ok(after < before, `${after} after five steps from ${before}`);
  });
}

referenceTest("weight decay has weights to decay", () => {
  const bare = Object.assign((z: Tensor) => z, { params: { bias: tensor([1, 2]) } });
  check.throws(
    () => weightDecay().loss(bare, batchOf()),
    /weightDecay: no parameter has two sides or more; a network with weights is needed/,
  );
});
