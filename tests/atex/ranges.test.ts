/** Numbers out of range are refused where they are given, not in the middle of a training or an attack. */
import {
  AUDIT_TABLE,
  atex,
  betaSmoothingDetector,
  DEFENCES,
  EXPLAINER_TABLE,
  ensembleMembers,
  explainerMaker,
  fairwashingLoss,
  freshGradients,
  gradient,
  lga,
  linf,
  MANIPULATION_TABLE,
  METRIC_TABLE,
  manipulationEntryOf,
  naive,
  OBJECTIVE_TABLE,
  r2et,
  shownBy,
  softened,
} from "../../atex/index.js";
import { random, type Tensor, tensor } from "../../engine/index.js";
import { type Fields, readSettings } from "../../nn/schema.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { ofElements } from "./handWorlds.js";

interface Row {
  readonly name: string;
  readonly options: Fields;
}
const tables: Readonly<Record<string, readonly Row[]>> = {
  defence: DEFENCES,
  objective: OBJECTIVE_TABLE,
  manipulation: MANIPULATION_TABLE,
  "row of an audit": AUDIT_TABLE,
  explainer: EXPLAINER_TABLE,
  metric: METRIC_TABLE,
};

/** Settings that may have either sign, and why. */
const SIGNED: Readonly<Record<string, string>> = {
  "explainer deep-lift: reference": "an input",
  "explainer exact-shapley: baseline": "an input",
  "explainer kernel-shap: baseline": "an input",
  "explainer lime: baseline": "an input",
  "explainer occlusion: baseline": "an input",
  "manipulation black-box: changed": "a statistic",
  "manipulation fooling: high": "a statistic",
  "manipulation fooling: low": "a statistic",
  "manipulation ghorbani: bound": "a statistic",
  "manipulation input-shift: amount": "a shift",
  "manipulation scaffolding: threshold": "log odds",
  "row of an audit relevance: shift": "a shift",
};

/** Whether a schema, or one of what is in its list or record, takes numbers however small. */
function isUnbounded(json: Readonly<Record<string, unknown>>): boolean {
  const inside = [json.items, json.additionalProperties].filter((one) => typeof one === "object" && one !== null);
  if (inside.length > 0) return inside.some((one) => isUnbounded(one as Readonly<Record<string, unknown>>));
  return /number|integer/.test(String(json.type)) && json.minimum === undefined && json.exclusiveMinimum === undefined;
}

test("every setting with a number says from where to where, but for those of either sign", () => {
  const signed = Object.entries(tables).flatMap(([table, rows]) =>
    rows.flatMap((row) =>
      Object.entries(row.options)
        .filter(([, { json }]) => isUnbounded(json))
        .map(([name]) => `${table} ${row.name}: ${name}`),
    ),
  );
  check.equal(signed.sort(), Object.keys(SIGNED).sort());
});

test("numbers of settings out of range are refused in the name of the row", () => {
  const rowOf = (table: string, name: string): Row => tables[table].find((row) => row.name === name)!;
  const wrong: [table: string, row: string, settings: Record<string, unknown>, message: RegExp][] = [
    ["defence", "lga", { l2: -1 }, /^lga\.l2: -1 came; a number of at least 0 is needed$/],
    ["defence", "fgsm", { clean: 1.5 }, /^fgsm\.clean: 1\.5 came; a number of at least 0 and at most 1 is needed$/],
    ["defence", "igr", { clean: 2 }, /^igr\.clean: 2 came; a number of at least 0 and at most 1 is needed$/],
    ["defence", "atex", { temperature: 0 }, /^atex\.temperature: 0 came; a number above 0 is needed$/],
    ["manipulation", "fooling", { twinBeta: 0 }, /^fooling\.twinBeta: 0 came; a number above 0 is needed$/],
    ["manipulation", "fooling", { share: 0 }, /^fooling\.share: 0 came; a number above 0 and at most 1 is needed$/],
    ["manipulation", "backdoor", { twinBeta: 0 }, /^backdoor\.twinBeta: 0 came; a number above 0 is needed$/],
    [
      "manipulation",
      "backdoor",
      { low: 2 },
      /^backdoor\.low: 2 came; a number of at least -1 and at most 1 is needed$/,
    ],
    ["manipulation", "patch", { side: 0 }, /^patch\.side: 0 came; a number above 0 is needed$/],
    [
      "manipulation",
      "backdoor",
      { explainer: "gradiant" },
      /^backdoor\.explainer: "gradiant" came; .* did you mean gradient\?$/,
    ],
  ];
  for (const [table, row, settings, message] of wrong)
    check.throws(() => readSettings(rowOf(table, row), settings), message);
});

