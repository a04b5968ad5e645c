/** Concealed unfairness: the loss and its derivative by hand, and a column that drops out of a network's explanations. */
import { concealmentLoss, manipulationEntryOf, rankStatistic, studyManipulation } from "../../atex/index.js";
import { departures, groupsBy, useOf } from "../../atex/manipulations/models/concealmentMeasures.js";
import { dispose, random, tensor, valueAndGrad } from "../../engine/index.js";
import { readSettings } from "../../nn/schema.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { x } from "./lesson.js";
import * as by from "./mlp.js";
import { domain, rowsOf, withTableWorld } from "./smallWorlds.js";

const labels = [0, 2, 1, 0];
const columns = [1, 4];

const expected = (m: by.Mlp, weight: number): number =>
  by.average(
    x.map((row, i) => {
      const slope = by.lossSlope(m, row, labels[i]);
      return by.crossEntropy(m, row, labels[i]) + weight * columns.reduce((s, c) => s + Math.abs(slope[c]), 0);
    }),
  );

referenceTest(
  "the loss is cross-entropy and the size of its slope along the column, and so is its derivative",
  async () => {
    const [m, direction] = [by.mlp(1), by.mlp(9)];
    const batch = tensor(x);
    const y = tensor(Int32Array.from(labels));
    const context = { training: true, key: random.key(0), indices: y };
    for (const weight of [0, 3]) {
      const loss = concealmentLoss(columns, { weight });
      const [value, gradient] = valueAndGrad((p) => loss(by.model, p, batch, y, context)[0])(by.parameters(m));
      check.close(await value.read(), [expected(m, weight)], { rtol: 1e-9 });
      const h = 1e-5;
      const slope =
        (expected(by.moved(m, direction, h), weight) - expected(by.moved(m, direction, -h), weight)) / (2 * h);
      check.close([await by.along(gradient, direction)], [slope], { rtol: 1e-6 });
    }
  },
);

test("groups: second value of two, above the training median, all but the most frequent category", () => {
  const split = (...rows: number[][]) => ({
    shape: [5],
    samples: Float32Array.from(rows.flat()),
    labels: new Int32Array(rows.length),
  });
  const training = split([0, 1, 0, 1, 0], [1, 2, 0, 0, 1], [0, 9, 0, 1, 0], [1, 4, 0, 1, 0]);
  const rows = split([1, 3, 0, 0, 1], [0, 3.5, 0, 1, 0]);
  const [sex, proxy, , town] = domain.features!;
  check.equal(groupsBy(sex, training, rows), [1, 0]);
  // The median of 1 2 4 9 is 3.
  check.equal(groupsBy(proxy, training, rows), [0, 1]);
  check.equal(groupsBy(town, training, rows), [1, 0]);
});

test("who left the first rank is asked where the honest network has it there", () => {
  const ranks = { honest: [1, 2, 1, 1], control: [1, 1, 1, 2], concealed: [2, 1, 4, 1] };
  check.equal(
    departures(ranks, "lime").map(({ value, count, conditions }) => [conditions!.network, value, count]),
    [
      ["control", 1 / 3, 3],
      ["concealed", 2 / 3, 3],
    ],
  );
  check.equal(departures({ ...ranks, honest: [2, 2, 2, 2] }, "lime"), []);
});

referenceTest("use of a column: none where the network does not read it", async () => {
  const read = (column: number) => (z: Parameters<typeof by.model.apply>[1]) =>
    by.model.apply(
      by.parameters({
        ...by.mlp(1),
        w1: by.mlp(1).w1.map((row) => row.slice(0, 5).map((v, c) => (c === column ? 0 : v))),
      }),
      z,
    );
  const networks = { honest: read(0), control: read(1), concealed: read(9) };
  const [honest, control, concealed] = await useOf(networks, rowsOf(20, 3), domain.features![0]);
  check.is(honest.value, 0);
  check.ok(control.value > 1e-4 && concealed.value > 1e-4);
});

referenceTest("the statistic is the rank among columns, those of a category taken together", async () => {
  const statistic = rankStatistic({ domain }, 3);
  const maps = tensor([
    [0.1, -0.5, 0, 0.3, 0.3],
    [0.1, -0.5, 0, 0.3, -0.3],
  ]);
  // 0.6 is more than 0.5; 0 is less than 0.5 and 0.1 and no less than 0.
  check.equal(Array.from(await statistic.of({ manipulated: maps } as never)), [1, 3]);
  check.equal(statistic.interval, { low: 2 });
});

gpuTest("a column drops out of the explanations while predictions stay, and what was measured says so", () =>
  withTableWorld(async (world) => {
    const entry = manipulationEntryOf("concealment");
    const settings = { epochs: 20, batch: 32, learningRate: 0.01, rows: 40, ranked: ["gradient", "guided-backprop"] };
    const made = await entry.run(readSettings(entry, settings), world);
    const { measurements } = await studyManipulation(made, world, { explainers: [], detectors: [] });
    const of = (metric: string, conditions: Record<string, unknown>): number =>
      measurements.find(
        (one) => one.metric === metric && Object.entries(conditions).every(([k, v]) => one.conditions?.[k] === v),
      )!.value;
    const first = { explainer: "gradient", rank: 1 };
    check.ok(of("share of rows", { network: "honest", ...first }) > 0.9, "the honest network uses it");
    check.ok(of("share of rows", { network: "concealed", ...first }) < 0.1);
    check.ok(of("left the first rank", { network: "concealed", explainer: "guided-backprop" }) > 0.9);
    check.ok(of("left the first rank", { network: "control", explainer: "gradient" }) < 0.1);
    check.ok(of("fooled", { samples: "held out" }) > 0.9);
    check.ok(Math.abs(of("accuracy lost", {})) < 0.05);
    // What one column may no longer say, the other one does.
    check.ok(Math.abs(of("demographic parity", { network: "concealed" })) > 0.8);
    const ranks = ["gradient", "guided-backprop"].flatMap((explainer) =>
      measurements.filter((m) => m.metric === "share of rows" && m.conditions?.explainer === explainer),
    );
    check.close([ranks.reduce((sum, { value }) => sum + value, 0)], [4], { rtol: 1e-6 });
    dispose(made.params);
  }),
);

gpuTest("data without a sensitive column, and an unknown one, are refused", () =>
  withTableWorld(async (world) => {
    const entry = manipulationEntryOf("concealment");
    const run = (settings: Record<string, unknown>, given: Partial<typeof world>) =>
      entry.run(readSettings(entry, settings), { ...world, ...given });
    const bare = /^concealment: these data name no sensitive column; name one of sex, proxy, noise, town$/;
    await check.rejects(() => run({}, { sensitive: undefined }), bare);
    await check.rejects(() => run({ column: "age" }, {}), /feature "age" is unknown; there is sex, proxy/);
  }),
);
