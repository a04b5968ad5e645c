/** Eigenvectors by hand, tangent spaces of data that lie in a plane, and attributions projected on them. */
import {
  attributionsOf,
  detectorEntryOf,
  explainerMaker,
  randomBasis,
  symmetricEigen,
  tangentAttributions,
  tangentBasis,
  tangentProjectionDetector,
} from "../../atex/index.js";
import { tensor } from "../../engine/index.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { generator } from "../values.js";
import { rowsOf } from "./lesson.js";
import * as by from "./mlp.js";

test("eigenvalues and vectors of 2 1 1 2, of a diagonal, and of a matrix of one row", () => {
  const { values, vectors } = symmetricEigen([2, 1, 1, 2], 2);
  check.close([...values], [3, 1], { rtol: 1e-14 });
  const half = Math.SQRT1_2;
  check.close(
    [...vectors].map((v, i) => v * Math.sign(vectors[i < 2 ? 0 : 2])),
    [half, half, half, -half],
    { rtol: 1e-14 },
  );
  check.equal([...symmetricEigen([1, 0, 0, 0, 5, 0, 0, 0, -2], 3).values], [5, 1, -2]);
  check.equal([...symmetricEigen([7], 1).values], [7]);
  // Of the matrix of ones with 4 rows: 4, and 0 three times.
  check.close([...symmetricEigen(new Array(16).fill(1), 4).values], [4, 0, 0, 0], { atol: 1e-14 });
});

test("a matrix is made of its eigenvectors, which are orthonormal", () => {
  const n = 32;
  const next = generator(4);
  const m = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) m[i * n + j] = m[j * n + i] = 2 * next() - 1;
  const { values, vectors } = symmetricEigen(m, n);
  const sums = (f: (i: number, j: number, k: number) => number): number[] =>
    Array.from({ length: n * n }, (_, at) => {
      let total = 0;
      for (let k = 0; k < n; k++) total += f(Math.floor(at / n), at % n, k);
      return total;
    });
  check.close(
    sums((i, j, k) => vectors[k * n + i] * values[k] * vectors[k * n + j]),
    [...m],
    { atol: 1e-12 },
  );
  check.close(
    sums((i, j, k) => vectors[i * n + k] * vectors[j * n + k]),
    Array.from(m, (_, at) => Number(at % (n + 1) === 0)),
    { atol: 1e-12 },
  );
  check.ok(values.every((v, i) => i === 0 || v <= values[i - 1]));
  check.throws(() => symmetricEigen([1, 2], 2), /2 numbers for 2 rows; 4 are needed/);
  check.throws(() => symmetricEigen([Number.NaN], 1), /NaN/);
});

/** Class 0 in the plane of the first two elements, class 1 along the third; a copy of the origin that has no direction. */
const split = {
  shape: [4],
  samples: Float32Array.from(
    [
      [0, 0, 0, 0],
      [1, 0, 0, 0],
      [0, 2, 0, 0],
      [-1, 1, 0, 0],
      [0, 0, 3, 0],
      [0, 0, -1, 0],
      [0, 0, 0, 9],
    ].flat(),
  ),
  labels: Int32Array.of(0, 0, 0, 0, 1, 1, 0),
};

test("a tangent space is spanned by the nearest of the same class", () => {
  const projector = (c: number, neighbours: number, directions: number): number[] => {
    const basis = tangentBasis([0, 0, 0, 0], [c], split, { neighbours, directions });
    return Array.from({ length: 4 }, (_, e) => {
      let total = 0;
      for (let j = 0; j < directions; j++) total += basis[4 * j + e] ** 2;
      return total;
    });
  };
  const close = (a: number[], b: number[]) => check.close(a, b, { atol: 1e-6 });
  close(projector(0, 3, 2), [1, 1, 0, 0]);
  close(projector(0, 3, 16), [1, 1, 0, 0]);
  // Of four elements two at most unless told otherwise.
  check.is(tangentBasis([0, 0, 0, 0], [0], split).length, 2 * 4);
  close(projector(0, 1, 2), [1, 0, 0, 0]);
  // With the outlier it is the direction of largest spread.
  close(projector(0, 4, 1), [0, 0, 0, 1]);
  close(projector(1, 32, 16), [0, 0, 1, 0]);
  close(projector(2, 32, 16), [0, 0, 0, 0]);
  check.throws(() => tangentBasis([0, 0, 0], [0], split), /3 numbers for 1 samples like \[4\]/);
  check.throws(() => tangentBasis([0, 0, 0, 0], [0], split, { directions: 0 }), /0 directions given/);
});