const entryOf = (name: string) => DEFENCES.find((entry) => entry.name === name)!;

referenceTest("functions refuse numbers out of range where they are given", async () => {
  const ball = linf(0.1);
  const washed = { explainer: gradient, wanted: (x: Tensor) => x };
  const teacher = ofElements([1, 2]);
  const lesson = { teacher, directions: freshGradients(), delta1: 0.1 };
  const wrong: [call: () => unknown, message: RegExp][] = [
    [() => lga({ ball, l2: -1 }), /^lga: l2 is -1; a number of at least 0 is needed$/],
    [() => lga({ ball, cosine: -1 }), /^lga: cosine is -1; a number of at least 0 is needed$/],
    [() => naive({ ball, a1: -1 }), /^naive: a1 is -1; a number of at least 0 is needed$/],
    [() => naive({ ball, a2: -1 }), /^naive: a2 is -1; /],
    [() => naive({ ball, neighbours: 0 }), /^naive: neighbours is 0; an integer of at least 1 is needed$/],
    [
      () => naive({ ball, a1: 0, a2: 0, weight: 0 }),
      /^naive: a1, a2, weight are 0; one term of the loss has to count$/,
    ],
    [() => entryOf("naive").check?.({ a1: 0, a2: 0, weight: 0 }, 0.1), /^naive: a1, a2, weight are 0; /],
    [() => r2et({ gap: -1 }), /^r2et: gap is -1; a number of at least 0 is needed$/],
    [() => r2et({ curvature: -1 }), /^r2et: curvature is -1; /],
    [() => r2et({ step: 0 }), /^r2et: step is 0; a positive number is needed$/],
    [() => r2et({ k: 1.5 }), /^r2et: k is 1\.5; an integer of at least 1 is needed$/],
    [() => r2et({ k: 2, margin: 3 }), /^r2et: margin 3 given for k 2; at most k is needed$/],
    [() => atex({ ...lesson, temperature: 0 }), /^atex: temperature is 0; a positive number is needed$/],
    [() => atex({ ...lesson, studentTemperature: 0 }), /^atex: studentTemperature is 0; /],
    [() => atex({ ...lesson, copies: 0 }), /^atex: copies is 0; an integer of at least 1 is needed$/],
    [
      () => fairwashingLoss({ teacher, ...washed, beta: 0 }),
      /^fairwashingLoss: beta is 0; a positive number is needed$/,
    ],
    [
      () => fairwashingLoss({ teacher, ...washed, share: 2 }),
      /^fairwashingLoss: share is 2; a number from 0 to 1 is needed$/,
    ],
    [() => softened(teacher, [2], 0), /^softened: beta is 0; a positive number is needed$/],
    [() => betaSmoothingDetector({ beta: 0 }), /beta is 0; a positive number is needed$/],
    [() => atex({ ...lesson, terms: "second", alpha: 0 }), /^atex: alpha is 0; one term of the loss has to count$/],
  ];
  for (const [call, message] of wrong) check.throws(call, message);
  const shape = [2, 3];
  await check.rejects(
    () => ensembleMembers({ shape, key: random.key(1), k: 0 }),
    /^ensembleMembers: k is 0; an integer of at least 1 /,
  );
  const domain = { shape: [2], range: { low: 0, high: 1 } };
  const explaining = { domain, background: tensor([0, 0], [1, 2]), seed: 0 };
  const world = { classifier: teacher, domain, explainer: explainerMaker(explaining), explaining };
  await check.rejects(
    () => shownBy(world, { explainer: "gradient", twinBeta: 0 }),
    /^shownBy: twinBeta is 0; a positive number /,
  );
});

referenceTest("a fooling of which nothing could count as fooled is refused before any training", async () => {
  const entry = manipulationEntryOf("fooling");
  const world = { classes: ["a", "b"] } as never;
  const run = async (settings: Record<string, unknown>) => entry.run(readSettings(entry, settings), world);
  await check.rejects(
    () => run({ low: 0.5 }),
    /^fooling: low 0\.5 and high 0\.2, between which nothing counts as fooled; /,
  );
  await check.rejects(() => run({ objective: "active", high: 0 }), /^fooling: low 0\.5 and high 0, between which /);
});

referenceTest("a class that is good to get has to be one of the network's, before any training", async () => {
  const entry = manipulationEntryOf("concealment");
  const run = async () => entry.run(readSettings(entry, { favourable: 2 }), { classes: ["a", "b"] } as never);
  await check.rejects(run, /^concealment: favourable 2 of 2 classes; 0 to 1 is needed$/);
});
