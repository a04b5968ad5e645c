/** The audit's row on attacks: networks whose maps nothing moves, or nearly everything. */

import { explainer } from "../../atex/explainers/explainer.js";
import {
  type AuditMeasurement,
  type AuditNumber,
  type AuditWorld,
  attacksOn,
  auditRowOf,
  type Candidate,
  CONTROLS,
  flippedBy,
  hasSlope,
  judgeAudit,
  numberOf,
  runAudit,
  tableCandidate,
} from "../../atex/index.js";
import { add, argmax, expand, mul, sin, sub, tensor } from "../../engine/index.js";
import { PIXEL_RANGE } from "../../nn/data/domain.js";
import { sampleTensor } from "../../nn/index.js";
import { readSettings } from "../../nn/schema.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { evenSplit, handWorld, ofElements } from "./handWorlds.js";
import { judged, peopleSplit } from "./tablePeople.js";

const row = auditRowOf("attack");
const noStore = { load: async () => undefined, save: async () => {} };
const quick = { eps: [0.01, 0.04], steps: 6, restarts: 0, draws: 2, queries: 41, k: 9 };
type Settings = Parameters<typeof attacksOn>[0];
const settingsOf = (given: object): Settings => readSettings(row, { ...given }) as unknown as Settings;

const SIDE = 6;
const weights = Array.from({ length: SIDE * SIDE }, (_, i) => (i % 2 ? 1 : -1) * (1 + i / 10));
const images = evenSplit([1, SIDE, SIDE], 40, 0.2, 0.8);
const pictures = { domain: { shape: [1, SIDE, SIDE], range: PIXEL_RANGE }, split: images, samples: 6 };
/** Its gradient is the same everywhere. */
const straight = (): AuditWorld => handWorld({ ...pictures, classifier: ofElements(weights) });
/** A ripple of 0.1, the gradient of which goes through a quarter of its waves within 0.04. */
const rippled = (): AuditWorld =>
  handWorld({
    ...pictures,
    classifier: ofElements(weights, (rows) => add(rows, mul(sin(mul(rows, 40)), 0.1))),
  });

async function audited(world: AuditWorld, candidate: Candidate, settings: object = {}) {
  const plan = {
    rows: [{ row: "attack", settings: { ...quick, ...settings } }],
    ...{ explainers: [candidate], controls: CONTROLS.slice(0, 1) },
  };
  const measured = await runAudit(world, plan, noStore);
  return { own: measured.get(`attack/${candidate.name}`)!, finding: judgeAudit(plan, measured)[0], measured };
}

const gradient = tableCandidate("gradient", "Gradient");
const worth = (own: AuditMeasurement, name: string, setting: string): number => numberOf(own, name, setting)!.value;

referenceTest(
  "a map that is the same everywhere holds, and predictions flip exactly where the margin is small",
  async () => {
    const world = straight();
    const { own, finding } = await audited(world, gradient);
    check.is(finding.verdict, "holds");
    check.close(
      [worth(own, "rank correlation left", "eps 0.04"), worth(own, "share of the top left", "eps 0.04")],
      [1, 1],
      { atol: 1e-9 },
    );
    check.ok(finding.caveats.some((text) => /control "random" keeps 100 %/.test(text)));
    // f(x + d) changes its sign for some |d| <= eps exactly where |w x| < eps |w|₁; all of the ball is valid.
    const total = weights.reduce((s, w) => s + Math.abs(w), 0);
    for (const eps of [0.01, 0.04]) {
      const flips = world.samples.map((i) => {
        const s = weights.reduce((sum, w, e) => sum + w * images.samples[i * weights.length + e], 0);
        return Number(Math.abs(s) < eps * total);
      });
      check.equal(numberOf(own, "predictions flipped by an attack on them", `eps ${eps}`)!.values, flips);
    }
    check.is(own.pictures![0].rows.length, 3);
    check.equal(
      own.plots!.map(({ series }) => series.length),
      [4, 4, 4],
    );
  },
);

referenceTest(
  "a rippled network keeps its predictions and not its maps; the attack does more than chance",
  async () => {
    const { own, finding } = await audited(rippled(), gradient);
    check.is(finding.verdict, "does not hold");
    check.match(finding.sentence, /at most 1 % of the range .* both intervals have to lie above 0.8 and 50 %/);
    const left = (name: string, eps: number): number => worth(own, name, `eps ${eps}`);
    check.ok(
      left("rank correlation left, attack on it", 0.04) < left("rank correlation left, random change", 0.04) - 0.1,
    );
    check.ok(left("share of the top left, attack on it", 0.04) < left("share of the top left, random change", 0.04));
    check.ok(left("shift of the centre in pixels", 0.04) > 0);
    for (const name of [
      "rank correlation left",
      "share of the top left",
      "share of the top left, a few pixels off allowed",
    ]) {
      const [near, far] = [0.01, 0.04].map((eps) => numberOf(own, name, `eps ${eps}`)!);
      check.ok(
        far.values!.every((v, i) => v <= near.values![i]),
        name,
      );
      const aimed = numberOf(own, name === "rank correlation left" ? `${name}, attack on it` : name, "eps 0.04")!;
      check.ok(
        far.values!.every((v, i) => v <= aimed.values![i]),
        name,
      );
    }
  },
);

