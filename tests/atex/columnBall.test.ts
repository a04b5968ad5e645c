/** Rows that a search in a table may visit: within each column's radius, on its steps, of values that exist. */
import { columnBall, columnSteps } from "../../atex/index.js";
import { intoNeighbourhood } from "../../atex/subject.js";
import { add, mul, random, tensor } from "../../engine/index.js";
import type { Domain, TablePreparation } from "../../nn/index.js";
import { onReference } from "../executors.js";
import { check, test } from "../harness.js";
import { both } from "./quadratic.js";

/** Two numbers, a column of two values, one of three categories. */
const domain: Domain = {
  shape: [6],
  range: { low: [-3, -2, 0, 0, 0, 0], high: [3, 2, 1, 1, 1, 1] },
  features: [
    { name: "age", kind: "numeric", at: [0] },
    { name: "income", kind: "numeric", at: [1] },
    { name: "sex", kind: "binary", at: [2], values: ["f", "m"] },
    { name: "job", kind: "categorical", at: [3, 4, 5], values: ["a", "b", "c"] },
  ],
};
const rows = [
  [0.5, 1.9, 0, 0, 1, 0],
  [-2.9, 0, 1, 1, 0, 0],
];
const moved = [
  [3, 1.4, 0.7, 0.9, 0.2, 0.3],
  [-5, 0.05, 0.2, 0.1, 0.2, 0.8],
];

both("columns of their own radius and step; those of values frozen, or at the nearest one", async () => {
  const [x, z] = [tensor(rows), tensor(moved)];
  const frozen = columnBall(domain, { radius: { age: 1, income: 0.2 } });
  check.close(
    await intoNeighbourhood({ ball: frozen, range: domain.range }, z, x).read(),
    [1.5, 1.7, 0, 0, 1, 0, -3, 0.05, 1, 1, 0, 0],
    { rtol: 1e-6 },
  );
  const nearest = columnBall(domain, { radius: 1, step: { age: 0.4 }, categories: "nearest", immutable: ["income"] });
  check.close(
    await intoNeighbourhood({ ball: nearest, range: domain.range }, z, x).read(),
    // 0.5 + 2 · 0.4; from −2.9 to −3 it is less than a step.
    [1.3, 1.9, 1, 1, 0, 0, -2.9, 0, 0, 0, 0, 1],
    { rtol: 1e-6 },
  );
  check.close(await nearest.project(x, x).read(), rows.flat(), { rtol: 1e-6 });
  const twice = nearest.project(nearest.project(z, x), x);
  check.close(await twice.read(), Array.from(await nearest.project(z, x).read()), { rtol: 1e-6 });
});

both("random rows reach every value and leave none of the limits", async () => {
  const n = 400;
  const x = add(mul(tensor([rows[0]]), 1), tensor(new Float32Array(n * 6), [n, 6]));
  const ball = columnBall(domain, { radius: 0.5, step: { income: 0.25 }, categories: "nearest" });
  const drawn = Array.from(
    await intoNeighbourhood({ ball, range: domain.range }, ball.sample(random.key(1), x), x).read(),
  );
  const column = (i: number): number[] => Array.from({ length: n }, (_, k) => drawn[6 * k + i]);
  check.ok(Math.max(...column(0)) <= 1 && Math.max(...column(0)) > 0.9 && Math.min(...column(0)) < 0.1);
  // Of 1.9 ± 0.5 in steps, only what is at most 2 is valid.
  const incomes = [...new Set(column(1).map((v) => v.toFixed(2)))].sort();
  check.equal(
    incomes,
    ["1.40", "1.65", "1.90"].filter((v) => incomes.includes(v)),
  );
  check.ok(incomes.length >= 2);
  const share = (i: number): number => column(i).reduce((a, b) => a + b) / n;
  for (const [i, p] of [
    [2, 1 / 2],
    [3, 1 / 3],
    [4, 1 / 3],
    [5, 1 / 3],
  ])
    check.ok(Math.abs(share(i) - p) < 0.1, `element ${i}: ${share(i)}`);
  for (let k = 0; k < n; k++) check.is(drawn[6 * k + 3] + drawn[6 * k + 4] + drawn[6 * k + 5], 1);
});

test("steps in a column's own units; what does not fit is refused in a sentence", () =>
  onReference(() => {
    const preparation: TablePreparation = {
      columns: [
        { kind: "numeric", name: "age", mean: 40, deviation: 8, low: 18, high: 90 },
        { kind: "binary", name: "sex", values: ["f", "m"] },
      ],
      missing: [],
      target: { name: "y", classes: ["0", "1"] },
    };
    check.equal(columnSteps(preparation, { age: 2 }), { age: 0.25 });
    check.throws(() => columnSteps(preparation, { sex: 1 }), /"sex" is no numeric column; there is age/);
    check.throws(() => columnBall(domain, { radius: -1 }), /radius is -1; a number of at least 0/);
    check.throws(() => columnBall(domain, { radius: { height: 1 } }), /feature "height" is unknown; there is age/);
    check.throws(() => columnBall(domain, { radius: 1, immutable: ["race"] }), /"race" is unknown/);
    check.throws(() => columnBall({ ...domain, shape: [1, 2, 3] }, { radius: 1 }), /rows of a table/);
  }));
