/** A small network that is trained to show other maps, from settings to study and claims. */

import { type CellOutcome, quantities } from "../../atex/experiments/index.js";
import { manipulationEntryOf, shownBy, studyManipulation } from "../../atex/index.js";
import { grad, leaves, sum, type Tree, tensor } from "../../engine/index.js";
import { readSettings } from "../../nn/schema.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { accuracyOf, honestWorld, SHAPE } from "./honestNet.js";

const entry = manipulationEntryOf("fooling");
const quick = { epochs: 6, batch: 16, learningRate: 0.01 };

referenceTest(
  "location: the map moves to the frame on samples that were not trained on, the honest network stays",
  async () => {
    using honest = await honestWorld();
    const world = { ...honest, samples: [0, 1, 2, 3] };
    const before = await Promise.all(leaves(world.params).map((t) => t.read()));
    const made = await entry.run(readSettings(entry, { ...quick, width: 1, weight: 5 }), world);
    const { measurements } = await studyManipulation(made, world, { explainers: ["gradient-x-input"], detectors: [] });
    const of = (metric: string, samples: string, explainer = "gradient"): number =>
      measurements.find(
        (one) => one.metric === metric && one.conditions?.samples === samples && one.conditions.explainer === explainer,
      )!.value;
    check.ok(of("statistic", "held out") < 0.9 * of("statistic before", "held out"), "lies further out");
    check.ok(Number.isFinite(of("fooled", "made for", "gradient-x-input")));
    check.ok((await accuracyOf(made.heldOut!.manipulated.classifier, world.test)) >= 0.8);
    const after = await Promise.all(leaves(world.params).map((t) => t.read()));
    for (const [i, values] of before.entries()) check.identical(after[i], values);
    check.equal(
      leaves(made.params!).map(({ shape }) => shape),
      leaves(world.params).map(({ shape }) => shape),
    );
    check.ok(measurements.filter(({ metric }) => metric === "AOPC").length === 5);
  },
);

referenceTest("active: asks for two classes that there are, and explains both on images that hold both", async () => {
  using world = await honestWorld();
  const settings = { ...quick, objective: "active", epochs: 1, first: "bottom", second: "top", holding: "blended" };
  const made = await entry.run(readSettings(entry, settings), world);
  check.equal(made.heldOut!.clean.x.shape, [8, ...SHAPE]);
  const { measurements } = await studyManipulation(made, world, { explainers: [], detectors: [] });
  // The untouched network's map of a class is its own: r(c1, c2) − 1, of which nothing counts as fooled.
  const before = measurements.find(({ metric }) => metric === "statistic before")!;
  check.ok(before.value <= 0 && before.value >= -2, String(before.value));
  check.is(measurements.find(({ metric }) => metric === "fooled before")!.value, 0);
  check.ok(measurements.some(({ metric }) => metric === "fooled, the second class"));
  await check.rejects(
    () => entry.run(readSettings(entry, { objective: "active", first: "top", second: "top" }), world),
    /class top twice/,
  );
});

referenceTest(
  "through a gradient a softplus twin is trained, through LRP the network; not through what has no derivative",
  async () => {
    using world = await honestWorld();
    const { train } = world;
    const x = tensor(Float32Array.from(train.samples.subarray(0, 2 * 396)), [2, ...SHAPE]);
    const classes = tensor(Int32Array.of(0, 1));
    const at = async (name: string, twinBeta: number, layer?: string) =>
      shownBy(world, { explainer: name, twinBeta, layer });
    for (const [name, same] of [
      ["gradient", false],
      ["lrp", true],
    ] as const) {
      const shown = await at(name, 5);
      const [exact, trained] = [shown.exact, shown.trained].map((map) => map(world.classifier, x, classes).read());
      check.is((await exact).join() === (await trained).join(), same, name);
      // The twin of a sharp softplus is the network.
      if (!same)
        check.close(await (await at(name, 1e5)).trained(world.classifier, x, classes).read(), await exact, {
          atol: 1e-3,
        });
    }
    const inside = await at("gradient-x-input", 20, "act");
    const slope = grad((p: Tree) => sum(inside.trained((z) => world.model.apply(p, z), x, classes)))(world.params);
    check.ok((await Promise.all(leaves(slope).map((t) => t.read()))).some((values) => values.some((v) => v !== 0)));
    check.ok(inside.explainer !== undefined && (await at("lrp", 20)).explainer === undefined);
    await check.rejects(() => at("lime", 20), /lime: no network can be trained through it; there is gradient, /);
  },
);

/** Quantities of one experiment, as if two seeds had been measured. */
const claimed = (measured: readonly (readonly [string, number, Readonly<Record<string, string>>])[]) => {
  const outcomes = [0, 1].map((seed) => ({
    cell: { id: `x-${seed}`, experiment: "x", data: "shapes", scheme: "normal", seed },
    measurements: measured.map(([metric, value, conditions]) => ({
      ...{ scheme: "normal", metric, value: value + seed * 1e-4, conditions, count: 5 },
    })),
  })) as unknown as CellOutcome[];
  const findings = { name: "x", experiment: {}, config: {}, all: quantities(outcomes) };
  return entry.claims!(findings as never).map(({ verdict }) => verdict);
};
const about = (fooled: number, transfers: number, smooth: number, lost: number, used: number) =>
  [
    ["fooled", fooled, { samples: "made for", explainer: "lrp" }],
    ["fooled", fooled, { samples: "held out", explainer: "lrp" }],
    ["fooled", transfers, { samples: "made for", explainer: "gradient" }],
    ["fooled", smooth, { samples: "made for", explainer: "smoothgrad" }],
    ["fooled before", 0.1, { samples: "made for", explainer: "gradient" }],
    ["fooled before", 0.1, { samples: "made for", explainer: "smoothgrad" }],
    ["accuracy before", 0.9, {}],
    ["accuracy", 0.9 - lost, {}],
    ["AOPC", used, { network: "fooled", order: "honest maps" }],
    ["AOPC", 0.2, { network: "fooled", order: "random" }],
    ["AOPC", 0.1, { network: "fooled", order: "fooled maps" }],
  ] as const;

test("what the paper says is found where the numbers say so, and not where they do not", () => {
  check.equal(claimed(about(0.9, 0.5, 0.2, 0.01, 0.4)), ["holds", "holds", "holds", "holds", "holds"]);
  check.equal(claimed(about(0.7, 0.05, 0.2, 0.03, 0.15)), [
    "does not hold",
    "does not hold",
    "does not hold",
    "does not hold",
    "does not hold",
  ]);
});