referenceTest("what only asks for outputs is attacked by queries alone, and says so", async () => {
  check.equal(
    ["gradient", "lime", "kernel-shap", "sparsified-smoothgrad"].map((name) => hasSlope(tableCandidate(name, ""))),
    [true, false, false, false],
  );
  // No explainer of the table, and without any slope: 1 or 0 for whether a pixel's cell is an even one.
  const blocky: Candidate = {
    ...{ name: "cells", title: "Cells", control: false },
    make: async () =>
      explainer({ name: "cells", scope: "local", access: "model-agnostic", source: "a test" }, (_, x) =>
        add(sin(mul(x, 300)), expand(tensor(Float32Array.from(weights, Math.abs), [1, 1, SIDE, SIDE]), x.shape)),
      ),
  };
  const { own, finding } = await audited(straight(), blocky);
  check.is(worth(own, "attacked by queries alone", undefined as never), 1);
  check.ok(finding.caveats.some((text) => /by queries alone/.test(text)));
  check.ok(worth(own, "rank correlation left", "eps 0.04") < 1);
});

const people = (): AuditWorld =>
  handWorld({
    ...{ domain: judged, split: peopleSplit(60, 5), samples: 8, sensitive: "debts" },
    classifier: ofElements([1, 0.7, 0.2, -0.2, 0.6, 0.1], (rows) => sub(rows, 0.3)),
    settings: { lime: { samples: 60 } },
  });

referenceTest(
  "in tables numbers move by their reach, and flags, categories and the sensitive column stay",
  async () => {
    const world = people();
    const x = sampleTensor(world.test, world.samples);
    const settings = settingsOf({ ...quick, k: 2 });
    for (const name of ["gradient-x-input", "lime"]) {
      const attacks = await attacksOn(settings, world, tableCandidate(name, name), { x, from: 0 });
      const found = await attacks.attacked(0.1);
      check.equal(
        found.map(({ aim }) => aim),
        ["ranks", "top"],
        name,
      );
      if (name !== "lime") {
        const both = await attacksOn({ ...settings, search: "both" }, world, tableCandidate(name, name), {
          x,
          from: 0,
        });
        check.equal(
          (await both.attacked(0.1)).map(({ aim }) => aim),
          ["ranks", "ranks", "top", "top"],
        );
      }
      const chance = await attacks.random(0.1, 0);
      const before = await x.read();
      const classes = Array.from(await argmax(world.classifier(x), 1).read());
      for (const { images: z, kept } of [
        ...found.map(({ images }) => ({ images, kept: classes.map(() => true) })),
        chance,
      ]) {
        const after = await z.read();
        const now = Array.from(await argmax(world.classifier(z), 1).read());
        check.equal(
          now.map((c, i) => c === classes[i]),
          kept,
          name,
        );
        // A range of 8, of which a tenth is 0.8.
        for (let i = 0; i < after.length; i++) {
          const most = i % 6 === 0 ? 0.8 : 0;
          check.ok(
            Math.abs(after[i] - before[i]) <= most,
            `${name}: element ${i % 6} moved by ${after[i] - before[i]}`,
          );
        }
        check.ok(
          after.some((v, i) => v !== before[i]),
          `${name}: nothing moved`,
        );
      }
    }
    check.ok((await flippedBy(settings, world, { x, from: 0 }, 0.5)).some(Boolean));
  },
);

referenceTest("a table is audited without pictures; where nothing may move it is not tested", async () => {
  const { own, finding } = await audited(people(), tableCandidate("gradient", "Gradient"), { k: 2 });
  check.is(finding.verdict, "holds");
  check.equal(own.pictures, []);
  check.is(numberOf(own, "shift of the centre in pixels"), undefined);
  const frozen = { ...judged, features: judged.features!.map((f) => ({ ...f, kind: "binary" as const })) };
  const world = { ...people(), domain: frozen };
  const { finding: refused } = await audited(world, tableCandidate("gradient", "Gradient"), { k: 2 });
  check.is(refused.verdict, "not tested");
  check.match(refused.sentence, /no feature is left that may change/);
});

test("verdicts follow from numbers alone", () => {
  const number = (name: string, value: number, half = 0.05): AuditNumber => ({
    ...{ name, setting: "eps 0.01", value, low: value - half, high: value + half, n: 10 },
    values: new Array(10).fill(value),
  });
  const settings = { eps: [0.01], kept: 0.8, keptTop: 0.5 };
  const measured = (ranks: number, top: number, extra: readonly AuditNumber[] = []): AuditMeasurement => ({
    numbers: [
      number("rank correlation left", ranks),
      number("share of the top left", top),
      number("predictions flipped by an attack on them", 0.2),
      ...extra,
    ],
  });
  const verdict = (ranks: number, top: number): string => row.judge(measured(ranks, top), {}, settings).verdict;
  check.equal(
    [verdict(0.9, 0.7), verdict(0.84, 0.7), verdict(0.9, 0.54), verdict(0.3, 0.2)],
    ["holds", ...new Array(3).fill("does not hold")],
  );
  const { caveats } = row.judge(
    measured(0.9, 0.3, [
      number("share of the top left, a few pixels off allowed", 0.8),
      number("rank correlation left, attack on it", 0.9),
      number("rank correlation left, random change", 0.85),
    ]),
    { noise: measured(1, 1), other: measured(0.1, 1) },
    settings,
  );
  const says = (words: RegExp): boolean => caveats.some((text) => words.test(text));
  check.ok(says(/80 % of the top is left where places may be a pixel off/));
  check.ok(says(/random changes of the same size do as much to rank correlation/));
  check.ok(says(/control "noise" keeps 100 %/) && !says(/"other"/));
  const single = {
    numbers: measured(0.9, 0.9).numbers.map((one) => ({ ...one, low: Number.NaN, high: Number.NaN, n: 1 })),
  };
  check.is(row.judge(single, {}, settings).verdict, "not tested");
});