test("random directions are orthonormal, the same for all samples, and as many as fit", () => {
  const basis = randomBasis(5, 3, 16)([], [0, 0]);
  check.is(basis.length, 2 * 5 * 5);
  check.equal([...basis.subarray(0, 25)], [...basis.subarray(25)]);
  const products = Array.from({ length: 25 }, (_, at) => {
    const [i, j] = [Math.floor(at / 5), at % 5];
    return by.dot([...basis.subarray(5 * i, 5 * i + 5)], [...basis.subarray(5 * j, 5 * j + 5)]);
  });
  check.close(
    products,
    products.map((_, at) => Number(at % 6 === 0)),
    { atol: 1e-6 },
  );
  check.ok(randomBasis(5, 4, 1)([], [0]).some((v, i) => Math.abs(v - basis[i]) > 1e-3));
});

/** Samples of a class in a plane that is spanned by two directions of a network's six pixels. */
const next = generator(8);
const vector = (): number[] => Array.from({ length: by.pixels }, () => 2 * next() - 1);
const [centre, u, v] = [vector(), vector(), vector()];
const point = (s: number, t: number): number[] => centre.map((c, e) => c + s * u[e] + t * v[e]);
const training = {
  shape: [...by.image],
  samples: Float32Array.from(Array.from({ length: 40 }, () => point(next(), next())).flat()),
  labels: new Int32Array(40).fill(1),
};
/** On u and v, by the normal equations. */
function onPlane(g: by.Vector): number[] {
  const [uu, uv, vv] = [by.dot(u, u), by.dot(u, v), by.dot(v, v)];
  const [gu, gv] = [by.dot(g, u), by.dot(g, v)];
  const determinant = uu * vv - uv * uv;
  const [s, t] = [(gu * vv - gv * uv) / determinant, (gv * uu - gu * uv) / determinant];
  return u.map((a, e) => s * a + t * v[e]);
}

referenceTest("gradient, gradient x input and what looks inside lose what lies off the plane of the data", async () => {
  const m = by.mlp(5);
  const params = by.parameters(m);
  const points = Array.from({ length: 30 }, () => point(next(), next()));
  const x = tensor(points.flat(), [30, ...by.image]);
  const side = { classifier: (z: typeof x) => by.model.apply(params, z), x };
  const domain = { shape: [...by.image], range: { low: -9, high: 9 } };
  const world = { train: training, explainer: explainerMaker({ domain, background: x, seed: 0 }) };
  const classes = tensor(new Int32Array(30).fill(1));
  const gradients = points.map((p) => onPlane(by.explanation(m, p, 1)));
  const along = async (explainer: string): Promise<ArrayLike<number>> =>
    (await tangentAttributions(side, { world, explainer, classes })).read();
  // The basis is kept in f32.
  const close = { rtol: 1e-5, atol: 1e-5 };
  check.close(await along("gradient"), gradients.flat(), close);
  check.close(
    await along("gradient-x-input"),
    gradients.flatMap((g, i) => by.combine(g, points[i], (a, b) => a * b)),
    close,
  );
  const guided = await (await attributionsOf(world.explainer, "guided-backprop", side, classes)).read();
  check.close(await along("guided-backprop"), rowsOf(guided).flatMap(onPlane), close);
  const entry = detectorEntryOf("tangent-projection");
  const context = { world, explainer: "gradient", classes } as never;
  const suspicion = Array.from(await entry.suspicion!(side, context));
  check.ok(suspicion.length === 30 && suspicion.every((s) => s >= 0 && s <= 2) && suspicion.some((s) => s > 0.1));
  // Data everywhere, and all directions: nothing is lost, nothing is suspicious.
  const everywhere = { ...training, samples: Float32Array.from(Array.from({ length: 40 }, vector).flat()) };
  const trusted = await tangentProjectionDetector({ directions: by.pixels }).suspicion!(side, {
    world: { ...world, train: everywhere },
    explainer: "gradient",
    classes,
  } as never);
  check.close(trusted, new Array(30).fill(0), { atol: 1e-6 });
});
