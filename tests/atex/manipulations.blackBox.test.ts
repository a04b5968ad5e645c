/** Search by queries alone: what it may ask, where it may go, that it climbs; the row for images and tables and any explainer. */
import {
  type Answer,
  evolve,
  linf,
  manipulationEntryOf,
  studyManipulation,
  survivors,
  tableGroups,
} from "../../atex/index.js";
import { less, neg, reshape, slice, square, sub, sum, type Tensor, tensor } from "../../engine/index.js";
import { conv2d, type Domain, dense, flatten, relu, sequential } from "../../nn/index.js";
import { readSettings } from "../../nn/schema.js";
import { onReference, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { inputWorld } from "./inputWorlds.js";

test("the best of each sample survive, the earlier one of equals", () => {
  // Copies of two samples: 3 1, 5 1, 4 2.
  check.equal(survivors([3, 1, 5, 1, 4, 2], 2, 2), [2, 5, 4, 1]);
  check.equal(survivors([3, Number.NEGATIVE_INFINITY], 2, 4), [0, 1]);
});

const plain: Domain = { shape: [6], range: { low: -1, high: 1 } };

/** −Σ (x − 0.3)², allowed while the first element stays below 0.1; notes how many were asked about. */
function parabola(asked: number[]) {
  return (z: Tensor): Answer => {
    asked.push(z.shape[0]);
    return {
      value: neg(sum(square(sub(z, 0.3)), 1)),
      allowed: reshape(less(slice(z, [0, 0], [z.shape[0], 1]), 0.1), [z.shape[0]]),
    };
  };
}

referenceTest(
  "it climbs to the edge of what is allowed, asks no more than it may, and beats random search",
  async () => {
    const x = tensor([
      [0, 0, 0, 0, 0, 0],
      [-0.1, 0.2, 0.1, -0.2, 0.5, 0],
    ]);
    const of = async (mutation?: number) => {
      const asked: number[] = [];
      const found = await evolve(x, {
        ...{ ask: parabola(asked), neighbourhood: { ball: linf(0.25), range: plain.range }, genes: tableGroups(plain) },
        ...{ queries: 810, population: 20, parents: 5, seed: 3, mutation },
      });
      check.is(asked.reduce((a, b) => a + b) / 2, 801);
      check.is(found.curve.at(-1)!.queries, 801);
      const values = await found.images.read();
      for (const [i, v] of values.entries()) {
        check.ok(Math.abs(v - (await x.read())[i]) <= 0.25 + 1e-6 && Math.abs(v) <= 1);
        if (i % 6 === 0) check.ok(v < 0.1);
      }
      const last = found.curve.at(-1)!.best;
      // What is said of the best is what they are worth.
      const worth = [0, 1].map(
        (k) => -Array.from(values.slice(6 * k, 6 * k + 6)).reduce((s, v) => s + (v - 0.3) ** 2, 0),
      );
      check.close(last, worth, { rtol: 1e-4 });
      for (const [i, { best }] of found.curve.entries())
        if (i > 0) check.ok(best.every((b, k) => b >= found.curve[i - 1].best[k]));
      return last;
    };
    const [evolved, byChance] = [await of(), await of(1)];
    // The best there is: 0.1 and 0.25, each at its edge.
    check.ok(evolved[0] > -(0.2 ** 2 + 5 * 0.05 ** 2) - 0.01, `${evolved}`);
    check.ok(
      evolved.every((v, k) => v > byChance[k]),
      `${evolved}, ${byChance}`,
    );
  },
);

test("settings that make no search are refused in a sentence", () =>
  onReference(async () => {
    const base = {
      ...{ ask: parabola([]), neighbourhood: { ball: linf(0.25) }, genes: tableGroups(plain) },
      ...{ queries: 100, population: 20, parents: 5, seed: 3 },
    };
    for (const wrong of [{ queries: 20 }, { parents: 21 }, { mutation: 0 }, { population: 0 }])
      await check.rejects(() => evolve(tensor([[0, 0, 0, 0, 0, 0]]), { ...base, ...wrong }), /at least one more query/);
  }));

const entry = manipulationEntryOf("black-box");
const settings = (own: object) => readSettings(entry, own as Record<string, unknown>);
const table: Domain = {
  shape: [7],
  range: { low: [-2, -2, -2, 0, 0, 0, 0], high: [2, 2, 2, 1, 1, 1, 1] },
  features: [
    ...["age", "sum", "debt"].map((name, i) => ({ name, kind: "numeric" as const, at: [i] })),
    { name: "race", kind: "binary", at: [3] },
    { name: "job", kind: "categorical", at: [4, 5, 6] },
  ],
};
const mlp = sequential([dense(16), relu, dense(3)]);

for (const [explainer, own] of [
  ["lime", { steps: "age=0.25" }],
  ["kernel-shap", { immutable: "age,race" }],
  ["gradient", { objective: "target", immutable: "none" }],
] as const)
  referenceTest(
    `a table and ${explainer}: rows that exist, immutable columns untouched, predictions kept`,
    async () => {
      const world = inputWorld({ domain: table, model: mlp, count: 3, sensitive: "race" });
      const made = await entry.run(settings({ explainer, queries: 41, population: 10, radius: 1, ...own }), world);
      const { measurements } = await studyManipulation(made, world, { explainers: [], detectors: [] });
      const [x, z] = [await made.madeFor.clean.x.read(), await made.madeFor.manipulated.x.read()];
      check.ok(x.some((v, i) => v !== z[i]));
      const frozen = "immutable" in own && own.immutable === "none" ? [] : [3];
      if ("immutable" in own && own.immutable !== "none") frozen.push(0);
      for (let row = 0; row < 3; row++) {
        const [from, to] = [x.slice(7 * row, 7 * row + 7), z.slice(7 * row, 7 * row + 7)];
        for (const i of frozen) check.is(to[i], from[i]);
        check.is(to[4] + to[5] + to[6], 1);
        check.ok([3, 4, 5, 6].every((i) => to[i] === 0 || to[i] === 1));
        for (let i = 0; i < 3; i++) check.ok(Math.abs(to[i] - from[i]) <= 1 + 1e-6 && Math.abs(to[i]) <= 2);
        if ("steps" in own) {
          const steps = (to[0] - from[0]) / 0.25;
          check.close([steps], [Math.round(steps)], { atol: 1e-4 });
        }
      }
      const value = (metric: string): number =>
        measurements.find(
          (m) => m.metric === metric && (m.conditions as Record<string, string>)?.samples !== "held out",
        )!.value;
      check.is(value("prediction as wanted"), 1);
      check.is(value("cost: queries of a sample"), 41);
      check.ok(value("cost: model evaluations of a query") >= 2);
      const searches = measurements.filter(
        ({ conditions }) => (conditions as Record<string, string>)?.search !== undefined,
      );
      check.equal(
        [...new Set(searches.map(({ conditions }) => (conditions as Record<string, string>).search))],
        ["evolution", "random"],
      );
      const evolution = searches.filter(
        ({ conditions }) => (conditions as Record<string, string>).search === "evolution",
      );
      check.ok(evolution.at(-1)!.value < evolution[0].value);
      check.ok(made.heldOut !== undefined);
    },
  );

referenceTest("colour images: inside of the ball and of what pixels can be", async () => {
  const domain: Domain = { shape: [3, 11, 12], range: { low: 0, high: 1 } };
  const world = inputWorld({ domain, model: sequential([conv2d(4, 3), relu, flatten, dense(3)]), count: 2 });
  const made = await entry.run(
    settings({ explainer: "gradient-x-input", queries: 31, population: 10, radius: 0.1 }),
    world,
  );
  const [x, z] = [await made.madeFor.clean.x.read(), await made.madeFor.manipulated.x.read()];
  check.ok(x.some((v, i) => v !== z[i]));
  check.ok(x.every((v, i) => Math.abs(z[i] - v) <= 0.1 && z[i] >= 0 && z[i] <= 1));
  await check.rejects(() => entry.run(settings({ immutable: "race" }), world), /about columns of tables/);
});
